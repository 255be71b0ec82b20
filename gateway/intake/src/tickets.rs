//! One ticket (受診券・補助券) as its municipality prints it.

use std::fmt;

use jiff::civil::Date;
use pmh_domain::checkup::{kind::CheckupKind, ticket::TicketPart};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;

use crate::checkups::word::kind;
use crate::code::Code;
use crate::field::{CheckupField, CopaymentKind, Field, FileKind, TicketField};
use crate::intake::Record;
use crate::normalize::{copayment, fold_width, word};
use crate::row::Area;
use crate::scan::Scan;

/// A ticket as the officer's file states it. How many a pregnancy gets is the gateway's to judge.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TicketLine {
    /// Line in the file, from 1.
    pub line: u64,
    /// The file's own row id, or `line-<n>`.
    pub row_id: String,
    /// 受診券番号.
    pub number: String,
    /// 宛名番号.
    pub resident_key: String,
    /// 健診種別.
    pub kind: CheckupKind,
    /// Which part of it.
    pub part: TicketPart,
    /// Most that it pays, whole yen.
    pub cap_yen: u32,
    /// First day of use.
    pub valid_from: Date,
    /// Last day of use.
    pub valid_to: Date,
    /// Where it may be used.
    pub area: Area,
    /// 交付日.
    pub issued_on: Date,
    /// 妊娠番号, if it is of one.
    pub pregnancy: Option<String>,
    /// Children expected, where the file says.
    pub children: Option<u32>,
}

/// An empty file of tickets: lines of comment, which are not read, and the header.
pub fn template() -> String {
    let comments = [
        "# 受診券・補助券の記入用ファイル。#で始まる行は読みません。1行が1枚の券です。",
        "# 券種: 基本・超音波・血液検査・血算・GBS　適用地域: 全国・都道府県内・市区町村内　日付は2026-11-22、令和8年11月22日など。",
        "# 妊婦健診の基本の券には妊娠番号が必要です。多胎のときは胎児数を入れます。",
    ];
    let columns = [
        Field::Ticket(TicketField::Number),
        Field::ResidentKey,
        Field::Checkup(CheckupField::Kind),
        Field::Ticket(TicketField::Part),
        Field::Ticket(TicketField::Cap),
        Field::ValidFrom,
        Field::ValidTo,
        Field::Area,
        Field::Ticket(TicketField::IssuedOn),
        Field::Checkup(CheckupField::Pregnancy),
        Field::Ticket(TicketField::Children),
    ];
    let header = columns.map(|field| field.label_ja().into_owned()).join(",");
    comments.map(str::to_owned).into_iter().chain([header]).map(|line| line + "\r\n").collect()
}

impl Record for TicketLine {
    const KIND: FileKind = FileKind::Tickets;
    type Key = String;

    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        scan.ticket()
    }

    fn row_id(&self) -> &str {
        &self.row_id
    }

    fn version_key(&self) -> String {
        self.number.clone()
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let placed = Self { line: other.line, row_id: other.row_id.clone(), ..self.clone() };
        placed == *other
    }
}

impl Scan<'_> {
    fn ticket(&mut self) -> Option<TicketLine> {
        self.name_row();
        let number = self.required(Field::Ticket(TicketField::Number), Self::key);
        let resident_key = self.required(Field::ResidentKey, Self::key);
        let kind = self.checkup_kind();
        let part = self.required(Field::Ticket(TicketField::Part), |scan, field| scan.word(field, part));
        let cap_yen = self.required(Field::Ticket(TicketField::Cap), |scan, field| {
            scan.parsed(field, |text| copayment::amount(text, CopaymentKind::VisitYen))
        });
        let valid_from = self.required(Field::ValidFrom, Self::date);
        let valid_to = self.required(Field::ValidTo, Self::date);
        self.check_period(valid_from, valid_to);
        let area = self.required(Field::Area, |scan, field| scan.word(field, word::area));
        let issued_on = self.required(Field::Ticket(TicketField::IssuedOn), Self::date);
        let pregnancy = self.key(Field::Checkup(CheckupField::Pregnancy));
        let children = self.parsed(Field::Ticket(TicketField::Children), |text| count(text, 9));
        Some(TicketLine {
            line: self.raw.line,
            row_id: self.row_id.clone(),
            number: number?,
            resident_key: resident_key?,
            kind: kind?,
            part: part?,
            cap_yen: cap_yen?,
            valid_from: valid_from?,
            valid_to: valid_to?,
            area: area?,
            issued_on: issued_on?,
            pregnancy,
            children,
        })
    }

    pub(crate) fn checkup_kind(&mut self) -> Option<CheckupKind> {
        self.required(Field::Checkup(CheckupField::Kind), |scan, field| {
            scan.word(field, |text| kind(&fold_width(text)))
        })
    }
}

/// A whole number from 1 to `most`, with or without 名 or 人.
pub(crate) fn count(text: &str, most: u32) -> Result<u32, Code> {
    let text = fold_width(text);
    let digits = text.strip_suffix(['名', '人']).unwrap_or(&text);
    if let Some(code) = crate::damage::in_number(digits) {
        return Err(code);
    }
    match digits.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        Ok(_) => Err(Code::ValueUnknown),
        Err(_) => Err(Code::NotDigits),
    }
}

fn part(text: &str) -> Option<TicketPart> {
    let key: String = text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    match key.as_str() {
        "基本" | "基本健診" | "基本券" | "BASIC" => Some(TicketPart::Basic),
        "超音波" | "超音波検査" | "エコー" | "ULTRASOUND" => Some(TicketPart::Ultrasound),
        "血液" | "血液検査" | "BLOOD" => Some(TicketPart::Blood),
        "血算" | "BLOODCOUNT" => Some(TicketPart::BloodCount),
        "GBS" | "GBS検査" | "B群溶血性レンサ球菌" => Some(TicketPart::Gbs),
        _ => None,
    }
}

/// The place alone: the rest is one person's record.
impl fmt::Debug for TicketLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketLine").field("line", &self.line).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_read_exactly_or_not_at_all() {
        assert_eq!((count("２０名", 1_000), count("2", 9)), (Ok(20), Ok(2)));
        assert_eq!((count("0", 9), count("10", 9)), (Err(Code::ValueUnknown), Err(Code::ValueUnknown)));
        assert_eq!((count("二", 9), count("2.0", 9)), (Err(Code::NotDigits), Err(Code::TrailingDecimal)));
        assert_eq!(
            (part("ＧＢＳ"), part("blood_count")),
            (Some(TicketPart::Gbs), Some(TicketPart::BloodCount))
        );
        assert_eq!(part("検査"), None);
    }
}
