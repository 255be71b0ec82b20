//! A small invented world with real codes: four issuers, five scheme groups,
//! one child 〔架空〕.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use pmh_domain::codes::{PayerNumber, SchemeGroup};
use pmh_domain::directory::{Competence, IssuerDirectory, RawCompetence};
use pmh_domain::eligibility::{
    Answer, Caller, Chart, Consent, Facts, GroupResult, LinkFacts, Question, Rules, Tier, View, Watermark,
    decide,
};
use pmh_domain::entitlement::{Area, Entitlement, RawEntitlement};
use pmh_domain::organization::{IssuerId, OrganizationId};
use pmh_domain::resident::{ResidentKey, ResidentLink, Sex};
use pmh_domain::time::DateRange;

pub(crate) const TOKYO: &str = "prefecture:130001";
pub(crate) const HACHIOJI: &str = "municipality:132012";
pub(crate) const MACHIDA: &str = "municipality:132098";
pub(crate) const KAWASAKI: &str = "municipality:141305";
/// A real medical code of Tokyo, Kanagawa and a Tokyo pharmacy are looked up in
/// the published list, so that none is invented.
pub(crate) const INSTITUTIONS: &str = include_str!("../vectors/institution_code_examples.csv");
pub(crate) const TODAY: Date = Date::constant(2026, 4, 10);
pub(crate) const KEY: &str = "child-1";

pub(crate) fn issuer(text: &str) -> IssuerId {
    IssuerId::parse(text).unwrap()
}

pub(crate) fn group(text: &str) -> SchemeGroup {
    SchemeGroup::parse(text).unwrap()
}

pub(crate) fn groups(texts: &[&str]) -> BTreeSet<SchemeGroup> {
    texts.iter().map(|text| group(text)).collect()
}

/// The first published institution of a kind in a prefecture.
pub(crate) fn institution(kind: &str, prefecture: &str) -> String {
    csv::Reader::from_reader(INSTITUTIONS.as_bytes())
        .into_records()
        .map(Result::unwrap)
        .find(|row| &row[1] == kind && &row[2] == prefecture)
        .map(|row| row[0].to_owned())
        .unwrap()
}

pub(crate) fn caller(kind: &str, prefecture: &str) -> Caller {
    let organization_kind = if kind == "pharmacy" { "pharmacy" } else { "clinic" };
    let organization =
        OrganizationId::parse(&format!("{organization_kind}:{}", institution(kind, prefecture))).unwrap();
    Caller { organization, municipality: None }
}

/// Completes seven digits with the check digit that fits.
pub(crate) fn payer(body: &str) -> String {
    (0..10).map(|digit| format!("{body}{digit}")).find(|text| PayerNumber::parse(text).is_ok()).unwrap()
}

pub(crate) fn competence(law_no: &str, issuer_text: &str) -> Competence {
    let raw = RawCompetence {
        law_no: law_no.to_owned(),
        name_ja: format!("{}の制度{law_no}", issuer(issuer_text).name()),
        since: "2024-04-01".to_owned(),
        ..RawCompetence::default()
    };
    Competence::validate(&raw, issuer(issuer_text)).unwrap().value
}

pub(crate) fn directory() -> IssuerDirectory {
    let mut ended = competence("21", MACHIDA);
    ended.interval =
        pmh_domain::entitlement::Validity::new(date(2024, 4, 1), Some(date(2026, 4, 20))).unwrap();
    IssuerDirectory::new([
        competence("52", TOKYO),
        competence("54", TOKYO),
        competence("88", HACHIOJI),
        competence("88", MACHIDA),
        competence("21", HACHIOJI),
        ended,
        competence("88", KAWASAKI),
    ])
}

/// Hachioji's child scheme with a published payer number.
pub(crate) fn child_scheme() -> RawEntitlement {
    RawEntitlement {
        resident_key: KEY.to_owned(),
        certificate_type_id: "CHILD".to_owned(),
        certification_name: "八王子市 乳幼児医療証".to_owned(),
        payer_number: "88138243".to_owned(),
        recipient_number: "1234566".to_owned(),
        valid_from: "2025-10-01".to_owned(),
        valid_to: "2026-09-30".to_owned(),
        history_key: "1".to_owned(),
        ..RawEntitlement::default()
    }
}

