//! The columns of a file of checkups. Items are columns of their own, named by their code («weight»), by their Japanese
//! name where only one item has it, or by both with the unit («体重［weight］(kg)»), as the template writes them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use pmh_domain::checkup::item::{item as item_of, items};

use super::names::Row;
use super::{Field, Shape, dose_names, names};
use crate::header::comparison_key;

/// A column that only a file of checkups has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CheckupField {
    /// Whole number that rises with each change.
    SourceVersion,
    /// 健診種別.
    Kind,
    /// 健診日.
    Date,
    /// 母の宛名番号, at a child's checkup.
    MotherKey,
    /// 妊娠番号.
    Pregnancy,
    /// 出産順位.
    BirthOrder,
    /// 妊娠週数.
    Gestation,
    /// 週数の根拠.
    GestationBasis,
    /// 判定.
    Disposition,
    /// 独自判定コード.
    OwnCode,
    /// 独自判定名.
    OwnLabel,
    /// 精密検査実施日.
    DetailedExamOn,
    /// One answer of EPDS, 1 to 10.
    EpdsItem(u8),
    /// EPDS合計.
    EpdsTotal,
    /// A column of an item.
    Item {
        /// Code of the item.
        code: &'static str,
        /// What the column holds of it.
        part: ItemPart,
    },
}

/// What a column holds of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemPart {
    /// The value in the item's unit.
    Value,
    /// How it was measured.
    Method,
    /// What was found.
    Finding,
    /// Free text.
    Note,
}

impl ItemPart {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Value, Self::Method, Self::Finding, Self::Note];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Value => ("", ""),
            Self::Method => ("_method", "方法"),
            Self::Finding => ("_finding", "所見"),
            Self::Note => ("_note", "備考"),
        }
    }
}

impl CheckupField {
    /// Canonical name.
    pub(super) fn name(self) -> Cow<'static, str> {
        match self {
            Self::EpdsItem(number) => Cow::Owned(format!("epds_{number}")),
            Self::Item { code, part } => Cow::Owned(format!("{code}{}", part.words().0)),
            plain => Cow::Borrowed(names::named(TABLE, &plain).0),
        }
    }

    /// As the template heads the column.
    pub(super) fn label_ja(self) -> Cow<'static, str> {
        match self {
            Self::EpdsItem(number) => Cow::Owned(format!("EPDS{number}")),
            Self::Item { code, part } => {
                let Some(item) = item_of(code) else { return self.name() };
                let unit = match (part, item.unit.as_str()) {
                    (ItemPart::Value, unit) if !unit.is_empty() => format!("({unit})"),
                    _ => String::new(),
                };
                Cow::Owned(format!("{}{}［{}］{unit}", item.name_ja, part.words().1, self.name()))
            }
            plain => Cow::Borrowed(names::named(TABLE, &plain).1),
        }
    }

    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::SourceVersion
            | Self::MotherKey
            | Self::Pregnancy
            | Self::OwnCode
            | Self::EpdsItem(_)
            | Self::EpdsTotal
            | Self::BirthOrder
            | Self::Item { part: ItemPart::Value, .. } => Shape::Key,
            Self::Date | Self::DetailedExamOn => Shape::Date,
            Self::Kind
            | Self::Gestation
            | Self::GestationBasis
            | Self::Disposition
            | Self::Item { part: ItemPart::Method | ItemPart::Finding, .. } => Shape::Word,
            Self::OwnLabel | Self::Item { part: ItemPart::Note, .. } => Shape::Note,
        }
    }
}

/// The field of a header.
pub(super) fn from_key(key: &str) -> Option<Field> {
    if let Some(field) = names::meant(TABLE, key) {
        return Some(Field::Checkup(field));
    }
    if RECORD_KEY.iter().any(|name| comparison_key(name) == key) {
        return Some(Field::RecordKey);
    }
    let shared = || dose_names::from_alias(key).filter(|field| SHARED.contains(field));
    epds(key).or_else(|| item(key)).map(Field::Checkup).or_else(shared)
}

