//! One row of the answer: what counts on each day, and the parts of a period
//! in which nothing changes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::action::{Rule, rule_in_force};
use super::rights::{Held, Right};
use super::serve::{Disclosure, ServedEntitlement, Setting};
use super::words;
use super::{Outcome, PriorityBasis, Question, Rules, Segment};
use crate::codes::SchemeGroup;
use crate::directory::IssuerDirectory;
use crate::organization::IssuerId;
use crate::time::DateRange;

/// Everything about one consented group at one linked issuer.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) question: &'a Question,
    pub(super) rules: &'a Rules,
    pub(super) directory: &'a IssuerDirectory,
    pub(super) group: SchemeGroup,
    pub(super) issuer: IssuerId,
    pub(super) source: Source,
    pub(super) rights: Vec<Right<'a>>,
    pub(super) disclosure: Disclosure,
}

/// How old the issuer's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Fresh(Timestamp),
    Stale(Timestamp),
    Never,
}

/// What counts on a day. Equal on two days exactly if nothing has changed.
#[derive(Debug, PartialEq, Eq)]
struct Finding<'a> {
    outcome: Outcome,
    authoritative: bool,
    rule: Rule,
    lapsed_on: Option<Date>,
    starts_on: Option<Date>,
    held: Vec<(Rule, Held<'a>)>,
    priority: (u32, PriorityBasis),
}

impl Row<'_> {
    /// The period in maximal parts, the first apart because there always is
    /// one.
    pub(super) fn segments(&self) -> (Segment, Vec<Segment>) {
        let mut current = (self.question.period.first(), self.finding(self.question.period.first()));
        let mut done = Vec::new();
        for day in self.changes() {
            let finding = self.finding(day);
            if finding != current.1 {
                let (from, ended) = std::mem::replace(&mut current, (day, finding));
                done.push(self.segment(from, day.yesterday().unwrap_or(from), &ended));
            }
        }
        done.push(self.segment(current.0, self.question.period.last(), &current.1));
        let first = done.remove(0);
        (first, done)
    }

    /// Days within the period, after the first, on which anything may change.
    fn changes(&self) -> BTreeSet<Date> {
        let period = self.question.period;
        let competences = self.directory.entries(self.group, self.issuer).iter().flat_map(|competence| {
            let after = competence.interval.to().and_then(|last| last.tomorrow().ok());
            std::iter::once(competence.interval.from()).chain(after)
        });
        let rights = self.rights.iter().flat_map(Right::changes);
        let all = competences.chain(rights).chain(self.rules.priority_changes());
        all.filter(|day| period.contains(*day) && *day != period.first()).collect()
    }

    fn finding(&self, day: Date) -> Finding<'_> {
        let mut finding = self.outcome(day);
        finding.priority = self.rules.priority(self.group, self.question.caller.prefecture(), day);
        finding
    }

    /// The first outcome that applies, in the order of [`Outcome`].
    fn outcome(&self, day: Date) -> Finding<'_> {
        let Some(competence) = self.directory.competent(self.group, self.issuer, day) else {
            return Finding::of(Outcome::NoEntitlement, Rule::NoneLinked);
        };
        let in_force = || self.rights.iter().filter_map(|right| right.in_force(day));
        match self.source {
            Source::Never => Finding::of(Outcome::IssuerNotConnected, Rule::NotConnected),
            Source::Stale(_) => {
                let held: Vec<_> = in_force().map(|held| (Rule::StaleRightKnown, held)).collect();
                let rule = if held.is_empty() { Rule::Stale } else { Rule::StaleRightKnown };
                Finding::of(Outcome::SourceStale, rule).holding(held)
            }
            Source::Fresh(_) => {
                let held = in_force()
                    .map(|held| (rule_in_force(held.entitlement, competence, self.question), held))
                    .collect::<Vec<_>>();
                if held.is_empty() { self.not_in_force(day) } else { Finding::eligible(held) }
            }
        }
    }

    fn not_in_force(&self, day: Date) -> Finding<'_> {
        let lapsed = self.rights.iter().filter_map(|right| right.lapsed(day));
        let lapsed = lapsed.max_by_key(|held| held.validity.to());
        let coming = self.rights.iter().filter_map(|right| right.coming(day));
        let coming = coming.min_by_key(|held| held.validity.from());
        let (outcome, rule, held) = match (lapsed, coming) {
            (Some(lapsed), _) => (Outcome::Lapsed, Rule::Lapsed, Some(lapsed)),
            (None, Some(coming)) => (Outcome::NotYetValid, Rule::NotYetValid, Some(coming)),
            (None, None) => (Outcome::NoEntitlement, Rule::NoneRegistered, None),
        };
        let mut finding =
            Finding::of(outcome, rule).holding(held.map(|held| (rule, held)).into_iter().collect());
        finding.authoritative = true;
        finding.lapsed_on = lapsed.and_then(|held| held.validity.to());
        finding.starts_on = coming.map(|held| held.validity.from());
        finding
    }

    fn segment(&self, from: Date, to: Date, finding: &Finding<'_>) -> Segment {
        let (priority, priority_basis) = finding.priority.clone();
        let setting = Setting {
            question: self.question,
            disclosure: self.disclosure,
            day: from,
            as_of: self.source.as_of(),
            priority,
            priority_basis,
        };
        let served = |(rule, held): &(Rule, Held<'_>)| ServedEntitlement::of(*held, *rule, &setting);
        Segment {
            days: DateRange::new(from, to).unwrap_or(DateRange::day(from)),
            outcome: finding.outcome,
            authoritative: finding.authoritative,
            lapsed_on: finding.lapsed_on,
            starts_on: finding.starts_on,
            entitlements: finding.held.iter().map(served).collect(),
            counter_action: finding.rule.action(),
            rule: finding.rule,
            instruction: words::rule_line(
                finding.rule,
                self.source.as_of(),
                finding.lapsed_on,
                finding.starts_on,
            ),
        }
    }
}

impl Source {
    pub(super) fn as_of(self) -> Option<Timestamp> {
        match self {
            Self::Fresh(as_of) | Self::Stale(as_of) => Some(as_of),
            Self::Never => None,
        }
    }
}

impl<'a> Finding<'a> {
    fn of(outcome: Outcome, rule: Rule) -> Self {
        Self {
            outcome,
            authoritative: false,
            rule,
            lapsed_on: None,
            starts_on: None,
            held: Vec::new(),
            priority: (0, PriorityBasis::Unverified),
        }
    }

    /// Several rights in force: the one most worth doing first leads.
    fn eligible(mut held: Vec<(Rule, Held<'a>)>) -> Self {
        held.sort_by_key(|(rule, _)| *rule);
        let rule = held.first().map_or(Rule::NoneRegistered, |(rule, _)| *rule);
        Self { authoritative: true, ..Self::of(Outcome::Eligible, rule) }.holding(held)
    }

    fn holding(self, held: Vec<(Rule, Held<'a>)>) -> Self {
        Self { held, ..self }
    }
}

/// A row that says the same about every person: no issuer, one part.
pub(super) fn closed_segment(period: DateRange, outcome: Outcome, rule: Rule) -> Segment {
    Segment {
        days: period,
        outcome,
        authoritative: false,
        lapsed_on: None,
        starts_on: None,
        entitlements: Vec::new(),
        counter_action: rule.action(),
        rule,
        instruction: words::rule_line(rule, None, None, None),
    }
}
