//! One day of a group checkup (集団健診) with its hall and places.

use jiff::civil::{Date, Time};
use pmh_domain::checkup::kind::CheckupKind;
use serde::Serialize;

use crate::code::Code;
use crate::damage;
use crate::field::{CheckupField, Field, FileKind, SessionField};
use crate::intake::Record;
use crate::normalize::fold_width;
use crate::scan::Scan;
use crate::tickets::count;

/// A day as the officer's file states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionLine {
    /// Line in the file, from 1.
    pub line: u64,
    /// The file's own row id, or `line-<n>`.
    pub row_id: String,
    /// グループ.
    pub group: String,
    /// 健診種別.
    pub kind: CheckupKind,
    /// 日程番号.
    pub session_id: String,
    /// 実施日.
    pub date: Date,
    /// 受付時刻, `HH:MM`.
    pub time: String,
    /// 会場.
    pub hall: String,
    /// 定員.
    pub capacity: u32,
}

/// An empty file of days: lines of comment, which are not read, and the header.
pub fn template() -> String {
    let comments = [
        "# 集団健診の日程の記入用ファイル。#で始まる行は読みません。1行が1回の日程です。",
        "# 同じグループの健診種別は1つです。受付時刻は13:30、13時30分など。ファイルにない日程は変わりません。",
    ];
    let columns = [
        Field::Session(SessionField::Group),
        Field::Checkup(CheckupField::Kind),
        Field::Session(SessionField::Id),
        Field::Session(SessionField::Date),
        Field::Session(SessionField::Time),
        Field::Session(SessionField::Hall),
        Field::Session(SessionField::Capacity),
    ];
    let header = columns.map(|field| field.label_ja().into_owned()).join(",");
    comments.map(str::to_owned).into_iter().chain([header]).map(|line| line + "\r\n").collect()
}

impl Record for SessionLine {
    const KIND: FileKind = FileKind::Sessions;
    /// Group and id.
    type Key = (String, String);

    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        scan.session()
    }

    fn row_id(&self) -> &str {
        &self.row_id
    }

    fn version_key(&self) -> Self::Key {
        (self.group.clone(), self.session_id.clone())
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let placed = Self { line: other.line, row_id: other.row_id.clone(), ..self.clone() };
        placed == *other
    }
}

impl Scan<'_> {
    fn session(&mut self) -> Option<SessionLine> {
        self.name_row();
        let group = self.required(Field::Session(SessionField::Group), Self::key);
        let kind = self.checkup_kind();
        let session_id = self.required(Field::Session(SessionField::Id), Self::key);
        let date = self.required(Field::Session(SessionField::Date), Self::date);
        let time =
            self.required(Field::Session(SessionField::Time), |scan, field| scan.parsed(field, minute));
        let hall = self.required(Field::Session(SessionField::Hall), Self::text);
        let capacity = self.required(Field::Session(SessionField::Capacity), |scan, field| {
            scan.parsed(field, |text| count(text, 1_000))
        });
        Some(SessionLine {
            line: self.raw.line,
            row_id: self.row_id.clone(),
            group: group?,
            kind: kind?,
            session_id: session_id?,
            date: date?,
            time: time?,
            hall: hall?,
            capacity: capacity?,
        })
    }
}

/// `13:30`, `9:00:00` as a spreadsheet writes it, `13時30分`, `13時`. A clock of twelve hours is not guessed at.
fn minute(text: &str) -> Result<String, Code> {
    let text = fold_width(text);
    if damage::error_value(&text) {
        return Err(Code::SpreadsheetErrorValue);
    }
    let colon = text.strip_suffix('分').unwrap_or(&text).replace('時', ":");
    let mut parts = colon.split(':');
    let (hour, minute, second) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let minute = if minute.is_empty() && text.ends_with('時') { "00" } else { minute };
    let (Some(hour), None | Some("00"), None) = (hour, second, parts.next()) else {
        return Err(Code::ValueUnknown);
    };
    if !digits(hour) || !digits(minute) || minute.len() != 2 {
        return Err(Code::ValueUnknown);
    }
    let parsed: Result<Time, _> = format!("{hour:0>2}:{minute}:00").parse();
    parsed.map(|time| time.strftime("%H:%M").to_string()).map_err(|_| Code::ValueUnknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("13:30", "13:30"),
            ("9:00:00", "09:00"),
            ("１３：３０", "13:30"),
            ("13時30分", "13:30"),
            ("13時", "13:00"),
        ] {
            assert_eq!(minute(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "13", "午後1:30", "1:30 PM", "25:00", "13:5", "13:60", "0.5625", "13:30:15", "#REF!"]
        {
            assert!(minute(text).is_err(), "{text}");
        }
    }
}
