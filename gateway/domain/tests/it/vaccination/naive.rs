//! The rules a second time: slowly, from the published schedule's own words.
//!
//! Written for the tests alone, from `schedule.json` and the law's wording. It
//! shares no code and no data with the rule book: days are numbers in a list
//! of all days, and every distance and age is counted day by day. Two rules are
//! not in the schedule and stand here as their sources say them: from 24
//! months (PCV, 丹波市) and from 12 months (Hib, 東久留米市) only the booster is left.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

use super::published::schedule;

/// A day, counted in the list of all days.
pub(super) type Day = usize;

pub(super) struct Naive {
    days: Vec<Date>,
    vaccines: Vec<Value>,
}

/// What stands against a dose, in words of its own.
pub(super) type Objections = BTreeSet<&'static str>;

pub(super) struct Child {
    birth: Day,
    female: bool,
    due: Option<Day>,
    /// The day at whose end so many months are reached.
    reached: Vec<Day>,
    birthday_policy: bool,
}

/// A dose of a history: code, day, and its number if it counts.
pub(super) type Dose = (String, Day, Option<u64>);

#[derive(Default, Clone)]
struct Step {
    no: u64,
    gap_days: Option<u64>,
    physician_gap_days: Option<u64>,
    gap_months: Option<u64>,
    after_first: bool,
    not_before_months: Option<u64>,
    /// Dropped once more months than these are reached.
    only_until_months: Option<u64>,
    /// Dropped if the dose before came later than this.
    dropped_if_last_past_months: Option<u64>,
    /// Days instead of months where something was dropped before it.
    gap_days_if_dropped: Option<u64>,
}

