//! The urgent path: a high EPDS raises a case in the commit of its row, and a person reads it.

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_domain::{
    checkup::{
        record::RawCheckup,
        urgent::{Cause, Urgency, UrgentRules, urgency},
    },
    codes::looks_like_individual_number,
    organization::IssuerId,
    resident::{ResidentKey, ResidentLink},
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Reply,
    checkup::{CaseList, NewCase, UrgentCase},
};
use sha2::{Digest as _, Sha256};

use super::{Kept, own_draft};
use crate::{
    ops::{
        Call, Gateway,
        bulk::Received,
        call::OPERATOR_FIELD,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// What rows raise. Looks at the scores as they came: a row refused for a wrong total must not silence item 10.
pub(super) fn cases(
    rules: &UrgentRules,
    issuer: IssuerId,
    batch_id: &str,
    rows: &[Received<RawCheckup>],
    today: Date,
) -> Vec<NewCase> {
    let mut cases = Vec::new();
    for row in rows {
        let day = row.raw.date.parse().unwrap_or(today);
        let Some(rule) = rules.on(issuer, day) else { continue };
        for scores in &row.raw.scores {
            if let Urgency::Urgent(cause) = urgency(rule, scores) {
                cases.push(case(issuer, batch_id, row, cause));
            }
        }
    }
    cases
}

fn case(issuer: IssuerId, batch_id: &str, row: &Received<RawCheckup>, cause: Cause) -> NewCase {
    let record_id = Some(row.raw.record_id.as_str()).filter(|id| may_be_kept(id)).unwrap_or_default();
    // A record without a usable id is known by its row.
    let name =
        if record_id.is_empty() { format!("{batch_id}\n{}", row.row_id) } else { record_id.to_owned() };
    let resident_key = ResidentKey::parse(&row.raw.resident_key);
    NewCase {
        case_id: case_id([&issuer.to_string(), &name, &format!("{cause:?}")]),
        resident_key: resident_key.map(|key| key.as_str().to_owned()).unwrap_or_default(),
        record_id: record_id.to_owned(),
        cause,
    }
}

/// What an institution's record raises at the municipality where the person lives; where nobody knows that, what it would.
pub(super) fn recorded_cases(
    rules: &UrgentRules,
    home: Option<&ResidentLink>,
    institution: &str,
    raw: &RawCheckup,
    date: Date,
) -> Vec<NewCase> {
    let rule = match home {
        Some(link) => rules.on(link.issuer, date),
        None => rules.common_on(date),
    };
    let causes = raw.scores.iter().filter_map(|scores| match urgency(rule?, scores) {
        Urgency::Urgent(cause) => Some(cause),
        Urgency::No | Urgency::Undecided => None,
    });
    let case = |cause: Cause| NewCase {
        case_id: case_id([institution, &raw.record_id, &format!("{cause:?}")]),
        resident_key: home.map_or("", |link| link.resident_key.as_str()).to_owned(),
        record_id: raw.record_id.clone(),
        cause,
    };
    causes.map(case).collect()
}

fn may_be_kept(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= 64
        && !text.chars().any(char::is_control)
        && !looks_like_individual_number(text)
}

/// The same record and cause is the same case, whenever it is sent.
fn case_id(parts: [&str; 3]) -> String {
    let mut digest = Sha256::new_with_prefix("pmh-urgent-case-v1");
    for part in parts {
        digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The municipality's cases.
pub async fn list_urgent_cases(
    gateway: &Gateway,
    call: &Call,
    include_read: bool,
    render: impl Fn(&CaseList) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let (issuer, call) = (call.issuer()?, call.clone());
    let recorded = gateway
        .store
        .list_urgent_cases(gateway.attempt(), issuer, include_read, move |concluding| {
            let Concluding::Fresh(list) = concluding else { return refused(Reason::Internal) };
            let answer = render(&list);
            let draft = own_draft(&call, Kind::Disclosure, Sha256::digest(&answer).into());
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// The operator of the call has read a case.
pub async fn acknowledge_urgent_case(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    case_id: String,
    render: impl Fn(&UrgentCase, i64) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let (issuer, key) = (call.issuer()?, call.idempotency(idempotency_key, None));
    // Only a person can read: a program that fetches cases acknowledges none.
    if call.operator().is_empty() {
        return Err(Refusal::invalid_fields(vec![]).with_field(OPERATOR_FIELD, Reason::Required));
    }
    let call = call.clone();
    let recorded = gateway
        .store
        .acknowledge_urgent_case(gateway.attempt(), key, issuer, case_id, move |concluding| {
            let draft = |sha256| own_draft(&call, Kind::Write, sha256);
            match concluding {
                Concluding::Fresh(Some((case, now_us))) => {
                    let answer = render(&case, now_us);
                    let draft = draft(Sha256::digest(&answer).into());
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Fresh(None) => refused(Reason::NotFound),
                Concluding::Replay(answer) => replay(draft, answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}
