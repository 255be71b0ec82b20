//! The cells of one record as sound texts, and the findings of those that are not.

use std::borrow::Cow;

use pmh_domain::codes::looks_like_individual_number;

use crate::assemble::Assembler;
use crate::code::Code;
use crate::damage::error_value;
use crate::decode::{Blemish, blemish};
use crate::field::{Field, Shape};
use crate::header::Column;
use crate::normalize::{fold_width, list, unwrap_formula};
use crate::report::{Finding, RowReport, Severity, Verdict};
use crate::sheet::RawRow;

/// The reading of one record.
pub(crate) struct Scan<'a> {
    pub(crate) shared: &'a Assembler<'a>,
    pub(crate) raw: &'a RawRow,
    pub(crate) row_id: String,
    /// With the column's position, to be sorted by it.
    findings: Vec<(usize, Finding)>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(shared: &'a Assembler<'a>, raw: &'a RawRow) -> Self {
        Self { shared, raw, row_id: format!("line-{}", raw.line), findings: Vec::new() }
    }

    pub(crate) fn into_report(mut self) -> RowReport {
        self.findings.sort_by_key(|(position, _)| *position);
        let mut report = RowReport {
            line: self.raw.line,
            row_id: self.row_id,
            verdict: Verdict::Ready,
            findings: Vec::new(),
        };
        for (_, finding) in self.findings {
            report.add(finding);
        }
        report
    }

    /// Trailing blank cells are what Excel leaves; every other surplus or lack may have shifted the values.
    pub(crate) fn is_ragged(&self) -> bool {
        let width = self.shared.layout.columns.len();
        self.raw.cells.len() < width || self.raw.cells.iter().skip(width).any(|cell| !cell.is_empty())
    }

    /// Gaiji and broken bytes in columns that are not sent hold nothing back, but the officer may want to know.
    pub(crate) fn note_unsent_columns(&mut self) {
        for (position, column) in self.shared.layout.columns.iter().enumerate() {
            let cell = self.raw.cells.get(position).unwrap_or_default();
            if *column != Column::Unknown || cell.is_empty() {
                continue;
            }
            let text = self.shared.encoding.decode(cell);
            let code = match text.as_deref().map(blemish) {
                None => Code::BytesUnreadable,
                Some(Some(Blemish::Gaiji)) => Code::Gaiji,
                Some(Some(Blemish::ReplacementMark)) => Code::ReplacementMark,
                Some(Some(Blemish::Control) | None) => continue,
            };
            self.findings.push((position, Finding::new(self.title(position), code).as_info()));
        }
    }

    /// A code's text, half-width and trimmed.
    pub(crate) fn folded(&mut self, field: Field) -> Option<String> {
        let text = self.value(field)?;
        let folded = fold_width(&text);
        if folded != text.trim() {
            self.add(field, Code::WidthFolded);
        }
        Some(folded.into_owned())
    }

    /// The cell or constant of a field, translated by the mapping, sound, and not blank.
    pub(crate) fn value(&mut self, field: Field) -> Option<Cow<'a, str>> {
        let shared = self.shared;
        let position = shared.layout.position(field);
        let text = match position {
            Some(position) => self.cell(position)?,
            None => Cow::Borrowed(shared.mapping.constants.get(&field)?.as_str()),
        };
        if let Some(meant) = self.translation(field, &text) {
            return (!meant.is_empty()).then_some(Cow::Borrowed(meant));
        }
        let text = self.sound(position.unwrap_or(usize::MAX), field.shape(), text)?;
        // An issuer may have declared that its recipient numbers have twelve digits.
        let exempt = field == Field::RecipientNumber && shared.mapping.recipient_numbers_have_12_digits;
        if !exempt && has_individual_number(&text, field.shape()) {
            self.add(field, Code::IndividualNumberForbidden);
            return None;
        }
        Some(text)
    }

    /// A line of the certificate's face.
    pub(crate) fn detail(&mut self, position: usize) -> Option<String> {
        let text = self.cell(position)?;
        let text = self.sound(position, Shape::Text, text)?;
        if has_individual_number(&text, Shape::Text) {
            self.add_at(position, Code::IndividualNumberForbidden);
            return None;
        }
        Some(text.into_owned())
    }

    pub(crate) fn add(&mut self, field: Field, code: Code) {
        match self.shared.layout.position(field) {
            Some(position) => self.add_at(position, code),
            None => self.findings.push((usize::MAX, Finding::new(Some(&field.name()), code))),
        }
    }

    pub(crate) fn add_to_row(&mut self, code: Code) {
        self.findings.push((0, Finding::new(None, code)));
    }

    pub(crate) fn errors(&self) -> usize {
        self.findings.iter().filter(|(_, finding)| finding.severity == Severity::Error).count()
    }

    fn add_at(&mut self, position: usize, code: Code) {
        self.findings.push((position, Finding::new(self.title(position), code)));
    }

    fn title(&self, position: usize) -> Option<&'a str> {
        self.shared.layout.titles.get(position).map(String::as_str)
    }

    fn cell(&mut self, position: usize) -> Option<Cow<'a, str>> {
        let bytes = self.raw.cells.get(position)?;
        match self.shared.encoding.decode(bytes) {
            Some(Cow::Borrowed(text)) => Some(Cow::Borrowed(unwrap_formula(text))),
            Some(Cow::Owned(text)) => Some(Cow::Owned(unwrap_formula(&text).to_owned())),
            None => {
                self.add_at(position, Code::BytesUnreadable);
                None
            }
        }
    }

    fn translation(&self, field: Field, text: &str) -> Option<&'a str> {
        let cell = fold_width(text);
        let values = self.shared.mapping.values.get(&field)?;
        values.iter().find(|(from, _)| fold_width(from) == cell).map(|(_, to)| to.as_str())
    }

    /// A text without marks of a lost character or value; `None` when blank or damaged.
    fn sound(&mut self, position: usize, shape: Shape, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        if text.trim().is_empty() {
            return None;
        }
        let Some(code) = flaw(&text, shape) else { return Some(text) };
        if position == usize::MAX {
            self.findings.push((position, Finding::new(None, code)));
        } else {
            self.add_at(position, code);
        }
        None
    }
}

/// Words and dates are compared with what we know and need no check here.
fn flaw(text: &str, shape: Shape) -> Option<Code> {
    if error_value(text.trim()) {
        return Some(Code::SpreadsheetErrorValue);
    }
    let text = match shape {
        Shape::Word | Shape::Date => return None,
        // What the sender cannot read either is a lost character; all else is kept as it is.
        Shape::Note => return text.contains('\u{FFFD}').then_some(Code::ReplacementMark),
        Shape::Key | Shape::Number => Cow::Borrowed(text.trim()),
        // A line break inside a cell separates institutions as well as a semicolon does.
        Shape::List => Cow::Owned(text.replace(['\r', '\n'], ";")),
        Shape::Text | Shape::PersonName => Cow::Borrowed(text),
    };
    match blemish(&text) {
        Some(Blemish::Gaiji) => Some(Code::Gaiji),
        Some(Blemish::ReplacementMark) => Some(Code::ReplacementMark),
        Some(Blemish::Control) => Some(Code::ControlCharacter),
        None if shape == Shape::PersonName && text.contains(['?', '？']) => Some(Code::ReplacementMark),
        None => None,
    }
}

fn has_individual_number(text: &str, shape: Shape) -> bool {
    match shape {
        Shape::List => list::parts(text).any(looks_like_individual_number),
        Shape::Date => false,
        _ => looks_like_individual_number(text),
    }
}
