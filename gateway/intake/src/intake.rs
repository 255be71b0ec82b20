//! The whole road from bytes to rows, and what a caller holds afterwards.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::assemble::Assembler;
use crate::checkups::CheckupRow;
use crate::code::Code;
use crate::corrected;
use crate::decode::Encoding;
use crate::doses::Dose;
use crate::error::FileError;
use crate::field::{Field, FileKind};
use crate::header::{Column, Layout, comparison_key};
use crate::mapping::Mapping;
use crate::refusal;
use crate::report::{Finding, Language, Report, RowReport, Severity, Verdict, table};
use crate::row::Row;
use crate::scan::Scan;
use crate::sessions::SessionLine;
use crate::sheet::Sheet;
use crate::tickets::TicketLine;

/// Reads one file.
///
/// # Errors
/// [`FileError`] when the file as a whole cannot be read; trouble inside rows is in their reports.
pub fn read(bytes: &[u8], mapping: &Mapping, options: &Options) -> Result<Intake, FileError> {
    read_as(bytes, mapping, *options)
}

/// Reads one file of past doses.
///
/// # Errors
/// As [`read`].
pub fn read_doses(bytes: &[u8], mapping: &Mapping, options: &Options) -> Result<Intake<Dose>, FileError> {
    read_as(bytes, mapping, *options)
}

/// Reads one file of checkups.
///
/// # Errors
/// As [`read`].
pub fn read_checkups(
    bytes: &[u8],
    mapping: &Mapping,
    options: &Options,
) -> Result<Intake<CheckupRow>, FileError> {
    read_as(bytes, mapping, *options)
}

/// Reads one file of tickets.
///
/// # Errors
/// As [`read`].
pub fn read_tickets(
    bytes: &[u8],
    mapping: &Mapping,
    options: &Options,
) -> Result<Intake<TicketLine>, FileError> {
    read_as(bytes, mapping, *options)
}

/// Reads one file of days of group checkups.
///
/// # Errors
/// As [`read`].
pub fn read_sessions(
    bytes: &[u8],
    mapping: &Mapping,
    options: &Options,
) -> Result<Intake<SessionLine>, FileError> {
    read_as(bytes, mapping, *options)
}

/// A row of one kind of file: how it is read, and when two of them are about the same thing.
pub(crate) trait Record: Sized {
    const KIND: FileKind;
    /// What makes two rows versions of the same thing.
    type Key: Ord;

    fn scan(scan: &mut Scan<'_>) -> Option<Self>;
    fn row_id(&self) -> &str;
    fn version_key(&self) -> Self::Key;
    /// Equal but for the place in the file.
    fn says_the_same(&self, other: &Self) -> bool;
}

fn read_as<R: Record>(bytes: &[u8], mapping: &Mapping, options: Options) -> Result<Intake<R>, FileError> {
    if bytes.len() > options.max_bytes {
        return Err(FileError::TooLarge { limit: options.max_bytes });
    }
    let mut sheet = Sheet::split(bytes, mapping)?;
    let headers: Vec<Option<String>> =
        sheet.header.iter().map(|cell| sheet.encoding.decode(cell).map(Cow::into_owned)).collect();
    let layout = Layout::resolve(R::KIND, &headers, mapping)?;
    corrected::empty_individual_numbers(&mut sheet, &layout);
    let (mut reports, mut found) = read_rows::<R>(&sheet, &layout, mapping);
    refuse_duplicates(&mut reports, &mut found);
    let sent = found
        .iter()
        .enumerate()
        .filter_map(|(position, row)| Some((row.as_ref()?.row_id().to_owned(), position)));
    Ok(Intake {
        sent: sent.collect(),
        rows: found.into_iter().flatten().collect(),
        reports,
        dropped_columns: layout.titles_of(&Column::IndividualNumber),
        unknown_columns: layout.titles_of(&Column::Unknown),
        encoding: sheet.encoding,
        sheet,
        layout,
    })
}

/// Limits of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Most bytes of a file. Default 64 MiB, several times the largest city's daily export.
    pub max_bytes: usize,
}

/// A file that was read: what may be sent, and what is said about each row.
pub struct Intake<R = Row> {
    /// Rows without an error, in file order.
    pub rows: Vec<R>,
    /// One per row of the file, in file order.
    pub reports: Vec<RowReport>,
    /// Headers of columns of individual numbers. Their cells were emptied before anything else was read.
    pub dropped_columns: Vec<String>,
    /// Headers that mean nothing to us; their cells are not sent.
    pub unknown_columns: Vec<String>,
    /// How the file was decoded.
    pub encoding: Encoding,
    /// Row id → position in `reports`, for the rows that may be sent.
    sent: BTreeMap<String, usize>,
    sheet: Sheet,
    layout: Layout,
}

impl<R> Intake<R> {
    /// Adds the gateway's own refusal of a sent row, so that it stands in the report and in the corrected file
    /// like ours. `field` is a path such as `copayments[0].amount`, `reason` a row reason of the wire contract
    /// such as `CHECK_DIGIT`. Returns whether the row id is one of [`Intake::rows`].
    pub fn refuse(&mut self, row_id: &str, field: Option<&str>, reason: &str) -> bool {
        let column = field.map(|path| self.column_of(path));
        let position = self.sent.get(row_id);
        let Some(report) = position.and_then(|position| self.reports.get_mut(*position)) else {
            return false;
        };
        let (ja, en) = refusal::words(reason);
        report.add(Finding {
            column,
            code: reason.to_owned().into(),
            severity: Severity::Error,
            message_ja: ja.into(),
            message_en: en.into(),
        });
        true
    }

