//! The invented family and its neighbours: one world for the demo, the sandbox and the tests.
//!
//! People, keys and recipient numbers are invented and marked 〔架空〕 where a person is named; nobody
//! real is meant. Municipality codes, institution codes and the payer numbers marked "published" are
//! real, because a vendor's checks must pass on them. One simplification against reality: 八王子市 is
//! a 中核市 and grants 小児慢性 (52) itself; here 東京都 does, so that two issuers answer for one child.
//!
//! Every date is relative to the `today` that is passed in, so the world never grows old.

mod cards;
mod entitlements;
mod issue;
mod organizations;
mod people;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::Serialize;

use crate::card::CardKind;
use crate::{Error, Result};

pub use issue::{IssuedCard, Wallet};
pub use organizations::code;

/// Everything a gateway is told before the first patient comes.
#[derive(Debug, Clone)]
pub struct World {
    /// The day everything is relative to.
    pub today: Date,
    /// Participants.
    pub organizations: Vec<Organization>,
    /// Who is competent for which scheme.
    pub competences: Vec<Competence>,
    /// How complete each issuer's data is.
    pub watermarks: Vec<Watermark>,
    /// Residents as their issuers know them.
    pub residents: Vec<Resident>,
    /// Guardians and children.
    pub relations: Vec<Relation>,
    /// Rights as their issuers send them.
    pub entitlements: Vec<Entitlement>,
    /// Cards and what happens with them.
    pub cards: Vec<WorldCard>,
}

/// A participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// `clinic`, `pharmacy`, `municipality`, `prefecture`, `auditor`, `operator`.
    pub kind: &'static str,
    /// Code of that kind: 10-digit institution code, 6-digit municipality code, or a word.
    pub code: &'static str,
    /// Name as published, or a description where our source has none.
    pub name: &'static str,
    /// Terminal ids, unique in the world.
    pub terminals: &'static [&'static str],
}

impl Organization {
    /// `urn:x-pmh:org:<kind>:<code>`.
    pub fn urn(&self) -> String {
        format!("urn:x-pmh:org:{}:{}", self.kind, self.code)
    }

    /// Whether it grants rights.
    pub fn is_issuer(&self) -> bool {
        matches!(self.kind, "municipality" | "prefecture")
    }

    /// `<kind>:<code>`.
    pub fn short(&self) -> String {
        format!("{}:{}", self.kind, self.code)
    }
}

/// Who is competent for a scheme since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Competence {
    /// `<kind>:<code>`.
    pub issuer: &'static str,
    /// 法別番号.
    pub law_no: &'static str,
    /// Unit of consent.
    pub group: &'static str,
    /// Scheme name, Japanese.
    pub name_ja: &'static str,
    /// Scheme name, English.
    pub name_en: &'static str,
    /// First day.
    pub since: Date,
    /// Last day, if any.
    pub until: Option<Date>,
    /// 公費負担者番号 in use.
    pub payer_numbers: &'static [&'static str],
}

/// How complete an issuer's data for a scheme is. An issuer and scheme without one never sent anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// `<kind>:<code>`.
    pub issuer: &'static str,
    /// 法別番号.
    pub law_no: &'static str,
    /// Hours before now.
    pub age_hours: i64,
}

/// A resident as one issuer knows the person. A person two issuers know has two entries and one `person`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    /// Who this is, inside this world only; the gateway never sees it.
    pub person: &'static str,
    /// Invented name, for the screen of the demo only; the gateway never sees it.
    pub name: &'static str,
    /// `<kind>:<code>`.
    pub issuer: &'static str,
    /// The issuer's own key of the person.
    pub resident_key: &'static str,
    /// Birth date.
    pub birth_date: Date,
    /// `male` or `female`.
    pub sex: &'static str,
}

/// A guardian may act for a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// `<kind>:<code>` of the municipality that verified it.
    pub issuer: &'static str,
    /// Guardian's resident key there.
    pub guardian_resident_key: &'static str,
    /// Child's resident key there.
    pub child_resident_key: &'static str,
}

/// One version of a right. Field names are those of `pmh.eligibility.v1.EntitlementRow`; dates are
/// ISO 8601, as in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are those of the wire format")]
pub struct Entitlement {
    /// `<kind>:<code>`; not part of a row, an issuer sends only its own.
    #[serde(skip)]
    pub issuer: &'static str,
    /// Id of the row.
    pub row_id: String,
    /// The issuer's key of the person.
    pub resident_key: String,
    /// 機関別受給者証種別ID.
    pub certificate_type_id: String,
    /// 受給者証名.
    pub certification_name: String,
    /// 受給者証サブキー.
    pub certification_sub_key: String,
    /// 法別番号.
    pub law_no: String,
    /// 公費負担者番号.
    pub payer_number: String,
    /// 公費受給者番号, invented.
    pub recipient_number: String,
    /// 有効期間開始.
    pub valid_from: String,
    /// 有効期間終了, inclusive; empty: open.
    pub valid_to: String,
    /// 区分.
    pub segment: String,
    /// 所得区分.
    pub income_segment: String,
    /// Copayment rules.
    pub copayments: Vec<Copayment>,
    /// 指定医療機関; empty: any.
    pub designated_institutions: Vec<Designated>,
    /// 常に償還払い.
    pub always_reimbursement: bool,
    /// 不開示フラグ.
    pub not_disclosed: bool,
    /// `ANYWHERE`, `PREFECTURE` or `MUNICIPALITY`.
    pub area: &'static str,
    /// 食事療養 covered.
    pub meal_covered: bool,
    /// 履歴キー.
    pub history_key: String,
    /// 削除フラグ.
    pub deleted: bool,
}

