//! Which column means what.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::error::FileError;
use crate::field::{Field, FileKind};
use crate::mapping::Mapping;

/// Header of the column that [`crate::Intake::corrected_file`] puts in front, and that the next read ignores.
pub const ERROR_COLUMN: &str = "エラー内容";

/// A header as it is compared: NFKC, lower case, letters and digits only, so that `公費 負担者番号（※）`,
/// `valid_from` and `ValidFrom` meet their names.
pub fn comparison_key(header: &str) -> String {
    header.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a header announces individual numbers (個人番号). It errs on the safe side: a column wrongly left
/// out is reported and can be renamed, one wrongly sent cannot be taken back.
pub fn announces_individual_number(header: &str) -> bool {
    let key = comparison_key(header);
    INDIVIDUAL_NUMBER_WORDS.iter().any(|word| key.contains(word))
}

/// What is done with one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Column {
    Field(Field),
    /// A line printed on the certificate, with its label.
    Detail(String),
    IndividualNumber,
    /// Our own error column of an earlier round.
    Errors,
    /// Left out on the officer's word.
    Ignored,
    Unknown,
}

/// The columns of one file.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) kind: FileKind,
    pub(crate) columns: Vec<Column>,
    /// Headers as shown in reports; `列3` for one that cannot be decoded or is blank.
    pub(crate) titles: Vec<String>,
    positions: BTreeMap<Field, usize>,
}

impl Layout {
    pub(crate) fn resolve(
        kind: FileKind,
        headers: &[Option<String>],
        mapping: &Mapping,
    ) -> Result<Self, FileError> {
        let columns: Vec<Column> =
            headers.iter().map(|header| column(kind, header.as_deref(), mapping)).collect();
        let known = |column: &Column| matches!(column, Column::Field(_) | Column::Detail(_));
        if !columns.iter().any(known) {
            return Err(FileError::NoHeader);
        }
        let layout = Self { kind, positions: positions(&columns)?, titles: titles(headers), columns };
        layout.check_mapping(headers, mapping)?;
        layout.check_required(mapping)?;
        Ok(layout)
    }

    pub(crate) fn position(&self, field: Field) -> Option<usize> {
        self.positions.get(&field).copied()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = Field> {
        self.positions.keys().copied()
    }

    pub(crate) fn titles_of(&self, wanted: &Column) -> Vec<String> {
        let pairs = self.columns.iter().zip(&self.titles);
        pairs.filter(|(column, _)| *column == wanted).map(|(_, title)| title.clone()).collect()
    }

    fn check_mapping(&self, headers: &[Option<String>], mapping: &Mapping) -> Result<(), FileError> {
        let forbidden: Vec<String> = headers
            .iter()
            .flatten()
            .filter(|header| announces_individual_number(header))
            .map(|header| comparison_key(header))
            .collect();
        let mapped = mapping.columns.iter().map(|(field, key)| (field.name().into_owned(), key));
        let details = mapping.details.iter().map(|(label, key)| (format!("details.{label}"), key));
        for (name, key) in mapped.chain(details) {
            if forbidden.contains(key) {
                return Err(FileError::MappedIndividualNumber(name));
            }
            if !headers.iter().flatten().any(|header| comparison_key(header) == *key) {
                return Err(FileError::MappedColumnMissing(name));
            }
        }
        match mapping.constants.keys().find(|field| self.positions.contains_key(field)) {
            Some(field) => Err(FileError::ConstantAndColumn(*field)),
            None => Ok(()),
        }
    }

    fn check_required(&self, mapping: &Mapping) -> Result<(), FileError> {
        let absent =
            |field: &Field| !self.positions.contains_key(field) && !mapping.constants.contains_key(field);
        let missing: Vec<Field> = Field::required(self.kind).iter().copied().filter(absent).collect();
        if missing.is_empty() { Ok(()) } else { Err(FileError::MissingColumns(missing)) }
    }
}

fn column(kind: FileKind, header: Option<&str>, mapping: &Mapping) -> Column {
    let Some(header) = header else { return Column::Unknown };
    if announces_individual_number(header) {
        return Column::IndividualNumber;
    }
    let key = comparison_key(header);
    if key == ERROR_COLUMN {
        return Column::Errors;
    }
    if mapping.ignore.contains(&key) {
        return Column::Ignored;
    }
    if let Some((label, _)) = mapping.details.iter().find(|(_, mapped)| **mapped == key) {
        return Column::Detail(label.clone());
    }
    if let Some((field, _)) = mapping.columns.iter().find(|(_, mapped)| **mapped == key) {
        return Column::Field(*field);
    }
    match Field::from_key(kind, &key) {
        Some(field) if !mapping.columns.contains_key(&field) => Column::Field(field),
        _ => Column::Unknown,
    }
}

fn positions(columns: &[Column]) -> Result<BTreeMap<Field, usize>, FileError> {
    let mut positions = BTreeMap::new();
    for (position, column) in columns.iter().enumerate() {
        if let Column::Field(field) = column
            && positions.insert(*field, position).is_some()
        {
            return Err(FileError::DuplicateColumn(*field));
        }
    }
    Ok(positions)
}

fn titles(headers: &[Option<String>]) -> Vec<String> {
    let title = |(position, header): (usize, &Option<String>)| match header.as_deref().map(str::trim) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => format!("列{}", position + 1),
    };
    headers.iter().enumerate().map(title).collect()
}

