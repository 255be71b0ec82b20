//! The fields a spreadsheet can carry, and every name under which municipalities head them.
//!
//! English names are those of this gateway and of the published registration API
//! (医療費助成対象者情報登録API 0.1.1, 差分履歴版 2024-07).

use std::borrow::Cow;

/// One field of a row, under one name whatever the column is headed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The sender's own name for the row.
    RowId,
    /// 宛名番号, 自治体別本人キー.
    ResidentKey,
    /// 機関別受給者証種別ID.
    CertificateTypeId,
    /// 受給者証名.
    CertificateName,
    /// 受給者証サブキー.
    SubKey,
    /// 区分.
    Segment,
    /// 法別番号, where no payer number says it.
    LawNumber,
    /// 公費負担者番号.
    PayerNumber,
    /// 公費受給者番号.
    RecipientNumber,
    /// First day of validity.
    ValidFrom,
    /// Last day of validity.
    ValidTo,
    /// 所得区分.
    IncomeClass,
    /// 追加条件, packed `item-condition;item-condition`.
    AdditionalConditions,
    /// 指定医療機関, separated by `;` or `、`.
    DesignatedInstitutions,
    /// 常に償還払い.
    AlwaysReimbursement,
    /// 不開示フラグ.
    NotDisclosed,
    /// 食事療養 covered.
    MealCovered,
    /// Where the right can be used at the counter.
    Area,
    /// 履歴キー.
    HistoryKey,
    /// 削除フラグ.
    Deleted,
    /// 生年月日.
    BirthDate,
    /// 性別.
    Sex,
    /// 氏名.
    Name,
    /// 氏名カナ.
    NameKana,
    /// 入外区分: the care to which the plain copayment columns apply.
    CopaymentCare,
    /// Whether amounts count per institution or across institutions.
    CopaymentScope,
    /// One copayment column.
    Copayment {
        /// Care named by the header; [`Care::Any`] when it names none.
        care: Care,
        /// What is counted.
        kind: CopaymentKind,
    },
}

/// Which care a copayment rule covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Care {
    /// 入院外来とも.
    Any,
    /// 入院.
    Inpatient,
    /// 外来（入院外）.
    Outpatient,
    /// 調剤.
    Pharmacy,
}

/// What a copayment rule counts, and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CopaymentKind {
    /// Share of the cost in percent.
    RatePercent,
    /// Ceiling in yen per month.
    MonthYen,
    /// Yen per day.
    DayYen,
    /// Yen per visit.
    VisitYen,
    /// Paid visits per month.
    CountPerMonth,
}

/// How a cell of the field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An identifier: half-width, trimmed.
    Key,
    /// Digits alone, or an amount.
    Number,
    /// A civil date.
    Date,
    /// One of a few words.
    Word,
    /// A packed list.
    List,
    /// Free text, untouched.
    Text,
    /// A person's name, untouched; `?` in it is a lost character.
    PersonName,
}

impl Field {
    /// The field that a header means, by its comparison key (see [`crate::header::comparison_key`]).
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        let by_alias = TABLE.iter().find(|(_, name, aliases)| {
            comparable(name) == key || aliases.iter().any(|alias| comparable(alias) == key)
        });
        by_alias.map(|(field, ..)| *field).or_else(|| copayment_from_key(key))
    }

    /// Canonical name, as a mapping file and the reports write it.
    pub fn name(self) -> Cow<'static, str> {
        if let Self::Copayment { care, kind } = self {
            return Cow::Owned(format!("copayment{}_{}", care.infix(), kind.name()));
        }
        Cow::Borrowed(self.row().map_or("copayment", |(_, name, _)| *name))
    }

    /// The Japanese name that officers know.
    pub fn label_ja(self) -> Cow<'static, str> {
        if let Self::Copayment { care, kind } = self {
            return Cow::Owned(format!("{}{}", care.label_ja(), kind.label_ja()));
        }
        Cow::Borrowed(self.row().and_then(|(.., aliases)| aliases.first()).map_or("自己負担", |label| *label))
    }

    /// Fields without which an entitlement cannot be registered; each needs a column or a constant.
    pub const REQUIRED: [Self; 7] = [
        Self::ResidentKey,
        Self::CertificateTypeId,
        Self::CertificateName,
        Self::ValidFrom,
        Self::AlwaysReimbursement,
        Self::NotDisclosed,
        Self::HistoryKey,
    ];

    pub(crate) const fn shape(self) -> Shape {
        match self {
            Self::RowId
            | Self::ResidentKey
            | Self::CertificateTypeId
            | Self::SubKey
            | Self::Segment
            | Self::LawNumber
            | Self::RecipientNumber
            | Self::IncomeClass
            | Self::HistoryKey => Shape::Key,
            Self::PayerNumber | Self::Copayment { .. } => Shape::Number,
            Self::ValidFrom | Self::ValidTo | Self::BirthDate => Shape::Date,
            Self::AlwaysReimbursement
            | Self::NotDisclosed
            | Self::MealCovered
            | Self::Area
            | Self::Deleted
            | Self::Sex
            | Self::CopaymentCare
            | Self::CopaymentScope => Shape::Word,
            Self::AdditionalConditions | Self::DesignatedInstitutions => Shape::List,
            Self::CertificateName => Shape::Text,
            Self::Name | Self::NameKana => Shape::PersonName,
        }
    }

    fn row(self) -> Option<&'static TableRow> {
        TABLE.iter().find(|(field, ..)| *field == self)
    }
}

impl Care {
    const fn infix(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Inpatient => "_inpatient",
            Self::Outpatient => "_outpatient",
            Self::Pharmacy => "_pharmacy",
        }
    }

    const fn label_ja(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Inpatient => "入院",
            Self::Outpatient => "外来",
            Self::Pharmacy => "調剤",
        }
    }
}

impl CopaymentKind {
    const fn name(self) -> &'static str {
        match self {
            Self::RatePercent => "rate",
            Self::MonthYen => "month",
            Self::DayYen => "day",
            Self::VisitYen => "visit",
            Self::CountPerMonth => "count",
        }
    }

    const fn label_ja(self) -> &'static str {
        match self {
            Self::RatePercent => "自己負担割合",
            Self::MonthYen => "月額上限",
            Self::DayYen => "日額",
            Self::VisitYen => "1回額",
            Self::CountPerMonth => "回数",
        }
    }
}

/// Aliases are written below as officers write them; compared without separators and in lower case.
fn comparable(alias: &str) -> String {
    alias.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// `入院月額上限`, `月額上限（入院）`, `copayment_inpatient_month`.
fn copayment_from_key(key: &str) -> Option<Field> {
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

type TableRow = (Field, &'static str, &'static [&'static str]);

const TABLE: &[TableRow] = &[
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
            assert_eq!(Field::from_key(&comparison_key(&field.name())), Some(field));
            assert_eq!(Field::from_key(&comparison_key(&field.label_ja())), Some(field));
        }
    }

    #[test]
    fn outpatient_written_as_not_inpatient_is_not_inpatient() {
        let expected = Field::Copayment { care: Care::Outpatient, kind: CopaymentKind::MonthYen };
        for header in ["入院外月額上限", "月額上限（入院外）", "外来 月額上限", "通院_月額上限額"]
        {
            assert_eq!(Field::from_key(&comparison_key(header)), Some(expected), "{header}");
        }
    }
}
