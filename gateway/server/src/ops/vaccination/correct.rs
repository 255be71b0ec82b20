//! Corrections: a new version each, the lineage stays.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    time::tokyo_date,
    vaccination::{AgePolicy, VaccineCode},
};
use pmh_proto::common::Reason;
use pmh_store::vaccination::{
    DoseChange, DoseRecord, DoseStatus, DosesOf, NewVersion, PersonDoses, Product, Source, StoredDose,
};

use super::{
    case::{CaseFile, Shot, place},
    known::{programme, short},
    record::{Administration, against, said, stored, tell},
    step::{Asked, Kept, noted},
};
use crate::{
    ops::{Call, Gateway},
    rpc::status::Refusal,
};

/// Which dose, as its corrector has seen it, and why.
pub struct Correction {
    /// UUID.
    pub idempotency_key: String,
    /// The dose.
    pub dose_id: String,
    /// The version seen.
    pub version: u32,
    /// Why.
    pub reason: String,
    /// What it becomes; `None`: it never happened.
    pub to: Option<Amended>,
}

/// What may change of a record.
#[derive(Clone)]
pub struct Amended {
    /// Day of the shot.
    pub on: Date,
    /// Product.
    pub product: Product,
    /// How.
    pub administration: Administration,
}

/// Amends or voids a dose, for who wrote it within 72 hours and for the home municipality.
pub async fn correct_dose(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    correction: Correction,
    render: impl Fn(&StoredDose) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let today = tokyo_date(call.now);
    if correction.to.as_ref().is_some_and(|to| to.on > today) {
        return Err(Refusal::invalid_fields(vec![]).with_field("date", Reason::DateOutOfRange));
    }
    let (book, caller) = (gateway.vaccination.load_full(), call.short().to_owned());
    let of = DosesOf::Dose(correction.dose_id.clone());
    let asked = Asked::new(gateway, call, permit, Kind::Write, Some(of))?.once(&correction.idempotency_key);
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        let known = doses.dose(&correction.dose_id).ok_or(Reason::NotFound)?;
        let home = doses.home(known.record.occurrence).map(short).unwrap_or_default();
        may_correct(doses, known, &caller, &home)?;
        if known.version != correction.version {
            return Err(Reason::VersionConflict);
        }
        let mut record = match &correction.to {
            None => DoseRecord { status: DoseStatus::EnteredInError, ..known.record.clone() },
            Some(to) => amended(doses, known, to, &book)?,
        };
        record.change_reason.clone_from(&correction.reason);
        let version = NewVersion {
            dose_id: known.dose_id.clone(),
            organization: caller.clone(),
            against: against(doses, &record, &caller),
            tell: tell(&home, &caller),
            record,
        };
        let dose = stored(doses, Some(known), &version);
        Ok(((dose, home), DoseChange { dose: Some(version), ..DoseChange::default() }))
    };
    let said = |(dose, home): &(StoredDose, String)| said(&dose.record, home);
    asked.run(gateway, decide, said, move |(dose, _)| render(dose)).await
}

/// To anybody else the dose does not exist.
fn may_correct(doses: &PersonDoses, known: &StoredDose, caller: &str, home: &str) -> Result<(), Reason> {
    let is_home = caller == home || known.organization == caller && caller.starts_with("municipality:");
    if !is_home && known.record.performer != caller {
        return Err(Reason::NotFound);
    }
    let is_late = doses.now_us.saturating_sub(known.first_us) > OWN_CORRECTIONS_US;
    if known.record.status == DoseStatus::EnteredInError || (!is_home && is_late) {
        return Err(Reason::StateNotAllowed);
    }
    Ok(())
}

/// Another day or lot may change whether the dose counts; the rules judge it anew, without itself.
fn amended(
    doses: &PersonDoses,
    known: &StoredDose,
    to: &Amended,
    book: &pmh_domain::vaccination::RuleBook,
) -> Result<DoseRecord, Reason> {
    let before = &known.record;
    let mut record = DoseRecord {
        occurrence: to.on,
        product: to.product.clone(),
        quantity_ul: to.administration.quantity_ul,
        route: to.administration.route,
        site: to.administration.site,
        doctor: to.administration.doctor.clone(),
        ..before.clone()
    };
    if before.status == DoseStatus::NotDone || before.source == Source::Register {
        return Ok(record);
    }
    let institution = pmh_domain::organization::OrganizationId::parse_short(&before.performer);
    let institution = institution.map_err(|_| Reason::StateNotAllowed)?;
    let file = match CaseFile::of(doses, &as_shot(before, to)?, &institution, Some(&known.dose_id)) {
        Ok(file) => file,
        // Recorded by the chart's birth date, which is not kept: nothing can be judged anew until somebody links the card.
        Err(Reason::Required) => return Ok(record),
        Err(reason) => return Err(reason),
    };
    let judged = file.classify(book, &before.override_reason)?;
    let evaluation = judged.evaluation();
    let (series, dose_number) = place_without(doses, known, evaluation, to.on);
    record.status = if judged.counts() { DoseStatus::Completed } else { DoseStatus::AdministeredInError };
    record.findings = noted(evaluation, &before.override_reason);
    (record.series, record.dose_number) = (series, dose_number);
    Ok(record)
}

/// The number it would have if its own were free.
fn place_without(
    doses: &PersonDoses,
    known: &StoredDose,
    evaluation: &pmh_domain::vaccination::Evaluation,
    on: Date,
) -> (String, u8) {
    let mut others = doses.clone();
    others.slots.retain(|slot| slot.dose_id != known.dose_id);
    place(&others, evaluation, on)
}

fn as_shot(before: &DoseRecord, to: &Amended) -> Result<Shot, Reason> {
    Ok(Shot {
        vaccine: VaccineCode::parse(&before.vaccine).map_err(|_| Reason::UnknownCode)?,
        on: to.on,
        programme: programme(before.programme),
        dose_no: None,
        product: to.product.clone(),
        // The 予診票 was looked at when the dose was recorded.
        answers: Some(std::collections::BTreeSet::new()),
        due_date: before.due_date,
        conditions: before.conditions.clone(),
        paper_seen: false,
        policy: AgePolicy::default(),
        birth_date: None,
    })
}

/// identity.md §10.1: an institution corrects its own entry for 72 hours.
const OWN_CORRECTIONS_US: i64 = 72 * 3600 * 1_000_000;
