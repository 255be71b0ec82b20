//! Reports: as they travel, and the two calls about them.

use pmh_domain::handoff::{Cost, GivenDose, LeafHash, News, Report, ReportError};
use pmh_proto::{
    common::Reason,
    handoff::{self as pb, handoff_report::News as WireNews},
};

use super::{
    super::{fields::Fields, service::Service, status::Refusal},
    parse, words, wrong,
};
use crate::ops::{Call, handoff as ops};

impl Service {
    pub(super) async fn report(
        &self,
        call: &Call,
        message: &pb::ReportToHomeRequest,
    ) -> Result<pb::ReportToHomeResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        if message.report.is_none() {
            checked.wrong("report", Reason::Required);
        }
        let report = message.report.as_ref().and_then(|report| parsed(&mut checked, report));
        checked.finish()?;
        let ((key, id), report) = named.zip(report).ok_or_else(wrong)?;
        self.decode(ops::report(&self.gateway, call, &key, id, report).await?)
    }

    pub(super) async fn acknowledged(
        &self,
        call: &Call,
        message: &pb::AcknowledgeReportRequest,
    ) -> Result<pb::AcknowledgeReportResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let leaf = <[u8; 32]>::try_from(message.report_leaf_hash.as_slice()).ok();
        let leaf = parse::required(&mut checked, "report_leaf_hash", leaf);
        checked.finish()?;
        let ((key, id), leaf) = named.zip(leaf).ok_or_else(wrong)?;
        self.decode(ops::acknowledge_report(&self.gateway, call, &key, id, LeafHash(leaf)).await?)
    }
}

/// A report as it travels.
pub(super) fn to_wire(report: &Report) -> pb::HandoffReport {
    let news = match report.news() {
        News::Visit(word) => {
            WireNews::Visit(pb::HandoffVisitReport { assessment: words::assessment(*word).into() })
        }
        News::Checkup(word) => {
            WireNews::Checkup(pb::HandoffCheckupReport { assessment: words::assessment(*word).into() })
        }
        News::Doses(doses) => {
            let dose = |dose: &GivenDose| pb::HandoffGivenDose {
                vaccine: dose.vaccine.clone(),
                number: dose.number.into(),
            };
            WireNews::Doses(pb::HandoffDosesReport { doses: doses.iter().map(dose).collect() })
        }
        News::PostpartumCare { days, kind } => WireNews::PostpartumCare(pb::HandoffCareReport {
            days: (*days).into(),
            kind: kind.map_or(0, |kind| words::care(kind).into()),
        }),
        News::Epds { total, item10 } => {
            WireNews::Epds(pb::HandoffEpdsReport { total: (*total).into(), item10: (*item10).into() })
        }
        News::Protective => WireNews::Protective(pb::HandoffProtectiveReport {}),
        News::EarlyBirth => WireNews::EarlyBirth(pb::HandoffEarlyBirthReport {}),
        News::Transfer => WireNews::Transfer(pb::HandoffTransferReport {}),
    };
    let cost = |cost: &Cost| pb::HandoffCost {
        ticket: cost.ticket.clone(),
        paid_yen: cost.paid_yen,
        paper_receipt: cost.paper_receipt.clone(),
    };
    pb::HandoffReport {
        duty: report.duty().map_or(0, |duty| words::duty(duty).into()),
        on: report.on().to_string(),
        urgent: report.is_urgent(),
        cost: report.cost().map(cost),
        news: Some(news),
    }
}

/// And back; `None` if it is none.
pub(super) fn of_wire(wire: &pb::HandoffReport) -> Option<Report> {
    let mut checked = Fields::default();
    let report = parsed(&mut checked, wire)?;
    checked.finish().ok()?;
    Some(report)
}

fn parsed(checked: &mut Fields, wire: &pb::HandoffReport) -> Option<Report> {
    let on = checked.date("report.on", &wire.on);
    let duty = words::to_duty(wire.duty);
    if wire.duty != 0 {
        parse::required(checked, "report.duty", duty);
    }
    let cost = match &wire.cost {
        Some(cost) => Some(parsed_cost(checked, cost)?),
        None => None,
    };
    let news = wire.news.as_ref().and_then(|news| parsed_news(checked, news));
    let news = parse::required(checked, "report.news", news);
    let (on, news) = on.zip(news)?;
    match Report::new(duty, on, news, cost, wire.urgent) {
        Ok(report) => Some(report),
        Err(error) => {
            checked.wrong(path_of(error), Reason::Value);
            None
        }
    }
}

fn parsed_news(checked: &mut Fields, wire: &WireNews) -> Option<News> {
    Some(match wire {
        WireNews::Visit(visit) => News::Visit(words::to_assessment(visit.assessment)?),
        WireNews::Checkup(checkup) => News::Checkup(words::to_assessment(checkup.assessment)?),
        WireNews::Doses(given) => {
            let mut doses = Vec::new();
            for dose in &given.doses {
                let vaccine = checked.identifier("report.doses.vaccine", &dose.vaccine, MAX_VACCINE)?;
                doses.push(GivenDose { vaccine, number: u8::try_from(dose.number).ok()? });
            }
            News::Doses(doses)
        }
        WireNews::PostpartumCare(care) => {
            let kind = match care.kind {
                0 => None,
                kind => Some(words::to_care(kind)?),
            };
            News::PostpartumCare { days: u8::try_from(care.days).ok()?, kind }
        }
        WireNews::Epds(epds) => {
            News::Epds { total: u8::try_from(epds.total).ok()?, item10: u8::try_from(epds.item10).ok()? }
        }
        WireNews::Protective(_) => News::Protective,
        WireNews::EarlyBirth(_) => News::EarlyBirth,
        WireNews::Transfer(_) => News::Transfer,
    })
}

fn parsed_cost(checked: &mut Fields, wire: &pb::HandoffCost) -> Option<Cost> {
    let mut number = |path: &str, text: &str| match text {
        "" => Some(String::new()),
        text => checked.identifier(path, text, MAX_NUMBER),
    };
    let ticket = number("report.cost.ticket", &wire.ticket);
    let paper_receipt = number("report.cost.paper_receipt", &wire.paper_receipt);
    let (ticket, paper_receipt) = ticket.zip(paper_receipt)?;
    Some(Cost { ticket, paid_yen: wire.paid_yen, paper_receipt })
}

fn path_of(error: ReportError) -> &'static str {
    match error {
        ReportError::Duty => "report.duty",
        ReportError::Cost => "report.cost",
        _ => "report.news",
    }
}

const MAX_VACCINE: usize = 16;
const MAX_NUMBER: usize = 64;