/// As comparison keys. The short form without ー covers a half-width ﾏｲﾅﾝﾊﾞ- typed with a hyphen.
const INDIVIDUAL_NUMBER_WORDS: [&str; 5] =
    ["個人番号", "個人no", "マイナンバ", "mynumber", "individualnumber"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REQUIRED: &str = "宛名番号,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー";

    fn resolve(line: &str, mapping: &str) -> Result<Layout, FileError> {
        let headers: Vec<_> = line.split(',').map(|header| Some(header.to_owned())).collect();
        Layout::resolve(FileKind::Entitlements, &headers, &Mapping::parse(mapping).unwrap())
    }

    #[test]
    fn names_meet_in_any_width_case_and_separator() {
        for header in
            ["公費負担者番号", " 公費　負担者番号 ", "【公費負担者番号】", "PayerNumber", "payer-number"]
        {
            assert_eq!(
                Field::from_key(FileKind::Entitlements, &comparison_key(header)),
                Some(Field::PayerNumber),
                "{header}"
            );
        }
        assert_eq!(
            Field::from_key(FileKind::Entitlements, &comparison_key("有効期間（自）")),
            Some(Field::ValidFrom)
        );
        assert_eq!(Field::from_key(FileKind::Entitlements, &comparison_key("ｻﾌﾞｷｰ")), Some(Field::SubKey));
        assert_eq!(Field::from_key(FileKind::Entitlements, &comparison_key("至")), Some(Field::ValidTo));
    }

    #[test]
    fn individual_number_columns_are_known_in_every_dress() {
        for header in [
            "個人番号",
            " 個 人 番 号 ",
            "個人番号（12桁）",
            "マイナンバー",
            "ﾏｲﾅﾝﾊﾞｰ",
            "ﾏｲﾅﾝﾊﾞ-",
            "myNumber",
            "ＭＹ＿ＮＵＭＢＥＲ",
            "My Number",
            "個人№",
            "individual_number",
        ] {
            assert!(announces_individual_number(header), "{header}");
        }
        for header in ["法人番号", "受給者番号", "宛名番号", "個人住民税"] {
            assert!(!announces_individual_number(header), "{header}");
        }
    }

    #[test]
    fn a_mapping_cannot_bring_the_individual_number_back() {
        let line = format!("{REQUIRED},個人番号");
        for mapping in ["[columns]\nrecipient_number = \"個人番号\"", "[details]\n\"番号\" = \"個人番号\""]
        {
            assert!(matches!(resolve(&line, mapping), Err(FileError::MappedIndividualNumber(_))));
        }
        let ignored = resolve(&line, "ignore = [\"個人番号\"]").unwrap();
        assert_eq!(ignored.titles_of(&Column::IndividualNumber), ["個人番号"]);
    }

    #[test]
    fn two_columns_for_one_field_are_refused() {
        assert_eq!(
            resolve(&format!("{REQUIRED},公費負担者番号,負担者番号"), "").unwrap_err(),
            FileError::DuplicateColumn(Field::PayerNumber)
        );
    }

    #[test]
    fn missing_columns_are_all_named_and_constants_fill_them() {
        let error = resolve("宛名番号,受給者証名,有効期間開始,履歴キー,常に償還払い", "").unwrap_err();
        assert_eq!(error, FileError::MissingColumns(vec![Field::CertificateTypeId, Field::NotDisclosed]));
        let constants = "[constants]\nnot_disclosed = \"0\"\ncertificate_type_id = \"C88\"";
        assert!(resolve("宛名番号,受給者証名,有効期間開始,履歴キー,常に償還払い", constants).is_ok());
        assert_eq!(
            resolve(REQUIRED, "[constants]\nnot_disclosed = \"0\"").unwrap_err(),
            FileError::ConstantAndColumn(Field::NotDisclosed)
        );
    }

    #[test]
    fn a_mapped_column_wins_over_its_alias_and_must_exist() {
        let line = format!("{REQUIRED},公費負担者番号,新番号");
        let layout = resolve(&line, "[columns]\npayer_number = \"新番号\"").unwrap();
        assert_eq!(layout.position(Field::PayerNumber), Some(8));
        assert_eq!(layout.titles_of(&Column::Unknown), ["公費負担者番号"]);
        assert!(matches!(
            resolve(REQUIRED, "[columns]\npayer_number = \"新番号\""),
            Err(FileError::MappedColumnMissing(_))
        ));
    }

    #[test]
    fn a_first_line_of_data_is_not_taken_for_a_header() {
        assert_eq!(resolve("0001,山田,R6.4.1", "").unwrap_err(), FileError::NoHeader);
    }

    proptest! {
        #[test]
        fn comparison_is_idempotent(header in ".{0,20}") {
            let once = comparison_key(&header);
            prop_assert_eq!(comparison_key(&once), once);
        }
    }
}
