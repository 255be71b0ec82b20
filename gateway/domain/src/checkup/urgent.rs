//! The urgent path of the postpartum visit: when a high EPDS goes to the home
//! municipality at once, and until a person there has read it.
//!
//! The rule is dated data per municipality. Where none has its own, the one
//! that Kyoto's medical association prints applies: a total of 9 or more, or
//! item 10 (thoughts of self-harm) of 1 or more, is reported promptly.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Confidence;
use super::scores::{Instrument, RawScores, sum};
use crate::organization::{IssuerId, OrganizationKind};

const RULES: &str = include_str!("../../data/checkup/urgent_rules.csv");

/// A threshold with its days.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UrgentRule {
    /// Whose; `None`: everybody without an own one.
    pub issuer: Option<IssuerId>,
    /// First day of visits to which it applies.
    pub since: Date,
    /// Last day; `None`: still.
    pub until: Option<Date>,
    /// Urgent from this total on.
    pub epds_total_at_least: u8,
    /// Urgent from this score of item 10 on.
    pub epds_item10_at_least: u8,
    /// Where it was read.
    pub source: String,
    /// How far that was checked.
    pub confidence: Confidence,
}

/// All thresholds: the embedded ones, and those that municipalities gave.
#[derive(Debug, Clone)]
pub struct UrgentRules {
    rules: Vec<UrgentRule>,
}

/// Why a file of thresholds is refused. Names the row, from 1, and nothing else of it.
#[derive(Debug, thiserror::Error)]
pub enum ThresholdError {
    /// Not a table of these columns and words.
    #[error("{0}")]
    Form(#[from] csv::Error),
    /// The common rule is the program's; a file has only municipalities' own ones.
    #[error("row {0}: the issuer is no municipality")]
    Issuer(usize),
    /// The last day lies before the first.
    #[error("row {0}: the last day lies before the first")]
    Days(usize),
    /// A total of 1 to 30 and a score of 1 to 3 can be reached; no other threshold means anything.
    #[error("row {0}: the total is 1 to 30, item 10 is 1 to 3")]
    Threshold(usize),
    /// Two rules of one municipality begin on the same day, so neither goes before the other.
    #[error("row {0}: an earlier row of the same municipality begins on the same day")]
    Twice(usize),
}

/// What the scores ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The home municipality must hear of it at once.
    Urgent(Cause),
    /// No.
    No,
    /// Answers are missing, and with them it might be urgent.
    Undecided,
}

/// Which part of the rule was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// The total.
    Total,
    /// Item 10; the total was not reached or is not known.
    Item10,
    /// Both.
    TotalAndItem10,
}

impl UrgentRule {
    fn check(&self, row: usize) -> Result<(), ThresholdError> {
        let is_municipality =
            self.issuer.is_some_and(|issuer| issuer.kind() == OrganizationKind::Municipality);
        if !is_municipality {
            return Err(ThresholdError::Issuer(row));
        }
        if self.until.is_some_and(|until| until < self.since) {
            return Err(ThresholdError::Days(row));
        }
        let can_be_reached =
            (1..=30).contains(&self.epds_total_at_least) && (1..=3).contains(&self.epds_item10_at_least);
        if can_be_reached { Ok(()) } else { Err(ThresholdError::Threshold(row)) }
    }
}

impl UrgentRules {
    /// The embedded rules, and those of a file in the form of `data/checkup/urgent_rules.csv` in which every row has
    /// its municipality as `municipality:<code>`.
    pub fn parse(text: &str) -> Result<Self, ThresholdError> {
        let mut own: Vec<UrgentRule> = Vec::new();
        for (position, rule) in csv::Reader::from_reader(text.as_bytes()).into_deserialize().enumerate() {
            let rule: UrgentRule = rule?;
            let row = position.saturating_add(1);
            rule.check(row)?;
            if own.iter().any(|other| (other.issuer, other.since) == (rule.issuer, rule.since)) {
                return Err(ThresholdError::Twice(row));
            }
            own.push(rule);
        }
        Ok(Self::with(own))
    }

    /// The embedded rules with those of municipalities beside them.
    pub fn with(own: impl IntoIterator<Item = UrgentRule>) -> Self {
        Self { rules: EMBEDDED.iter().cloned().chain(own).collect() }
    }

    /// The rule for a visit of this day: the municipality's own, else the
    /// common one; the latest where several are in force.
    pub fn on(&self, issuer: IssuerId, day: Date) -> Option<&UrgentRule> {
        let is_in_force = |rule: &&UrgentRule| {
            rule.since <= day
                && rule.until.is_none_or(|until| day <= until)
                && rule.issuer.is_none_or(|own| own == issuer)
        };
        self.rules.iter().filter(is_in_force).max_by_key(|rule| (rule.issuer.is_some(), rule.since))
    }
}

