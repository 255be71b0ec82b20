//! A guardian's verified relation to a child.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{ResidentKey, iso_date};
use crate::organization::IssuerId;
use crate::problem::{Accepted, FieldReason, Findings, RowRefusal};
use crate::time::day_before_birthday;

/// 民法4条, since 2022-04-01.
const AGE_OF_MAJORITY: i16 = 18;

/// A guardian's relation to a child, verified by the issuer whose residents
/// both are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Who verified it.
    pub issuer: IssuerId,
    /// The guardian.
    pub guardian: ResidentKey,
    /// The child.
    pub child: ResidentKey,
    /// How they stand to each other.
    pub kind: RelationKind,
    /// Last day; `None`: until majority.
    pub until: Option<Date>,
}

/// How a guardian stands to a child.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// 親権者.
    #[default]
    Parent,
    /// 未成年後見人.
    Guardian,
    /// 里親, 施設長.
    Carer,
}

/// A relation as received.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawRelation {
    /// The guardian's resident key.
    pub guardian_resident_key: String,
    /// The child's resident key.
    pub child_resident_key: String,
    /// How they stand to each other.
    pub kind: RelationKind,
    /// Last day, ISO 8601; empty: until majority.
    pub until: String,
}

impl Relation {
    /// Checks a row and reports all violations at once.
    pub fn validate(raw: &RawRelation, issuer: IssuerId) -> Result<Accepted<Self>, RowRefusal> {
        let mut findings = Findings::default();
        let guardian = findings.take("guardian_resident_key", ResidentKey::parse(&raw.guardian_resident_key));
        let child = findings.take("child_resident_key", ResidentKey::parse(&raw.child_resident_key));
        if guardian.is_some() && guardian == child {
            findings.problem("child_resident_key", FieldReason::Value);
        }
        let until = match raw.until.as_str() {
            "" => None,
            until => findings.take("until", iso_date(until)),
        };
        let value = guardian.zip(child).map(|(guardian, child)| Self {
            issuer,
            guardian,
            child,
            kind: raw.kind,
            until,
        });
        findings.conclude(value)
    }

    /// Whether the guardian may act on a day for a child born on `birth`: until
    /// the relation ends, and never after the child has come of age.
    pub fn holds_on(&self, day: Date, birth: Date) -> bool {
        let minor_until = day_before_birthday(birth, AGE_OF_MAJORITY);
        self.until.into_iter().chain(minor_until).all(|last| day <= last)
    }
}

/// A row as received may hold anything.
impl fmt::Debug for RawRelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawRelation(..)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn raw() -> RawRelation {
        RawRelation {
            guardian_resident_key: "mother".to_owned(),
            child_resident_key: "child".to_owned(),
            ..RawRelation::default()
        }
    }

    fn relation(raw: &RawRelation) -> Result<Accepted<Relation>, RowRefusal> {
        Relation::validate(raw, IssuerId::parse("municipality:132012").unwrap())
    }

    #[test]
    fn it_ends_with_majority_or_earlier() {
        let birth = date(2008, 4, 2);
        let open = relation(&raw()).unwrap().value;
        assert!(open.holds_on(date(2026, 4, 1), birth));
        assert!(!open.holds_on(date(2026, 4, 2), birth));
        let ended = relation(&RawRelation { until: "2020-03-31".to_owned(), ..raw() }).unwrap().value;
        assert!(ended.holds_on(date(2020, 3, 31), birth) && !ended.holds_on(date(2020, 4, 1), birth));
        let too_long = relation(&RawRelation { until: "2040-03-31".to_owned(), ..raw() }).unwrap().value;
        assert!(!too_long.holds_on(date(2026, 4, 2), birth));
    }

    #[test]
    fn nobody_is_their_own_guardian() {
        let same = RawRelation { child_resident_key: "mother".to_owned(), until: "soon".to_owned(), ..raw() };
        let refusal = relation(&same).unwrap_err();
        let reasons: Vec<_> = refusal.problems().iter().map(|problem| problem.reason).collect();
        assert_eq!(reasons, [FieldReason::Value, FieldReason::Date]);
    }
}
