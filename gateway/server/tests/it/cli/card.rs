//! `pmh pki` and `pmh card`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::sandbox::{Ran, pmh, running};

fn pki(command: &str, out: &str, more: &[&str]) -> Ran {
    let dir = running().dir.join("pki");
    pmh(["pki", command, "--dir", dir.to_str().unwrap(), "--out", out].iter().chain(more))
}

#[test]
fn a_terminal_and_a_card_issued_for_a_sandbox_are_accepted_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let org = "urn:x-pmh:org:clinic:1310310243";
    assert_eq!(pki("terminal", out, &["--org", org, "--terminal", "own-1"]).code, 0);
    assert_eq!(pki("card", out, &["--name", "own", "--birth-date", "1990-04-01"]).code, 0);
    let mode = fs::metadata(dir.path().join("own-1.key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let sandbox = running().sandbox();
    let config = dir.path().join("client.toml");
    let text = format!(
        "address = \"{}\"\nserver_name = \"{}\"\nca = \"{}\"\ncert = \"own-1.pem\"\nkey = \"own-1.key.pem\"\n\
         log_vkey = \"{}\"\nauth_log_vkey = \"{}\"\n\
         [card]\ncert = \"own.der\"\nkey = \"own.key.pem\"\npin_file = \"pin\"\n",
        sandbox.address,
        sandbox.server_name,
        running().dir.join(&sandbox.ca).display(),
        sandbox.log_vkey,
        sandbox.auth_log_vkey,
    );
    fs::write(&config, text).unwrap();
    let verify = |pin: &str| {
        fs::write(dir.path().join("pin"), pin).unwrap();
        pmh(["counter", "verify", "--config", config.to_str().unwrap(), "--json"])
    };
    let answer = verify("1234").json();
    assert_eq!((&answer["state"], &answer["terminal"]), (&"NOT_LINKED".into(), &"own-1".into()));
}

#[test]
fn keys_and_authorities_are_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let args = ["--org", "urn:x-pmh:org:clinic:1310310243", "--terminal", "own-2"];
    assert_eq!(pki("terminal", out, &args).code, 0);
    assert_eq!(pki("terminal", out, &args).code, 2);
    assert_eq!(pmh(["pki", "init", "--dir", out]).code, 2, "the directory is not empty");
    assert_eq!(pki("terminal", out, &["--org", "clinic", "--terminal", "x"]).code, 2);
    assert_eq!(pki("terminal", out, &["--org", args[1], "--terminal", "../x"]).code, 2);
}

#[test]
fn lists_readers_and_servers_are_issued() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let sandbox = running().sandbox();
    let card = running().dir.join(&sandbox.card("renewed").unwrap().cert);
    let revoke = ["--revoke", card.to_str().unwrap(), "--number", "7"];
    let fresh = pki("crl", out, &revoke);
    assert_eq!(fresh.code, 0, "{}", fresh.stderr);
    let fresh = fs::read(fresh.stdout.trim()).unwrap();
    let stale = pki("crl", out, &["--stale"]);
    assert_ne!(fs::read(stale.stdout.trim()).unwrap(), fresh);
    assert_eq!(pki("reader", out, &["--serial", "FR-TEST-1"]).code, 0);
    assert_eq!(pki("server", out, &["--name", "gateway.test", "127.0.0.1"]).code, 0);
    assert!(dir.path().join("gateway.test.pem").exists() && dir.path().join("FR-TEST-1.pem").exists());
}

#[test]
fn the_card_answers_apdus_in_one_session() {
    let select = "00a4040c0ad392f000260100000001";
    let args =
        ["card", "apdu", select, "00a4020c020006", "00b0000020", "00a4020c020018", "0020008004 31323334"];
    let card = ["--sandbox", running().arg(), "--card", "renewed"];
    let ran = pmh(args.into_iter().chain(card));
    let answers: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, answers.len()), (0, 5));
    assert_eq!((answers[0], answers[1], answers[4]), ("9000", "9000", "9000"));
    assert!(answers[2].starts_with("4a504b49"), "JPKI…: {}", answers[2]);
    assert_eq!(pmh(["card", "apdu", "0"].into_iter().chain(card)).code, 2);
}

#[test]
fn the_card_signs_a_presentation_and_nothing_else() {
    let card = ["--sandbox", running().arg(), "--card", "renewed"];
    let sign = |text: &[u8], more: &[&str]| {
        let text = BASE64.encode(text);
        pmh(["card", "sign", "--to-be-signed", &text].iter().chain(&card).chain(more))
    };
    let signed = sign(b"PMH-CARD-PRESENTATION-v1\0...", &[]);
    let shown = pmh(["card", "show"].into_iter().chain(card)).json();
    assert_eq!((signed.code, &shown["kind"]), (0, &"p384".into()));
    assert!(!signed.json()["signature"].as_str().unwrap().is_empty());
    assert_eq!(sign(b"pay 1,000,000 yen", &[]).code, 2);
    let wrong = sign(b"PMH-CARD-PRESENTATION-v1\0...", &["--typed", "0000"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("2 tries left"));
}
