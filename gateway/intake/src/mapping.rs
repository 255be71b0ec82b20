//! The issuer's own layout, as a TOML file that is written once and kept beside the export.
//!
//! ```toml
//! encoding = "cp932"            # otherwise detected
//! delimiter = "tab"             # "," ";" "tab"; otherwise detected
//! dates = "era-code"            # 5060401 is 令和6年4月1日; otherwise seven digits are refused as ambiguous
//! recipient_numbers_have_12_digits = false
//! ignore = ["氏名"]             # columns to leave out, by header
//! [columns]                     # field = "header"; a Japanese field name needs quotes
//! payer_number = "負担者NO"
//! [constants]                   # field = value of every row
//! certificate_type_id = "C88"
//! [values.not_disclosed]        # cell = what it stands for; "" is the blank cell
//! "" = "0"
//! [details]                     # label printed on the certificate = "header"
//! "階層" = "階層区分2"
//! [widths]                      # digits that an identifier always has
//! resident_key = 10
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use thiserror::Error;

use crate::decode::Encoding;
use crate::field::{Field, FileKind};
use crate::header::comparison_key;
use crate::normalize::date::DateStyle;

/// How one issuer's file differs from the plain layout. The default is no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    pub(crate) encoding: Option<Encoding>,
    pub(crate) delimiter: Option<u8>,
    pub(crate) dates: DateStyle,
    pub(crate) recipient_numbers_have_12_digits: bool,
    /// Comparison keys of headers.
    pub(crate) ignore: BTreeSet<String>,
    pub(crate) columns: BTreeMap<Field, String>,
    pub(crate) constants: BTreeMap<Field, String>,
    pub(crate) values: BTreeMap<Field, BTreeMap<String, String>>,
    /// Label → comparison key of the header.
    pub(crate) details: BTreeMap<String, String>,
    pub(crate) widths: BTreeMap<Field, usize>,
}

/// A mapping file that says something we do not understand.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MappingError {
    /// Not TOML, an unknown key or a wrong type; the cause says where.
    #[error("the mapping file is not of the documented form")]
    Form(#[source] Box<toml::de::Error>),
    /// A field name that does not exist, by its path in the file.
    #[error("no such field: {path}")]
    UnknownField {
        /// For example `columns.payer`.
        path: String,
    },
    /// A delimiter other than comma, semicolon or tab.
    #[error("the delimiter must be \",\", \";\" or \"tab\"")]
    Delimiter,
    /// A field with a column and a constant.
    #[error("{} has a column and a constant", .0.name())]
    ColumnAndConstant(Field),
}

impl Mapping {
    /// Reads a mapping file for a file of rights.
    ///
    /// # Errors
    /// See [`MappingError`]; unknown keys are refused, because a misspelt one would silently change rows.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        Self::parse_for(FileKind::Entitlements, text)
    }

    /// Reads a mapping file whose Japanese field names are meant as in a file of this kind.
    ///
    /// # Errors
    /// As [`Mapping::parse`].
    pub fn parse_for(kind: FileKind, text: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(text).map_err(|cause| MappingError::Form(Box::new(cause)))?;
        let columns = by_field(kind, "columns", file.columns)?;
        let constants = by_field(kind, "constants", file.constants)?;
        if let Some(field) = columns.keys().find(|field| constants.contains_key(field)) {
            return Err(MappingError::ColumnAndConstant(*field));
        }
        let to_keys = |headers: BTreeMap<Field, String>| {
            headers.into_iter().map(|(field, header)| (field, comparison_key(&header))).collect()
        };
        Ok(Self {
            encoding: file.encoding,
            delimiter: file.delimiter.map(|text| delimiter(&text)).transpose()?,
            dates: file.dates,
            recipient_numbers_have_12_digits: file.recipient_numbers_have_12_digits,
            ignore: file.ignore.iter().map(|header| comparison_key(header)).collect(),
            columns: to_keys(columns),
            constants,
            values: by_field(kind, "values", file.values)?,
            details: file
                .details
                .into_iter()
                .map(|(label, header)| (label, comparison_key(&header)))
                .collect(),
            widths: by_field(kind, "widths", file.widths)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    encoding: Option<Encoding>,
    delimiter: Option<String>,
    #[serde(default)]
    dates: DateStyle,
    #[serde(default)]
    recipient_numbers_have_12_digits: bool,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    details: BTreeMap<String, String>,
    #[serde(default)]
    widths: BTreeMap<String, usize>,
}

fn by_field<T>(
    kind: FileKind,
    table: &str,
    named: BTreeMap<String, T>,
) -> Result<BTreeMap<Field, T>, MappingError> {
    named
        .into_iter()
        .map(|(name, value)| match Field::from_key(kind, &comparison_key(&name)) {
            Some(field) => Ok((field, value)),
            None => Err(MappingError::UnknownField { path: format!("{table}.{name}") }),
        })
        .collect()
}

fn delimiter(text: &str) -> Result<u8, MappingError> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "tab" | "\t" => Ok(b'\t'),
        _ => Err(MappingError::Delimiter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_is_read() {
        let lines = include_str!("mapping.rs").lines().skip_while(|line| !line.contains("```toml")).skip(1);
        let example: Vec<_> = lines
            .take_while(|line| !line.contains("```"))
            .map(|line| line.trim_start_matches("//!").trim_start())
            .collect();
        let mapping = Mapping::parse(&example.join("\n")).unwrap();
        assert_eq!(mapping.encoding, Some(Encoding::Cp932));
        assert_eq!(mapping.delimiter, Some(b'\t'));
        assert_eq!(mapping.dates, DateStyle::EraCode);
        assert_eq!(mapping.columns.get(&Field::PayerNumber).map(String::as_str), Some("負担者no"));
        assert_eq!(mapping.widths.get(&Field::ResidentKey), Some(&10));
    }

    #[test]
    fn fields_may_be_named_in_japanese() {
        let mapping = Mapping::parse("[constants]\n\"公費負担者番号\" = \"88138243\"\n").unwrap();
        assert_eq!(mapping.constants.get(&Field::PayerNumber).map(String::as_str), Some("88138243"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(matches!(Mapping::parse("encodng = \"cp932\""), Err(MappingError::Form(_))));
        assert!(matches!(Mapping::parse("encoding = \"latin1\""), Err(MappingError::Form(_))));
        assert!(matches!(Mapping::parse("delimiter = \"|\""), Err(MappingError::Delimiter)));
        assert!(matches!(
            Mapping::parse("[columns]\npayer = \"x\""),
            Err(MappingError::UnknownField { path }) if path == "columns.payer"
        ));
        assert!(matches!(
            Mapping::parse("[columns]\ndeleted = \"x\"\n[constants]\ndeleted = \"0\""),
            Err(MappingError::ColumnAndConstant(Field::Deleted))
        ));
    }
}
