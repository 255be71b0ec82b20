//! What witnesses said, and which of it counts.

use pmh_store::{CosignedRoot, GatewayStore, StoredCosignature};

use crate::{log::flood, support::*};

const WITNESSES: [&str; 3] = ["witness.example/w1", "witness.example/w2", "witness.example/gone"];

pub(crate) async fn only_witnesses_of_today_count(place: Place) {
    let open = place.open().await;
    for _ in 0..3 {
        flood(&open, 1, 1).await;
    }
    let [first, second, third] = sizes(&open).await[..] else { panic!("three batches") };
    for (size, witness) in [(first, 0), (first, 1), (second, 0), (second, 2), (third, 2)] {
        keep(&open, size, WITNESSES[witness]).await;
    }
    let newest = async |least, witnesses: &[&str], quorum| {
        let witnesses: Vec<String> = witnesses.iter().map(|name| (*name).to_owned()).collect();
        let found = open.reader().newest_cosigned(least, &witnesses, quorum).await.unwrap();
        found.map(|CosignedRoot { size, lines, .. }| {
            let names: Vec<String> = lines.into_iter().map(|line| line.witness).collect();
            (size, names)
        })
    };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let today = &WITNESSES[..2];
    assert_eq!(newest(0, today, 1).await, Some((second, named(&WITNESSES[..1]))));
    assert_eq!(newest(0, today, 2).await, Some((first, named(today))));
    assert_eq!(newest(second, today, 2).await, None, "the second line was of somebody who is gone");
    assert_eq!(newest(0, &WITNESSES, 2).await, Some((second, named(&[WITNESSES[2], WITNESSES[0]]))));
    assert_eq!(newest(0, &[], 0).await, None);
    open.close().await;
}

async fn sizes(store: &GatewayStore) -> Vec<u64> {
    store.reader().roots(0..u64::from(u32::MAX)).await.unwrap().into_iter().map(|(size, _)| size).collect()
}

async fn keep(store: &GatewayStore, size: u64, witness: &str) {
    let line = StoredCosignature { size, witness: witness.to_owned(), line: "line\n".to_owned(), time_s: 1 };
    store.cosigner().keep(attempt(), line).await.unwrap();
}
