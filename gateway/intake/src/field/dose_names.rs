//! Under which names municipalities head the columns of their vaccination register (予防接種台帳).

use super::names::TableRow;
use super::{Field, names};

/// The field of a header.
pub(super) fn from_alias(key: &str) -> Option<Field> {
    names::meant(TABLE, key).or_else(|| names::from_alias(key).filter(|field| SHARED.contains(field)))
}

/// Fields that mean the same in a file of rights.
const SHARED: [Field; 7] = [
    Field::RowId,
    Field::ResidentKey,
    Field::Deleted,
    Field::BirthDate,
    Field::Sex,
    Field::Name,
    Field::NameKana,
];

pub(super) const TABLE: &[TableRow] = &[
    (Field::RecordKey, "record_key", &["接種記録キー", "記録番号", "接種記録番号", "接種番号"]),
    (
        Field::Vaccine,
        "vaccine",
        &["ワクチン種別", "ワクチン", "ワクチン名", "予防接種名", "接種種別", "予防接種の種類"],
    ),
    (Field::DoseNumber, "dose_number", &["回数", "期回", "接種回数", "回数期", "期回数", "期別", "接種回"]),
    (Field::DoseDate, "date", &["接種年月日", "接種日", "実施年月日", "接種実施日"]),
    (Field::LotNumber, "lot_number", &["ロット番号", "ロットNo", "製造番号", "Lot"]),
    (
        Field::LotExpires,
        "expiration_date",
        &["有効期限", "最終有効年月日", "ワクチン有効期限", "ロット有効期限"],
    ),
    (Field::Manufacturer, "manufacturer", &["メーカー", "メーカー名", "製造販売業者", "製造会社"]),
    (Field::YjCode, "yj_code", &["個別医薬品コード", "YJコード", "医薬品コード"]),
    (Field::Quantity, "quantity", &["接種量", "接種量ml"]),
    (Field::Route, "route", &["接種方法", "接種経路", "投与経路"]),
    (Field::Site, "site", &["接種部位", "部位"]),
    (Field::Performer, "performer", &["医療機関コード", "接種医療機関コード", "実施医療機関コード"]),
    (Field::Programme, "programme", &["実施区分", "接種区分", "定期任意区分", "定期任意"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FileKind;
    use crate::header::comparison_key;

    #[test]
    fn every_name_leads_back_to_its_field_and_none_is_claimed_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for (field, name, aliases) in TABLE {
            for word in aliases.iter().chain([name]) {
                let key = comparison_key(word);
                assert_eq!(Field::from_key(FileKind::Doses, &key), Some(*field), "{word}");
                assert!(seen.insert(key), "{word}");
            }
        }
        for field in SHARED {
            assert_eq!(Field::from_key(FileKind::Doses, &comparison_key(&field.name())), Some(field));
        }
    }

    #[test]
    fn one_word_may_mean_another_thing_in_another_file() {
        let key = comparison_key("有効期限");
        assert_eq!(Field::from_key(FileKind::Doses, &key), Some(Field::LotExpires));
        assert_eq!(Field::from_key(FileKind::Entitlements, &key), Some(Field::ValidTo));
    }
}