impl Naive {
    pub(super) fn new() -> Self {
        let first = Date::constant(1990, 1, 1);
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| day.year() < 2050).collect();
        let vaccines = schedule()["vaccines"].as_array().unwrap().clone();
        Self { days, vaccines }
    }

    pub(super) fn day(&self, date: Date) -> Day {
        self.days.binary_search(&date).unwrap()
    }

    pub(super) fn child(&self, birth: Date, due: Option<Date>, female: bool, birthday_policy: bool) -> Child {
        let birth_day = self.day(birth);
        let mut reached = Vec::new();
        let mut day = birth_day - 1;
        for months in 0..=216 {
            while !self.is_reached(birth, months, day) {
                day += 1;
            }
            reached.push(day);
        }
        Child { birth: birth_day, female, due: due.map(|due| self.day(due)), reached, birthday_policy }
    }

    /// 民法143条2項: at the end of the day before the same-numbered day, or of the month's last where there is none.
    fn is_reached(&self, birth: Date, months: i32, day: Day) -> bool {
        let month_of = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
        let target = month_of(birth) + months;
        let (today, tomorrow) = (self.days[day], self.days[day + 1]);
        let corresponding = month_of(tomorrow) == target && tomorrow.day() == birth.day();
        let month_ends_without =
            month_of(today) == target && month_of(tomorrow) > target && today.day() < birth.day();
        corresponding || month_ends_without
    }

    fn vaccine(&self, code: &str) -> Option<&Value> {
        self.vaccines.iter().find(|vaccine| vaccine["code"] == code)
    }

    /// Walks the doses in order of day and code and numbers those that count.
    pub(super) fn walk(&self, child: &Child, history: &[(String, Day)]) -> Vec<Dose> {
        let mut sorted = history.to_vec();
        sorted.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
        let mut walked: Vec<Dose> = Vec::new();
        for (code, on) in sorted {
            let (no, objections) = self.judge(child, &code, &walked, on);
            let counts = objections.iter().all(|objection| *objection == "physician");
            walked.push((code, on, no.filter(|_| counts)));
        }
        walked
    }

    /// What stands against a dose on a day, given a history of any time.
    pub(super) fn ask(
        &self,
        child: &Child,
        history: &[(String, Day)],
        code: &str,
        on: Day,
    ) -> (Option<u64>, Objections) {
        let without = self.walk(child, history);
        let before: Vec<Dose> = without.iter().filter(|dose| dose.1 <= on).cloned().collect();
        let (no, mut objections) = self.judge(child, code, &before, on);
        let mut with = history.to_vec();
        with.push((code.to_owned(), on));
        let with = self.walk(child, &with);
        let spoilt = without.iter().filter(|dose| dose.2.is_some()).any(|dose| {
            let same = |other: &&Dose| other.0 == dose.0 && other.1 == dose.1 && other.2.is_some();
            let counted = |doses: &[Dose]| doses.iter().filter(same).count();
            counted(&with) < counted(&without)
        });
        if spoilt {
            objections.insert("later");
        }
        (no, objections)
    }

    fn judge(&self, child: &Child, code: &str, before: &[Dose], on: Day) -> (Option<u64>, Objections) {
        let mut objections = Objections::new();
        self.live(code, before, on, &mut objections);
        let Some(vaccine) = self.vaccine(code) else { return (None, objections) };
        if vaccine["sex"] == "female" && !child.female {
            objections.insert("person");
        }
        if !self.in_window(child, vaccine, on) {
            objections.insert("window");
        }
        let excluded = vaccine["exclusive_with"].as_array().into_iter().flatten();
        for other in excluded {
            if before.iter().any(|dose| *other == dose.0 && dose.2.is_some()) {
                objections.insert("brand");
            }
        }
        let own: Vec<&Dose> = before.iter().filter(|dose| dose.0 == code && dose.2.is_some()).collect();
        let Some((step, dropped)) = Self::next(child, vaccine, &own, on) else {
            objections.insert("complete");
            return (None, objections);
        };
        if let (Some(first), Some(last)) = (own.first(), own.last()) {
            let from = if step.after_first { first.1 } else { last.1 };
            let days = if dropped { step.gap_days_if_dropped.or(step.gap_days) } else { step.gap_days };
            let months = if dropped && step.gap_days_if_dropped.is_some() { None } else { step.gap_months };
            let enough = |days: Option<u64>| {
                days.is_none_or(|days| clear_days(from, on) >= days)
                    && months.is_none_or(|months| self.months_passed(from, months, on))
                    && on > last.1
            };
            if !enough(days) {
                let shorter = step.physician_gap_days.filter(|_| days.is_some());
                let allowed = shorter.is_some_and(|days| enough(Some(days)));
                objections.insert(if allowed { "physician" } else { "interval" });
            }
        }
        if step.not_before_months.is_some_and(|months| on < child.opens(months)) {
            objections.insert("minimum");
        }
        (Some(step.no), objections)
    }

    fn live(&self, code: &str, before: &[Dose], on: Day, objections: &mut Objections) {
        let live = |code: &str| match self.vaccine(code) {
            Some(vaccine) => vaccine["kind"] == "live_injectable",
            None => code == "MUMPS",
        };
        let since = self.day(Date::constant(2020, 10, 1));
        let close = |dose: &Dose| dose.1 < on && clear_days(dose.1, on) < 27 && live(&dose.0);
        if on >= since && live(code) && before.iter().any(close) {
            objections.insert("live");
        }
    }

    fn in_window(&self, child: &Child, vaccine: &Value, on: Day) -> bool {
        if let Some(since) = vaccine["routine_since"].as_str()
            && self.days[on] < since.parse::<Date>().unwrap()
        {
            return false;
        }
        match vaccine["legal_window"].as_str() {
            Some("preschool_year") => {
                // The first 1 April after the day following the one on which six years are reached.
                let mut entry = child.reached[72] + 1;
                while !self.is_april_first(entry) {
                    entry += 1;
                }
                // Whoever reaches six on 31 March enters on the next day.
                self.year_before(entry) <= on && on < entry
            }
            Some("fiscal_years") => {
                let year =
                    |age: &str| child.reached[12 * usize::try_from(vaccine[age].as_u64().unwrap()).unwrap()];
                let mut first = year("legal_from_fy_of_age");
                while !self.is_april_first(first) {
                    first -= 1;
                }
                let mut last = year("legal_to_fy_of_age");
                while !self.is_april_first(last + 1) {
                    last += 1;
                }
                (first..=last).contains(&on)
            }
            _ => Self::has_begun(child, vaccine, on) && !Self::has_ended(child, vaccine, on),
        }
    }

    fn has_begun(child: &Child, vaccine: &Value, on: Day) -> bool {
        let from = &vaccine["legal_from"];
        if let Some(weeks) = from["gestation_weeks"].as_u64() {
            return child
                .gestation(on)
                .is_some_and(|days| days >= weeks * 7 + from["gestation_days"].as_u64().unwrap());
        }
        if let Some(weeks) = from["weeks"].as_u64() {
            return on >= child.birth && (child.birth..on).count() as u64 >= weeks * 7;
        }
        match months(from) {
            Some(months) => on >= child.opens(months),
            None => on >= child.birth,
        }
    }

    fn has_ended(child: &Child, vaccine: &Value, on: Day) -> bool {
        let through = &vaccine["legal_to_inclusive"];
        if let Some(weeks) = through["gestation_weeks"].as_u64() {
            return child
                .gestation(on)
                .is_none_or(|days| days > weeks * 7 + through["gestation_days"].as_u64().unwrap());
        }
        if let Some(weeks) = vaccine["legal_to_inclusive_weeks_days"].as_array() {
            let days = weeks[0].as_u64().unwrap() * 7 + weeks[1].as_u64().unwrap();
            return (child.birth..on).count() as u64 > days;
        }
        // 「至るまで」: up to and including the day before.
        child.is_past(months(&vaccine["legal_to"]).unwrap(), on)
    }

    /// The dose that comes next and whether one before it was dropped.
    fn next(child: &Child, vaccine: &Value, own: &[&Dose], on: Day) -> Option<(Step, bool)> {
        let begun = own.first().map_or(on, |first| first.1);
        let last = own.last().map(|last| (last.1, last.2.unwrap()));
        let mut dropped = false;
        for step in steps(child, vaccine, begun) {
            if last.is_some_and(|(_, no)| step.no <= no) {
                continue;
            }
            let too_old = step.only_until_months.is_some_and(|months| child.is_past(months, on));
            let after_late = match (step.dropped_if_last_past_months, last) {
                (Some(months), Some((given, _))) => child.is_past(months, given),
                _ => false,
            };
            if too_old || after_late {
                dropped = true;
                continue;
            }
            return Some((step, dropped));
        }
        None
    }

    /// Whether the same-numbered day so many months later, or that month's last, has come.
    fn months_passed(&self, from: Day, months: u64, on: Day) -> bool {
        let start = self.days[from];
        let mut day = from;
        let mut turned = 0;
        while day < on {
            day += 1;
            let date = self.days[day];
            turned += u64::from(date.day() == 1);
            let ends = self.days[day + 1].day() == 1;
            if turned == months && (date.day() == start.day() || (ends && date.day() < start.day())) {
                return true;
            }
            if turned > months {
                return true;
            }
        }
        false
    }

    fn is_april_first(&self, day: Day) -> bool {
        (self.days[day].month(), self.days[day].day()) == (4, 1)
    }

    fn year_before(&self, april: Day) -> Day {
        let mut day = april - 1;
        while !self.is_april_first(day) {
            day -= 1;
        }
        day
    }
}

