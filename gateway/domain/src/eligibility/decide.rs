//! The one function that decides.

use std::collections::BTreeSet;

use super::action::Rule;
use super::rights::Right;
use super::rows::{Row, Source, closed_segment};
use super::serve::{Disclosure, general_name};
use super::version::version;
use super::words::{self, Text};
use super::{
    Answer, AnswerState, Chart, Consent, Facts, GroupResult, LinkFacts, Outcome, Question, Rules, Tier, View,
};
use crate::codes::{SchemeGroup, scheme_entry};
use crate::directory::IssuerDirectory;
use crate::entitlement::Entitlement;
use crate::organization::IssuerId;
use crate::resident::{ResidentLink, Sex};
use crate::time::tokyo_date;

/// Decides what a counter is told. Pure; never fails.
///
/// First what needs nothing about the person: which groups are listed, and
/// whether card and consent open any of them. If none, the answer ends there
/// and is the same for everybody, linked or not. Only then are links and
/// rights looked at.
pub fn decide(question: &Question, facts: &Facts<'_>, rules: &Rules) -> Answer {
    let listed = listed_groups(question, facts.directory, rules);
    if !opens_anything(question, &listed) {
        let closed = listed.iter().map(|group| closed_row(*group, question));
        return answered(question, rules, closed.collect());
    }
    let person = Person::seen(question, facts);
    if person.links.is_empty() {
        return whole(AnswerState::NotLinked);
    }
    if person.contradicts(question.chart) {
        return whole(AnswerState::IdentityConflict);
    }
    let rows = listed.iter().flat_map(|group| rows(*group, question, facts, &person, rules));
    answered(question, rules, rows.collect())
}

/// Groups of the directory on any day asked, within the filter, and groups
/// asked for by name; in the order of claiming.
fn listed_groups(question: &Question, directory: &IssuerDirectory, rules: &Rules) -> Vec<SchemeGroup> {
    let period = question.period;
    let mut listed: BTreeSet<SchemeGroup> = question.groups.clone();
    if listed.is_empty() {
        let begins_within = |from| period.contains(from);
        let on_first = directory.groups_on(period.first());
        let later = directory.iter().filter(|competence| begins_within(competence.interval.from()));
        listed = on_first.into_iter().chain(later.map(|competence| competence.group)).collect();
    }
    let mut listed: Vec<SchemeGroup> = listed.into_iter().collect();
    let place = |group: &SchemeGroup| rules.priority(*group, question.caller.prefecture(), period.first()).0;
    listed.sort_by_cached_key(place);
    listed
}

fn opens_anything(question: &Question, listed: &[SchemeGroup]) -> bool {
    let consents = match &question.consent {
        Consent::All => true,
        groups @ Consent::Groups(_) => listed.iter().any(|group| groups.covers(*group)),
    };
    question.tier == Tier::Full && consents
}

/// The row of a group that card or consent keep closed.
fn closed_row(group: SchemeGroup, question: &Question) -> GroupResult {
    let (outcome, rule) = match question.tier {
        Tier::Full => (Outcome::NotConsented, Rule::NotConsented),
        Tier::Grace | Tier::Tap => (Outcome::CardLimited, Rule::CardLimited),
    };
    row_without_issuer(group, outcome, rule, question)
}

/// The rows of a group, some group being open.
fn rows<'a>(
    group: SchemeGroup,
    question: &'a Question,
    facts: &Facts<'a>,
    person: &Person<'a>,
    rules: &'a Rules,
) -> Vec<GroupResult> {
    if !question.consent.covers(group) {
        return vec![closed_row(group, question)];
    }
    let issuers = person.competent_issuers(group, question, facts.directory);
    if issuers.is_empty() {
        let (outcome, rule) = (Outcome::NoEntitlement, Rule::NoneLinked);
        return vec![row_without_issuer(group, outcome, rule, question)];
    }
    let row = |issuer| issuer_row(group, issuer, question, facts, person, rules);
    issuers.into_iter().map(row).collect()
}

