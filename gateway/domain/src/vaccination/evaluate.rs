//! May this shot be given?

use super::UnknownVaccine;
use super::facts::Case;
use super::finding::{Evaluation, Finding, Level, Verdict};
use super::judge::Subject;
use super::lookup::Timeline;
use super::rules::RuleBook;
use super::schedule::{Context, episode};
use super::shot::{self, shot};

/// Judges one shot. Errors: the book knows neither series nor vaccine.
pub fn evaluate(book: &RuleBook, case: &Case<'_>) -> Result<Evaluation, UnknownVaccine> {
    let proposal = case.proposal;
    book.kind(&proposal.vaccine).ok_or(UnknownVaccine)?;
    let context = Context { book, person: case.person, policy: case.policy };
    let timeline = Timeline::new(context, case.history);
    let subject = Subject { vaccine: &proposal.vaccine, on: proposal.on, programme: proposal.programme };
    let judgement = timeline.judge(subject);
    let mut findings = judgement.findings;
    findings.extend(shot(book, case, judgement.no));
    let mut rules = judgement.rules;
    for rule in shot::rules(book, case) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    // Stable: within one level the order is that of the checks.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let run = timeline.run(&proposal.vaccine, proposal.programme, proposal.on);
    let series = book.series(&proposal.vaccine);
    let episode = series.and_then(|series| episode(context, series, proposal.on));
    Ok(Evaluation {
        verdict: verdict(&findings),
        vaccine: proposal.vaccine.clone(),
        dose_no: judgement.no,
        episode: episode.map(super::schedule::Episode::key).unwrap_or_default(),
        findings,
        allowed_from: run.map(|run| run.first.max(proposal.on)),
        until: run.and_then(|run| run.last),
        policy: case.policy,
        history: case.history.completeness,
        rules_version: book.version().to_owned(),
        rules,
    })
}

fn verdict(findings: &[Finding]) -> Verdict {
    match findings.iter().map(|finding| finding.level).max() {
        None => Verdict::Ok,
        Some(Level::Warn) => Verdict::Warn,
        Some(Level::Block) => Verdict::Block,
    }
}
