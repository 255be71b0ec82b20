//! The fields a spreadsheet can carry, and every name under which municipalities head them.
//!
//! English names are those of this gateway and of the published registration API
//! (医療費助成対象者情報登録API 0.1.1, 差分履歴版 2024-07).

mod checkups;
mod dose_names;
mod names;
mod sessions;
mod tickets;

use std::borrow::Cow;

pub use checkups::{CheckupField, ItemPart};
pub use sessions::SessionField;
pub use tickets::TicketField;

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
    /// The sender's own key of a past dose.
    RecordKey,
    /// ワクチン種別.
    Vaccine,
    /// 回数・期.
    DoseNumber,
    /// 接種年月日.
    DoseDate,
    /// ロット番号.
    LotNumber,
    /// 有効期限 of the lot.
    LotExpires,
    /// メーカー.
    Manufacturer,
    /// 個別医薬品コード of the product.
    YjCode,
    /// 接種量.
    Quantity,
    /// 接種方法.
    Route,
    /// 部位.
    Site,
    /// 医療機関コード of who gave it.
    Performer,
    /// 実施区分.
    Programme,
    /// A column that only a file of checkups has.
    Checkup(CheckupField),
    /// A column that only a file of tickets has.
    Ticket(TicketField),
    /// A column that only a file of group checkups has.
    Session(SessionField),
    /// One copayment column.
    Copayment {
        /// Care named by the header; [`Care::Any`] when it names none.
        care: Care,
        /// What is counted.
        kind: CopaymentKind,
    },
}

/// What a file is about, which decides what its headers mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileKind {
    /// Rights.
    #[default]
    Entitlements,
    /// Past doses.
    Doses,
    /// Checkups.
    Checkups,
    /// Tickets.
    Tickets,
    /// Days of group checkups.
    Sessions,
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
    /// Free text of a record, kept to the byte with line breaks and gaiji.
    Note,
}

impl Field {
    /// The field that a header means in a file of this kind, by its comparison key (see
    /// [`crate::header::comparison_key`]): 有効期限 ends a right in one and a lot in the other.
    pub(crate) fn from_key(kind: FileKind, key: &str) -> Option<Self> {
        match kind {
            FileKind::Entitlements => names::from_alias(key).or_else(|| names::copayment_from_key(key)),
            FileKind::Doses => dose_names::from_alias(key),
            FileKind::Checkups => checkups::from_key(key),
            FileKind::Tickets => tickets::from_key(key),
            FileKind::Sessions => sessions::from_key(key),
        }
    }

    /// Canonical name, as a mapping file and the reports write it.
    pub fn name(self) -> Cow<'static, str> {
        if let Self::Copayment { care, kind } = self {
            return Cow::Owned(format!("copayment{}_{}", care.infix(), kind.name()));
        }
        match self {
            Self::Checkup(field) => return field.name(),
            Self::Ticket(field) => return Cow::Borrowed(field.name()),
            Self::Session(field) => return Cow::Borrowed(field.name()),
            _ => {}
        }
        Cow::Borrowed(self.row().map_or("copayment", |(_, name, _)| *name))
    }

    /// The Japanese name that officers know.
    pub fn label_ja(self) -> Cow<'static, str> {
        if let Self::Copayment { care, kind } = self {
            return Cow::Owned(format!("{}{}", care.label_ja(), kind.label_ja()));
        }
        match self {
            Self::Checkup(field) => return field.label_ja(),
            Self::Ticket(field) => return Cow::Borrowed(field.label_ja()),
            Self::Session(field) => return Cow::Borrowed(field.label_ja()),
            _ => {}
        }
        Cow::Borrowed(self.row().and_then(|(.., aliases)| aliases.first()).map_or("自己負担", |label| *label))
    }

    /// Fields without which a row of this kind cannot be registered; each needs a column or a constant.
    pub const fn required(kind: FileKind) -> &'static [Self] {
        match kind {
            FileKind::Entitlements => &[
                Self::ResidentKey,
                Self::CertificateTypeId,
                Self::CertificateName,
                Self::ValidFrom,
                Self::AlwaysReimbursement,
                Self::NotDisclosed,
                Self::HistoryKey,
            ],
            FileKind::Doses => {
                &[Self::ResidentKey, Self::Vaccine, Self::DoseNumber, Self::DoseDate, Self::Programme]
            }
            FileKind::Checkups => &[
                Self::ResidentKey,
                Self::RecordKey,
                Self::Checkup(CheckupField::SourceVersion),
                Self::Checkup(CheckupField::Kind),
                Self::Checkup(CheckupField::Date),
            ],
            FileKind::Tickets => &[
                Self::Ticket(TicketField::Number),
                Self::ResidentKey,
                Self::Checkup(CheckupField::Kind),
                Self::Ticket(TicketField::Part),
                Self::Ticket(TicketField::Cap),
                Self::ValidFrom,
                Self::ValidTo,
                Self::Area,
                Self::Ticket(TicketField::IssuedOn),
            ],
            FileKind::Sessions => &[
                Self::Session(SessionField::Group),
                Self::Checkup(CheckupField::Kind),
                Self::Session(SessionField::Id),
                Self::Session(SessionField::Date),
                Self::Session(SessionField::Time),
                Self::Session(SessionField::Hall),
                Self::Session(SessionField::Capacity),
            ],
        }
    }

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
            | Self::HistoryKey
            | Self::RecordKey
            | Self::LotNumber
            | Self::YjCode
            | Self::Performer => Shape::Key,
            Self::PayerNumber | Self::Copayment { .. } => Shape::Number,
            Self::ValidFrom | Self::ValidTo | Self::BirthDate | Self::DoseDate | Self::LotExpires => {
                Shape::Date
            }
            Self::AlwaysReimbursement
            | Self::NotDisclosed
            | Self::MealCovered
            | Self::Area
            | Self::Deleted
            | Self::Sex
            | Self::CopaymentCare
            | Self::CopaymentScope
            | Self::Vaccine
            | Self::DoseNumber
            | Self::Quantity
            | Self::Route
            | Self::Site
            | Self::Programme => Shape::Word,
            Self::AdditionalConditions | Self::DesignatedInstitutions => Shape::List,
            Self::CertificateName | Self::Manufacturer => Shape::Text,
            Self::Name | Self::NameKana => Shape::PersonName,
            Self::Checkup(field) => field.shape(),
            Self::Ticket(field) => field.shape(),
            Self::Session(field) => field.shape(),
        }
    }

    fn row(self) -> Option<&'static names::TableRow> {
        names::TABLE.iter().chain(dose_names::TABLE).find(|(field, ..)| *field == self)
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
