//! VerifyEligibility: load, decide, record, answer.

use std::collections::BTreeSet;

use pmh_audit::{Kind, OrgRef, ShortText, part::GroupOutcome, registry};
use pmh_auth::{
    names::{Purpose, Role, Tier},
    policy::{Permit, Subject},
    token::Consented,
};
use pmh_domain::{
    codes::SchemeGroup,
    eligibility::{
        self, Answer, AnswerState, Caller, Chart, Consent, Facts, LinkFacts, Outcome, Question, View,
        Watermark,
    },
    entitlement::CareType,
    time::DateRange,
};
use pmh_proto::common::Reason;
use pmh_store::{PersonFacts, Recorded, Registry};

use super::{Call, Gateway, Response, unavailable};
use crate::rpc::status::Refusal;

/// What the counter asks, parsed.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// Day or days of service.
    pub period: DateRange,
    /// Care type.
    pub care: Option<CareType>,
    /// Filter.
    pub groups: BTreeSet<SchemeGroup>,
    /// From the chart.
    pub chart: Chart,
    /// Earlier version.
    pub if_version: Option<String>,
    /// Subject named in the body.
    pub subject: Option<String>,
}

/// Decides inside the batch, on the snapshot that the entry is committed with.
/// `render` makes the response; it may run twice and must be pure.
pub async fn verify_eligibility<R: Response>(
    gateway: &Gateway,
    call: &Call,
    permit: Permit,
    inquiry: Inquiry,
    render: impl Fn(Answer, &str) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let subject = permit.subject().ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
    subject.require_same(inquiry.subject.as_deref()).map_err(|refusal| Refusal::named(refusal.reason()))?;
    let named = call.named(gateway).ok_or_else(|| Refusal::new(Reason::TokenInvalid))?;
    let question = question(call, &permit, subject, inquiry)?;
    let rules = gateway.rules.load_full();
    let (call, sub) = (call.clone(), subject.sub().to_owned());
    let person = named.subject.reference;
    let purpose = purpose_number(permit.purpose());
    gateway
        .store
        .disclose(gateway.attempt(), Some(person), move |facts, directory| {
            let answer = decide(&question, facts, directory, &rules);
            let (state, outcomes) = (answer.state, outcomes(&answer));
            let response = render(answer, &sub);
            let mut draft =
                call.draft(Kind::Disclosure, registry::Categories::SUBSIDY, Some(&named), response.digest());
            draft.purpose = purpose;
            draft.outcome = state_number(state);
            draft.holder = single_holder(&outcomes);
            draft.detail.outcomes = outcomes.try_into().unwrap_or_default();
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

fn question(call: &Call, permit: &Permit, subject: &Subject, inquiry: Inquiry) -> Result<Question, Refusal> {
    let on_behalf = subject.actor().is_some() || permit.role() == Role::App;
    Ok(Question {
        period: inquiry.period,
        care: inquiry.care,
        groups: inquiry.groups,
        caller: Caller { organization: call.organization()?, municipality: None },
        chart: inquiry.chart,
        consent: consent(subject.grants()),
        tier: match subject.tier() {
            Tier::Full => eligibility::Tier::Full,
            Tier::Tap => eligibility::Tier::Tap,
            // Break-glass opens no subsidy either; its own method comes later.
            Tier::Grace | Tier::Btg => eligibility::Tier::Grace,
        },
        view: if on_behalf { View::OnBehalf } else { View::Holder },
        if_version: inquiry.if_version,
        version_salt: subject.sub().as_bytes().to_vec(),
        now: call.now,
    })
}

fn consent(grants: &[Consented]) -> Consent {
    if grants.contains(&Consented::All) {
        return Consent::All;
    }
    let groups = grants.iter().filter_map(|grant| match grant {
        Consented::Group(group) => SchemeGroup::parse(group).ok(),
        Consented::All => None,
    });
    Consent::Groups(groups.collect())
}

/// From what is stored to what the rules take.
fn decide(
    question: &Question,
    facts: &PersonFacts,
    directory: &Registry,
    rules: &eligibility::Rules,
) -> Answer {
    let links: Vec<LinkFacts> = facts
        .links
        .iter()
        .map(|known| LinkFacts {
            link: known.link.clone(),
            restricted: known.non_disclosure || known.protective,
        })
        .collect();
    let watermarks: Vec<Watermark> = directory
        .watermarks
        .iter()
        .filter(|((issuer, _), _)| links.iter().any(|known| known.link.issuer == *issuer))
        .filter_map(|(&(issuer, law_no), &as_of_us)| {
            let as_of = jiff::Timestamp::from_microsecond(as_of_us).ok()?;
            Some(Watermark { issuer, law_no, as_of })
        })
        .collect();
    let facts = Facts {
        links: &links,
        entitlements: &facts.entitlements,
        watermarks: &watermarks,
        directory: &directory.directory,
    };
    eligibility::decide(question, &facts, rules)
}

/// Whose data it was, if one issuer's alone.
fn single_holder(outcomes: &[GroupOutcome]) -> Option<OrgRef> {
    let mut issuers = outcomes.iter().filter_map(|row| row.issuer.as_ref());
    let first = issuers.next()?;
    issuers.all(|issuer| issuer == first).then(|| first.clone())
}

fn outcomes(answer: &Answer) -> Vec<GroupOutcome> {
    let row = |row: &eligibility::GroupResult| GroupOutcome {
        issuer: row.issuer.and_then(|issuer| OrgRef::new(&issuer.organization().to_string()).ok()),
        group: ShortText::new(row.group.to_string()).unwrap_or_default(),
        outcome: outcome_number(row.first.outcome),
    };
    answer.results.iter().map(row).collect()
}

/// Numbers of the contract's enums; the log keeps them.
pub(crate) fn state_number(state: AnswerState) -> u16 {
    match state {
        AnswerState::Answered => 1,
        AnswerState::Unchanged => 2,
        AnswerState::NotLinked => 3,
        AnswerState::IdentityConflict => 4,
    }
}

/// Numbers of the contract's enums; the log keeps them.
pub(crate) fn outcome_number(outcome: Outcome) -> u16 {
    match outcome {
        Outcome::Eligible => 1,
        Outcome::NotConsented => 2,
        Outcome::NoEntitlement => 3,
        Outcome::Lapsed => 4,
        Outcome::NotYetValid => 5,
        Outcome::IssuerNotConnected => 6,
        Outcome::SourceStale => 7,
        Outcome::CardLimited => 8,
    }
}

/// The log's number of a purpose.
pub(crate) fn purpose_number(purpose: Option<Purpose>) -> registry::Purpose {
    registry::Purpose(purpose.map_or(0, |purpose| purpose.number().into()))
}
