//! Before the shot: what the rules say, and who holds the number.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    time::tokyo_date,
    vaccination::{Evaluation, HistoryGap, VaccineCode, Verdict},
};
use pmh_proto::common::Reason;
use pmh_store::vaccination::{DoseChange, DosesOf, Effect, Lease, Noted, PersonDoses, Slot, Stop, Taken};
use serde::{Deserialize, Serialize};

use super::{
    case::{CaseFile, Shot, is_series_of, place},
    known::short,
    step::{Asked, Kept, Said, is_on_behalf, noted, seen},
};
use crate::{
    ops::{Call, Gateway},
    rpc::status::Refusal,
};

/// What is said before a shot.
pub struct Judged {
    /// The rules.
    pub evaluation: Evaluation,
    /// Who has the number.
    pub availability: Availability,
    /// End of the reservation, microseconds; 0: none.
    pub reserved_until_us: i64,
    /// The caller's reservation; empty: none.
    pub reservation_id: String,
    /// Findings as the log has them.
    pub noted: Vec<Noted>,
    /// Why the history may have holes.
    pub gap: Option<HistoryGap>,
    home: String,
}

/// Who has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Nobody.
    Free,
    /// The caller.
    ReservedHere,
    /// Another institution; which one is nobody's business.
    ReservedElsewhere,
}

/// What a reservation remembers for the record that follows it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) override_reason: String,
    pub(super) paper_seen: bool,
    pub(super) screened: bool,
    /// Reserved by somebody who acts for the person.
    #[serde(default)]
    pub(super) on_behalf: bool,
    /// End of the lease, microseconds.
    #[serde(default)]
    pub(super) until_us: i64,
}

/// May this shot be given?
pub async fn evaluate_dose(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    shot: Shot,
    render: impl Fn(&Judged) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let (book, institution) = (gateway.vaccination.load_full(), call.organization()?);
    let asked = Asked::new(gateway, call, permit, Kind::Disclosure, None)?;
    let (today, caller) = (tokyo_date(call.now), call.short().to_owned());
    let on_behalf = is_on_behalf(permit);
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        let doses = &*seen(doses, on_behalf);
        let file = CaseFile::of(doses, &shot, &institution, None)?;
        let judged = judge(doses, &file, file.evaluate(&book)?, shot.on, &caller);
        let stops = if shot.on <= today { stopped(&judged, &caller, today) } else { Vec::new() };
        Ok((judged, DoseChange { stops, ..DoseChange::default() }))
    };
    asked.run(gateway, decide, said, render).await
}

/// What the counter wants to hold.
pub struct Wish {
    /// UUID.
    pub idempotency_key: String,
    /// The shot.
    pub shot: Shot,
    /// A doctor's reason to go past what a doctor may; empty: none.
    pub override_reason: String,
}

/// Holds the number, if the rules and everybody else let it be. A lease is for the shot that is about to be given, so the
/// day is one on which it runs.
pub async fn reserve_dose(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    wish: Wish,
    render: impl Fn(&Judged) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let (book, institution) = (gateway.vaccination.load_full(), call.organization()?);
    let asked = Asked::new(gateway, call, permit, Kind::Write, None)?.once(&wish.idempotency_key);
    let (today, caller) = (tokyo_date(call.now), call.short().to_owned());
    let lease_ends = call.now.saturating_add(jiff::SignedDuration::from_micros(LEASE_US)).unwrap_or(call.now);
    if !(today..=tokyo_date(lease_ends)).contains(&wish.shot.on) {
        return Err(Refusal::invalid_fields(vec![]).with_field("shot.date", Reason::DateOutOfRange));
    }
    let (reservation_id, on_behalf) = (uuid(gateway), is_on_behalf(permit));
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        let view = seen(doses, on_behalf);
        let file = CaseFile::of(&view, &wish.shot, &institution, None)?;
        let mut judged = judge(&view, &file, file.evaluate(&book)?, wish.shot.on, &caller);
        judged.noted = noted(&judged.evaluation, &wish.override_reason);
        let stops = stopped(&judged, &caller, today);
        let mut change = DoseChange { stops, ..DoseChange::default() };
        if is_stopped(&judged) {
            return Ok((judged, change));
        }
        // Whoever holds the number already goes on with a lease of its own.
        change.release = own_lease(doses, &judged, wish.shot.on, &caller);
        let (series, dose_number) = place(doses, &judged.evaluation, wish.shot.on);
        judged.reserved_until_us = doses.now_us.saturating_add(LEASE_US);
        judged.reservation_id.clone_from(&reservation_id);
        judged.availability = Availability::ReservedHere;
        change.lease = Some(Lease {
            reservation_id: reservation_id.clone(),
            organization: caller.clone(),
            series,
            dose_number,
            expires_us: judged.reserved_until_us,
            body: remembered(&wish, judged.reserved_until_us, on_behalf),
        });
        Ok((judged, change))
    };
    asked.run(gateway, decide, said, render).await
}

/// Gives a reservation of the caller's back; tells whether it still held anything.
pub async fn release_dose(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    reservation_id: String,
    render: impl Fn(bool) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let of = DosesOf::Reservation { id: reservation_id.clone(), organization: call.short().to_owned() };
    let asked = Asked::new(gateway, call, permit, Kind::Write, Some(of))?.once(idempotency_key);
    let decide = move |doses: &PersonDoses, _: Option<&str>| {
        let release = doses.lease(&reservation_id).map(|lease| lease.reservation_id.clone());
        Ok((release.is_some(), DoseChange { release, ..DoseChange::default() }))
    };
    asked.run(gateway, decide, |_| Said::default(), move |released| render(*released)).await
}

