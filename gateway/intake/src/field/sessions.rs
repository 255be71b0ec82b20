//! The columns of a file of group checkups (集団健診): days and halls with their places.

use super::names::Row;
use super::{CheckupField, Field, Shape, checkups, names};

/// A column that only a file of group checkups has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SessionField {
    /// The municipality's own id of the group.
    Group,
    /// Its own id of the day.
    Id,
    /// Day.
    Date,
    /// When to come.
    Time,
    /// Name of the hall.
    Hall,
    /// Places.
    Capacity,
}

impl SessionField {
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Group | Self::Id => Shape::Key,
            Self::Date => Shape::Date,
            Self::Time => Shape::Word,
            Self::Hall => Shape::Text,
            Self::Capacity => Shape::Number,
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
        return Some(Field::Session(field));
    }
    let shared = names::from_alias(key).or_else(|| checkups::from_key(key));
    shared.filter(|field| matches!(field, Field::RowId | Field::Checkup(CheckupField::Kind)))
}

const TABLE: &[Row<SessionField>] = &[
    (SessionField::Group, "group", &["グループ", "健診グループ", "対象グループ"]),
    (SessionField::Id, "session_id", &["日程番号", "日程ID", "開催番号"]),
    (SessionField::Date, "date", &["実施日", "健診日", "開催日", "実施年月日"]),
    (SessionField::Time, "time", &["受付時刻", "受付時間", "受付開始時刻", "開始時刻"]),
    (SessionField::Hall, "hall", &["会場", "会場名", "実施場所"]),
    (SessionField::Capacity, "capacity", &["定員", "定員数"]),
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
                let found = Field::from_key(FileKind::Sessions, &comparison_key(word));
                assert_eq!(found, Some(Field::Session(*field)), "{word}");
            }
        }
        let kind = Field::from_key(FileKind::Sessions, &comparison_key("健診種別"));
        assert_eq!(kind, Some(Field::Checkup(CheckupField::Kind)));
    }
}
