//! Days on which the answer about a vaccine may change.
//!
//! Between two neighbouring boundaries nothing that bears on windows, ages or
//! intervals changes, so that the first open day is found by asking a few
//! dozen days instead of thousands. The list may hold too many days; a missing
//! one would be a wrong date, which the tests look for day by day.

use jiff::civil::Date;

use super::calendar::{april, fiscal_year, plus_days};
use super::rules::{EpisodeKind, Gap, Series, Step};
use super::schedule::{Context, open_days};
use super::walk::Placed;

/// All boundaries, ascending.
pub(super) fn boundaries(
    context: Context<'_>,
    series: Option<&Series>,
    placed: &[Placed<'_>],
    on: Date,
) -> Vec<Date> {
    let mut days = vec![on];
    let given: Vec<Date> = placed.iter().map(|placed| placed.given.on).collect();
    around_doses(context, &given, &mut days);
    if let Some(series) = series {
        of_windows(context, series, &mut days);
        if series.episode == EpisodeKind::FiscalYear {
            let year = fiscal_year(on);
            days.extend([april(year), april(year + 1), april(year + 2)]);
        }
        let of_series = placed.iter().filter(|placed| placed.given.vaccine == series.code);
        let own: Vec<Date> = of_series.map(|placed| placed.given.on).collect();
        for scheme in &series.schemes {
            days.extend(scheme.first_to.map(|limit| plus_days(limit.closes(context.person.birth), 1)));
            scheme.steps.iter().for_each(|step| of_step(context, step, &own, &mut days));
        }
    }
    days.sort_unstable();
    days.dedup();
    days
}

fn around_doses(context: Context<'_>, given: &[Date], days: &mut Vec<Date>) {
    for day in given {
        days.extend([*day, plus_days(*day, 1)]);
        for between in &context.book.between {
            let after = between.least.after(*day);
            // The distance also keeps a dose recorded late from one given after it.
            let before = plus_days(*day, crate::time::days_between(after, *day) + 1);
            days.extend([after, before]);
        }
    }
    for between in &context.book.between {
        days.extend(between.in_force.from);
        days.extend(between.in_force.through.map(|last| plus_days(last, 1)));
    }
}

fn of_windows(context: Context<'_>, series: &Series, days: &mut Vec<Date>) {
    for open in series.windows.iter().filter_map(|window| open_days(context, window)) {
        days.push(open.first);
        days.extend(open.last.map(|last| plus_days(last, 1)));
    }
}

fn of_step(context: Context<'_>, step: &Step, own: &[Date], days: &mut Vec<Date>) {
    let birth = context.person.birth;
    days.extend(step.not_before.map(|age| age.opens(birth, context.policy)));
    days.extend(step.not_after.map(|age| plus_days(age.closes(birth), 1)));
    for Gap { least, physician, .. } in step.gap.iter().chain(&step.gap_when_dropped) {
        for day in own {
            days.push(least.after(*day));
            days.extend(physician.map(|span| span.after(*day)));
        }
    }
}
