//! Card, consent, question, answer, and the patient leaves.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_client::{Answer, Card, Presence, Presentation, Terminal};
use pmh_proto::common::Purpose;
use pmh_proto::directory::ListCompetencesRequest;
use pmh_proto::eligibility::verify_eligibility_request::Service;
use pmh_proto::eligibility::{CareType, Chart, VerifyEligibilityRequest};
use pmh_proto::presence::{Dependant, Notice};

use super::access::Access;
use super::patient::Patient;
use super::trouble::Trouble;
use crate::system;

/// Everything, in an offer and in a refusal.
pub(super) const ALL: &str = "*";

/// What is to be asked, about whom, with whose consent.
pub(super) struct Question {
    pub(super) date: Date,
    pub(super) care_type: CareType,
    pub(super) patient: Patient,
    /// Empty: all.
    pub(super) groups: Vec<String>,
    pub(super) consent: Consent,
    pub(super) chart_birth_date: Option<Date>,
}

pub(super) enum Consent {
    To(Vec<String>),
    ToAllBut(Vec<String>),
}

/// A visit with an answer whose receipt holds.
pub(super) struct Visited {
    pub(super) request: VerifyEligibilityRequest,
    pub(super) answer: Answer,
    pub(super) notices: Vec<Notice>,
    pub(super) terminal: String,
    pub(super) organization: String,
}

/// The whole visit.
pub(super) async fn make(
    access: &Access,
    card: &mut dyn Card,
    question: &Question,
) -> Result<Visited, Trouble> {
    let terminal = access.terminal().await?;
    let presentation = presentation(&terminal, question).await?;
    let mut presence = terminal.present(card, &presentation, system::now_s()).await?;
    if let Patient::Child { born } = question.patient {
        let child = choose(&presence.dependants, born)?.child.clone();
        terminal.renew(&mut presence, Some(&child)).await?;
    }
    let request = request(question);
    let answer = terminal.verify(&presence, &request).await;
    leave(&terminal, &presence).await;
    let identity = terminal.gateway().identity();
    Ok(Visited {
        request,
        answer: answer?,
        notices: presence.notices,
        terminal: identity.terminal().unwrap_or_default().to_owned(),
        organization: identity.organization().to_string(),
    })
}

async fn presentation(terminal: &Terminal, question: &Question) -> Result<Presentation, Trouble> {
    let offered = if question.groups.is_empty() { vec![ALL.to_owned()] } else { question.groups.clone() };
    let granted = granted(terminal, question, &offered).await?;
    let presentation = Presentation::for_eligibility(CONSENT_TEXT, &[]);
    Ok(Presentation { offered, granted, ..presentation })
}

/// Consent is a list of what is granted. Where the patient refuses some of everything, everything has to be
/// written out first, from the directory of issuers.
async fn granted(
    terminal: &Terminal,
    question: &Question,
    offered: &[String],
) -> Result<Vec<String>, Trouble> {
    let refused = match &question.consent {
        Consent::To(groups) => return Ok(groups.clone()),
        Consent::ToAllBut(refused) if refused.is_empty() => return Ok(offered.to_vec()),
        Consent::ToAllBut(refused) if refused.iter().any(|group| group == ALL) => return Ok(Vec::new()),
        Consent::ToAllBut(refused) => refused,
    };
    let known: BTreeSet<String> = if question.groups.is_empty() {
        let everybody = ListCompetencesRequest::default();
        let listed = terminal.gateway().call_unrecorded(&everybody, None).await?;
        listed.competences.into_iter().map(|competence| competence.group).collect()
    } else {
        offered.iter().cloned().collect()
    };
    Ok(known.into_iter().filter(|group| !refused.contains(group)).collect())
}

pub(super) fn choose(children: &[Dependant], born: Option<Date>) -> Result<&Dependant, Trouble> {
    let born = born.map(|date| date.to_string());
    let mut fitting =
        children.iter().filter(|child| born.as_ref().is_none_or(|date| *date == child.birth_date));
    match (fitting.next(), fitting.next()) {
        (Some(child), None) => Ok(child),
        (Some(_), Some(_)) => Err(Trouble::SeveralChildren),
        (None, _) => Err(Trouble::NoChild),
    }
}

fn request(question: &Question) -> VerifyEligibilityRequest {
    VerifyEligibilityRequest {
        service: Some(Service::Date(question.date.to_string())),
        care_type: question.care_type.into(),
        groups: question.groups.clone(),
        chart: question.chart_birth_date.map(|date| Chart { birth_date: date.to_string(), sex: 0 }),
        purpose: Purpose::Hpaymt.into(),
        ..Default::default()
    }
}

/// The token ends when the patient leaves and not five minutes later. Should that fail, it still ends by itself,
/// and the answer in hand is none the worse.
pub(super) async fn leave(terminal: &Terminal, presence: &Presence) {
    if let Err(error) = terminal.end(presence).await {
        tracing::warn!(error = %error, "the presence could not be ended");
    }
}

const CONSENT_TEXT: &str = "この医療機関・薬局に、医療費助成の受給資格を提供することに同意しますか。";
