//! An erasure in a running gateway, down to the bytes of its files and of what it exports.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pmh::sandbox;
use pmh_audit::Opening;
use pmh_client::Gateway;
use pmh_proto::audit::{
    EntryPart, ErasePersonRequest, ErasureState, Log, OpenPartsRequest, ResidentName, erase_person_request,
};
use pmh_proto::common::Reason;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::rig::{AUDITOR, HACHIOJI, Person, at_clinic, uuid, world};

#[tokio::test]
async fn i19_no_salt_body_or_sealed_part_stays_in_files_or_exports() {
    let issuer = world().gateway(HACHIOJI).await;
    let mut person = Person::new().registered(&issuer).await.linked(HACHIOJI).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let (counter, presence) = at_clinic(&mut person, &["88-13"]).await;
        answers.push(counter.verify(&presence, &super::linking::question()).await.unwrap());
    }
    let auditor = world().gateway(AUDITOR).await;
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for answer in &answers {
        secrets.extend(sealed(answer.proof.index).await);
        for opening in open(&auditor, answer.proof.index).await.unwrap() {
            secrets.push(opening.salt.as_bytes().to_vec());
            secrets.push(opening.body);
        }
    }
    let sealed = answers.len() * 2;
    assert_eq!(kept(&secrets), sealed, "before: each entry's parts and key, and nothing in the clear");

    erase(&person).await;
    let mut raw = database("gateway.db").await;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..600 {
        let traces: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM erasure_trace").fetch_one(&mut raw).await.unwrap();
        if traces == 0 {
            break;
        }
        // Another test's reader was in the way of the cleaning; the gateway tries again by itself.
        tick.tick().await;
    }
    raw.close().await.unwrap();
    assert_eq!(kept(&secrets), 0);
    for log in ["gateway", "auth"] {
        let out = tempfile::tempdir().unwrap();
        let export = out.path().join("export");
        run_export(&export, log);
        assert_eq!(found(&files(&export), &secrets), 0, "{log}");
    }
    for answer in &answers {
        assert!(open(&auditor, answer.proof.index).await.is_err_and(|erased_by| erased_by.is_some()));
    }
}

/// The salts and bodies of an entry, or the entry by which they were erased.
async fn open(auditor: &Gateway, index: u64) -> Result<Vec<Opening>, Option<u64>> {
    let request = OpenPartsRequest {
        log: Log::Gateway.into(),
        index,
        parts: [EntryPart::Subject, EntryPart::Actor, EntryPart::Detail].map(Into::into).to_vec(),
        warrant: "warrant-of-an-erasure".to_owned(),
    };
    let parts = auditor.call(&request, None).await.unwrap().response.parts;
    let open = |part: pmh_proto::audit::OpenedPart| match part.opening {
        None => {
            assert_eq!(part.reason(), Reason::Erased);
            Err(part.erased_by)
        }
        Some(opening) => {
            let salt: [u8; 32] = opening.salt.try_into().unwrap();
            Ok(Opening { salt: pmh_audit::Salt::new(salt), body: opening.body })
        }
    };
    parts.into_iter().map(open).collect()
}

async fn erase(person: &Person) {
    let resident = ResidentName {
        issuer: format!("urn:x-pmh:org:{HACHIOJI}"),
        resident_key: person.resident_key.clone(),
    };
    let ask = ErasePersonRequest {
        idempotency_key: uuid(),
        what: Some(erase_person_request::What::Resident(resident)),
        case_reference: "case-1".to_owned(),
        ground: "本人の請求、このテストのための架空".to_owned(),
    };
    let asked = operator("operator-1", "op-1").await.call(&ask, None).await.unwrap().response;
    let agree = ErasePersonRequest {
        idempotency_key: uuid(),
        what: Some(erase_person_request::What::ErasureId(asked.erasure_id)),
        ground: String::new(),
        ..ask
    };
    let erased = operator("operator-2", "op-2").await.call(&agree, None).await.unwrap().response;
    assert_eq!(erased.state(), ErasureState::Erased);
}

async fn operator(terminal: &str, pseudonym: &str) -> Gateway {
    let (gateway, _) = sandbox::terminal(&world().dir, &world().sandbox, terminal).await.unwrap();
    gateway.with_operator(pseudonym).unwrap()
}

/// An entry's parts as they are stored, and the key that seals them.
async fn sealed(index: u64) -> Vec<Vec<u8>> {
    let mut raw = database("gateway.db").await;
    let row: (Vec<u8>, Vec<u8>) = sqlx::query_as(
        "SELECT p.parts, k.wrapped_key FROM audit_part p JOIN subject_key k ON k.key_id = p.key_id WHERE p.idx = ?",
    )
    .bind(i64::try_from(index).unwrap())
    .fetch_one(&mut raw)
    .await
    .unwrap();
    raw.close().await.unwrap();
    vec![row.0, row.1]
}

async fn database(name: &str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(world().dir.join("data").join(name));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// How many of the secrets are in the gateway's files.
fn kept(secrets: &[Vec<u8>]) -> usize {
    found(&files(&world().dir.join("data")), secrets)
}

/// A row may be cut in two by a page, so the first and the last bytes of each are looked for.
fn found(files: &[PathBuf], secrets: &[Vec<u8>]) -> usize {
    let mut pieces: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (number, secret) in secrets.iter().enumerate().filter(|(_, secret)| secret.len() >= PIECE) {
        for piece in [&secret[..PIECE], &secret[secret.len() - PIECE..]] {
            // A detail without rows ends in zeros, which are no secret.
            if piece.iter().any(|byte| *byte != 0) {
                pieces.entry(piece).or_default().push(number);
            }
        }
    }
    let mut found = BTreeSet::new();
    for file in files {
        for window in bytes_of(file).windows(PIECE) {
            found.extend(pieces.get(window).into_iter().flatten().copied());
        }
    }
    found.len()
}

/// Read by another program: a descriptor closed here would drop this program's POSIX locks on a database that its
/// gateway has open, and the next program to open it would cut the shared memory away (SQLite, How To Corrupt, 2.2).
fn bytes_of(file: &Path) -> Vec<u8> {
    Command::new("cat").arg(file).output().unwrap().stdout
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn run_export(out: &Path, log: &str) {
    let config = world().dir.join("pmh.toml");
    let ran = Command::new(env!("CARGO_BIN_EXE_pmh"))
        .args(["audit", "export"])
        .arg(out)
        .arg("--config")
        .arg(config)
        .args(["--log", log])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

const PIECE: usize = 24;
