//! A witness over HTTP on this machine, asked by the log's own client and by one that lies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeSet, sync::Arc};

use pmh_audit::{
    Checkpoint, Hash, SigningKey,
    note::{Cosigned, CosigningKey},
    tree::{consistency_path, leaf_hash, root_of},
    witness::AddCheckpoint,
};
use pmh_store::{Location, WitnessStore};
use pmh_witness::{
    feed::{FeedError, Said, UrlError, WitnessUrl},
    judge::{Refusal, judge},
    role::Witness,
    serve::serve,
};
use proptest::prelude::*;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ORIGIN: &str = "audit.pmh.example/gateway";
const NOW: u64 = 1_795_000_000;

fn log() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn leaves(count: usize, history: u8) -> Vec<Hash> {
    (0..count)
        .map(|n| leaf_hash(&[history, u8::try_from(n % 251).unwrap(), u8::try_from(n / 251).unwrap()]))
        .collect()
}

fn request(leaves: &[Hash], old: usize, new: usize) -> AddCheckpoint {
    let proof = match old {
        0 => vec![],
        _ => consistency_path(old as u64, new as u64, |range| {
            let place = |index: u64| usize::try_from(index).unwrap();
            Ok::<_, std::convert::Infallible>(leaves[place(range.start)..place(range.end)].to_vec())
        })
        .unwrap(),
    };
    let checkpoint = Checkpoint::new(ORIGIN, new as u64, root_of(&leaves[..new])).unwrap();
    AddCheckpoint::new(old as u64, proof, checkpoint.sign(&log()).unwrap()).unwrap()
}

async fn witness(dir: &TempDir) -> Witness {
    let memory = WitnessStore::open(&Location::Sqlite(dir.path().join("witness.db"))).await.unwrap();
    let key = CosigningKey::from_seed("witness.example/w1", &[9; 32]).unwrap();
    Witness::new(key, [log().verifier().clone()], memory, Arc::new(|| NOW))
}