    /// Number of rows that are not sent or were refused.
    pub fn refused(&self) -> usize {
        self.reports.iter().filter(|report| report.verdict == Verdict::Refused).count()
    }

    /// The refused rows alone, in the officer's own columns and encoding, each behind a cell that explains what
    /// to correct. Reading it again ignores that cell. `None` when no row was refused.
    ///
    /// Cells stay as they are, with two exceptions: individual numbers are blank, and a number that Excel would
    /// damage on opening the file (`0001234`) is written as `="0001234"`, which Excel and [`read`] take for the
    /// same text.
    pub fn corrected_file(&self) -> Option<Vec<u8>> {
        (self.refused() > 0).then(|| corrected::write(&self.sheet, &self.layout, &self.reports))
    }

    /// The whole report, for JSON.
    pub fn report(&self) -> Report<'_> {
        let refused = self.refused();
        Report {
            encoding: self.encoding,
            rows_total: self.reports.len(),
            rows_ready: self.reports.len() - refused,
            rows_refused: refused,
            dropped_columns: &self.dropped_columns,
            unknown_columns: &self.unknown_columns,
            rows: &self.reports,
        }
    }

    /// Findings of at least the given weight as a table for a terminal; the first line holds the titles.
    pub fn table(&self, language: Language, least: Severity) -> Vec<Vec<String>> {
        table(&self.reports, language, least)
    }

    /// The officer's header for a field path, or the path itself.
    fn column_of(&self, path: &str) -> String {
        let field = path.split(['.', '[', ']']).find_map(|part| {
            Field::from_key(self.layout.kind, &comparison_key(part))
                .and_then(|field| self.layout.position(field))
        });
        field
            .and_then(|position| self.layout.titles.get(position))
            .cloned()
            .unwrap_or_else(|| path.to_owned())
    }
}

fn read_rows<R: Record>(
    sheet: &Sheet,
    layout: &Layout,
    mapping: &Mapping,
) -> (Vec<RowReport>, Vec<Option<R>>) {
    let mut assembler =
        Assembler { layout, mapping, encoding: sheet.encoding, usual_widths: BTreeMap::new() };
    for field in [Field::ResidentKey, Field::RecipientNumber] {
        if let Some(width) = usual_width(&assembler, sheet, field) {
            assembler.usual_widths.insert(field, width);
        }
    }
    sheet.rows.iter().map(|raw| assembler.row(raw)).unzip()
}

/// The width of four in five numbers of a column, if there is one. Excel takes leading zeros from one number in
/// ten, so what is shorter than the rest deserves a second look; no more, since keys may simply be short.
fn usual_width(assembler: &Assembler<'_>, sheet: &Sheet, field: Field) -> Option<usize> {
    let mut counts = BTreeMap::<usize, usize>::new();
    for width in sheet.rows.iter().filter_map(|raw| assembler.digits_of(raw, field)) {
        *counts.entry(width).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let (width, most) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (total >= 5 && most * 5 >= total * 4).then_some(width)
}

/// Rows that the gateway could not tell apart. All of a group are refused, the first too: which one is right is
/// the officer's to say.
fn refuse_duplicates<R: Record>(reports: &mut [RowReport], found: &mut [Option<R>]) {
    let mut remarks: Vec<(usize, Code)> = Vec::new();
    for group in groups(found, |row| row.row_id().to_owned()) {
        remarks.extend(group.iter().map(|position| (*position, Code::DuplicateRowId)));
    }
    for group in groups(found, R::version_key) {
        let rows: Vec<&R> = group.iter().filter_map(|position| found.get(*position)?.as_ref()).collect();
        let same = rows.windows(2).all(|pair| matches!(pair, [one, next] if one.says_the_same(next)));
        let code = if same { Code::RepeatedRow } else { Code::ConflictingRows };
        remarks.extend(group.iter().map(|position| (*position, code)));
    }
    for (position, code) in remarks {
        let (Some(report), Some(row)) = (reports.get_mut(position), found.get_mut(position)) else {
            continue;
        };
        report.add(Finding::new(None, code));
        if report.verdict == Verdict::Refused {
            *row = None;
        }
    }
}

/// Positions of rows that share a key with another row.
fn groups<R, K: Ord>(found: &[Option<R>], key: impl Fn(&R) -> K) -> Vec<Vec<usize>> {
    let mut by_key = BTreeMap::<K, Vec<usize>>::new();
    for (position, row) in found.iter().enumerate() {
        if let Some(row) = row {
            by_key.entry(key(row)).or_default().push(position);
        }
    }
    by_key.into_values().filter(|group| group.len() > 1).collect()
}

impl Default for Options {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024 }
    }
}

/// Counts alone: the rest are people's records.
impl<R> fmt::Debug for Intake<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("encoding", &self.encoding)
            .field("rows", &self.reports.len())
            .field("refused", &self.refused())
            .finish_non_exhaustive()
    }
}
