//! Outcomes become responses.

use jiff::civil::Date;
use pmh_domain::vaccination::{
    AgePolicy, Completeness, Evaluation, Finding, Forecast, HistoryGap, Level, Override, RuleRef, Standing,
    Verdict, finding_line, status_line, verdict_line,
};
use pmh_proto::vaccination as pb;
use pmh_store::vaccination::{
    ClaimSide, DoseRecord, DoseStatus, Effect, Noted, Route, Site, StopCount, StoredDose,
};

use super::super::convert;
use crate::ops::vaccination::{Availability, DoseList, DueList, Judged, RecordedDose};

pub(super) fn evaluated(judged: &Judged) -> pb::EvaluateDoseResponse {
    pb::EvaluateDoseResponse {
        evaluation: Some(evaluation(&judged.evaluation, &judged.noted, judged.gap)),
        availability: match judged.availability {
            Availability::Free => pb::Availability::Free,
            Availability::ReservedHere => pb::Availability::ReservedHere,
            Availability::ReservedElsewhere => pb::Availability::ReservedElsewhere,
        }
        .into(),
        reserved_until: until(judged),
        receipt: None,
    }
}

pub(super) fn reserved(judged: &Judged) -> pb::ReserveDoseResponse {
    let outcome = match judged.availability {
        _ if judged.is_blocked() => pb::ReserveOutcome::Blocked,
        Availability::ReservedElsewhere => pb::ReserveOutcome::ReservedElsewhere,
        Availability::Free | Availability::ReservedHere => pb::ReserveOutcome::Reserved,
    };
    let is_told = outcome != pb::ReserveOutcome::Blocked;
    pb::ReserveDoseResponse {
        outcome: outcome.into(),
        reservation_id: judged.reservation_id.clone(),
        reserved_until: until(judged).filter(|_| is_told),
        evaluation: Some(evaluation(&judged.evaluation, &judged.noted, judged.gap)),
        receipt: None,
    }
}

pub(super) fn recorded(recorded: &RecordedDose) -> pb::RecordDoseResponse {
    pb::RecordDoseResponse {
        dose: Some(dose(&recorded.dose)),
        evaluation: Some(evaluation(&recorded.evaluation, &recorded.dose.record.findings, recorded.gap)),
        receipt: None,
    }
}

pub(super) fn listed(list: &DoseList) -> pb::ListDosesResponse {
    pb::ListDosesResponse {
        doses: list.doses.iter().map(dose).collect(),
        history: history(list.completeness).into(),
        history_gap: gap(list.gap).into(),
        next_page_token: list.doses.last().filter(|_| list.has_more).map(page_token).unwrap_or_default(),
        receipt: None,
    }
}

pub(super) fn forecast(due: &DueList) -> pb::GetForecastResponse {
    pb::GetForecastResponse {
        series: due.series.iter().map(series).collect(),
        history: history(due.completeness).into(),
        rules_version: due.rules_version.clone(),
        history_gap: gap(due.gap).into(),
        receipt: None,
    }
}

pub(super) fn stopped(stops: &[StopCount]) -> pb::GetErrorPreventionReportResponse {
    let row = |stop: &StopCount| pb::StoppedByRule {
        rule: stop.rule.clone(),
        vaccine: stop.vaccine.clone(),
        stopped: stop.stopped,
        overridden: stop.overridden,
    };
    pb::GetErrorPreventionReportResponse { stopped: stops.iter().map(row).collect(), receipt: None }
}

/// What a claim line says, from its dose.
pub(super) fn claim_state(record: &DoseRecord) -> pb::ClaimState {
    match record.status {
        DoseStatus::Completed => pb::ClaimState::Given,
        DoseStatus::AdministeredInError => pb::ClaimState::InError,
        DoseStatus::NotDone => pb::ClaimState::ScreenedOnly,
        DoseStatus::EnteredInError => pb::ClaimState::Withdrawn,
    }
}

/// The payer's own key of the person is for the payer alone.
pub(super) fn resident_key(side: ClaimSide, key: &str) -> String {
    match side {
        ClaimSide::Payer => key.to_owned(),
        ClaimSide::Performer => String::new(),
    }
}

pub(in crate::rpc) fn dose(dose: &StoredDose) -> pb::Dose {
    let record = &dose.record;
    pb::Dose {
        dose_id: dose.dose_id.clone(),
        version: dose.version,
        status: record.status.number(),
        vaccine: record.vaccine.clone(),
        dose_number: record.dose_number.into(),
        episode: record.series.split_once('/').map(|(_, episode)| episode.to_owned()).unwrap_or_default(),
        date: record.occurrence.to_string(),
        product: Some(product(record)),
        administration: Some(pb::Administration {
            quantity_ul: record.quantity_ul,
            route: record.route.map_or(0, Route::number),
            site: record.site.map_or(0, Site::number),
            doctor: record.doctor.clone(),
        }),
        performer: urn(&record.performer),
        payer: urn(&record.payer),
        programme: record.programme.number(),
        source: record.source.number(),
        findings: record.findings.iter().map(noted).collect(),
        override_reason: record.override_reason.clone(),
        change_reason: record.change_reason.clone(),
        recorded_at: Some(convert::micros(dose.written_us)),
        authorization_key: record.authorization_key.clone(),
        conditions: record.conditions.iter().map(|condition| condition.number()).collect(),
        ruled_out: record.ruled_out,
    }
}

fn product(record: &DoseRecord) -> pb::Product {
    let product = &record.product;
    let coding = |coding: &pmh_store::vaccination::DoseCoding| pb::Coding {
        system: coding.system.clone(),
        code: coding.code.clone(),
    };
    pb::Product {
        codings: product.codings.iter().map(coding).collect(),
        lot_number: product.lot_number.clone(),
        expiration_date: day(product.expiration_date),
        manufacturer: product.manufacturer.clone(),
    }
}

