//! One checkup of a municipality's file (乳幼児健診・妊産婦健診).

mod template;
pub(crate) mod word;

use std::fmt;

use pmh_domain::checkup::{
    item::{Item, RawEntry, Shape as ItemShape, items},
    kind::CheckupKind,
    record::RawCheckup,
    scores::{Instrument, RawScores},
};
use serde::Serialize;

use crate::code::Code;
use crate::damage;
use crate::field::{CheckupField, Field, FileKind, ItemPart};
use crate::intake::Record;
use crate::normalize::{fold_width, list, word as words};
use crate::scan::Scan;
pub use template::{cells, template};

/// A checkup as the officer's file states it. What may be written down is the gateway's to judge.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CheckupRow {
    /// Line in the file, from 1.
    pub line: u64,
    /// The file's own row id, or `line-<n>`.
    pub row_id: String,
    /// The record.
    #[serde(skip)]
    pub raw: RawCheckup,
}

impl Record for CheckupRow {
    const KIND: FileKind = FileKind::Checkups;
    /// Record and version.
    type Key = (String, String);

    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        scan.checkup()
    }

    fn row_id(&self) -> &str {
        &self.row_id
    }

    fn version_key(&self) -> Self::Key {
        (self.raw.record_id.clone(), self.raw.source_version.clone())
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Scan<'_> {
    fn checkup(&mut self) -> Option<CheckupRow> {
        self.name_row();
        let resident_key = self.required(Field::ResidentKey, Self::key);
        let record_id = self.required(Field::RecordKey, Self::key);
        let source_version = self.required(of(CheckupField::SourceVersion), Self::key);
        let kind = self.required(of(CheckupField::Kind), |scan, field| scan.rewritten(field, word::kind));
        let date = self.required(of(CheckupField::Date), Self::told_date);
        let withdrawn = self.deleted();
        let raw = RawCheckup {
            record_id: record_id?,
            source_version: source_version?,
            resident_key: resident_key?,
            mother_key: self.key(of(CheckupField::MotherKey)).unwrap_or_default(),
            kind: Some(kind?),
            date: date?,
            institution: self.parsed(Field::Performer, institution).unwrap_or_default(),
            pregnancy: self.key(of(CheckupField::Pregnancy)).unwrap_or_default(),
            birth_order: self.number(CheckupField::BirthOrder),
            gestation: self.rewritten(of(CheckupField::Gestation), word::gestation).unwrap_or_default(),
            gestation_basis: self.rewritten(of(CheckupField::GestationBasis), word::basis),
            items: self.entries(),
            scores: self.epds().into_iter().collect(),
            questionnaire: None,
            disposition: self.rewritten(of(CheckupField::Disposition), word::disposition),
            own_code: self.key(of(CheckupField::OwnCode)).unwrap_or_default(),
            own_label: self.note(of(CheckupField::OwnLabel)).unwrap_or_default(),
            detailed_exam_on: self.told_date(of(CheckupField::DetailedExamOn)).unwrap_or_default(),
            withdrawn: withdrawn?,
        };
        Some(CheckupRow { line: self.raw.line, row_id: self.row_id.clone(), raw })
    }

    fn entries(&mut self) -> Vec<RawEntry> {
        items().filter_map(|item| self.entry(item)).collect()
    }

    /// `None` where every column of the item is blank: nothing was said about it.
    fn entry(&mut self, item: &'static Item) -> Option<RawEntry> {
        let part = |part| of(CheckupField::Item { code: &item.code, part });
        let value = self.measured(part(ItemPart::Value), item);
        let method = self.folded(part(ItemPart::Method)).unwrap_or_default();
        let finding = self.rewritten(part(ItemPart::Finding), word::finding);
        let note = self.note(part(ItemPart::Note)).unwrap_or_default();
        if value.is_none() && finding.is_none() && note.is_empty() {
            return None;
        }
        let unit = if item.shape == ItemShape::Finding { String::new() } else { item.unit.clone() };
        Some(RawEntry {
            code: item.code.clone(),
            value: value.unwrap_or_default(),
            unit,
            method,
            finding,
            note,
        })
    }

    fn measured(&mut self, field: Field, item: &Item) -> Option<String> {
        match item.shape {
            ItemShape::Date => self.told_date(field),
            ItemShape::Gestation => self.rewritten(field, word::gestation),
            ItemShape::YesNo => self.rewritten(field, |text| {
                words::flag(text).map(|yes| if yes { "yes" } else { "no" }.to_owned())
            }),
            ItemShape::Grade => self.rewritten(field, |text| Some(word::grade(text))),
            ItemShape::Amount | ItemShape::Count => {
                let text = self.folded(field)?;
                match damage::in_number(&text).filter(|code| *code != Code::TrailingDecimal) {
                    Some(code) => {
                        self.add(field, code);
                        None
                    }
                    None => Some(text),
                }
            }
            ItemShape::Code | ItemShape::Datetime | ItemShape::Finding => self.folded(field),
        }
    }

    /// A column that is missing says nothing; a blank cell among answers is an open question.
    fn epds(&mut self) -> Option<RawScores> {
        let items: Vec<Option<u8>> = (1..=10).map(|item| self.number(CheckupField::EpdsItem(item))).collect();
        let total = self.number(CheckupField::EpdsTotal);
        let is_answered = items.iter().any(Option::is_some);
        let items = if is_answered { items } else { Vec::new() };
        (is_answered || total.is_some()).then_some(RawScores { instrument: Instrument::Epds, items, total })
    }

    fn number(&mut self, field: CheckupField) -> Option<u8> {
        let text = self.folded(of(field))?;
        let number = text.parse().ok();
        if number.is_none() {
            self.add(of(field), damage::in_number(&text).unwrap_or(Code::ValueUnknown));
        }
        number
    }

    fn told_date(&mut self, field: Field) -> Option<String> {
        let style = self.shared.mapping.dates;
        self.rewritten_or(field, |text| crate::normalize::date::parse(text, style).map(|day| day.to_string()))
    }

    /// A word that means something else than it spells: read, and said to be read so.
    fn rewritten<T: Rewritten>(&mut self, field: Field, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.rewritten_or(field, |text| read(text).ok_or(Code::ValueUnknown))
    }

    fn rewritten_or<T: Rewritten>(
        &mut self,
        field: Field,
        read: impl Fn(&str) -> Result<T, Code>,
    ) -> Option<T> {
        let text = self.value(field)?.into_owned();
        match read(&fold_width(&text)) {
            Ok(value) => {
                if !value.is_spelled(&text) {
                    self.add(field, Code::Rewritten);
                }
                Some(value)
            }
            Err(code) => {
                self.add(field, code);
                None
            }
        }
    }

    /// Free text, kept to the byte. A letter that only the sender's machine shows is kept too, and said.
    fn note(&mut self, field: Field) -> Option<String> {
        let text = self.value(field)?.into_owned();
        if text.chars().any(|letter| matches!(letter, '\u{E000}'..='\u{F8FF}')) {
            self.add(field, Code::GaijiKept);
        }
        Some(text)
    }
}

/// What was read of a word.
trait Rewritten {
    /// Whether the cell spells it as the contract does.
    fn is_spelled(&self, cell: &str) -> bool;
}

impl Rewritten for String {
    fn is_spelled(&self, cell: &str) -> bool {
        self == cell
    }
}

macro_rules! closed_words {
    ($($word:path => $name:path),*) => {
        $(impl Rewritten for $word {
            fn is_spelled(&self, cell: &str) -> bool {
                $name(*self) == cell
            }
        })*
    };
}
closed_words!(
    CheckupKind => CheckupKind::name,
    pmh_domain::checkup::judgement::Finding => pmh_domain::checkup::judgement::Finding::name,
    pmh_domain::checkup::judgement::Disposition => word::disposition_name,
    pmh_domain::checkup::gestation::GestationBasis => word::basis_name
);

fn of(field: CheckupField) -> Field {
    Field::Checkup(field)
}

fn institution(text: &str) -> Result<String, Code> {
    match list::institutions(text)?.as_slice() {
        [one] => Ok(one.code.clone()),
        _ => Err(Code::ValueUnknown),
    }
}

/// The place alone: the rest is one person's record.
impl fmt::Debug for CheckupRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckupRow").field("line", &self.line).finish_non_exhaustive()
    }
}