fn judge(doses: &PersonDoses, file: &CaseFile, evaluation: Evaluation, on: Date, caller: &str) -> Judged {
    let (series, number) = place(doses, &evaluation, on);
    let (availability, reserved_until_us) = match doses.taken(&series, number) {
        Taken::Leased(slot) if slot.organization == caller => (Availability::ReservedHere, slot.expires_us),
        Taken::Leased(slot) => (Availability::ReservedElsewhere, slot.expires_us),
        Taken::Free | Taken::Given(_) => match leased_elsewhere(doses, &evaluation.vaccine, caller) {
            Some(slot) => (Availability::ReservedElsewhere, slot.expires_us),
            None => (Availability::Free, 0),
        },
    };
    Judged {
        noted: noted(&evaluation, ""),
        gap: file.gap(),
        evaluation,
        availability,
        reserved_until_us,
        reservation_id: String::new(),
        home: file.home.map(short).unwrap_or_default(),
    }
}

/// Another institution's lease of the same vaccine, under whatever number. Two institutions that are about to give one
/// dose may number it apart: another day, another due date of the same pregnancy.
fn leased_elsewhere<'a>(doses: &'a PersonDoses, vaccine: &VaccineCode, caller: &str) -> Option<&'a Slot> {
    let runs = |slot: &&Slot| slot.dose_id.is_empty() && slot.expires_us > doses.now_us;
    let of_vaccine = |slot: &&Slot| is_series_of(&slot.series, vaccine);
    let others = doses.slots.iter().filter(|slot| slot.organization != caller);
    others.filter(runs).filter(of_vaccine).max_by_key(|slot| slot.expires_us)
}

impl Judged {
    /// Whether the rules stop it, after what a doctor went past.
    pub fn is_blocked(&self) -> bool {
        self.noted.iter().any(|noted| noted.effect == Effect::Block && !noted.overridden)
    }
}

fn is_stopped(judged: &Judged) -> bool {
    judged.is_blocked() || judged.availability == Availability::ReservedElsewhere
}

fn own_lease(doses: &PersonDoses, judged: &Judged, on: Date, caller: &str) -> Option<String> {
    let (series, number) = place(doses, &judged.evaluation, on);
    match doses.taken(&series, number) {
        Taken::Leased(slot) if slot.organization == caller => Some(slot.reservation_id.clone()),
        _ => None,
    }
}

/// One count for each rule that stopped it or that a doctor went past.
fn stopped(judged: &Judged, caller: &str, today: Date) -> Vec<Stop> {
    let vaccine = judged.evaluation.vaccine.as_str();
    let mut stops = stops(&judged.home, vaccine, &judged.noted, caller, today);
    if judged.availability == Availability::ReservedElsewhere {
        let (rule, effect) = (RESERVED_ELSEWHERE.to_owned(), Effect::Block);
        stops.push(stop(
            (&judged.home, vaccine, caller, today),
            &Noted { rule, effect, version: String::new(), overridden: false },
        ));
    }
    stops
}

/// One count for each blocking rule. One rule may find several things; a person, an institution and a day count once.
pub(super) fn stops(home: &str, vaccine: &str, noted: &[Noted], caller: &str, today: Date) -> Vec<Stop> {
    let blocks = noted.iter().filter(|noted| noted.effect == Effect::Block);
    let mut stops: Vec<Stop> = blocks.map(|noted| stop((home, vaccine, caller, today), noted)).collect();
    stops.sort_by(|one, other| (&one.rule, one.overridden).cmp(&(&other.rule, other.overridden)));
    stops.dedup_by(|one, other| one.rule == other.rule);
    stops
}

fn stop((home, vaccine, caller, today): (&str, &str, &str, Date), noted: &Noted) -> Stop {
    Stop {
        municipality: home.to_owned(),
        day: today.to_string(),
        rule: noted.rule.clone(),
        vaccine: vaccine.to_owned(),
        organization: caller.to_owned(),
        overridden: noted.overridden,
    }
}

fn said(judged: &Judged) -> Said {
    let outcome = match judged.evaluation.verdict {
        Verdict::Ok => 1,
        Verdict::Warn => 2,
        Verdict::Block => 3,
    };
    Said { outcome, holder: judged.home.clone(), findings: judged.noted.clone() }
}

fn remembered(wish: &Wish, until_us: i64, on_behalf: bool) -> String {
    let remembered = Remembered {
        override_reason: wish.override_reason.clone(),
        paper_seen: wish.shot.paper_seen,
        screened: wish.shot.answers.is_some(),
        on_behalf,
        until_us,
    };
    serde_json::to_string(&remembered).unwrap_or_default()
}

/// A fresh UUID.
pub(super) fn uuid(gateway: &Gateway) -> String {
    uuid::Builder::from_random_bytes(gateway.random_bytes()).into_uuid().to_string()
}

/// Long enough for 予診 and shot, short enough that a forgotten one hinders nobody for long.
const LEASE_US: i64 = 10 * 60 * 1_000_000;
/// In the error-prevention report: another institution was about to give the same dose.
const RESERVED_ELSEWHERE: &str = "slot.reserved_elsewhere";