fn noted(noted: &Noted) -> pb::NotedFinding {
    pb::NotedFinding {
        rule: noted.rule.clone(),
        version: noted.version.clone(),
        level: match noted.effect {
            Effect::Warn => pb::Verdict::Warn,
            Effect::Block => pb::Verdict::Block,
        }
        .into(),
        overridden: noted.overridden,
    }
}

/// `noted` has the same findings in the same order.
fn evaluation(evaluation: &Evaluation, noted: &[Noted], why: Option<HistoryGap>) -> pb::Evaluation {
    let overridden = noted.iter().map(|noted| noted.overridden).chain(std::iter::repeat(false));
    pb::Evaluation {
        verdict: match evaluation.verdict {
            Verdict::Ok => pb::Verdict::Ok,
            Verdict::Warn => pb::Verdict::Warn,
            Verdict::Block => pb::Verdict::Block,
        }
        .into(),
        dose_number: evaluation.dose_no.map_or(0, u32::from),
        episode: evaluation.episode.clone(),
        findings: evaluation
            .findings
            .iter()
            .zip(overridden)
            .map(|(found, over)| finding(found, over))
            .collect(),
        allowed_from: day(evaluation.allowed_from),
        until: day(evaluation.until),
        history: history(evaluation.history).into(),
        age_policy: match evaluation.policy {
            AgePolicy::LawLiteral => pb::AgePolicy::LawLiteral,
            AgePolicy::Birthday => pb::AgePolicy::Birthday,
        }
        .into(),
        rules_version: evaluation.rules_version.clone(),
        rules: evaluation.rules.iter().map(rule).collect(),
        headline: Some(convert::text(verdict_line(evaluation.verdict))),
        history_gap: gap(why).into(),
    }
}

fn finding(found: &Finding, overridden: bool) -> pb::Finding {
    pb::Finding {
        kind: found.kind.name().to_owned(),
        level: match found.level {
            Level::Warn => pb::Verdict::Warn,
            Level::Block => pb::Verdict::Block,
        }
        .into(),
        overridable: match found.overridable {
            Override::No => pb::Overridable::No,
            Override::Doctor => pb::Overridable::Doctor,
            Override::DoctorWithReason => pb::Overridable::DoctorWithReason,
        }
        .into(),
        rule: Some(rule(&found.rule)),
        allowed_from: day(found.allowed_from),
        until: day(found.until),
        other_vaccine: found.other.as_ref().map(ToString::to_string).unwrap_or_default(),
        text: Some(convert::text(finding_line(found))),
        overridden,
    }
}

fn rule(rule: &RuleRef) -> pb::Rule {
    pb::Rule {
        id: rule.id().to_owned(),
        version: rule.version().to_owned(),
        sources: rule.sources().to_vec(),
        confirmed: rule.is_confirmed(),
    }
}

fn series(series: &Forecast) -> pb::SeriesForecast {
    let next = series.next.as_ref();
    let given = |given: &pmh_domain::vaccination::GivenDose| {
        let (standing, dose_number) = match given.standing {
            Standing::Valid { no } => ("VALID", no),
            Standing::Invalid => ("INVALID", 0),
            Standing::OtherEpisode => ("OTHER_EPISODE", 0),
            Standing::NoSeries => ("NO_SERIES", 0),
        };
        pb::GivenDose {
            date: given.on.to_string(),
            standing: standing.to_owned(),
            dose_number: dose_number.into(),
            findings: given.findings.iter().map(|found| finding(found, false)).collect(),
        }
    };
    pb::SeriesForecast {
        series: series.series.to_string(),
        name: Some(convert::text(series.name.clone())),
        status: series.status.name().to_owned(),
        status_text: Some(convert::text(status_line(series.status))),
        given: series.given.iter().map(given).collect(),
        due: series.due.iter().copied().map(u32::from).collect(),
        earliest: day(next.map(|next| next.earliest)),
        recommended: day(next.map(|next| next.recommended)),
        latest: day(next.and_then(|next| next.latest)),
        overdue: day(next.and_then(|next| next.overdue)),
        rules: series.rules.iter().map(rule).collect(),
    }
}

fn history(completeness: Completeness) -> pb::HistoryState {
    match completeness {
        Completeness::HistoryComplete => pb::HistoryState::Complete,
        Completeness::PaperSeen => pb::HistoryState::PaperSeen,
        Completeness::HistoryIncomplete => pb::HistoryState::Incomplete,
    }
}

fn gap(gap: Option<HistoryGap>) -> pb::HistoryGap {
    match gap {
        None => pb::HistoryGap::Unspecified,
        Some(HistoryGap::HomeUnknown) => pb::HistoryGap::HomeUnknown,
        Some(HistoryGap::RegisterNotDelivered) => pb::HistoryGap::RegisterNotDelivered,
        Some(HistoryGap::RegisterStale) => pb::HistoryGap::RegisterStale,
    }
}

/// The place of the last dose of a page: its day and id, which the caller has just read.
fn page_token(last: &StoredDose) -> String {
    format!("{}/{}", last.record.occurrence, last.dose_id)
}

fn until(judged: &Judged) -> Option<prost_types::Timestamp> {
    (judged.reserved_until_us > 0).then(|| convert::micros(judged.reserved_until_us))
}

fn day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

fn urn(short: &str) -> String {
    if short.is_empty() { String::new() } else { format!("urn:x-pmh:org:{short}") }
}
