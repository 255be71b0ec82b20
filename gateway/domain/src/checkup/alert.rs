//! What the visits of one pregnancy say together: tests that were positive
//! twice running, and tests told once that were told twice differently.

use jiff::civil::Date;

use super::grade::Grade;
use super::item::{Item, Value, item, items};
use super::kind::CheckupKind;
use super::record::Checkup;

/// A urine test that was positive twice running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// Which test.
    pub test: UrineTest,
    /// Day of the first of the two.
    pub first: Date,
    /// Day of the second.
    pub second: Date,
}

/// A urine test of a pregnancy visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UrineTest {
    /// 尿蛋白.
    Protein,
    /// 尿糖.
    Sugar,
}

/// A test that two visits of one pregnancy tell differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differing {
    /// Code of the item, such as `blood_group_abo`.
    pub item: &'static str,
    /// Day of the visit that told it first.
    pub first: Date,
    /// Day of the first visit that tells it differently.
    pub second: Date,
}

/// Protein or sugar at 1+ or more in two consecutive samples (practice as
/// described by clinics: 1+ or more in at least two consecutive fresh samples;
/// ± does not count). A visit without the test neither counts nor breaks the
/// row, since there was no sample. Visits of other pregnancies must not be
/// among those given; order does not matter.
pub fn repeated<'a>(visits: impl IntoIterator<Item = &'a Checkup>) -> Vec<Repeated> {
    let visits = in_order(visits);
    [UrineTest::Protein, UrineTest::Sugar].into_iter().flat_map(|test| repeated_test(&visits, test)).collect()
}

/// Tests done once in a pregnancy (blood group, antibodies) of which a later
/// visit says something else: one of the two is mistaken, or of another woman.
/// Visits of other pregnancies must not be among those given.
pub fn differing<'a>(visits: impl IntoIterator<Item = &'a Checkup>) -> Vec<Differing> {
    let visits = in_order(visits);
    let told_once = items().filter(|item| item.once.contains(&CheckupKind::Pregnancy));
    told_once.filter_map(|item| told_differently(&visits, item)).collect()
}

fn in_order<'a>(visits: impl IntoIterator<Item = &'a Checkup>) -> Vec<&'a Checkup> {
    let is_visit = |visit: &&Checkup| visit.kind == CheckupKind::Pregnancy && !visit.withdrawn;
    let mut visits: Vec<&Checkup> = visits.into_iter().filter(is_visit).collect();
    visits.sort_by(|a, b| (a.date, &a.record_id).cmp(&(b.date, &b.record_id)));
    visits
}

fn told_differently(visits: &[&Checkup], item: &'static Item) -> Option<Differing> {
    let mut told =
        visits.iter().filter_map(|visit| Some((visit.date, visit.items.get(&item.code)?.value.as_ref()?)));
    let (first, value) = told.next()?;
    let (second, _) = told.find(|(_, other)| *other != value)?;
    Some(Differing { item: &item.code, first, second })
}

fn repeated_test(visits: &[&Checkup], test: UrineTest) -> Vec<Repeated> {
    let samples: Vec<(Date, Grade)> =
        visits.iter().filter_map(|visit| Some((visit.date, grade(visit, test)?))).collect();
    let pairs = samples.iter().zip(samples.iter().skip(1));
    let positive = pairs.filter(|((_, first), (_, second))| *first >= POSITIVE && *second >= POSITIVE);
    positive.map(|((first, _), (second, _))| Repeated { test, first: *first, second: *second }).collect()
}

fn grade(visit: &Checkup, test: UrineTest) -> Option<Grade> {
    match visit.items.get(test.item())?.value {
        Some(Value::Grade(grade)) => Some(grade),
        _ => None,
    }
}

const POSITIVE: Grade = Grade::One;

impl Repeated {
    /// As a nurse reads it, in Japanese.
    pub fn ja(&self) -> String {
        let name = item(self.test.item()).map_or("", |item| &item.name_ja);
        format!("{name}が2回続けて1+以上です（{}、{}）。", self.first, self.second)
    }

    /// In English.
    pub fn en(&self) -> String {
        let name = item(self.test.item()).map_or("", |item| &item.name_en);
        format!("{name}: 1+ or more in two samples running ({}, {}).", self.first, self.second)
    }
}

impl Differing {
    /// As a nurse reads it, in Japanese.
    pub fn ja(&self) -> String {
        let name = item(self.item).map_or("", |item| &item.name_ja);
        format!("{name}の結果が{}と{}で異なります。原本で確かめてください。", self.first, self.second)
    }

    /// In English.
    pub fn en(&self) -> String {
        let name = item(self.item).map_or("", |item| &item.name_en);
        format!("{name}: {} and {} tell it differently; compare the originals.", self.first, self.second)
    }
}

impl UrineTest {
    /// Code of the item.
    pub fn item(self) -> &'static str {
        match self {
            Self::Protein => "urine_protein",
            Self::Sugar => "urine_sugar",
        }
    }
}