/// Tokyo's 小児慢性 (52).
pub(crate) fn chronic_scheme() -> RawEntitlement {
    RawEntitlement {
        certificate_type_id: "SHOMAN".to_owned(),
        certification_name: "小児慢性特定疾病医療受給者証".to_owned(),
        payer_number: payer("5213601"),
        ..child_scheme()
    }
}

pub(crate) fn entitlement(raw: &RawEntitlement, issuer_text: &str) -> Entitlement {
    Entitlement::validate(raw, issuer(issuer_text), &directory(), TODAY).unwrap().value
}

pub(crate) fn link(issuer_text: &str) -> LinkFacts {
    LinkFacts {
        link: ResidentLink {
            issuer: issuer(issuer_text),
            resident_key: ResidentKey::parse(KEY).unwrap(),
            birth_date: date(2023, 2, 1),
            sex: Sex::Female,
            last_day: None,
        },
        restricted: false,
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-04-10T01:00:00Z".parse().unwrap()
}

pub(crate) fn watermark(issuer_text: &str, law_no: &str, hours_ago: i64) -> Watermark {
    Watermark {
        issuer: issuer(issuer_text),
        law_no: law_no.parse().unwrap(),
        as_of: now() - jiff::SignedDuration::from_hours(hours_ago),
    }
}

pub(crate) fn question() -> Question {
    Question {
        period: DateRange::day(TODAY),
        care: None,
        groups: BTreeSet::new(),
        caller: caller("medical", "13"),
        chart: Chart::default(),
        consent: Consent::All,
        tier: Tier::Full,
        view: View::Holder,
        if_version: None,
        version_salt: b"p1_subject".to_vec(),
        now: now(),
    }
}

/// Facts that own what `Facts` borrows.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) links: Vec<LinkFacts>,
    pub(crate) entitlements: Vec<Entitlement>,
    pub(crate) watermarks: Vec<Watermark>,
    pub(crate) directory: IssuerDirectory,
}

impl Known {
    /// The child at both issuers, fresh.
    pub(crate) fn child() -> Self {
        Self {
            links: vec![link(TOKYO), link(HACHIOJI)],
            entitlements: vec![entitlement(&child_scheme(), HACHIOJI), entitlement(&chronic_scheme(), TOKYO)],
            watermarks: vec![
                watermark(HACHIOJI, "88", 3),
                watermark(HACHIOJI, "21", 3),
                watermark(TOKYO, "52", 3),
                watermark(TOKYO, "54", 3),
            ],
            directory: directory(),
        }
    }

    /// The same with Hachioji's right replaced.
    pub(crate) fn with_child_scheme(change: impl FnOnce(&mut RawEntitlement)) -> Self {
        let mut raw = child_scheme();
        change(&mut raw);
        let mut known = Self::child();
        known.entitlements[0] = entitlement(&raw, HACHIOJI);
        known
    }

    pub(crate) fn nobody() -> Self {
        Self { links: vec![], entitlements: vec![], watermarks: vec![], directory: directory() }
    }

    pub(crate) fn answer(&self, question: &Question) -> Answer {
        let Self { links, entitlements, watermarks, directory } = self;
        decide(question, &Facts { links, entitlements, watermarks, directory }, &Rules::builtin())
    }
}

pub(crate) fn row<'a>(answer: &'a Answer, group_text: &str) -> &'a GroupResult {
    let mut rows = answer.results.iter().filter(|row| row.group == group(group_text));
    let row = rows.next().unwrap_or_else(|| panic!("no row for {group_text}"));
    assert!(rows.next().is_none(), "two rows for {group_text}");
    row
}

pub(crate) fn narrow(area: Area) -> impl FnOnce(&mut RawEntitlement) {
    move |raw| raw.area = area
}