impl Child {
    fn opens(&self, months: u64) -> Day {
        self.reached[usize::try_from(months).unwrap()] + usize::from(self.birthday_policy)
    }

    fn is_past(&self, months: u64, on: Day) -> bool {
        on > self.reached[usize::try_from(months).unwrap()]
    }

    /// Days of gestation: 40 weeks on the due date.
    fn gestation(&self, on: Day) -> Option<u64> {
        (on + 280).checked_sub(self.due?).map(|days| days as u64)
    }
}

/// Whole days between two days.
fn clear_days(from: Day, on: Day) -> u64 {
    (from + 1..on).count() as u64
}

fn months(age: &Value) -> Option<u64> {
    age["months"].as_u64().or_else(|| age["years"].as_u64().map(|years| years * 12))
}

/// The doses of whoever begins on a day.
fn steps(child: &Child, vaccine: &Value, begun: Day) -> Vec<Step> {
    let code = vaccine["code"].as_str().unwrap();
    if let Some(tier) = vaccine["catch_up"].as_array().into_iter().flatten().find(|tier| {
        let from = months(&tier["first_dose_from"]).unwrap();
        let to = months(&tier["first_dose_to"]).unwrap();
        child.is_past(from, begun) && !child.is_past(to, begun)
    }) {
        return catch_up(code, tier);
    }
    if let Some(series) = vaccine["series"].as_array() {
        let under = !child.is_past(15 * 12, begun);
        let chosen =
            series.iter().find(|series| (series["when"] == "first dose before age 15") == under).unwrap();
        return listed(&chosen["doses"]);
    }
    let mut steps = listed(&vaccine["doses"]);
    match code {
        "PCV" => {
            steps[1].only_until_months = Some(24);
            steps[2].only_until_months = Some(24);
            // The third line of the schedule's "rules".
            steps[2].dropped_if_last_past_months = Some(12);
        }
        "HIB" => {
            steps[1].only_until_months = Some(12);
            steps[2].only_until_months = Some(12);
            steps[3].gap_days_if_dropped = Some(27);
            steps[3].physician_gap_days = Some(20);
        }
        _ => {}
    }
    steps
}

fn listed(doses: &Value) -> Vec<Step> {
    let step = |dose: &Value| Step {
        no: dose["no"].as_u64().unwrap(),
        gap_days: dose["min_gap_days"].as_u64(),
        physician_gap_days: dose["physician_min_gap_days"].as_u64(),
        gap_months: dose["min_gap_months"].as_u64(),
        after_first: dose["after"] == 1 && dose["no"] != 2,
        not_before_months: months(&dose["not_before"]),
        ..Step::default()
    };
    doses.as_array().unwrap().iter().map(step).collect()
}

/// The schedule says these in prose.
fn catch_up(code: &str, tier: &Value) -> Vec<Step> {
    let first = Step { no: 1, ..Step::default() };
    let second = Step { no: 2, gap_days: Some(27), ..Step::default() };
    match (code, tier["series"].as_str()) {
        ("PCV", Some("2 x >=27 days, booster >=60 days after and not before 12 months")) => vec![
            first,
            Step { only_until_months: Some(24), ..second },
            Step { no: 3, gap_days: Some(60), not_before_months: Some(12), ..Step::default() },
        ],
        ("PCV", Some("2 doses >=60 days apart")) => vec![first, Step { gap_days: Some(60), ..second }],
        ("HIB", None) if tier["booster"] == true => vec![
            first,
            Step { only_until_months: Some(12), physician_gap_days: Some(20), ..second },
            Step {
                no: 3,
                gap_months: Some(7),
                gap_days_if_dropped: Some(27),
                physician_gap_days: Some(20),
                ..Step::default()
            },
        ],
        ("PCV", Some("1 dose")) | ("HIB", None) => vec![first],
        other => panic!("unknown catch-up {other:?}"),
    }
}