/// One copayment rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copayment {
    /// `ANY`, `OUTPATIENT`, `INPATIENT` or `PHARMACY`.
    pub care_type: &'static str,
    /// `RATE_PERCENT`, `YEN_PER_MONTH`, `YEN_PER_DAY`, `YEN_PER_VISIT` or `COUNT_PER_MONTH`.
    pub unit: &'static str,
    /// Per cent, whole yen, or a count.
    pub amount: u32,
    /// Each institution apart.
    pub per_institution: bool,
}

/// A designated institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Designated {
    /// 10-digit institution code.
    pub code: &'static str,
    /// Name as printed.
    pub name: &'static str,
}

/// A card, the state it is in, and the visit it is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldCard {
    /// Name, unique in the world.
    pub name: &'static str,
    /// Whose card: [`Resident::person`], or a person no issuer knows.
    pub holder: &'static str,
    /// Holder's birth date.
    pub birth_date: Date,
    /// RSA or P-384.
    pub kind: CardKind,
    /// PIN, four digits.
    pub pin: &'static str,
    /// In what state the certificate is.
    pub state: CardState,
    /// One sentence, Japanese.
    pub scenario_ja: &'static str,
    /// One sentence, English.
    pub scenario_en: &'static str,
    /// What happens with it.
    pub visit: Visit,
    /// What VerifyEligibility answers.
    pub expected: Expected,
}

/// State of a card's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardState {
    /// In force and known to the directory.
    Linked,
    /// In force; the directory has not said whose it is.
    Unknown,
    /// In force, and the directory says that it follows the card of this name.
    Follows(&'static str),
    /// Ended this many days ago and known to the directory.
    Ended(i64),
}

/// One visit at a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Terminal at which the card is presented.
    pub terminal: &'static str,
    /// Whose rights are asked for: the holder's, or a child's through the guardian.
    pub subject: &'static str,
    /// `OUTPATIENT` or `PHARMACY`.
    pub care_type: &'static str,
    /// Scheme groups consented to.
    pub consent: &'static [&'static str],
    /// Birth date in the chart, where the visit compares it.
    pub chart_birth_date: Option<Date>,
}

/// What VerifyEligibility answers, in the words of its enums without prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// One result is what the visit is about.
    Result {
        /// Scheme group.
        group: &'static str,
        /// Outcome of that group.
        outcome: &'static str,
        /// Counter action of that group.
        action: &'static str,
    },
    /// The answer as a whole has this state and no results.
    State(&'static str),
}

impl Expected {
    /// The one word for `sandbox.json`: the outcome, or the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Result { outcome, .. } => outcome,
            Self::State(state) => state,
        }
    }
}

impl World {
    /// The world as of `today`; fails only at the ends of the calendar.
    pub fn new(today: Date) -> Result<Self> {
        let days = Days { today };
        let residents = people::residents(&days)?;
        Ok(Self {
            today,
            organizations: organizations::all(),
            competences: organizations::competences(&days)?,
            watermarks: organizations::watermarks(),
            relations: people::relations(),
            entitlements: entitlements::all(&residents, &days)?,
            cards: cards::all(&residents, &days)?,
            residents,
        })
    }

    /// The organization with this terminal.
    pub fn organization_of(&self, terminal: &str) -> Option<&Organization> {
        self.organizations.iter().find(|organization| organization.terminals.contains(&terminal))
    }

    /// The card of this name.
    pub fn card(&self, name: &str) -> Option<&WorldCard> {
        self.cards.iter().find(|card| card.name == name)
    }

    /// All entries of one person.
    pub fn residents_of<'a>(&'a self, person: &'a str) -> impl Iterator<Item = &'a Resident> {
        self.residents.iter().filter(move |resident| resident.person == person)
    }

    /// Rights that one issuer sends.
    pub fn entitlements_of<'a>(&'a self, issuer: &'a str) -> impl Iterator<Item = &'a Entitlement> {
        self.entitlements.iter().filter(move |entitlement| entitlement.issuer == issuer)
    }
}

/// Days relative to today.
struct Days {
    today: Date,
}

impl Days {
    fn shift(&self, span: Span) -> Result<Date> {
        self.today.checked_add(span).map_err(|_| Error::Date)
    }

    fn days(&self, days: i64) -> Result<Date> {
        self.shift(days.days())
    }

    /// 31 March after the 6th birthday: マル乳 ends when school begins.
    fn before_school(birth_date: Date) -> Result<Date> {
        let sixth = birth_date.checked_add(6.years()).map_err(|_| Error::Date)?;
        let march = Date::new(sixth.year(), 3, 31).map_err(|_| Error::Date)?;
        // Born on 1 April, one is six at the end of 31 March (年齢計算ニ関スル法律) and goes to school the next day.
        let last_born = Date::new(sixth.year(), 4, 1).map_err(|_| Error::Date)?;
        if sixth <= last_born { Ok(march) } else { march.checked_add(1.years()).map_err(|_| Error::Date) }
    }
}
