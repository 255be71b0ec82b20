//! One dose against its series, the programme and the doses before it.
//!
//! The same function judges a dose long given and one about to be given, so
//! that the counter and the register never disagree.

use jiff::civil::Date;

use super::calendar::{Span, plus_days};
use super::code::VaccineCode;
use super::facts::Programme;
use super::finding::{Finding, FindingKind, Level, Override};
use super::rules::{Anchor, Gap, Recipients, RuleRef, Series, Window};
use super::schedule::{Context, Counted, Next, episode, limit_day, next, open_days, window_days};
use super::walk::{Placed, Standing};
use crate::resident::Sex;

/// The dose to judge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) vaccine: &'a VaccineCode,
    pub(super) on: Date,
    pub(super) programme: Programme,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Judgement {
    /// The number it has in its series, if the series takes it.
    pub(super) no: Option<u8>,
    pub(super) findings: Vec<Finding>,
    /// Rules looked at.
    pub(super) rules: Vec<RuleRef>,
}

/// Judges a dose against those before it, all of the same day or earlier.
pub(super) fn judge(context: Context<'_>, subject: Subject<'_>, before: &[Placed<'_>]) -> Judgement {
    let mut judgement = Judgement::default();
    if let Some(series) = context.book.series(subject.vaccine) {
        judgement.recipient(context, series);
        judgement.window(context, series, subject.on);
        soften(&mut judgement.findings, subject.programme);
        judgement.product(series, before);
        let counted = counted(context, series, subject.on, before);
        judgement.step(context, series, subject.on, &counted, before);
    } else {
        judgement.same_day(context, subject, before);
    }
    judgement.live(context, subject, before);
    judgement
}

/// Doses before a day that count in its episode.
pub(super) fn counted(
    context: Context<'_>,
    series: &Series,
    on: Date,
    before: &[Placed<'_>],
) -> Vec<Counted> {
    let now = episode(context, series, on);
    let of_series = before.iter().filter(|placed| placed.given.vaccine == series.code);
    of_series
        .filter(|placed| now.is_some() && episode(context, series, placed.given.on) == now)
        .filter_map(|placed| match placed.standing {
            Standing::Valid { no } => Some(Counted { no, on: placed.given.on }),
            _ => None,
        })
        .collect()
}

/// Outside the routine programme its windows say what is usual, no more. The exception for long illness lifts the
/// upper end alone (予防接種法施行令 3条2項).
fn soften(findings: &mut [Finding], programme: Programme) {
    let binds = |kind| match programme {
        Programme::Routine | Programme::ByRequest => true,
        Programme::LongIllness => kind != FindingKind::TooLate,
        Programme::Voluntary | Programme::Extraordinary => false,
    };
    for finding in findings.iter_mut().filter(|finding| !binds(finding.kind)) {
        (finding.level, finding.overridable) = (Level::Warn, Override::Doctor);
    }
}

impl Judgement {
    fn recipient(&mut self, context: Context<'_>, series: &Series) {
        self.rules.push(series.rule.clone());
        let person = context.person;
        let finding = match (series.recipients, person.sex) {
            (Recipients::Everyone, _) | (Recipients::Female, Sex::Female) => return,
            (Recipients::Pregnant, _) if person.pregnancy.is_some() => return,
            (Recipients::Pregnant, _) | (Recipients::Female, Sex::Male) => {
                Finding::block(FindingKind::NotForPerson, &series.rule)
            }
            (Recipients::Female, Sex::Unknown) => Finding::warn(FindingKind::NotForPerson, &series.rule),
        };
        self.findings.push(finding);
    }

    fn window(&mut self, context: Context<'_>, series: &Series, on: Date) {
        let mut open = series
            .windows
            .iter()
            .filter(|window| open_days(context, window).is_some_and(|days| days.contains(on)));
        if let Some(window) = open.next() {
            self.rules.push(window.rule.clone());
            return;
        }
        let found = outside(context, series, on);
        self.rules.push(found.rule.clone());
        self.findings.push(found);
    }

    fn product(&mut self, series: &Series, before: &[Placed<'_>]) {
        let valid = |codes: &[VaccineCode]| {
            let counts =
                |placed: &&Placed<'_>| matches!(placed.standing, Standing::Valid { .. } | Standing::NoSeries);
            let begun = before.iter().filter(counts);
            begun.map(|placed| &placed.given.vaccine).find(|vaccine| codes.contains(vaccine)).cloned()
        };
        if let Some(other) = valid(&series.excludes) {
            self.findings.push(Finding::block(FindingKind::BrandMixed, &series.rule).other(other));
        }
        if let Some(other) = valid(&series.replacements) {
            self.findings.push(Finding::warn(FindingKind::ReplacedProduct, &series.rule).other(other));
        }
    }

    fn step(
        &mut self,
        context: Context<'_>,
        series: &Series,
        on: Date,
        counted: &[Counted],
        before: &[Placed<'_>],
    ) {
        let birth = context.person.birth;
        let Some(Next { step, dropped }) = next(series, birth, counted, on) else {
            self.findings.push(Finding::block(FindingKind::SeriesComplete, &series.rule));
            return;
        };
        self.no = Some(step.no);
        self.rules.push(step.rule.clone());
        let gap = step.gap_when_dropped.filter(|_| dropped).or(step.gap);
        if let Some(gap) = gap {
            self.findings.extend(interval(gap, &step.rule, counted, on));
            self.error_dose(context, series, gap.least, on, before);
        }
        let opens = step.not_before.map(|age| age.opens(birth, context.policy));
        if let Some(opens) = opens.filter(|opens| on < *opens) {
            self.findings.push(Finding::block(FindingKind::MinimumAge, &step.rule).from(Some(opens)));
        }
        let advised = step.advised.map(|limit| limit_day(limit, birth));
        if let Some(last) = advised.filter(|last| on > *last) {
            self.findings.push(Finding::warn(FindingKind::AfterAdvised, &step.rule).until(Some(last)));
        }
    }

    /// No rule says how far a dose keeps from one that does not count. So the doctor decides, knowing of it.
    fn error_dose(
        &mut self,
        context: Context<'_>,
        series: &Series,
        least: Span,
        on: Date,
        before: &[Placed<'_>],
    ) {
        let in_error = |placed: &&Placed<'_>| {
            placed.given.vaccine == series.code && matches!(placed.standing, Standing::Invalid)
        };
        let Some(latest) = before.iter().rfind(in_error) else { return };
        let rule = &context.book.general.error_dose;
        self.rules.push(rule.clone());
        let allowed = least.after(latest.given.on);
        if on < allowed {
            self.findings.push(Finding::warn(FindingKind::ErrorDoseBefore, rule).from(Some(allowed)));
        }
    }

    /// Outside any series nothing numbers the doses, so that a second one on the same day is the same dose.
    fn same_day(&mut self, context: Context<'_>, subject: Subject<'_>, before: &[Placed<'_>]) {
        let same = |placed: &&Placed<'_>| {
            (&placed.given.vaccine, placed.given.on) == (subject.vaccine, subject.on)
                && matches!(placed.standing, Standing::NoSeries)
        };
        let rule = &context.book.general.order;
        self.rules.push(rule.clone());
        if before.iter().any(|placed| same(&placed)) {
            let next = plus_days(subject.on, 1);
            self.findings.push(Finding::block(FindingKind::Interval, rule).from(Some(next)));
        }
    }

    fn live(&mut self, context: Context<'_>, subject: Subject<'_>, before: &[Placed<'_>]) {
        let kind = context.book.kind(subject.vaccine);
        let rules = context.book.between.iter();
        for between in rules.filter(|rule| Some(rule.to) == kind && rule.in_force.contains(subject.on)) {
            self.rules.push(between.rule.clone());
            let earlier = before.iter().filter(|placed| placed.given.on < subject.on);
            let closest =
                earlier.rev().find(|placed| context.book.kind(&placed.given.vaccine) == Some(between.from));
            let Some(placed) = closest else { continue };
            let allowed = between.least.after(placed.given.on);
            if subject.on < allowed {
                let finding = Finding::block(FindingKind::LiveInterval, &between.rule).from(Some(allowed));
                self.findings.push(finding.other(placed.given.vaccine.clone()));
            }
        }
    }
}

/// Why no window is open: the programme, or the nearest window before or after.
fn outside(context: Context<'_>, series: &Series, on: Date) -> Finding {
    let lived = |window: &&Window| window_days(context, window).is_some_and(|days| days.contains(on));
    if let Some(window) = series.windows.iter().find(lived) {
        return Finding::block(FindingKind::NotInForce, &window.rule)
            .from(window.in_force.from.filter(|from| *from > on))
            .until(window.in_force.through.filter(|through| *through < on));
    }
    let open = || series.windows.iter().filter_map(|window| Some((window, open_days(context, window)?)));
    if let Some((window, days)) =
        open().filter(|(_, days)| days.first > on).min_by_key(|(_, days)| days.first)
    {
        return Finding::block(FindingKind::TooEarly, &window.rule).from(Some(days.first)).until(days.last);
    }
    if let Some((window, days)) = open().max_by_key(|(_, days)| days.last) {
        return Finding::block(FindingKind::TooLate, &window.rule).until(days.last);
    }
    let is_meant = series.windows.iter().any(|window| window_days(context, window).is_some());
    let kind = if is_meant { FindingKind::NotInForce } else { FindingKind::NotForPerson };
    Finding::block(kind, &series.rule)
}

fn interval(gap: Gap, rule: &RuleRef, counted: &[Counted], on: Date) -> Option<Finding> {
    let anchor = match gap.anchor {
        Anchor::Previous => counted.last(),
        Anchor::First => counted.first(),
    };
    // 「初回から」 measures from the first dose, but a later one has been given too: never on its own day.
    let later = counted.last().map(|last| plus_days(last.on, 1));
    let after = |span: Span| anchor.map(|dose| span.after(dose.on)).max(later);
    let allowed = after(gap.least).filter(|allowed| on < *allowed)?;
    let shortened = gap.physician.and_then(after).filter(|shortened| *shortened <= on);
    Some(match shortened {
        Some(_) => Finding::block(FindingKind::IntervalPhysician, rule).by_doctor_with_reason(),
        None => Finding::block(FindingKind::Interval, rule),
    })
    .map(|finding| finding.from(Some(allowed)))
}
