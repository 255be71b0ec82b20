//! When may a vaccine be given, all else being clean?

use jiff::civil::Date;

use super::boundary::boundaries;
use super::code::VaccineCode;
use super::facts::{Given, History, Programme, Recorded};
use super::finding::{Finding, FindingKind, Level};
use super::judge::{Judgement, Subject, judge};
use super::schedule::Context;
use super::walk::{Placed, Standing, walk};

/// A history judged once, to be asked about many days.
pub(super) struct Timeline<'a> {
    context: Context<'a>,
    history: &'a History,
    placed: Vec<Placed<'a>>,
}

/// A run of days on which neither interval nor age blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: Date,
    /// `None`: no end in sight.
    pub(super) last: Option<Date>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(context: Context<'a>, history: &'a History) -> Self {
        Self { context, history, placed: walk(context, &history.doses) }
    }

    pub(super) fn placed(&self) -> &[Placed<'a>] {
        &self.placed
    }

    /// Doses of a day or earlier.
    pub(super) fn until(&self, day: Date) -> &[Placed<'a>] {
        let count = self.placed.partition_point(|placed| placed.given.on <= day);
        self.placed.get(..count).unwrap_or_default()
    }

    /// Judges a dose against those before it, and those after it against it.
    pub(super) fn judge(&self, subject: Subject<'_>) -> Judgement {
        let mut judgement = judge(self.context, subject, self.until(subject.on));
        judgement.findings.extend(self.later(subject));
        judgement
    }

    /// A dose reported late must not make one that counts invalid.
    fn later(&self, subject: Subject<'_>) -> Option<Finding> {
        if self.placed.last().is_none_or(|last| last.given.on < subject.on) {
            return None;
        }
        let reported = Given {
            on: subject.on,
            vaccine: subject.vaccine.clone(),
            programme: subject.programme,
            recorded: Recorded::AsGiven,
            conditions: std::collections::BTreeSet::new(),
        };
        let doses = self.history.doses.iter().chain(std::iter::once(&reported));
        let with = walk(self.context, doses);
        let others = with.iter().filter(|placed| !std::ptr::eq(placed.given, &raw const reported));
        let counts = |placed: &Placed<'_>| matches!(placed.standing, Standing::Valid { .. });
        let harmed = self.placed.iter().zip(others).find(|(before, after)| counts(before) && !counts(after));
        let (_, harmed) = harmed?;
        let cause = harmed.findings.iter().find(|finding| finding.is_final())?;
        Some(Finding::block(FindingKind::LaterDose, &cause.rule).other(harmed.given.vaccine.clone()))
    }

    /// The run of open days that holds a day, or the first one after it. A run ends where another dose of the series
    /// would come, because one was dropped.
    pub(super) fn run(&self, vaccine: &VaccineCode, programme: Programme, day: Date) -> Option<Run> {
        let series = self.context.book.series(vaccine);
        let days = boundaries(self.context, series, &self.placed, day);
        let open = |on: &Date| {
            let judgement = self.judge(Subject { vaccine, on: *on, programme });
            let is_open = judgement.findings.iter().all(|finding| finding.level < Level::Block);
            is_open.then_some(judgement.no)
        };
        let (past, coming) = days.split_at(days.partition_point(|boundary| *boundary < day));
        let mut coming = coming.iter();
        let (found, no) = coming.find_map(|boundary| Some((*boundary, open(boundary)?)))?;
        let same = |boundary: &&Date| open(boundary) == Some(no);
        let first = match past.iter().rev().take_while(same).last() {
            Some(first) if found == day => *first,
            _ => found,
        };
        let last = coming.find(|boundary| !same(boundary)).and_then(|closed| closed.yesterday().ok());
        Some(Run { first, last })
    }
}
