//! Looking at a person's doses: what was given, what is due.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::vaccination::{AgePolicy, Completeness, Forecast, HistoryGap, forecast};
use pmh_proto::common::Reason;
use pmh_store::{
    PersonLink,
    vaccination::{Condition, DoseChange, DoseStatus, DosesOf, PersonDoses, StoredDose},
};

use super::{
    known::{Known, known, person, short, today},
    step::{Asked, Kept, Said, is_on_behalf, is_restricted, seen},
};
use crate::{
    ops::{Call, Gateway},
    rpc::status::Refusal,
};

/// A person's doses.
pub struct DoseList {
    /// Newest versions by day, without voided ones.
    pub doses: Vec<StoredDose>,
    /// Whether these are all, over all pages.
    pub completeness: Completeness,
    /// Why not.
    pub gap: Option<HistoryGap>,
    /// Whether more come after the last.
    pub has_more: bool,
    home: String,
}

/// What is due.
pub struct DueList {
    /// Every series of the rule book.
    pub series: Vec<Forecast>,
    /// Whether the history was complete.
    pub completeness: Completeness,
    /// Why not.
    pub gap: Option<HistoryGap>,
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
    /// Established by the doctor.
    pub conditions: Vec<Condition>,
}

/// Which of a person's doses are asked for.
#[derive(Clone)]
pub struct DoseListOf {
    /// A municipality's own resident; `None`: the token's person.
    pub resident_key: Option<String>,
    /// After the dose of this day with this id.
    pub after: Option<(Date, String)>,
    /// At most so many.
    pub size: usize,
}

/// A person's doses, with the card or, for a municipality, by its own key of the resident.
pub async fn list_doses(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    wanted: DoseListOf,
    render: impl Fn(&DoseList) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = looked_at(gateway, call, permit, wanted.resident_key.clone())?;
    let (caller, on_behalf) = (call.short().to_owned(), is_on_behalf(permit));
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        Ok((page(&seen(doses, on_behalf), &wanted, &caller), DoseChange::default()))
    };
    asked.run(gateway, decide, |list| about(&list.home), render).await
}

fn page(doses: &PersonDoses, wanted: &DoseListOf, caller: &str) -> DoseList {
    let Known { history, gap } = known(doses, today(doses), false, None);
    let place = |dose: &StoredDose| (dose.record.occurrence, dose.dose_id.clone());
    let is_shown = |dose: &&StoredDose| {
        dose.record.status != DoseStatus::EnteredInError
            && wanted.after.as_ref().is_none_or(|after| *after < place(dose))
    };
    let mut shown: Vec<_> = doses.doses.iter().filter(is_shown).collect();
    shown.sort_by_key(|dose| place(dose));
    let has_more = shown.len() > wanted.size;
    shown.truncate(wanted.size);
    DoseList {
        doses: shown.into_iter().map(|dose| without_places(dose, &doses.links, caller)).collect(),
        completeness: history.completeness,
        gap,
        has_more,
        home: doses.home(today(doses)).map(short).unwrap_or_default(),
    }
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
        let doses = seen(doses, on_behalf);
        // Without a link there is no birth date, and without it no forecast.
        let person =
            person(&doses, None, wanted.due_date, &wanted.conditions).map_err(|_| Reason::NotFound)?;
        let Known { history, gap } = known(&doses, wanted.on, false, None);
        let due = DueList {
            // Nothing is due of a child that was lost, and nobody may be told that anything is.
            series: if doses.is_silent {
                Vec::new()
            } else {
                forecast(&book, &person, &history, wanted.on, wanted.policy)
            },
            completeness: history.completeness,
            gap,
            rules_version: book.version().to_owned(),
            home: doses.home(wanted.on).map(short).unwrap_or_default(),
        };
        Ok((due, DoseChange::default()))
    };
    asked.run(gateway, decide, |due| about(&due.home), render).await
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
