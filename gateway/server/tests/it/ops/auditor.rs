//! What an auditor learns of a part that is gone.

use pmh_audit::{Kind, Leaf};
use pmh_proto::audit::{EntryPart, Log, OpenPartsRequest};
use pmh_proto::common::Reason;
use sqlx::Connection as _;

use super::rig::{AUDITOR, Person, at_clinic, world};

/// An erasure leaves the leaf and its proofs; that nobody can open the parts any more is said, and recorded, like an opening.
#[tokio::test]
async fn an_erased_part_is_told_as_erased() {
    let mut person = Person::new();
    let (counter, presence) = at_clinic(&mut person, &["88-13"]).await;
    let answer = counter.verify(&presence, &super::linking::question()).await.unwrap();
    let auditor = world().gateway(AUDITOR).await;
    let request = OpenPartsRequest {
        log: Log::Gateway.into(),
        index: answer.proof.index,
        parts: vec![EntryPart::Actor.into(), EntryPart::Subject.into()],
        warrant: "warrant-of-the-erased".to_owned(),
    };
    let before = auditor.call(&request, None).await.unwrap().response;
    assert!(before.parts.iter().all(|part| part.opening.is_some() && part.reason() == Reason::Unspecified));

    let file = world().dir.join("data/gateway.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut raw = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let index = i64::try_from(answer.proof.index).unwrap();
    sqlx::query("DELETE FROM audit_part WHERE idx = ?").bind(index).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();

    let after = auditor.call(&request, None).await.unwrap();
    assert_eq!(after.proof.leaf.kind, Kind::AuditorQuery);
    let entry = after.response.entry.unwrap();
    assert_eq!(Leaf::decode(&entry.leaf).unwrap(), answer.proof.leaf, "the leaf stays");
    for part in after.response.parts {
        assert_eq!((part.opening.is_none(), part.reason()), (true, Reason::Erased));
    }
}
