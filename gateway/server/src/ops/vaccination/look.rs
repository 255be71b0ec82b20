//! Looking at a person's doses: what was given, what is due.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::{names::Role, policy::Permit};
use pmh_domain::vaccination::{AgePolicy, Completeness, Forecast, forecast};
use pmh_proto::common::Reason;
use pmh_store::{
    PersonLink,
    vaccination::{DoseChange, DoseStatus, DosesOf, PersonDoses, StoredDose},
};

use super::{
    case::{history, home, person, short},
    step::{Asked, Kept, Said, is_restricted},
};
use crate::{
    ops::{Call, Gateway},
    rpc::status::Refusal,
};

/// A person's doses.
pub struct DoseList {
    /// Newest versions by day, without voided ones.
    pub doses: Vec<StoredDose>,
    /// Whether these are all.
    pub completeness: Completeness,
    home: String,
}

/// What is due.
pub struct DueList {
    /// Every series of the rule book.
    pub series: Vec<Forecast>,
    /// Whether the history was complete.
    pub completeness: Completeness,
    /// Version of the rule book.
    pub rules_version: String,
    home: String,
}

/// What a forecast is asked for.
#[derive(Debug, Clone)]
pub struct ForecastOf {
    /// Day.
    pub on: Date,
    /// Of the present pregnancy.
    pub due_date: Option<Date>,
    /// How ages are counted.
    pub policy: AgePolicy,
}

/// A person's doses, with the card or, for a municipality, by its own key of the resident.
pub async fn list_doses(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
    render: impl Fn(&DoseList) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = looked_at(gateway, call, permit, resident_key)?;
    let (caller, on_behalf) = (call.short().to_owned(), is_on_behalf(permit));
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        if on_behalf && is_restricted(&doses.links) {
            let completeness = Completeness::HistoryIncomplete;
            let absent = DoseList { doses: Vec::new(), completeness, home: String::new() };
            return Ok((absent, DoseChange::default()));
        }
        let home = home(&doses.links, pmh_domain::time::tokyo_date(instant(doses.now_us)));
        let completeness = history(doses, home, false, None).completeness;
        let stands = |dose: &&StoredDose| dose.record.status != DoseStatus::EnteredInError;
        let shown = doses.doses.iter().filter(stands).map(|dose| without_places(dose, &doses.links, &caller));
        let home = home.map(short).unwrap_or_default();
        Ok((DoseList { doses: shown.collect(), completeness, home }, DoseChange::default()))
    };
    asked.run(gateway, decide, |list| about(&list.home), render).await
}

/// What is due when, series by series.
pub async fn get_forecast(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
    wanted: ForecastOf,
    render: impl Fn(&DueList) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let book = gateway.vaccination.load_full();
    let asked = looked_at(gateway, call, permit, resident_key)?;
    let on_behalf = is_on_behalf(permit);
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        if on_behalf && is_restricted(&doses.links) {
            return Err(Reason::NotFound);
        }
        // Without a link there is no birth date, and without it no forecast.
        let person = person(&doses.links, None, wanted.due_date).map_err(|_| Reason::NotFound)?;
        let home = home(&doses.links, wanted.on);
        let history = history(doses, home, false, None);
        let due = DueList {
            series: forecast(&book, &person, &history, wanted.on, wanted.policy),
            completeness: history.completeness,
            rules_version: book.version().to_owned(),
            home: home.map(short).unwrap_or_default(),
        };
        Ok((due, DoseChange::default()))
    };
    asked.run(gateway, decide, |due| about(&due.home), render).await
}

/// In a guardian's or an app's view a restricted record equals absence: what a card gets that nobody has linked.
fn is_on_behalf(permit: &Permit) -> bool {
    permit.role() == Role::App || permit.subject().is_some_and(|subject| subject.actor().is_some())
}

fn looked_at(
    gateway: &Gateway,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
) -> Result<Asked, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let of = match resident_key {
        // Its own residents need no card; a clinic that names one is asked for its token.
        Some(key) => match call.issuer() {
            Ok(issuer) => Some(DosesOf::Resident(issuer, key)),
            Err(_) => return Err(Refusal::new(Reason::TokenMissing)),
        },
        None => None,
    };
    Asked::new(gateway, call, permit, Kind::Disclosure, of)
}

/// A restricted person's doses say nothing of where they were given (design.md §2, P5 and P16).
fn without_places(dose: &StoredDose, links: &[PersonLink], caller: &str) -> StoredDose {
    let mut dose = dose.clone();
    if is_restricted(links) && dose.record.performer != caller {
        let record = &mut dose.record;
        let told_by_others = [
            &mut record.performer,
            &mut record.payer,
            &mut record.doctor,
            &mut record.authorization_key,
            // Free text of another institution may name it.
            &mut record.override_reason,
            &mut record.change_reason,
        ];
        told_by_others.into_iter().for_each(String::clear);
    }
    dose
}

fn about(home: &str) -> Said {
    Said { holder: home.to_owned(), ..Said::default() }
}

fn instant(time_us: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(time_us).unwrap_or_default()
}
