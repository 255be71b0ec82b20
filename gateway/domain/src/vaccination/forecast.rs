//! Per series: what each dose given counts for, and when the next is due.

use jiff::civil::Date;
use serde::Serialize;

use super::UnknownVaccine;
use super::calendar::{AgePolicy, plus_days, school_years};
use super::code::VaccineCode;
use super::facts::{History, Person, Programme};
use super::finding::Finding;
use super::judge::counted;
use super::lookup::{Run, Timeline};
use super::rules::{Anchor, Recipients, RuleBook, RuleRef, Series, Standard, Step};
use super::schedule::{Context, Counted, limit_day, open_days, remaining, window_days};
use super::walk::Placed;
pub use super::walk::Standing;
use crate::eligibility::Text;
use crate::resident::Sex;

/// One series of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The series.
    pub series: VaccineCode,
    /// Its name.
    pub name: Text,
    /// Where the person stands.
    pub status: SeriesStatus,
    /// Doses given, oldest first.
    pub given: Vec<GivenDose>,
    /// Numbers of the doses still due, as the series stands on its next day.
    pub due: Vec<u8>,
    /// The next dose, while it may still be given.
    pub next: Option<NextDose>,
    /// Series that one may have instead of this one.
    pub alternatives: Vec<VaccineCode>,
    /// How ages were counted.
    pub policy: AgePolicy,
    /// Rules that the forecast rests on.
    pub rules: Vec<RuleRef>,
}

/// Where a person stands in a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SeriesStatus {
    /// The next dose may be given now.
    Due,
    /// So, and the standard time has passed.
    Overdue,
    /// No dose is missing.
    Complete,
    /// A doctor has ruled the vaccine out.
    Contraindicated,
    /// The next dose may not be given yet.
    NotYet,
    /// The next dose may not be given any more.
    AgedOut,
    /// Begun with another product that stands for this one.
    OtherProduct,
    /// Meant for others.
    NotForPerson,
}

/// A dose given and what it counts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenDose {
    /// The day.
    pub on: Date,
    /// What it counts for.
    #[serde(flatten)]
    pub standing: Standing,
    /// Why, where something was found.
    pub findings: Vec<Finding>,
}

/// The next dose of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextDose {
    /// Its number.
    pub no: u8,
    /// 追加接種.
    pub booster: bool,
    /// The first day not blocked by interval and age rules.
    pub earliest: Date,
    /// The first day of the standard time, not before `earliest`.
    pub recommended: Date,
    /// The last day on which this dose may be given.
    pub latest: Option<Date>,
    /// The first day after the standard time; `None` where no source names one.
    pub overdue: Option<Date>,
}

/// All series of the book, in its order.
pub fn forecast(
    book: &RuleBook,
    person: &Person,
    history: &History,
    on: Date,
    policy: AgePolicy,
) -> Vec<Forecast> {
    let context = Context { book, person, policy };
    let timeline = Timeline::new(context, history);
    book.all_series().iter().map(|series| of_series(context, &timeline, series, on)).collect()
}

/// One series. Errors: the book does not know it.
pub fn forecast_series(
    book: &RuleBook,
    series: &VaccineCode,
    person: &Person,
    history: &History,
    on: Date,
    policy: AgePolicy,
) -> Result<Forecast, UnknownVaccine> {
    let series = book.series(series).ok_or(UnknownVaccine)?;
    let context = Context { book, person, policy };
    Ok(of_series(context, &Timeline::new(context, history), series, on))
}

fn of_series(context: Context<'_>, timeline: &Timeline<'_>, series: &Series, on: Date) -> Forecast {
    let own = || timeline.placed().iter().filter(|placed| placed.given.vaccine == series.code);
    // Before a dose already given, or planned, there is no next one.
    let asked = own().next_back().map_or(on, |last| on.max(last.given.on));
    let run = timeline.run(&series.code, Programme::Routine, asked);
    let day = run.map_or(asked, |run| run.first.max(asked));
    let counted = counted(context, series, day, timeline.placed());
    let steps: Vec<&Step> = remaining(series, context.person.birth, &counted, day).collect();
    let next = steps.first().zip(run).map(|(step, run)| next_dose(context, step, &counted, run));
    let status = standing(context, timeline, series, &steps)
        .unwrap_or_else(|| next.as_ref().map_or(SeriesStatus::AgedOut, |next| next.status(on)));
    let is_open = matches!(status, SeriesStatus::Due | SeriesStatus::Overdue | SeriesStatus::NotYet);
    Forecast {
        series: series.code.clone(),
        name: series.name.clone(),
        status,
        given: own().map(GivenDose::of).collect(),
        due: steps.iter().map(|step| step.no).collect(),
        next: next.filter(|_| is_open),
        alternatives: series
            .excludes
            .iter()
            .chain(&series.replacements)
            .filter(|code| context.book.series(code).is_some())
            .cloned()
            .collect(),
        policy: context.policy,
        rules: rules(context, series, &steps),
    }
}

