//! What is kept about a person becomes what the rules take.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::{
    codes::MunicipalityCode,
    resident::Sex,
    time::tokyo_date,
    vaccination::{
        Condition, Given, History, HistoryGap, Person, Pregnancy, Programme, Recorded, VaccineCode,
        completeness,
    },
};
use pmh_proto::common::Reason;
use pmh_store::vaccination::{self as store, DoseStatus, PersonDoses, StoredDose};

/// The doses of a person, and whether they are all.
pub(super) struct Known {
    pub(super) history: History,
    /// Why they may not be.
    pub(super) gap: Option<HistoryGap>,
}

/// What is known about the person, from the municipalities' links or else from the chart. Errors: `REQUIRED` if nobody
/// knows the birth date, `SUBJECT_MISMATCH` if chart and register disagree.
pub(super) fn person(
    doses: &PersonDoses,
    chart: Option<Date>,
    due_date: Option<Date>,
    conditions: &[store::Condition],
) -> Result<Person, Reason> {
    let known = doses.links.first().map(|known| &known.link);
    let birth = match (known, chart) {
        (Some(link), Some(chart)) if link.birth_date != chart => return Err(Reason::SubjectMismatch),
        (Some(link), _) => link.birth_date,
        (None, Some(chart)) => chart,
        (None, None) => return Err(Reason::Required),
    };
    Ok(Person {
        birth,
        sex: known.map_or(Sex::Unknown, |link| link.sex),
        pregnancy: due_date.map(|due_date| Pregnancy { due_date }),
        conditions: for_rules(conditions),
        ruled_out: ruled_out(doses),
    })
}

/// Vaccines that a doctor ruled out at a 予診 whose record still stands.
fn ruled_out(doses: &PersonDoses) -> BTreeSet<VaccineCode> {
    let stands = |dose: &&StoredDose| dose.record.ruled_out && dose.record.status == DoseStatus::NotDone;
    let vaccines = doses.doses.iter().filter(stands).map(|dose| VaccineCode::parse(&dose.record.vaccine));
    vaccines.filter_map(Result::ok).collect()
}

/// The ordinance lists impaired immunity by HIV twice: with the organs, and alone for zoster.
fn for_rules(conditions: &[store::Condition]) -> BTreeSet<Condition> {
    let one = |condition: &store::Condition| match condition {
        store::Condition::Heart | store::Condition::Kidney | store::Condition::Respiratory => {
            &[Condition::SeriousOrgan][..]
        }
        store::Condition::HivImmune => &[Condition::SeriousOrgan, Condition::Hiv],
    };
    conditions.iter().flat_map(one).copied().collect()
}

/// `municipality:<code>`.
pub(super) fn short(home: MunicipalityCode) -> String {
    format!("municipality:{}", home.as_str())
}

/// Today in Tokyo, by the clock of the batch.
pub(super) fn today(doses: &PersonDoses) -> Date {
    tokyo_date(jiff::Timestamp::from_microsecond(doses.now_us).unwrap_or_default())
}

/// Doses as the rules read them on a day. What never happened and what was not given is no history.
pub(super) fn known(doses: &PersonDoses, on: Date, paper_seen: bool, without: Option<&str>) -> Known {
    let others = doses.doses.iter().filter(|dose| Some(dose.dose_id.as_str()) != without);
    let home = doses.home(on).map(short);
    let register = home.map(|home| doses.register_until(&home));
    // Of doses still to come nobody has a register.
    let (completeness, gap) = completeness(paper_seen, register, on.min(today(doses)));
    Known { history: History { doses: others.filter_map(given).collect(), completeness }, gap }
}

fn given(dose: &StoredDose) -> Option<Given> {
    let recorded = match dose.record.status {
        DoseStatus::Completed => Recorded::AsGiven,
        DoseStatus::AdministeredInError => Recorded::InError,
        DoseStatus::NotDone | DoseStatus::EnteredInError => return None,
    };
    Some(Given {
        on: dose.record.occurrence,
        vaccine: VaccineCode::parse(&dose.record.vaccine).ok()?,
        programme: programme(dose.record.programme),
        recorded,
        conditions: for_rules(&dose.record.conditions),
    })
}

/// The rules' word for a recorded 実施区分.
pub(super) fn programme(recorded: store::Programme) -> Programme {
    match recorded {
        store::Programme::Routine => Programme::Routine,
        store::Programme::ByRequest => Programme::ByRequest,
        store::Programme::LongIllness => Programme::LongIllness,
        store::Programme::Extraordinary => Programme::Extraordinary,
        store::Programme::Voluntary => Programme::Voluntary,
    }
}
