//! The columns of a file of tickets (受診券・補助券).

use super::names::{Row, comparable};
use super::{CheckupField, Field, Shape, checkups, names};

/// A column that only a file of tickets has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TicketField {
    /// Number as printed.
    Number,
    /// Which part of the checkup it pays for.
    Part,
    /// Most that it pays.
    Cap,
    /// 交付日.
    IssuedOn,
    /// Children expected.
    Children,
}

impl TicketField {
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Number => Shape::Key,
            Self::Part => Shape::Word,
            Self::Cap | Self::Children => Shape::Number,
            Self::IssuedOn => Shape::Date,
        }
    }

    pub(super) fn name(self) -> &'static str {
        names::named(TABLE, &self).0
    }

    pub(super) fn label_ja(self) -> &'static str {
        names::named(TABLE, &self).1
    }
}

/// The field of a header.
pub(super) fn from_key(key: &str) -> Option<Field> {
    if let Some(field) = names::meant(TABLE, key) {
        return Some(Field::Ticket(field));
    }
    let window = WINDOW.iter().find(|(_, labels)| labels.iter().any(|label| comparable(label) == key));
    if let Some((field, _)) = window {
        return Some(*field);
    }
    let shared = names::from_alias(key).or_else(|| checkups::from_key(key));
    shared.filter(|field| SHARED.contains(field))
}

/// Fields that mean the same in other files.
const SHARED: [Field; 11] = [
    Field::RowId,
    Field::ResidentKey,
    Field::ValidFrom,
    Field::ValidTo,
    Field::Area,
    Field::BirthDate,
    Field::Sex,
    Field::Name,
    Field::NameKana,
    Field::Checkup(CheckupField::Kind),
    Field::Checkup(CheckupField::Pregnancy),
];

/// What only offices that print tickets call them.
const WINDOW: &[(Field, &[&str])] =
    &[(Field::ValidFrom, &["使用開始日", "利用開始日"]), (Field::ValidTo, &["使用期限", "利用期限"])];

const TABLE: &[Row<TicketField>] = &[
    (TicketField::Number, "number", &["受診券番号", "補助券番号", "受診票番号", "券番号"]),
    (TicketField::Part, "part", &["券種", "受診券種別", "補助券種別"]),
    (TicketField::Cap, "cap_yen", &["公費負担上限額", "補助上限額", "助成上限額", "上限額"]),
    (TicketField::IssuedOn, "issued_on", &["交付日", "交付年月日", "発行日", "発行年月日"]),
    (TicketField::Children, "children", &["胎児数", "児数"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FileKind;
    use crate::header::comparison_key;

    #[test]
    fn every_name_leads_back_to_its_field() {
        for (field, name, labels) in TABLE {
            for word in labels.iter().chain([name]) {
                let found = Field::from_key(FileKind::Tickets, &comparison_key(word));
                assert_eq!(found, Some(Field::Ticket(*field)), "{word}");
            }
        }
        for field in SHARED.into_iter().chain(WINDOW.iter().map(|(field, _)| *field)) {
            let key = comparison_key(&field.name());
            assert_eq!(Field::from_key(FileKind::Tickets, &key), Some(field), "{key}");
        }
        assert_eq!(Field::from_key(FileKind::Tickets, &comparison_key("使用期限")), Some(Field::ValidTo));
    }
}
