//! After the shot: what was given is written down, whether it should have been or not.

use std::{borrow::Cow, sync::Arc};

use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    organization::OrganizationId,
    time::tokyo_date,
    vaccination::{Classification, Evaluation, FindingKind, HistoryGap, Programme, RuleBook},
};
use pmh_proto::common::Reason;
use pmh_store::vaccination::{
    self as store, Against, DoseChange, DoseRecord, DoseStatus, DosesOf, NewVersion, PersonDoses, Route,
    Site, Source, StoredDose, Taken,
};

use super::{
    case::{CaseFile, Shot, place},
    known::{short, today},
    reserve::{Remembered, stops, uuid},
    step::{Asked, Kept, Said, is_on_behalf, noted, seen},
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
    /// The doctor ruled the vaccine out for good.
    pub ruled_out: bool,
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
    /// Why the history may have holes.
    pub gap: Option<HistoryGap>,
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
    let (dose_id, on_behalf) = (uuid(gateway), is_on_behalf(permit));
    let decide = move |doses: &PersonDoses, reserved: Option<&str>| {
        if token_person.is_some_and(|person| !doses.is_reference(&person)) {
            return Err(Reason::SubjectMismatch);
        }
        let remembered: Option<Remembered> = reserved.and_then(|body| serde_json::from_str(body).ok());
        let until_us = remembered.as_ref().map_or(0, |remembered| remembered.until_us);
        if token_person.is_none() && doses.now_us.saturating_sub(until_us) > WITHOUT_TOKEN_US {
            return Err(Reason::TokenMissing);
        }
        let on_behalf = on_behalf || remembered.as_ref().is_some_and(|remembered| remembered.on_behalf);
        let told = with_memory(told.clone(), remembered);
        let writing = Writing { told: &told, book: &book, institution: &institution, dose_id: &dose_id };
        let view = seen(doses, on_behalf);
        if let Cow::Owned(view) = view {
            return writing.behind_a_restriction(doses, &view);
        }
        writing.decide(doses)
    };
    let said = |recorded: &RecordedDose| said(&recorded.dose.record, &recorded.home);
    asked.run(gateway, decide, said, render).await
}

/// What one call writes down.
struct Writing<'a> {
    told: &'a Told,
    book: &'a RuleBook,
    institution: &'a OrganizationId,
    dose_id: &'a str,
}

impl Writing<'_> {
    fn decide(&self, doses: &PersonDoses) -> Result<(RecordedDose, DoseChange), Reason> {
        let register = doses.doses.iter().find(|known| self.is_of_the_register(known));
        self.write(doses, register)
    }

    /// The register brought the very shot before its giver told of it: one dose, in one lineage.
    fn is_of_the_register(&self, known: &StoredDose) -> bool {
        let shot = &self.told.shot;
        let performer = self.institution.to_string();
        !self.told.not_done
            && known.record.source == Source::Register
            && known.record.is_shot(shot.vaccine.as_str(), shot.on, &shot.product.lot_number, &performer)
    }

    /// What is kept and told to the home municipality is the truth; who acts for the person reads what would be said if
    /// there were no record (design.md §2, P16).
    fn behind_a_restriction(
        &self,
        doses: &PersonDoses,
        view: &PersonDoses,
    ) -> Result<(RecordedDose, DoseChange), Reason> {
        let (shown, _) = self.write(view, None)?;
        // The register's birth date counts, and a chart that differs from it must not be told so.
        let shot = Shot { birth_date: None, ..self.told.shot.clone() };
        let told = Told { shot, ..self.told.clone() };
        let (_, change) = Writing { told: &told, ..*self }.write(doses, None)?;
        Ok((shown, change))
    }

    fn write(
        &self,
        doses: &PersonDoses,
        register: Option<&StoredDose>,
    ) -> Result<(RecordedDose, DoseChange), Reason> {
        let (told, caller) = (self.told, self.institution.to_string());
        let file =
            CaseFile::of(doses, &told.shot, self.institution, register.map(|known| known.dose_id.as_str()))?;
        let judged = file.classify(self.book, &told.override_reason)?;
        let mut record = record(doses, told, &file, &judged, &caller);
        if register.is_some() {
            UNITED.clone_into(&mut record.change_reason);
        }
        let home = file.home.map(short).unwrap_or_default();
        let mut stops = stops(&home, &record.vaccine, &record.findings, &caller, today(doses));
        // What was given in spite of a rule was not stopped by it.
        stops.retain(|stop| stop.overridden);
        let version = NewVersion {
            dose_id: register.map_or(self.dose_id, |known| &known.dose_id).to_owned(),
            organization: caller.clone(),
            against: against(doses, &record, &caller),
            tell: tell(&home, &caller),
            record,
        };
        let recorded = RecordedDose {
            dose: stored(doses, register, &version),
            evaluation: judged.evaluation().clone(),
            gap: file.gap(),
            home,
        };
        // What the lease was for has happened.
        let release = doses.lease(&told.reservation_id).map(|lease| lease.reservation_id.clone());
        let release = release.filter(|_| !version.record.fills_a_slot());
        Ok((recorded, DoseChange { release, dose: Some(version), stops, ..DoseChange::default() }))
    }
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
        conditions: file.conditions.clone(),
        ruled_out: told.not_done && told.ruled_out,
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

/// Why a dose of the register has a second version.
const UNITED: &str = "台帳の記録と医療機関の記録を統合";
/// A reservation stands for the card as long as an institution may correct its own record; after that the card is shown
/// again (design.md §2, P3).
const WITHOUT_TOKEN_US: i64 = 72 * 3600 * 1_000_000;
