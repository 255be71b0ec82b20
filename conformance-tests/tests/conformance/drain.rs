//! The process: SIGTERM drains, and a sandbox starts again where it stood.

use std::sync::Arc;
use std::time::Duration;

use pmh_conformance::counter::{organization, outcomes};
use pmh_conformance::{Server, Town, clock, town as rows};
use pmh_proto::common::BulkHeader;
use pmh_proto::eligibility::Outcome;
use pmh_testkit::tls::client_config;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// With calls under way and a client that finished its handshake and never speaks.
#[tokio::test]
async fn r_edg_sigterm_lets_calls_end_and_waits_for_nobody_silent() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path()).await.unwrap();
    let target = server.target().unwrap();
    let town = Town::hachioji(&target).await.unwrap();

    let identity =
        target.pki().terminal("urn:x-pmh:org:clinic:1310310243", "desk-silent", clock::now() - 60).unwrap();
    let config = client_config(&[target.pki().root().to_vec()], Some(&identity)).unwrap();
    let tcp = TcpStream::connect(&target.sandbox().address).await.unwrap();
    let name = target.sandbox().server_name.clone().try_into().unwrap();
    let silent = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();

    // A push whose sender waits for the first chunk's answer before the signal goes out.
    let prefix = pmh_conformance::names::fresh();
    let residents: Vec<_> = (0..3000)
        .map(|number| pmh_proto::resident::ResidentRow {
            row_id: format!("r-{number}"),
            resident_key: format!("c-{prefix}-{number}"),
            birth_date: clock::day(-1000).to_string(),
            ..Default::default()
        })
        .collect();
    let (told, hear) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    let header: BulkHeader = rows::batch();
    let pushing = tokio::spawn(async move {
        let progress = |_: pmh_client::Chunk<'_>| {
            if let Some(told) = told.take() {
                told.send(()).unwrap();
            }
        };
        town.issuer().clone().with_retry(pmh_client::Retry::NEVER).put(&header, residents, progress).await
    });
    hear.await.unwrap();
    let status = server.terminate(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");
    let summary = pushing.await.unwrap().expect("a call under way is finished");
    assert_eq!(summary.created, 3000);
    drop(silent);
}

#[tokio::test]
async fn p10_a_sandbox_starts_again_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path()).await.unwrap();
    let target = server.target().unwrap();
    let town = Town::hachioji(&target).await.unwrap();
    let mut child = town.settle(&target).await.unwrap();
    let log = pmh_client::LogReader::new(
        target.gateway(organization::AUDITOR).await.unwrap(),
        pmh_client::call::WhichLog::Gateway,
    );
    let before = log.newest().await.unwrap();

    server.terminate(PATIENCE).await.unwrap();
    server.restart().await.unwrap();
    let target = server.target().unwrap();
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (_, answer) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(outcomes(&answer, "88-13"), [Outcome::Eligible]);
    let log = pmh_client::LogReader::new(
        target.gateway(organization::AUDITOR).await.unwrap(),
        pmh_client::call::WhichLog::Gateway,
    );
    let after = log.newest().await.unwrap();
    assert!(after.size() > before.size());
    log.prove_growth(&before, &after).await.unwrap();
}

/// The suite's drain deadline, and some for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
