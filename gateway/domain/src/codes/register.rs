//! The embedded registers: local governments and law numbers.
//!
//! Parsed once. A broken data file cannot hide: the tests below count every
//! row. At run time it could only make codes unknown, never a wrong answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use super::{LawNumber, MunicipalityKind, PrefectureCode};

const MUNICIPALITIES: &str = include_str!("../../data/municipalities.csv");
const ABOLISHED: &str = include_str!("../../data/municipalities_abolished.csv");
const ESTABLISHED: &str = include_str!("../../data/municipalities_established.csv");
const SCHEMES: &str = include_str!("../../data/subsidy_schemes.csv");

/// What the register says about one local government.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MunicipalityEntry {
    pub(super) kind: MunicipalityKind,
    pub(super) prefecture: String,
    pub(super) name: String,
    pub(super) kana: String,
    /// First day, where the register tells it.
    pub(super) since: Option<Date>,
    /// First day on which it no longer exists.
    pub(super) abolished_on: Option<Date>,
    pub(super) corporate_number: Option<String>,
}

/// One law number (法別番号) of the register, which we compiled from public
/// pages; `confidence` says how far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SchemeEntry {
    /// The two digits.
    pub law_no: String,
    /// What the number is for.
    pub kind: SchemeKind,
    /// Short name in Japanese.
    pub short_ja: String,
    /// Full name in Japanese.
    pub name_ja: String,
    /// The law.
    pub law_basis: String,
    /// Name in English.
    pub name_en: String,
    /// Place among the national subsidies when claiming, 1 first. Compiled
    /// from public pages and not official, hence the name.
    pub claim_order_unverified: Option<u16>,
    /// `confirmed` on two or more pages, or `unverified`.
    pub confidence: String,
}

/// What a law number is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemeKind {
    /// A subsidy of the state, the same everywhere.
    NationalSubsidy,
    /// Each prefecture gives it its own meaning.
    PrefectureDefined,
    /// A health insurance, no subsidy.
    Insurance,
    /// A scheme that ended.
    Obsolete,
}

/// The register's entry of a law number.
pub fn scheme_entry(law_no: LawNumber) -> Option<&'static SchemeEntry> {
    SCHEME_REGISTER.get(&law_no.number())
}

/// All law numbers in the register, in ascending order, insurers included.
pub fn scheme_entries() -> impl Iterator<Item = &'static SchemeEntry> {
    SCHEME_REGISTER.values()
}

pub(super) fn municipality(code: &str) -> Option<&'static MunicipalityEntry> {
    MUNICIPALITY_REGISTER.get(code)
}

pub(super) fn prefecture_name(code: PrefectureCode) -> &'static str {
    PREFECTURE_NAMES.get(&code.number()).map_or("", String::as_str)
}

static SCHEME_REGISTER: LazyLock<BTreeMap<u8, SchemeEntry>> =
    LazyLock::new(|| read_schemes().unwrap_or_default());

static MUNICIPALITY_REGISTER: LazyLock<HashMap<String, MunicipalityEntry>> =
    LazyLock::new(|| read_municipalities().unwrap_or_default());

static PREFECTURE_NAMES: LazyLock<BTreeMap<u8, String>> = LazyLock::new(|| {
    let prefectures = MUNICIPALITY_REGISTER.iter().filter(|(_, e)| e.kind == MunicipalityKind::Prefecture);
    prefectures.filter_map(|(code, e)| Some((code.get(..2)?.parse().ok()?, e.name.clone()))).collect()
});

fn read_schemes() -> Result<BTreeMap<u8, SchemeEntry>, csv::Error> {
    let rows = csv::Reader::from_reader(SCHEMES.as_bytes()).into_deserialize::<SchemeEntry>();
    let mut register = BTreeMap::new();
    for row in rows {
        let row = row?;
        if let Ok(number) = row.law_no.parse() {
            register.insert(number, row);
        }
    }
    Ok(register)
}

fn read_municipalities() -> Result<HashMap<String, MunicipalityEntry>, csv::Error> {
    let mut register: HashMap<String, MunicipalityEntry> = HashMap::new();
    for row in csv::Reader::from_reader(MUNICIPALITIES.as_bytes()).into_deserialize::<MunicipalityRow>() {
        let row = row?;
        register.insert(row.code6.clone(), row.into());
    }
    for row in csv::Reader::from_reader(ABOLISHED.as_bytes()).into_deserialize::<AbolishedRow>() {
        let row = row?;
        register.insert(row.code6.clone(), row.into());
    }
    for row in csv::Reader::from_reader(ESTABLISHED.as_bytes()).into_deserialize::<EstablishedRow>() {
        let row = row?;
        if let Some(entry) = register.get_mut(&row.code6) {
            entry.since = Some(row.established_on);
        }
    }
    Ok(register)
}

#[derive(Deserialize)]
struct MunicipalityRow {
    code6: String,
    kind: MunicipalityKind,
    prefecture: String,
    name: String,
    kana: String,
    corporate_number_computed: String,
}

#[derive(Deserialize)]
struct AbolishedRow {
    code6: String,
    prefecture: String,
    name: String,
    abolished_on: Date,
}

#[derive(Deserialize)]
struct EstablishedRow {
    code6: String,
    established_on: Date,
}

impl From<MunicipalityRow> for MunicipalityEntry {
    fn from(row: MunicipalityRow) -> Self {
        Self {
            kind: row.kind,
            prefecture: row.prefecture,
            name: row.name,
            kana: row.kana,
            since: None,
            abolished_on: None,
            corporate_number: Some(row.corporate_number_computed).filter(|number| !number.is_empty()),
        }
    }
}

/// All abolished codes we hold are wards of a designated city.
impl From<AbolishedRow> for MunicipalityEntry {
    fn from(row: AbolishedRow) -> Self {
        Self {
            kind: MunicipalityKind::Ward,
            prefecture: row.prefecture,
            name: row.name,
            kana: String::new(),
            since: None,
            abolished_on: Some(row.abolished_on),
            corporate_number: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_embedded_data_is_read() {
        let rows = |data: &str| csv::Reader::from_reader(data.as_bytes()).into_records().count();
        assert_eq!(read_schemes().unwrap().len(), rows(SCHEMES));
        assert_eq!(rows(SCHEMES), 53);
        let municipalities = read_municipalities().unwrap();
        assert_eq!(municipalities.len(), rows(MUNICIPALITIES) + rows(ABOLISHED));
        assert_eq!((rows(MUNICIPALITIES), rows(ABOLISHED)), (1_965, 7));
        assert_eq!(municipalities.values().filter(|entry| entry.since.is_some()).count(), rows(ESTABLISHED));
        assert_eq!(PREFECTURE_NAMES.len(), 47);
    }

    #[test]
    fn national_subsidies_have_distinct_places_in_the_claim_order() {
        let mut places: Vec<u16> = scheme_entries()
            .filter(|entry| entry.kind == SchemeKind::NationalSubsidy)
            .map(|entry| entry.claim_order_unverified.unwrap())
            .collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