fn epds(key: &str) -> Option<CheckupField> {
    let number = key.strip_prefix("epds")?.parse().ok()?;
    (1..=10).contains(&number).then_some(CheckupField::EpdsItem(number))
}

fn item(key: &str) -> Option<CheckupField> {
    ITEM_COLUMNS.get(key).copied()
}

/// Every header that means an item, by its comparison key.
static ITEM_COLUMNS: LazyLock<BTreeMap<String, CheckupField>> = LazyLock::new(|| {
    let mut named = BTreeMap::<&str, usize>::new();
    for item in items() {
        *named.entry(&item.name_ja).or_default() += 1;
    }
    let mut columns = BTreeMap::new();
    for item in items() {
        for part in ItemPart::ALL {
            let field = CheckupField::Item { code: &item.code, part };
            columns.insert(comparison_key(&field.name()), field);
            columns.insert(comparison_key(&field.label_ja()), field);
            if named.get(item.name_ja.as_str()) == Some(&1) {
                columns.insert(comparison_key(&format!("{}{}", item.name_ja, part.words().1)), field);
            }
        }
    }
    columns
});

const RECORD_KEY: [&str; 4] = ["record_id", "健診記録番号", "健診記録キー", "記録ID"];

/// Fields that mean the same in other files.
const SHARED: [Field; 9] = [
    Field::RowId,
    Field::ResidentKey,
    Field::RecordKey,
    Field::Performer,
    Field::Deleted,
    Field::BirthDate,
    Field::Sex,
    Field::Name,
    Field::NameKana,
];

const TABLE: &[Row<CheckupField>] = &[
    (CheckupField::SourceVersion, "source_version", &["版番号", "更新番号", "版"]),
    (CheckupField::Kind, "checkup_kind", &["健診種別", "健診区分", "健診の種類"]),
    (CheckupField::Date, "checkup_date", &["健診日", "健診年月日", "受診日", "受診年月日", "実施日"]),
    (CheckupField::MotherKey, "mother_key", &["母の宛名番号", "母宛名番号", "保護者宛名番号"]),
    (CheckupField::Pregnancy, "pregnancy", &["妊娠番号", "妊娠届出番号"]),
    (CheckupField::BirthOrder, "birth_order", &["出産順位"]),
    (CheckupField::Gestation, "gestation", &["妊娠週数", "週数", "在胎週数"]),
    (CheckupField::GestationBasis, "gestation_basis", &["週数の根拠", "妊娠週数の根拠"]),
    (CheckupField::Disposition, "disposition", &["判定", "判定区分", "総合判定"]),
    (CheckupField::OwnCode, "own_code", &["独自判定コード", "市町村判定コード"]),
    (CheckupField::OwnLabel, "own_label", &["独自判定名", "市町村判定名"]),
    (CheckupField::DetailedExamOn, "detailed_exam_on", &["精密検査実施日", "精検受診日"]),
    (CheckupField::EpdsTotal, "epds_total", &["EPDS合計", "EPDS合計点"]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_and_label_leads_back_to_its_field() {
        let items =
            items().flat_map(|item| ItemPart::ALL.map(|part| CheckupField::Item { code: &item.code, part }));
        let epds = (1..=10).map(CheckupField::EpdsItem);
        let mut seen = BTreeSet::new();
        for field in TABLE.iter().map(|(field, ..)| *field).chain(epds).chain(items) {
            for text in [field.name(), field.label_ja()] {
                assert_eq!(from_key(&comparison_key(&text)), Some(Field::Checkup(field)), "{text}");
            }
            assert!(seen.insert(comparison_key(&field.name())), "{field:?}");
        }
    }

    #[test]
    fn a_japanese_name_that_two_items_share_means_neither() {
        assert_eq!(from_key("体重"), None);
        assert_eq!(from_key("体重weight"), None);
        let weight = CheckupField::Item { code: "weight", part: ItemPart::Value };
        assert_eq!(from_key(&comparison_key("体重［weight］(kg)")), Some(Field::Checkup(weight)));
    }
}