impl UrgentRules {
    /// The common rule for a visit of this day, where no municipality is known to be the person's.
    pub fn common_on(&self, day: Date) -> Option<&UrgentRule> {
        let is_common = |rule: &&UrgentRule| {
            rule.issuer.is_none() && rule.since <= day && rule.until.is_none_or(|until| day <= until)
        };
        self.rules.iter().filter(is_common).max_by_key(|rule| rule.since)
    }
}

/// What scores ask for, as received: a row refused for a wrong total must not
/// silence item 10, so the greater of stated total and sum counts.
pub fn urgency(rule: &UrgentRule, scores: &RawScores) -> Urgency {
    if scores.instrument != Instrument::Epds {
        return Urgency::No;
    }
    let total = scores.total.unwrap_or_default().max(sum(&scores.items));
    let item10 = scores.items.get(9).copied().flatten();
    let by_total = total >= rule.epds_total_at_least;
    let by_item10 = item10.is_some_and(|score| score >= rule.epds_item10_at_least);
    match (by_total, by_item10) {
        (true, true) => Urgency::Urgent(Cause::TotalAndItem10),
        (true, false) => Urgency::Urgent(Cause::Total),
        (false, true) => Urgency::Urgent(Cause::Item10),
        (false, false) if item10.is_none() => Urgency::Undecided,
        (false, false) if scores.total.is_some() => Urgency::No,
        (false, false) if reachable(scores, total) >= rule.epds_total_at_least => Urgency::Undecided,
        (false, false) => Urgency::No,
    }
}

/// The highest total that missing answers leave open.
fn reachable(scores: &RawScores, total: u8) -> u8 {
    let open = scores.items.iter().filter(|score| score.is_none()).count();
    let open = u8::try_from(open).unwrap_or(u8::MAX);
    total.saturating_add(open.saturating_mul(Instrument::Epds.highest()))
}

/// A case at the home municipality.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrgentCase {
    /// When it was recorded, in the same transaction as the visit.
    pub raised_at: Timestamp,
    /// Who read it and when; only a person can.
    pub read: Option<Read>,
}

/// An acknowledgement by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// When.
    pub at: Timestamp,
    /// Operator pseudonym of the member of staff.
    pub by: String,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseStanding {
    /// Delivered; nobody has read it. How often it has been escalated by now.
    Unread {
        /// Number of escalations due so far.
        escalations: u32,
    },
    /// A person has read it.
    Read {
        /// When.
        at: Timestamp,
    },
}

impl UrgentCase {
    /// A new case.
    pub fn raised(at: Timestamp) -> Self {
        Self { raised_at: at, read: None }
    }

    /// A person reads it. The first reader stays.
    #[must_use]
    pub fn read_by(self, by: &str, at: Timestamp) -> Self {
        let read = self.read.or_else(|| Some(Read { at, by: by.to_owned() }));
        Self { read, ..self }
    }

    /// Where it stands. Unread, it is escalated once per `every` that passed;
    /// a span that is not positive never escalates.
    pub fn standing(&self, now: Timestamp, every: SignedDuration) -> CaseStanding {
        if let Some(read) = &self.read {
            return CaseStanding::Read { at: read.at };
        }
        let passed = now.duration_since(self.raised_at).as_secs().max(0);
        let times = passed.checked_div(every.as_secs().max(0)).unwrap_or_default();
        CaseStanding::Unread { escalations: u32::try_from(times).unwrap_or(u32::MAX) }
    }
}

/// What a clinic is told while nobody has read the case, in Japanese.
pub const UNREAD_JA: &str = "市町村に届きましたが、まだ誰も読んでいません。\
    市町村の対応は開庁時間内です。差し迫った危険があるときは、医療機関で直ちに対応してください。";
/// The same in English.
pub const UNREAD_EN: &str = "Delivered to the municipality; nobody has read it yet. \
    The municipality acts in office hours. If danger is imminent, it is yours to act now.";

static EMBEDDED: LazyLock<Vec<UrgentRule>> = LazyLock::new(|| read().unwrap_or_default());

fn read() -> Result<Vec<UrgentRule>, csv::Error> {
    csv::Reader::from_reader(RULES.as_bytes()).into_deserialize().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_rule_is_nine_and_one() {
        let rules = read().unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!((rules[0].epds_total_at_least, rules[0].epds_item10_at_least), (9, 1));
    }
}
