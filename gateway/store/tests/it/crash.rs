//! `kill -9` at random moments: what was acknowledged is there, nothing is half there.
//!
//! A failure is: an acknowledged entry missing or at another index, an
//! acknowledged row without its version, a version without its entry, a log
//! whose tree does not compute. No failure is: an entry nobody was told about.

use std::collections::{BTreeMap, BTreeSet};

use pmh_audit::tree::leaf_hash;
use pmh_store::{GatewayStore, Page, RowVerdict};

use crate::{
    life::{self, Life, acknowledge},
    support::*,
};

const CALLERS: u32 = 8;

pub(crate) async fn nothing_acknowledged_is_lost_by_kill_9(place: Place) {
    place.open().await.close().await;
    let mut entries: BTreeMap<u64, String> = BTreeMap::new();
    let mut rows = Vec::new();
    let rounds = scaled(5, 200);
    for round in 0..rounds {
        let mut number = [0; 1];
        random(&mut number);
        let mut life = Life::begin("crash::child_that_is_killed", &place.location, &round.to_string());
        life.read(1 + usize::from(number[0] / 2));
        life.kill();
        for line in life.end() {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("ENTRY"), Some(index), Some(hash)) => {
                    let before = entries.insert(index.parse().unwrap(), hash.to_owned());
                    assert_eq!(before, None, "an index was given twice");
                }
                (Some("ROW"), Some(certificate), None) => rows.push(certificate.to_owned()),
                // The last line may have been cut by the kill.
                _ => {}
            }
        }
        assert_kept(&place, &entries, &rows).await;
        // The tree is computed anew now and then only: unoptimized, it takes longer than the rest.
        if round % 20 == 0 || round + 1 == rounds {
            let open = place.open().await;
            assert_eq!(open.reader().check().await.unwrap().defect, None);
            open.close().await;
        }
    }
    println!("acknowledged: {} entries, {} effects", entries.len(), rows.len());
}

async fn assert_kept(place: &Place, entries: &BTreeMap<u64, String>, rows: &[String]) {
    let open = place.open().await;
    let (size, _) = open.reader().head().await.unwrap();
    let page = Page { from_index: 0, end_index: size, limit: u32::MAX };
    let stored = open.reader().entries(&page).await.unwrap();
    for (index, hash) in entries {
        let entry = stored.get(usize::try_from(*index).unwrap()).expect("an acknowledged entry is missing");
        assert_eq!(entry.index, *index);
        assert_eq!(&hex(&leaf_hash(&entry.leaf)), hash);
    }
    let mut raw = place.raw().await;
    let known: BTreeSet<String> =
        raw.texts("SELECT certificate_type_id FROM entitlement").await.into_iter().collect();
    for row in rows {
        assert!(known.contains(row), "an acknowledged effect is missing");
    }
    let halves = format!("SELECT COUNT(*) FROM entitlement WHERE entry_idx >= {size}");
    assert_eq!(raw.count(&halves).await, 0, "an effect without its entry");
    let halves = "SELECT COUNT(*) FROM entitlement e WHERE NOT EXISTS
        (SELECT 1 FROM bulk_row b WHERE b.batch_id = e.certificate_type_id)";
    assert_eq!(raw.count(halves).await, 0, "half a chunk");
    open.close().await;
}

/// Does nothing unless the test above starts it.
#[test]
fn child_that_is_killed() {
    let Some((location, round)) = life::task() else { return };
    runtime().block_on(async {
        let open = Place::at(location, None, None).open().await;
        let resident = u8::try_from(round.parse::<u32>().unwrap() % 250).unwrap();
        enrol(&open, chiyoda(), resident).await;
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(call_forever(open.store.clone(), resident, format!("{round}x{caller}")));
        }
        callers.join_all().await;
    });
}

async fn call_forever(store: GatewayStore, resident: u8, name: String) {
    for call in 0_u64.. {
        if call % 3 != 0 {
            let (_, receipt) = disclose(&store, [1; 32]).await.unwrap();
            acknowledge(&format!("ENTRY {} {}", receipt.index, hex(&leaf_hash(&receipt.leaf))));
            continue;
        }
        let certificate = format!("{name}x{call}");
        let mut version = entitlement(chiyoda(), resident, 1, 0);
        version.certificate_type_id.clone_from(&certificate);
        let rows = vec![row("1", 1, RowVerdict::Accepted(version))];
        push(&store, entitlement_chunk(chiyoda(), &certificate, rows)).await;
        acknowledge(&format!("ROW {certificate}"));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
