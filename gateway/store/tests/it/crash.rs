//! `kill -9` at random moments: what was acknowledged is there, nothing is half there.
//!
//! A failure is: an acknowledged entry missing or at another index, an
//! acknowledged row without its version, a version without its entry, a log
//! whose tree does not compute. No failure is: an entry nobody was told about.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use pmh_audit::tree::leaf_hash;
use pmh_store::{GatewayStore, Location, Page, RowVerdict};

use crate::support::*;

const CHILD: &str = "PMH_STORE_CRASH_CHILD";
const CALLERS: u32 = 8;

pub(crate) async fn nothing_acknowledged_is_lost_by_kill_9(place: Place) {
    place.open().await.close().await;
    let where_it_is = match &place.location {
        Location::Sqlite(path) => path.to_str().unwrap().to_owned(),
        Location::Postgres(url) => url.clone(),
    };
    let mut entries: BTreeMap<u64, String> = BTreeMap::new();
    let mut rows = Vec::new();
    let rounds = scaled(5, 200);
    for round in 0..rounds {
        let mut number = [0; 1];
        random(&mut number);
        for line in run_and_kill(&where_it_is, round, 1 + usize::from(number[0] / 2)) {
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

/// Lines that the child had written when it was killed, after `lines` of them.
fn run_and_kill(where_it_is: &str, round: usize, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_is_killed", "--nocapture"])
        .env(CHILD, format!("{round} {where_it_is}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut told: Vec<String> =
        output.by_ref().filter_map(|line| acknowledgement(&line)).take(lines).collect();
    child.kill().unwrap();
    told.extend(output.filter_map(|line| acknowledgement(&line)));
    child.wait().unwrap();
    assert!(told.len() >= lines, "the child ended by itself");
    told
}

/// The harness writes on the same lines.
fn acknowledgement(line: &str) -> Option<String> {
    line.split_once("ACK ").map(|(_, told)| told.to_owned())
}

/// Does nothing unless the test above starts it.
#[test]
fn child_that_is_killed() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (round, where_it_is) = told.split_once(' ').unwrap();
    let location = if where_it_is.starts_with("postgres:") {
        Location::Postgres(where_it_is.to_owned())
    } else {
        Location::Sqlite(where_it_is.into())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
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

/// One write per line, so that a line is told whole or not at all.
fn acknowledge(what: &str) {
    std::io::stdout().write_all(format!("ACK {what}\n").as_bytes()).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
