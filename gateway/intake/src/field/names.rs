//! Under which names municipalities head their columns. To add one, write it into the tables below as officers
//! write it; a test finds names that are claimed twice.

use super::{Care, CopaymentKind, Field};

/// The field of a plain header.
pub(super) fn from_alias(key: &str) -> Option<Field> {
    meant(TABLE, key)
}

/// A field of one kind of file, its canonical name, and how offices head the column; the first of these is its label.
pub(super) type Row<F> = (F, &'static str, &'static [&'static str]);

/// The field that a header means.
pub(super) fn meant<F: Copy>(table: &[Row<F>], key: &str) -> Option<F> {
    let is_meant = |(_, name, aliases): &&Row<F>| {
        comparable(name) == key || aliases.iter().any(|alias| comparable(alias) == key)
    };
    table.iter().find(is_meant).map(|(field, ..)| *field)
}

/// Canonical name and label of a field.
pub(super) fn named<F: PartialEq>(table: &[Row<F>], field: &F) -> (&'static str, &'static str) {
    let row = table.iter().find(|(known, ..)| known == field);
    row.map_or(("", ""), |(_, name, aliases)| (name, aliases.first().copied().unwrap_or_default()))
}

/// `入院月額上限`, `月額上限（入院）`, `copayment_inpatient_month`.
pub(super) fn copayment_from_key(key: &str) -> Option<Field> {
    let (key, canonical) = match key.strip_prefix("copayment") {
        Some(rest) => (rest, true),
        None => (key, false),
    };
    let (care, rest) = CARE_WORDS
        .iter()
        .find_map(|(word, care)| {
            key.strip_prefix(word).or_else(|| key.strip_suffix(word)).map(|rest| (*care, rest))
        })
        .unwrap_or((Care::Any, key));
    let by_alias = || KIND_WORDS.iter().find(|(word, _)| *word == rest).map(|(_, kind)| *kind);
    let by_name = || canonical.then(|| KINDS.into_iter().find(|kind| kind.name() == rest)).flatten();
    by_alias().or_else(by_name).map(|kind| Field::Copayment { care, kind })
}

/// Aliases are written below as officers write them; compared without separators and in lower case.
pub(super) fn comparable(alias: &str) -> String {
    alias.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

const KINDS: [CopaymentKind; 5] = [
    CopaymentKind::RatePercent,
    CopaymentKind::MonthYen,
    CopaymentKind::DayYen,
    CopaymentKind::VisitYen,
    CopaymentKind::CountPerMonth,
];

/// 入院外 stands before 入院, of which it is an extension and the opposite.
const CARE_WORDS: &[(&str, Care)] = &[
    ("入院外", Care::Outpatient),
    ("入院", Care::Inpatient),
    ("外来", Care::Outpatient),
    ("通院", Care::Outpatient),
    ("調剤", Care::Pharmacy),
    ("薬局", Care::Pharmacy),
    ("inpatient", Care::Inpatient),
    ("outpatient", Care::Outpatient),
    ("pharmacy", Care::Pharmacy),
];

const KIND_WORDS: &[(&str, CopaymentKind)] = &[
    ("自己負担割合", CopaymentKind::RatePercent),
    ("負担割合", CopaymentKind::RatePercent),
    ("自己負担率", CopaymentKind::RatePercent),
    ("月額上限", CopaymentKind::MonthYen),
    ("月額上限額", CopaymentKind::MonthYen),
    ("上限月額", CopaymentKind::MonthYen),
    ("自己負担上限額", CopaymentKind::MonthYen),
    ("自己負担上限月額", CopaymentKind::MonthYen),
    ("自己負担月額", CopaymentKind::MonthYen),
    ("月額自己負担上限額", CopaymentKind::MonthYen),
    ("maxcopaymentamount", CopaymentKind::MonthYen),
    ("monthlyceiling", CopaymentKind::MonthYen),
    ("日額", CopaymentKind::DayYen),
    ("日額上限", CopaymentKind::DayYen),
    ("自己負担日額", CopaymentKind::DayYen),
    ("1日あたり自己負担額", CopaymentKind::DayYen),
    ("dailyamount", CopaymentKind::DayYen),
    ("1回額", CopaymentKind::VisitYen),
    ("一回額", CopaymentKind::VisitYen),
    ("自己負担1回額", CopaymentKind::VisitYen),
    ("1回あたり自己負担額", CopaymentKind::VisitYen),
    ("visitamount", CopaymentKind::VisitYen),
    ("回数", CopaymentKind::CountPerMonth),
    ("月回数", CopaymentKind::CountPerMonth),
    ("回数上限", CopaymentKind::CountPerMonth),
    ("月回数上限", CopaymentKind::CountPerMonth),
    ("自己負担回数", CopaymentKind::CountPerMonth),
    ("monthlycount", CopaymentKind::CountPerMonth),
];

pub(super) type TableRow = Row<Field>;

pub(super) const TABLE: &[TableRow] = &[
    (Field::RowId, "row_id", &["行ID", "行番号", "明細番号", "連番"]),
    (
        Field::ResidentKey,
        "resident_key",
        &[
            "宛名番号",
            "自治体別本人キー",
            "個別宛名番号",
            "本人キー",
            "宛名コード",
            "municipalityIdentityKey",
        ],
    ),
    (
        Field::CertificateTypeId,
        "certificate_type_id",
        &["受給者証種別", "受給者証種別ID", "機関別受給者証種別ID", "orgSpecificCertificateTypeId"],
    ),
    (
        Field::CertificateName,
        "certificate_name",
        &["受給者証名", "受給者証名称", "受給者証の名称", "制度名", "制度名称", "certificationName"],
    ),
    (Field::SubKey, "sub_key", &["サブキー", "受給者証サブキー", "certificationSubKey"]),
    (Field::Segment, "segment", &["区分"]),
    (Field::LawNumber, "law_no", &["法別番号", "法別"]),
    (Field::PayerNumber, "payer_number", &["公費負担者番号", "負担者番号", "medicalSubsidyInsurerNumber"]),
    (
        Field::RecipientNumber,
        "recipient_number",
        &["受給者番号", "公費受給者番号", "受給者証番号", "medicalSubsidyRecipientNumber"],
    ),
    (
        Field::ValidFrom,
        "valid_from",
        &[
            "有効期間開始",
            "有効期間開始日",
            "有効期間自",
            "有効期間始期",
            "有効開始日",
            "有効開始年月日",
            "有効期間開始年月日",
            "資格有効期間開始",
            "資格有効期間開始日",
            "資格開始日",
        ],
    ),
    (
        Field::ValidTo,
        "valid_to",
        &[
            "有効期間終了",
            "有効期間終了日",
            "有効期間至",
            "有効期間終期",
            "至",
            "有効終了日",
            "有効終了年月日",
            "有効期間終了年月日",
            "有効期限",
            "資格有効期間終了",
            "資格有効期間終了日",
            "資格終了日",
        ],
    ),
    (Field::IncomeClass, "income_class", &["所得区分", "階層区分", "所得階層", "incomeSegment"]),
    (Field::AdditionalConditions, "additional_conditions", &["追加条件", "付加条件"]),
    (
        Field::DesignatedInstitutions,
        "designated_institutions",
        &["指定医療機関", "指定医療機関コード", "指定医療機関情報", "designatedMedicalInstitutions"],
    ),
    (
        Field::AlwaysReimbursement,
        "always_reimbursement",
        &["常に償還払い", "常に償還払いフラグ", "償還払い", "償還払いフラグ", "isAlwaysReimbursement"],
    ),
    (Field::NotDisclosed, "not_disclosed", &["不開示フラグ", "不開示", "不開示区分", "isNotDisclosed"]),
    (Field::MealCovered, "meal_covered", &["食事療養", "食事療養費", "食事療養助成", "食事療養費助成"]),
    (Field::Area, "area", &["適用地域", "有効地域", "利用地域", "利用可能地域"]),
    (Field::HistoryKey, "history_key", &["履歴キー", "履歴番号"]),
    (Field::Deleted, "deleted", &["削除フラグ", "削除", "削除区分", "isDeleted"]),
    (Field::BirthDate, "birth_date", &["生年月日", "dateOfBirth", "birthday"]),
    (Field::Sex, "sex", &["性別", "gender"]),
    (Field::Name, "name", &["氏名", "受給者氏名", "対象者氏名", "漢字氏名"]),
    (
        Field::NameKana,
        "name_kana",
        &["氏名カナ", "カナ氏名", "フリガナ", "ふりがな", "氏名フリガナ", "受給者氏名カナ"],
    ),
    (Field::CopaymentCare, "copayment_care", &["入外区分", "入院外来区分", "自己負担入外区分"]),
    (
        Field::CopaymentScope,
        "copayment_scope",
        &["算定単位", "自己負担算定単位", "上限適用単位", "医療機関合算区分"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FileKind;
    use crate::header::comparison_key;

    #[test]
    fn no_alias_is_claimed_twice() {
        let mut seen = std::collections::BTreeMap::new();
        for (field, name, aliases) in TABLE {
            let own: std::collections::BTreeSet<_> =
                aliases.iter().chain([name]).map(|alias| comparison_key(alias)).collect();
            for key in own {
                assert!(copayment_from_key(&key).is_none(), "{key}");
                assert_eq!(seen.insert(key.clone(), *field), None, "{key}");
            }
        }
    }

    #[test]
    fn every_name_and_label_leads_back_to_its_field() {
        let plain = TABLE.iter().map(|(field, ..)| *field);
        let cares = [Care::Any, Care::Inpatient, Care::Outpatient, Care::Pharmacy];
        let copayments = cares.into_iter().flat_map(|care| KINDS.map(|kind| Field::Copayment { care, kind }));
        for field in plain.chain(copayments) {
            assert_eq!(Field::from_key(FileKind::Entitlements, &comparison_key(&field.name())), Some(field));
            assert_eq!(
                Field::from_key(FileKind::Entitlements, &comparison_key(&field.label_ja())),
                Some(field)
            );
        }
    }

    #[test]
    fn outpatient_written_as_not_inpatient_is_not_inpatient() {
        let expected = Field::Copayment { care: Care::Outpatient, kind: CopaymentKind::MonthYen };
        for header in ["入院外月額上限", "月額上限（入院外）", "外来 月額上限", "通院_月額上限額"]
        {
            assert_eq!(
                Field::from_key(FileKind::Entitlements, &comparison_key(header)),
                Some(expected),
                "{header}"
            );
        }
    }
}
