//! After the shot: what was given is written down, whether it should have been or not.

use std::sync::Arc;

use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    time::tokyo_date,
    vaccination::{Classification, Evaluation, FindingKind, Programme},
};
use pmh_proto::common::Reason;
use pmh_store::vaccination::{
    self as store, Against, DoseChange, DoseRecord, DoseStatus, DosesOf, NewVersion, PersonDoses, Route,
    Site, Source, StoredDose, Taken,
};

use super::{
    case::{CaseFile, Shot, place, short},
    reserve::{Remembered, uuid},
    step::{Asked, Kept, Said, noted},
};
use crate::{
    ops::{Call, Gateway},
    rpc::status::Refusal,
};

/// How a dose was given.
#[derive(Clone, Default)]
pub struct Administration {
    /// Microlitres; 0: unknown.
    pub quantity_ul: u32,
    /// Route.
    pub route: Option<Route>,
    /// Site.
    pub site: Option<Site>,
    /// The institution's pseudonym of the doctor.
    pub doctor: String,
}

/// What the counter writes down.
#[derive(Clone)]
pub struct Told {
    /// UUID.
    pub idempotency_key: String,
    /// The caller's reservation; empty: the token names the person.
    pub reservation_id: String,
    /// The shot.
    pub shot: Shot,
    /// How.
    pub administration: Administration,
    /// Why it is told later, if it is.
    pub late: Option<Source>,
    /// 予診のみ.
    pub not_done: bool,
    /// Who pays, if it is said, `<kind>:<code>`.
    pub payer: Option<String>,
    /// A doctor's reason; empty: none, or as reserved.
    pub override_reason: String,
}

/// A recorded dose and what the rules say of it.
pub struct RecordedDose {
    /// As kept.
    pub dose: StoredDose,
    /// The rules.
    pub evaluation: Evaluation,
    home: String,
}

/// Writes a dose down. It is never refused for what the rules say: then it is a dose in error.
pub async fn record_dose(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    told: Told,
    render: impl Fn(&RecordedDose) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    if told.shot.on > tokyo_date(call.now) {
        return Err(Refusal::invalid_fields(vec![]).with_field("shot.date", Reason::DateOutOfRange));
    }
    let (book, institution) = (gateway.vaccination.load_full(), call.organization()?);
    let caller = call.short().to_owned();
    let of = (!told.reservation_id.is_empty())
        .then(|| DosesOf::Reservation { id: told.reservation_id.clone(), organization: caller.clone() });
    let asked = Asked::new(gateway, call, permit, Kind::Write, of)?.once(&told.idempotency_key);
    // A reservation names the person. A token beside it must name the same one, or the entry would be about another.
    let token_person = asked.named.as_ref().map(|named| named.subject.reference);
    let dose_id = uuid(gateway);
    let decide = move |doses: &PersonDoses, reserved: Option<&str>| {
        if token_person.is_some_and(|person| !doses.is_reference(&person)) {
            return Err(Reason::SubjectMismatch);
        }
        let remembered: Option<Remembered> = reserved.and_then(|body| serde_json::from_str(body).ok());
        let until_us = remembered.as_ref().map_or(0, |remembered| remembered.until_us);
        if token_person.is_none() && doses.now_us.saturating_sub(until_us) > WITHOUT_TOKEN_US {
            return Err(Reason::TokenMissing);
        }
        let told = with_memory(told.clone(), remembered);
        let file = CaseFile::of(doses, &told.shot, &institution, None)?;
        let judged = file.classify(&book)?;
        let record = record(doses, &told, &file, &judged, &caller);
        let home = file.home.map(short).unwrap_or_default();
        let version = NewVersion {
            dose_id: dose_id.clone(),
            organization: caller.clone(),
            against: against(doses, &record, &caller),
            tell: tell(&home, &caller),
            record,
        };
        let recorded = RecordedDose {
            dose: stored(doses, None, &version),
            evaluation: judged.evaluation().clone(),
            home,
        };
        // What the lease was for has happened.
        let release = doses.lease(&told.reservation_id).map(|lease| lease.reservation_id.clone());
        let release = release.filter(|_| !version.record.fills_a_slot());
        Ok((recorded, DoseChange { release, dose: Some(version), ..DoseChange::default() }))
    };
    let said = |recorded: &RecordedDose| said(&recorded.dose.record, &recorded.home);
    asked.run(gateway, decide, said, render).await
}

