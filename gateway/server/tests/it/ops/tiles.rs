//! The logs as C2SP tlog-tiles, over real mutual TLS.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{Request, Response, StatusCode, header::CACHE_CONTROL};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pmh_audit::tile::{Bundle, Tile, TilePath, decode_bundle};
use pmh_audit::tree::{leaf_hash, root_of};
use pmh_audit::{Checkpoint, Hash, Kind, VerifierKey, registry::Method};
use pmh_client::receipt::from_wire;
use pmh_proto::audit::Receipt;
use pmh_testkit::tls::client_config_from_pem;
use prost::Message as _;
use rustls_pki_types::ServerName;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::rig::{AUDITOR, CLINIC, world};

/// One GET by the first terminal of an organization.
async fn get(organization: &str, path: &str) -> Response<Bytes> {
    let (dir, sandbox) = (&world().dir, &world().sandbox);
    let urn = format!("urn:x-pmh:org:{organization}");
    let known = sandbox.organizations.iter().find(|known| known.urn == urn).unwrap();
    let read = |path: &str| std::fs::read(dir.join(path)).unwrap();
    let (chain, key) = (read(&known.terminals[0].cert), read(&known.terminals[0].key));
    let mut config = client_config_from_pem(&read(&sandbox.ca), &chain, &key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let socket = TcpStream::connect(sandbox.web.trim_start_matches("https://")).await.unwrap();
    let name = ServerName::try_from(sandbox.server_name.clone()).unwrap();
    let stream = TlsConnector::from(std::sync::Arc::new(config)).connect(name, socket).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(path).header("host", &sandbox.server_name);
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

async fn checkpoint(prefix: &str, vkey: &str) -> Checkpoint {
    let response = get(CLINIC, &format!("{prefix}/checkpoint")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    let key: VerifierKey = vkey.parse().unwrap();
    Checkpoint::open(response.body(), &key).unwrap()
}

async fn hashes(prefix: &str, tile: Tile) -> Vec<Hash> {
    let response = get(CLINIC, &format!("{prefix}/{}", TilePath::Hashes(tile))).await;
    assert_eq!(response.status(), StatusCode::OK, "{}", TilePath::Hashes(tile));
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert!(response.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    tile.decode(response.body()).unwrap().to_vec()
}

#[tokio::test]
async fn i14_any_organization_rebuilds_the_signed_roots_of_both_logs_from_hash_tiles() {
    let sandbox = &world().sandbox;
    for (prefix, vkey) in [("", &sandbox.log_vkey), ("/auth", &sandbox.auth_log_vkey)] {
        let signed = checkpoint(prefix, vkey).await;
        let mut leaves = Vec::new();
        for tile in Tile::of_tree(signed.size()).filter(|tile| tile.level() == 0) {
            leaves.extend(hashes(prefix, tile).await);
        }
        assert_eq!(leaves.len() as u64, signed.size());
        assert_eq!(root_of(&leaves), *signed.root(), "{prefix}");
    }
}

#[tokio::test]
async fn i21_a_bundle_is_for_auditors_and_reading_it_is_an_entry_that_its_receipt_proves() {
    let sandbox = &world().sandbox;
    let size = checkpoint("", &sandbox.log_vkey).await.size();
    let bundle = Bundle::of_tree(size).next().unwrap();
    let path = format!("/{}", TilePath::Entries(bundle));
    assert_eq!(get(CLINIC, &path).await.status(), StatusCode::FORBIDDEN);

    let response = get(AUDITOR, &path).await;
    assert_eq!(response.status(), StatusCode::OK);
    let entries = decode_bundle(response.body(), bundle.width()).unwrap();
    let tile = hashes("", Tile::new(0, bundle.n(), bundle.width()).unwrap()).await;
    assert!(entries.iter().map(|entry| leaf_hash(entry)).eq(tile));

    let receipt = BASE64.decode(response.headers()["pmh-receipt"].as_bytes()).unwrap();
    let receipt = from_wire(&Receipt::decode(receipt.as_slice()).unwrap()).unwrap();
    let key: VerifierKey = sandbox.log_vkey.parse().unwrap();
    let (asked, answered) = (Sha256::digest(&path).into(), Sha256::digest(response.body()).into());
    let verified = receipt.verify(&key, &asked, &answered).unwrap();
    assert!(verified.index >= size, "an entry of its own, after what it shows");
    assert_eq!((verified.leaf.kind, verified.leaf.method), (Kind::AuditorQuery, Method::READ_ENTRY_BUNDLE));
    assert_eq!(verified.leaf.requester.unwrap().as_str(), AUDITOR);
}

#[tokio::test]
async fn what_is_no_path_of_the_specification_or_beyond_the_tree_is_not_found() {
    for path in [
        "/tile/0/0",
        "/tile/0/x000/000",
        "/tile/0/000.p/256",
        "/tile/0/000.p/0",
        "/tile/00/000",
        "/tile/9/000",
        "/tile/0/x999/999",
        "/tile/7/000.p/1",
        "/tile/entries/x999/999.p/3",
        "/tile/entries/1",
        "/tile/",
        "/auth/tile/0/x999/999",
        "/auth/tile/0/..%2f000",
    ] {
        assert_eq!(get(AUDITOR, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