/// What needs no date: complete, not for this person, ruled out, another product.
fn standing(
    context: Context<'_>,
    timeline: &Timeline<'_>,
    series: &Series,
    steps: &[&Step],
) -> Option<SeriesStatus> {
    let person = context.person;
    let begun = |code: &VaccineCode| {
        timeline
            .placed()
            .iter()
            .any(|placed| placed.given.vaccine == *code && matches!(placed.standing, Standing::Valid { .. }))
    };
    if steps.is_empty() {
        return Some(SeriesStatus::Complete);
    }
    let meant = match series.recipients {
        Recipients::Everyone => true,
        Recipients::Female => person.sex != Sex::Male,
        Recipients::Pregnant => person.pregnancy.is_some(),
    };
    if !meant || series.windows.iter().all(|window| window_days(context, window).is_none()) {
        return Some(SeriesStatus::NotForPerson);
    }
    if person.ruled_out.contains(&series.code) {
        return Some(SeriesStatus::Contraindicated);
    }
    let replaced = !begun(&series.code) && series.replacements.iter().any(begun);
    (replaced || series.excludes.iter().any(begun)).then_some(SeriesStatus::OtherProduct)
}

fn next_dose(context: Context<'_>, step: &Step, counted: &[Counted], run: Run) -> NextDose {
    let latest = run.last;
    let (from, until) = standard(context, step, counted);
    let recommended = from.map_or(run.first, |from| from.max(run.first));
    let overdue = until.map(|until| plus_days(until, 1).max(run.first));
    NextDose {
        no: step.no,
        booster: step.booster,
        earliest: run.first,
        recommended: latest.map_or(recommended, |latest| recommended.min(latest)),
        latest,
        overdue: overdue.filter(|overdue| latest.is_none_or(|latest| *overdue <= latest)),
    }
}

/// First and last day of the standard time.
fn standard(context: Context<'_>, step: &Step, counted: &[Counted]) -> (Option<Date>, Option<Date>) {
    let birth = context.person.birth;
    match step.standard {
        None => (None, None),
        Some(Standard::Age { from, until }) => {
            (Some(from.opens(birth, context.policy)), Some(limit_day(until, birth)))
        }
        Some(Standard::SchoolYear(age)) => {
            let year = school_years(birth, age, age);
            (Some(year.first()), Some(year.last()))
        }
        Some(Standard::Gap { anchor, from, through }) => {
            let anchor = match anchor {
                Anchor::Previous => counted.last(),
                Anchor::First => counted.first(),
            };
            let after = |span: super::Span| anchor.map(|dose| span.after(dose.on));
            (after(from), through.and_then(after))
        }
    }
}

fn rules(context: Context<'_>, series: &Series, steps: &[&Step]) -> Vec<RuleRef> {
    let windows = series.windows.iter().filter(|window| open_days(context, window).is_some());
    let steps = steps.iter().map(|step| &step.rule);
    let between = context.book.between.iter().filter(|between| between.to == series.kind);
    let own = std::iter::once(&series.rule).chain(windows.map(|window| &window.rule));
    own.chain(steps).chain(between.map(|between| &between.rule)).cloned().collect()
}

impl GivenDose {
    fn of(placed: &Placed<'_>) -> Self {
        Self { on: placed.given.on, standing: placed.standing, findings: placed.findings.clone() }
    }
}

impl NextDose {
    fn status(&self, on: Date) -> SeriesStatus {
        if on < self.earliest {
            SeriesStatus::NotYet
        } else if self.overdue.is_some_and(|overdue| overdue <= on) {
            SeriesStatus::Overdue
        } else {
            SeriesStatus::Due
        }
    }
}

impl SeriesStatus {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Due,
        Self::Overdue,
        Self::Complete,
        Self::Contraindicated,
        Self::NotYet,
        Self::AgedOut,
        Self::OtherProduct,
        Self::NotForPerson,
    ];

    /// Stable machine name, as on the wire without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "DUE",
            Self::Overdue => "OVERDUE",
            Self::Complete => "COMPLETE",
            Self::Contraindicated => "CONTRAINDICATED",
            Self::NotYet => "NOT_YET",
            Self::AgedOut => "AGED_OUT",
            Self::OtherProduct => "OTHER_PRODUCT",
            Self::NotForPerson => "NOT_FOR_PERSON",
        }
    }
}