/// A reservation remembers what the doctor decided and saw.
fn with_memory(mut told: Told, remembered: Option<Remembered>) -> Told {
    let Some(remembered) = remembered else { return told };
    if told.override_reason.is_empty() {
        told.override_reason = remembered.override_reason;
    }
    told.shot.paper_seen |= remembered.paper_seen;
    if remembered.screened && told.shot.answers.is_none() {
        told.shot.answers = Some(std::collections::BTreeSet::new());
    }
    told
}

fn record(
    doses: &PersonDoses,
    told: &Told,
    file: &CaseFile,
    judged: &Classification,
    caller: &str,
) -> DoseRecord {
    let (shot, given) = (&told.shot, &told.administration);
    let evaluation = judged.evaluation();
    let (series, dose_number) = place(doses, evaluation, shot.on);
    let status = match (told.not_done, judged.counts()) {
        (true, _) => DoseStatus::NotDone,
        (false, true) => DoseStatus::Completed,
        (false, false) => DoseStatus::AdministeredInError,
    };
    let at_the_counter = if told.reservation_id.is_empty() { Source::Unreserved } else { Source::Reserved };
    DoseRecord {
        vaccine: shot.vaccine.to_string(),
        series,
        dose_number,
        status,
        occurrence: shot.on,
        product: shot.product.clone(),
        quantity_ul: given.quantity_ul,
        route: given.route,
        site: given.site,
        performer: caller.to_owned(),
        doctor: given.doctor.clone(),
        payer: told.payer.clone().unwrap_or_else(|| payer(shot.programme, file, evaluation)),
        programme: programme(shot.programme),
        authorization_key: file.authorization_key(dose_number),
        due_date: shot.due_date,
        source: told.late.unwrap_or(at_the_counter),
        findings: noted(evaluation, &told.override_reason),
        override_reason: told.override_reason.clone(),
        change_reason: String::new(),
    }
}

/// The home municipality pays for its programme, except where its letter is missing.
fn payer(programme: Programme, file: &CaseFile, evaluation: &Evaluation) -> String {
    let without_letter =
        evaluation.findings.iter().any(|finding| finding.kind == FindingKind::NoAuthorization);
    match file.home {
        Some(home) if programme != Programme::Voluntary && !without_letter => short(home),
        _ => String::new(),
    }
}

/// Under its own lease a dose waits for nobody; any other given dose goes before a lease, because it has happened.
pub(super) fn against(doses: &PersonDoses, record: &DoseRecord, caller: &str) -> Against {
    match doses.taken(&record.series, record.dose_number) {
        Taken::Leased(slot) if slot.organization == caller => Against::OthersLeases,
        Taken::Free | Taken::Leased(_) | Taken::Given(_) => Against::NoLease,
    }
}

/// The home municipality is told of what others write.
pub(super) fn tell(home: &str, caller: &str) -> Vec<String> {
    if home.is_empty() || home == caller { Vec::new() } else { vec![home.to_owned()] }
}

/// A version as it will be kept.
pub(super) fn stored(doses: &PersonDoses, before: Option<&StoredDose>, new: &NewVersion) -> StoredDose {
    StoredDose {
        subject: before.map_or(doses.survivor, |before| before.subject),
        dose_id: new.dose_id.clone(),
        version: before.map_or(1, |before| before.version.saturating_add(1)),
        organization: new.organization.clone(),
        written_us: doses.now_us,
        first_us: before.map_or(doses.now_us, |before| before.first_us),
        record: new.record.clone(),
    }
}

pub(super) fn said(record: &DoseRecord, home: &str) -> Said {
    let outcome = u16::try_from(record.status.number()).unwrap_or(0);
    Said { outcome, holder: home.to_owned(), findings: record.findings.clone() }
}

fn programme(programme: Programme) -> store::Programme {
    match programme {
        Programme::Routine => store::Programme::Routine,
        Programme::ByRequest => store::Programme::ByRequest,
        Programme::LongIllness => store::Programme::LongIllness,
        Programme::Extraordinary => store::Programme::Extraordinary,
        Programme::Voluntary => store::Programme::Voluntary,
    }
}

/// A reservation stands for the card as long as an institution may correct its own record; after that the card is shown
/// again (design.md §2, P3).
const WITHOUT_TOKEN_US: i64 = 72 * 3600 * 1_000_000;
