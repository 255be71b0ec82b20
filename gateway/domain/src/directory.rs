//! The issuer directory: who is competent for which scheme since when.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{LawNumber, PayerNumber, SchemeGroup};
use crate::entitlement::{Area, Validity};
use crate::organization::IssuerId;
use crate::problem::{Accepted, FieldReason, Findings, RowRefusal};
use crate::resident::iso_date;

/// One issuer's competence for one law number during one interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Competence {
    /// 実施機関.
    pub issuer: IssuerId,
    /// The scheme group; its law number is the competence's.
    pub group: SchemeGroup,
    /// Scheme name in Japanese, as on the certificate.
    pub name_ja: String,
    /// Scheme name in English; may be empty.
    pub name_en: String,
    /// First to last day.
    pub interval: Validity,
    /// Payer numbers in use: one issuer has several per scheme. Empty: unknown.
    pub payer_numbers: Vec<PayerNumber>,
    /// Where the scheme is applied at the counter at most; an entitlement may
    /// say less.
    pub area: Area,
    /// Two officers declared that the issuer's own recipient numbers have 12
    /// digits, so that they are not mistaken for individual numbers.
    pub twelve_digit_recipients: bool,
}

/// A competence as received. Texts are empty where nothing was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawCompetence {
    /// 法別番号; required.
    pub law_no: String,
    /// Scheme name in Japanese; required.
    pub name_ja: String,
    /// Scheme name in English.
    pub name_en: String,
    /// First day, ISO 8601; required.
    pub since: String,
    /// Last day, ISO 8601; empty: open.
    pub until: String,
    /// Payer numbers, 8 digits each.
    pub payer_numbers: Vec<String>,
    /// Where the scheme is applied at the counter.
    pub area: Area,
    /// Declaration of 12-digit recipient numbers.
    pub twelve_digit_recipients: bool,
}

/// All competences, indexed by scheme group and issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuerDirectory {
    groups: BTreeMap<SchemeGroup, BTreeMap<IssuerId, Vec<Competence>>>,
}

impl Competence {
    /// Checks what an issuer declares and reports all violations at once.
    pub fn validate(raw: &RawCompetence, issuer: IssuerId) -> Result<Accepted<Self>, RowRefusal> {
        let mut findings = Findings::default();
        let law_no = match raw.law_no.as_str() {
            "" => {
                findings.problem("law_no", FieldReason::Required);
                None
            }
            law_no => findings.take("law_no", LawNumber::parse(law_no)),
        };
        let group = law_no.map(|law_no| SchemeGroup::of(law_no, issuer.prefecture()));
        check_name("name.ja", &raw.name_ja, true, &mut findings);
        check_name("name.en", &raw.name_en, false, &mut findings);
        let interval = interval(raw, &mut findings);
        let payer_numbers = payer_numbers(raw, law_no, issuer, &mut findings);
        let value = group.zip(interval).map(|(group, interval)| Self {
            issuer,
            group,
            name_ja: raw.name_ja.clone(),
            name_en: raw.name_en.clone(),
            interval,
            payer_numbers,
            area: raw.area,
            twelve_digit_recipients: raw.twelve_digit_recipients,
        });
        findings.conclude(value)
    }

    /// 法別番号.
    pub fn law_no(&self) -> LawNumber {
        self.group.law_no()
    }

    /// Whether it holds on a day.
    pub fn holds_on(&self, day: Date) -> bool {
        self.interval.from() <= day && self.interval.to().is_none_or(|last| day <= last)
    }
}

impl IssuerDirectory {
    /// Builds the index. The order given does not matter.
    pub fn new(competences: impl IntoIterator<Item = Competence>) -> Self {
        let mut directory = Self::default();
        for competence in competences {
            let issuers = directory.groups.entry(competence.group).or_default();
            issuers.entry(competence.issuer).or_default().push(competence);
        }
        for entries in directory.groups.values_mut().flat_map(BTreeMap::values_mut) {
            entries.sort_by_key(|competence| competence.interval.from());
        }
        directory
    }