fn issuer_row<'a>(
    group: SchemeGroup,
    issuer: IssuerId,
    question: &'a Question,
    facts: &Facts<'a>,
    person: &Person<'a>,
    rules: &'a Rules,
) -> GroupResult {
    let entitlements: Vec<&Entitlement> = person
        .entitlements
        .iter()
        .copied()
        .filter(|one| one.group == group && one.issuer == issuer)
        .collect();
    let is_withheld = person.is_restricted || entitlements.iter().any(|one| one.not_disclosed);
    let row = Row {
        question,
        rules,
        directory: facts.directory,
        group,
        issuer,
        source: source(group, issuer, question, facts, rules),
        rights: Right::of(entitlements, &person.links),
        disclosure: if is_withheld { Disclosure::Withheld } else { Disclosure::Whole },
    };
    let (first, rest) = row.segments();
    let named = (!is_withheld).then(|| facts.directory.competent(group, issuer, question.period.first()));
    let group_name = match named.flatten() {
        Some(competence) => Text::new(competence.name_ja.clone(), competence.name_en.clone()),
        None => group_name(group),
    };
    GroupResult {
        group,
        group_name,
        issuer: (!is_withheld).then_some(issuer),
        as_of: row.source.as_of(),
        first,
        rest,
    }
}

fn row_without_issuer(group: SchemeGroup, outcome: Outcome, rule: Rule, question: &Question) -> GroupResult {
    GroupResult {
        group,
        group_name: group_name(group),
        issuer: None,
        as_of: None,
        first: closed_segment(question.period, outcome, rule),
        rest: Vec::new(),
    }
}

/// A name that is the same for every person and names no municipality.
fn group_name(group: SchemeGroup) -> Text {
    match scheme_entry(group.law_no()).filter(|_| group.is_national()) {
        Some(entry) => Text::new(entry.name_ja.as_str(), entry.name_en.as_str()),
        None => Text::new(general_name(group), format!("Local subsidy {group}")),
    }
}

fn source(
    group: SchemeGroup,
    issuer: IssuerId,
    question: &Question,
    facts: &Facts<'_>,
    rules: &Rules,
) -> Source {
    let of_issuer = facts.watermarks.iter().filter(|w| w.issuer == issuer && w.law_no == group.law_no());
    match of_issuer.map(|watermark| watermark.as_of).max() {
        None => Source::Never,
        Some(as_of) => {
            let stale_after = rules.stale_after(tokyo_date(question.now));
            let is_fresh = question.now.duration_since(as_of) <= stale_after;
            if is_fresh { Source::Fresh(as_of) } else { Source::Stale(as_of) }
        }
    }
}

/// What of the person this view may see.
struct Person<'a> {
    links: Vec<&'a ResidentLink>,
    entitlements: Vec<&'a Entitlement>,
    is_restricted: bool,
}

impl<'a> Person<'a> {
    /// In a guardian's or an app's view a restricted record equals absence.
    fn seen(question: &Question, facts: &Facts<'a>) -> Self {
        let sees_restricted = question.view == View::Holder;
        let is_restricted = facts.links.iter().any(|link| link.restricted);
        if is_restricted && !sees_restricted {
            return Self { links: Vec::new(), entitlements: Vec::new(), is_restricted };
        }
        let is_seen = |one: &&Entitlement| sees_restricted || !one.not_disclosed;
        Self {
            links: facts.links.iter().map(|facts: &LinkFacts| &facts.link).collect(),
            entitlements: facts.entitlements.iter().filter(is_seen).collect(),
            is_restricted,
        }
    }

    /// Whether the chart speaks of somebody else than any of the links.
    fn contradicts(&self, chart: Chart) -> bool {
        self.links.iter().any(|link| {
            chart.birth_date.is_some_and(|birth| birth != link.birth_date)
                || (chart.sex != Sex::Unknown && link.sex != Sex::Unknown && chart.sex != link.sex)
        })
    }

    /// Linked issuers that are competent for a group on any day asked.
    fn competent_issuers(
        &self,
        group: SchemeGroup,
        question: &Question,
        directory: &IssuerDirectory,
    ) -> BTreeSet<IssuerId> {
        let period = question.period;
        let is_competent = |issuer: &IssuerId| {
            directory.entries(group, *issuer).iter().any(|competence| {
                let interval = competence.interval;
                interval.from() <= period.last() && interval.to().is_none_or(|last| period.first() <= last)
            })
        };
        self.links.iter().map(|link| link.issuer).filter(is_competent).collect()
    }
}

fn answered(question: &Question, rules: &Rules, results: Vec<GroupResult>) -> Answer {
    let version = version(question, rules, &results);
    if version.is_some() && version == question.if_version {
        return Answer { version, ..whole(AnswerState::Unchanged) };
    }
    let summary = words::summary(&results);
    Answer { state: AnswerState::Answered, results, version, summary }
}

/// An answer that is a state and nothing else.
fn whole(state: AnswerState) -> Answer {
    Answer { state, results: Vec::new(), version: None, summary: words::summary_of_state(state) }
}