fn tls() -> Arc<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    Arc::new(config.unwrap().with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[tokio::test]
async fn a_log_and_its_witness_over_http() {
    let dir = TempDir::new().unwrap();
    let witness = Arc::new(witness(&dir).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(serve(Arc::clone(&witness), listener, None, stop.clone()));
    let url = WitnessUrl::parse(&url, tls()).unwrap();
    let leaves = leaves(900, 1);

    let first = request(&leaves, 0, 300);
    let Said::Lines(lines) = url.add_checkpoint(&first).await.unwrap() else { panic!("no line") };
    let note = format!("{}{lines}", first.note());
    let cosigned =
        Cosigned::open(note.as_bytes(), log().verifier(), &[witness.key().verifier().clone()]).unwrap();
    assert_eq!(cosigned.cosignatures()[0].time(), NOW);
    assert_eq!(cosigned.checkpoint().size(), 300);

    assert_eq!(url.add_checkpoint(&request(&leaves, 0, 900)).await.unwrap(), Said::Size(300));
    assert!(matches!(url.add_checkpoint(&request(&leaves, 300, 900)).await.unwrap(), Said::Lines(_)));
    stop.cancel();
}

#[tokio::test]
async fn i23_a_witness_remembers_across_a_restart_and_never_goes_back() {
    let dir = TempDir::new().unwrap();
    let grown = leaves(700, 1);
    witness(&dir).await.add_checkpoint(request(&grown, 0, 700).encode().as_bytes()).await.unwrap();
    let again = witness(&dir).await;
    let ask = async |request: AddCheckpoint| again.add_checkpoint(request.encode().as_bytes()).await;
    assert_eq!(ask(request(&grown, 0, 500)).await, Err(Refusal::Conflict(700)));
    assert_eq!(ask(request(&grown, 500, 600)).await, Err(Refusal::Conflict(700)));
    let mut other = leaves(900, 2);
    assert_eq!(ask(request(&other, 700, 900)).await, Err(Refusal::Inconsistent));
    assert_eq!(ask(request(&other, 700, 700)).await, Err(Refusal::Conflict(700)));
    other[..700].copy_from_slice(&grown);
    ask(request(&other, 700, 900)).await.unwrap();
    // The same again is harmless: the answer may have been lost.
    ask(request(&other, 900, 900)).await.unwrap();
}

#[tokio::test]
async fn i23_of_two_requests_racing_at_most_one_history_is_cosigned() {
    let dir = TempDir::new().unwrap();
    let witness = Arc::new(witness(&dir).await);
    let mut asked = tokio::task::JoinSet::new();
    for history in 0..16_u8 {
        let witness = Arc::clone(&witness);
        asked.spawn(async move {
            let leaves = leaves(40, history);
            witness.add_checkpoint(request(&leaves, 0, 40).encode().as_bytes()).await.map(|_| history)
        });
    }
    let mut cosigned = BTreeSet::new();
    while let Some(done) = asked.join_next().await {
        match done.unwrap() {
            Ok(history) => drop(cosigned.insert(history)),
            Err(refusal) => assert_eq!(refusal, Refusal::Conflict(40)),
        }
    }
    assert_eq!(cosigned.len(), 1);
}

#[tokio::test]
async fn who_is_not_the_log_is_refused() {
    let dir = TempDir::new().unwrap();
    let witness = witness(&dir).await;
    let checkpoint = |origin: &str, signer: &SigningKey| {
        let note = Checkpoint::new(origin, 9, [3; 32]).unwrap().sign(signer).unwrap();
        AddCheckpoint::new(0, vec![], note).unwrap().encode()
    };
    let stranger = SigningKey::from_seed("other.example/log", &[8; 32]).unwrap();
    let thief = SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let ask = async |body: String| witness.add_checkpoint(body.as_bytes()).await;
    assert_eq!(ask(checkpoint("other.example/log", &stranger)).await, Err(Refusal::UnknownLog));
    assert_eq!(ask(checkpoint(ORIGIN, &thief)).await, Err(Refusal::Unsigned));
    assert_eq!(ask("old 0\n".to_owned()).await, Err(Refusal::Malformed));
    assert_eq!(
        ask(request(&leaves(9, 1), 0, 9).encode().replace("old 0", "old 10")).await,
        Err(Refusal::Malformed)
    );
}

#[tokio::test]
async fn http_says_what_the_specification_says() {
    let dir = TempDir::new().unwrap();
    let witness = Arc::new(witness(&dir).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(serve(Arc::clone(&witness), listener, None, stop.clone()));
    let elsewhere = WitnessUrl::parse(&format!("http://{address}/elsewhere"), tls()).unwrap();
    let asked = elsewhere.add_checkpoint(&request(&leaves(3, 1), 0, 3)).await;
    assert!(matches!(asked, Err(FeedError::Refused(404))), "{asked:?}");
    stop.cancel();
    drop(witness);
    let gone = WitnessUrl::parse("http://127.0.0.1:1/", tls()).unwrap();
    assert!(matches!(gone.add_checkpoint(&request(&leaves(3, 1), 0, 3)).await, Err(FeedError::Unreachable)));
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    let parse = |url| WitnessUrl::parse(url, tls()).map(drop);
    assert_eq!(parse("https://witness.example/w1"), Ok(()));
    assert_eq!(parse("http://[::1]:8080"), Ok(()));
    assert_eq!(parse("http://witness.example/"), Err(UrlError::Plain));
    for wrong in ["", "witness.example", "ftp://witness.example", "https://", "https://w.example/?x"] {
        assert_eq!(parse(wrong), Err(UrlError::Form), "{wrong}");
    }
}

proptest! {
    /// Against the definition: a checkpoint follows if and only if its first leaves are those cosigned before.
    #[test]
    fn i23_judged_as_the_leaves_themselves_say(known in 0_usize..40, more in 0_usize..40, forked in any::<bool>(), at in 0_usize..40) {
        let history = leaves(80, 1);
        let mut next = history.clone();
        let fork = at.min(known.saturating_sub(1));
        if forked && known > 0 {
            next[fork] = [0xee; 32];
        }
        let size = known + more;
        prop_assume!(size > 0);
        let request = request(&next, known, size);
        let checkpoint = Checkpoint::open(request.note().as_bytes(), log().verifier()).unwrap();
        let head = (known > 0).then(|| (known as u64, root_of(&history[..known])));
        let judged = judge(head, &request, &checkpoint);
        prop_assert_eq!(judged.is_ok(), !(forked && known > 0));
    }
}