    /// The competence of an issuer for a group on a day.
    pub fn competent(&self, group: SchemeGroup, issuer: IssuerId, day: Date) -> Option<&Competence> {
        // The later of two that overlap is the newer declaration.
        self.entries(group, issuer).iter().rev().find(|competence| competence.holds_on(day))
    }

    /// Groups for which anybody is competent on a day, in order.
    pub fn groups_on(&self, day: Date) -> Vec<SchemeGroup> {
        let holds = |issuers: &BTreeMap<IssuerId, Vec<Competence>>| {
            issuers.values().flatten().any(|competence| competence.holds_on(day))
        };
        self.groups.iter().filter(|(_, issuers)| holds(issuers)).map(|(group, _)| *group).collect()
    }

    /// All competences of a group, by issuer.
    pub fn of_group(&self, group: SchemeGroup) -> impl Iterator<Item = &Competence> {
        self.groups.get(&group).into_iter().flat_map(BTreeMap::values).flatten()
    }

    /// All competences, by group and issuer.
    pub fn iter(&self) -> impl Iterator<Item = &Competence> {
        self.groups.values().flat_map(BTreeMap::values).flatten()
    }

    /// All competences of an issuer for a group, oldest first.
    pub fn entries(&self, group: SchemeGroup, issuer: IssuerId) -> &[Competence] {
        self.groups.get(&group).and_then(|issuers| issuers.get(&issuer)).map_or(&[], Vec::as_slice)
    }

    /// Whether an issuer is, was or will be competent for a group.
    pub fn knows(&self, group: SchemeGroup, issuer: IssuerId) -> bool {
        !self.entries(group, issuer).is_empty()
    }

    /// Whether a payer number is among those declared; also if none was.
    pub fn lists_payer(&self, group: SchemeGroup, issuer: IssuerId, payer: PayerNumber) -> bool {
        let mut declared =
            self.entries(group, issuer).iter().flat_map(|competence| &competence.payer_numbers).peekable();
        declared.peek().is_none() || declared.any(|number| *number == payer)
    }

    /// Whether the issuer declared 12-digit recipient numbers for the group.
    pub fn has_twelve_digit_recipients(&self, group: SchemeGroup, issuer: IssuerId, day: Date) -> bool {
        self.competent(group, issuer, day).is_some_and(|competence| competence.twelve_digit_recipients)
    }
}

fn check_name(field: &str, name: &str, is_required: bool, findings: &mut Findings) {
    if name.is_empty() && is_required {
        findings.problem(field, FieldReason::Required);
    }
    if name.chars().count() > 100 {
        findings.problem(field, FieldReason::Width);
    }
    if name.chars().any(char::is_control) {
        findings.problem(field, FieldReason::Characters);
    }
}

fn interval(raw: &RawCompetence, findings: &mut Findings) -> Option<Validity> {
    let since = findings.take("since", iso_date(&raw.since));
    let until = match raw.until.as_str() {
        "" => None,
        until => findings.take("until", iso_date(until)),
    };
    let interval = Validity::new(since?, until).map_err(|_| FieldReason::IntervalReversed);
    findings.take("until", interval)
}

fn payer_numbers(
    raw: &RawCompetence,
    law_no: Option<LawNumber>,
    issuer: IssuerId,
    findings: &mut Findings,
) -> Vec<PayerNumber> {
    let mut numbers = Vec::with_capacity(raw.payer_numbers.len());
    for (index, text) in raw.payer_numbers.iter().enumerate() {
        let field = format!("payer_numbers[{index}]");
        let Some(number) = findings.take(&field, PayerNumber::parse(text)) else { continue };
        if law_no.is_some_and(|law_no| law_no != number.law_no()) {
            findings.problem(&field, FieldReason::Value);
        }
        if number.prefecture() != issuer.prefecture() {
            findings.problem(&field, FieldReason::IssuerMismatch);
        }
        numbers.push(number);
    }
    numbers
}
