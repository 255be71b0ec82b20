//! Which dose of its series comes next.

use jiff::civil::Date;

use super::AgePolicy;
use super::calendar::{fiscal_year, plus_days, school_years};
use super::facts::Person;
use super::rules::{AgeLimit, EpisodeKind, Extent, RuleBook, Scheme, Series, Step, Window};

/// Against what a dose is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) book: &'a RuleBook,
    pub(super) person: &'a Person,
    pub(super) policy: AgePolicy,
}

/// A dose that counts in its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) no: u8,
    pub(super) on: Date,
}

/// The dose that comes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next<'a> {
    pub(super) step: &'a Step,
    /// A dose between the last and this one is not given any more.
    pub(super) dropped: bool,
}

/// Within what doses are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Episode {
    Life,
    Pregnancy(Date),
    FiscalYear(i16),
}

/// The first and the last day of a window for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: Date,
    /// `None`: open.
    pub(super) last: Option<Date>,
}

/// The scheme of somebody who begins on a day.
///
/// Catch-up schemes begin on the day after the age is reached (「生後7月に至った日の翌日から」), under every policy.
pub(super) fn scheme(series: &Series, birth: Date, begun: Date) -> Option<&Scheme> {
    series.schemes.iter().find(|scheme| scheme.first_to.is_none_or(|limit| begun <= limit.closes(birth)))
}

/// Doses that may still come on a day after those counted, in order. A dose once dropped does not come back: who is
/// too old for it only grows older.
pub(super) fn remaining<'a>(
    series: &'a Series,
    birth: Date,
    counted: &[Counted],
    on: Date,
) -> impl Iterator<Item = &'a Step> + Clone + use<'a> {
    let begun = counted.first().map_or(on, |first| first.on);
    let last = counted.last().copied();
    let steps = scheme(series, birth, begun).map_or(&[][..], |scheme| scheme.steps.as_slice());
    steps
        .iter()
        .filter(move |step| last.is_none_or(|last| last.no < step.no) && !is_dropped(step, birth, last, on))
}

/// The dose that would come on a day; `None` if the series takes no more.
pub(super) fn next<'a>(series: &'a Series, birth: Date, counted: &[Counted], on: Date) -> Option<Next<'a>> {
    let step = remaining(series, birth, counted, on).next()?;
    let last = counted.last().map_or(0, |last| last.no);
    Some(Next { step, dropped: step.no > last + 1 })
}

fn is_dropped(step: &Step, birth: Date, last: Option<Counted>, on: Date) -> bool {
    let too_old = step.not_after.is_some_and(|age| on > age.closes(birth));
    let previous_late = match (step.not_if_previous_after, last) {
        (Some(age), Some(last)) => last.on > age.closes(birth),
        _ => false,
    };
    too_old || previous_late
}

/// The episode a day belongs to; `None` for a day of another pregnancy.
pub(super) fn episode(context: Context<'_>, series: &Series, on: Date) -> Option<Episode> {
    match series.episode {
        EpisodeKind::Life => Some(Episode::Life),
        EpisodeKind::FiscalYear => Some(Episode::FiscalYear(fiscal_year(on))),
        EpisodeKind::Pregnancy => {
            let pregnancy = context.person.pregnancy?;
            (pregnancy.gestation(on) >= 0).then_some(Episode::Pregnancy(pregnancy.due_date))
        }
    }
}

/// Days of life on which a window is open, whatever year the programme began. `None` without a pregnancy, or without
/// the condition it needs.
pub(super) fn window_days(context: Context<'_>, window: &Window) -> Option<Days> {
    if window.needs.is_some_and(|needed| !context.person.conditions.contains(&needed)) {
        return None;
    }
    let birth = context.person.birth;
    match window.extent {
        Extent::Age { from, until } => Some(Days {
            first: from.opens(birth, context.policy),
            last: until.map(|until| limit_day(until, birth)),
        }),
        Extent::Gestation { from, through } => {
            let pregnancy = context.person.pregnancy?;
            Some(Days { first: pregnancy.day(from), last: Some(pregnancy.day(through)) })
        }
        Extent::SchoolYears { from_age, to_age } => {
            let years = school_years(birth, from_age, to_age);
            Some(Days { first: years.first(), last: Some(years.last()) })
        }
    }
}

/// The same, on days on which the rule is in force; `None` if there are none.
pub(super) fn open_days(context: Context<'_>, window: &Window) -> Option<Days> {
    let days = window_days(context, window)?;
    let first = window.in_force.from.map_or(days.first, |from| days.first.max(from));
    let last = match (days.last, window.in_force.through) {
        (Some(last), Some(through)) => Some(last.min(through)),
        (last, through) => last.or(through),
    };
    last.is_none_or(|last| first <= last).then_some(Days { first, last })
}

/// The last day of a period of life.
pub(super) fn limit_day(limit: AgeLimit, birth: Date) -> Date {
    match limit {
        AgeLimit::To(age) => age.closes(birth),
        AgeLimit::Through(age) => plus_days(age.closes(birth), 1),
    }
}

impl Days {
    pub(super) fn contains(self, day: Date) -> bool {
        self.first <= day && self.last.is_none_or(|last| day <= last)
    }
}

impl Episode {
    /// As a slot is keyed by it; empty for a lifetime.
    pub(super) fn key(self) -> String {
        match self {
            Self::Life => String::new(),
            Self::Pregnancy(due) => format!("due {due}"),
            Self::FiscalYear(year) => format!("FY{year}"),
        }
    }
}
