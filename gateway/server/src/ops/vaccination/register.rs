//! The municipality's side: past records and authorizations in bulk, the feed, claim lines, what was stopped.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::{Kind, OrgRef, registry};
use pmh_auth::policy::Permit;
use pmh_domain::problem::{Accepted, RowRefusal};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Recorded, Reply,
    vaccination::{
        AuthorizationRecord, ClaimSide, DoseChange, DoseChunk, DosesOf, LateNews, PersonDoses, RegisterRow,
        StopCount, ToldDose,
    },
};
use sha2::{Digest as _, Sha256};

use super::{known::short, step::Kept};
use crate::{
    ops::{
        Call, Gateway, Response,
        bulk::{Batch, Judged, Received, RowReport, detail_salt},
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// A row that the parser has judged.
pub type Verdict<T> = Result<Accepted<T>, RowRefusal>;

macro_rules! put_chunk {
    ($(#[$doc:meta])* $name:ident, $row:ty, $put:ident) => {
        $(#[$doc])*
        pub async fn $name(
            gateway: &Gateway,
            call: &Call,
            permit: &Permit,
            batch: &Batch,
            rows: Vec<Received<Verdict<$row>>>,
            render: impl Fn(&[RowReport]) -> Vec<u8> + Send + 'static,
        ) -> Result<Kept, Refusal> {
            let mut judged = Judged::of(registry::Categories::VACCINATION);
            for row in &rows {
                judged.push(row, row.raw.clone());
            }
            let report = judged.report();
            let chunk = DoseChunk {
                issuer: call.issuer()?,
                method: permit.method(),
                batch_id: batch.batch_id.clone(),
                dry_run: batch.dry_run,
                rows: judged.rows,
            };
            let attempt = gateway.attempt();
            let salt = detail_salt(&attempt);
            let (call, dry_run) = (call.clone(), batch.dry_run);
            let recorded = gateway
                .store
                .$put(attempt, chunk, move |concluding| {
                    report.conclude(&call, dry_run, &salt, concluding, &render)
                })
                .await
                .map_err(|fault| unavailable(&fault))?;
            settled(recorded)
        }
    };
}

put_chunk! {
    /// Keeps past records and what the register says of itself; the answer has one report per row, in order.
    put_doses, RegisterRow, put_doses
}
put_chunk! {
    /// Keeps authorizations; the answer has one report per row, in order.
    put_authorizations, AuthorizationRecord, put_authorizations
}

/// Where a municipality's feed goes on if it does not say so.
pub async fn feed_start(gateway: &Gateway, call: &Call) -> Result<u64, Refusal> {
    let kept = gateway.store.reader().acknowledged_doses(call.short()).await;
    // Entry 0 is none about a dose: the first thing a log records is its own directory.
    Ok(kept.map_err(|fault| unavailable(&fault))?.unwrap_or(0))
}

/// Gives doses that were recorded before anybody knew where the person lives their place in the feed of the municipality
/// that has linked the card since. Each is an entry about its person; the feed discloses it like any other.
pub async fn feed_late(gateway: &Arc<Gateway>, call: &Call) -> Result<(), Refusal> {
    let mut after = String::new();
    loop {
        let found = gateway.store.reader().untold_doses(call.short(), &after, PAGE).await;
        let found = found.map_err(|fault| unavailable(&fault))?;
        let Some(last) = found.last().cloned() else { return Ok(()) };
        for dose_id in found {
            feed_one(gateway, call, dose_id).await?;
        }
        after = last;
    }
}

async fn feed_one(gateway: &Arc<Gateway>, call: &Call, dose_id: String) -> Result<(), Refusal> {
    let (keeper, municipality) = (Arc::clone(gateway), call.short().to_owned());
    let urn = call.peer.urn().to_owned();
    let of = DosesOf::Dose(dose_id.clone());
    // On the day of the shot the person may have lived elsewhere: then it is somebody else's news.
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        let on = doses.dose(&dose_id).map(|dose| dose.record.occurrence);
        let is_home = on.and_then(|on| doses.home(on)).map(short).as_ref() == Some(&municipality);
        let news = LateNews { municipality: municipality.clone(), dose_id: dose_id.clone() };
        (is_home, DoseChange { late_news: is_home.then_some(news), ..DoseChange::default() })
    };
    let call = call.clone();
    let stepped = gateway.store.dose_step(gateway.attempt(), None, of, decide, move |concluding| {
        let mut conclusion = Conclusion { reply: Reply::<Refusal>::Answer(Vec::new()), draft: None };
        if let Concluding::Fresh(Some(stepped)) = concluding
            && stepped.decided
        {
            let categories = registry::Categories::VACCINATION;
            let mut draft = call.draft(Kind::RegistryChange, categories, None, Sha256::digest([]).into());
            draft.subject = keeper.entry_subject(stepped.survivor, &urn);
            draft.holder = OrgRef::new(call.short()).ok();
            conclusion.draft = Some(draft);
        }
        conclusion
    });
    stepped.await.map(drop).map_err(|fault| unavailable(&fault))
}

/// What the feed has after an index, oldest first.
pub async fn feed_page(gateway: &Gateway, call: &Call, after: u64) -> Result<Vec<ToldDose>, Refusal> {
    gateway.store.reader().told_doses(call.short(), after, PAGE).await.map_err(|fault| unavailable(&fault))
}

/// Claim lines of a period after a place, for who pays or who gave the doses.
pub async fn claim_page(
    gateway: &Gateway,
    call: &Call,
    (from, to): (Date, Date),
    after: Option<&ToldDose>,
) -> Result<Vec<ToldDose>, Refusal> {
    let side = if call.issuer().is_ok() { ClaimSide::Payer } else { ClaimSide::Performer };
    let day = after.map(|told| told.dose.record.occurrence.to_string()).unwrap_or_default();
    let id = after.map(|told| told.dose.dose_id.as_str()).unwrap_or_default();
    let (from, to) = (from.to_string(), to.to_string());
    let found =
        gateway.store.reader().claimed_doses(side, call.short(), (&from, &to), (&day, id), PAGE).await;
    found.map_err(|fault| unavailable(&fault))
}

/// Records that a dose is disclosed, before it is sent. One entry a dose: it is in that person's list.
pub async fn disclose_dose<R: Response>(
    gateway: &Arc<Gateway>,
    call: &Call,
    told: ToldDose,
    render: impl Fn(&ToldDose, &str) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    gateway.witnesses.permit_disclosure(gateway.now_us())?;
    let subject = gateway.entry_subject(told.subject, call.peer.urn());
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let sub = subject.as_ref().map_or("", |subject| subject.sub.as_str());
            let response = render(&told, sub);
            let categories = registry::Categories::VACCINATION;
            let mut draft = call.draft(Kind::Disclosure, categories, None, response.digest());
            draft.subject.clone_from(&subject);
            draft.holder = OrgRef::new(&told.dose.record.performer).ok();
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// Keeps all up to an index; renders where it stands now.
pub async fn acknowledge_doses(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    index: u64,
    render: impl Fn(u64) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let key = call.idempotency(idempotency_key, None);
    let municipality = call.short().to_owned();
    let draft = registry_draft(call);
    let recorded = gateway
        .store
        .acknowledge_doses(gateway.attempt(), key, municipality, index, move |concluding| match concluding {
            Concluding::Fresh(stands) => {
                let answer = render(stands);
                let draft = draft(Sha256::digest(&answer).into());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(&draft, answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// What was stopped among the municipality's residents. Counts, no persons.
pub async fn error_prevention_report<R: Response>(
    gateway: &Gateway,
    call: &Call,
    (from, to): (Date, Date),
    render: impl Fn(&[StopCount]) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let stops = gateway.store.reader().stops(call.short(), &from.to_string(), &to.to_string()).await;
    let stops = stops.map_err(|fault| unavailable(&fault))?;
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&stops);
            let categories = registry::Categories::VACCINATION;
            let mut draft = call.draft(Kind::Disclosure, categories, None, response.digest());
            draft.holder = OrgRef::new(call.short()).ok();
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

fn registry_draft(call: &Call) -> impl Fn([u8; 32]) -> pmh_store::Draft + Send + 'static + use<> {
    let call = call.clone();
    move |sha256| {
        let mut draft = call.draft(Kind::Write, registry::Categories::VACCINATION, None, sha256);
        draft.holder = OrgRef::new(call.short()).ok();
        draft
    }
}

/// Doses read at once.
const PAGE: u32 = 128;
