//! The file that goes back to the officer.

use std::borrow::Cow;

use csv::{ByteRecord, QuoteStyle, Terminator, WriterBuilder};

use crate::decode::Encoding;
use crate::field::{Field, Shape};
use crate::header::{Column, ERROR_COLUMN, Layout};
use crate::report::{RowReport, Verdict};
use crate::sheet::Sheet;

/// Blanks the cells of individual-number columns. They are blanked and not cut out, so that the columns keep
/// their places and a row that was too short stays too short.
pub(crate) fn empty_individual_numbers(sheet: &mut Sheet, layout: &Layout) {
    if !layout.columns.contains(&Column::IndividualNumber) {
        return;
    }
    for row in &mut sheet.rows {
        let kept = row.cells.iter().enumerate().map(|(position, cell)| {
            if layout.columns.get(position) == Some(&Column::IndividualNumber) { &[][..] } else { cell }
        });
        row.cells = kept.collect();
    }
}

/// The refused rows with an explanation in front of each.
pub(crate) fn write(sheet: &Sheet, layout: &Layout, reports: &[RowReport]) -> Vec<u8> {
    // Excel reads UTF-8 as CP932 unless a byte order mark stands in front, also where the officer's own file
    // had none.
    let mut bytes = match sheet.encoding {
        Encoding::Utf8 => b"\xEF\xBB\xBF".to_vec(),
        Encoding::Cp932 => Vec::new(),
    };
    let mut writer = WriterBuilder::new()
        .delimiter(sheet.delimiter)
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .flexible(true)
        .from_writer(&mut bytes);
    let explained = |explanation: &str, cells: &ByteRecord, shield: bool| -> ByteRecord {
        let front = [sheet.encoding.encode(explanation)];
        let kept = cells.iter().enumerate().filter(|(position, _)| !is_own(layout, *position));
        let cells =
            kept.map(|(position, cell)| if shield { shielded(layout, position, cell) } else { cell.into() });
        front.into_iter().chain(cells).collect::<Vec<_>>().iter().map(AsRef::as_ref).collect()
    };
    // Writing into memory does not fail; were it to, the missing rows are still in the report.
    let _ = writer.write_byte_record(&explained(ERROR_COLUMN, &sheet.header, false));
    for (row, report) in sheet.rows.iter().zip(reports) {
        if report.verdict == Verdict::Refused {
            let _ = writer.write_byte_record(&explained(&report.explanation_ja(), &row.cells, true));
        }
    }
    drop(writer);
    bytes
}

/// The explanations of the round before.
fn is_own(layout: &Layout, position: usize) -> bool {
    layout.columns.get(position) == Some(&Column::Errors)
}

/// A cell in the form that survives being opened in Excel.
fn shielded<'a>(layout: &Layout, position: usize, cell: &'a [u8]) -> Cow<'a, [u8]> {
    let is_date = matches!(layout.columns.get(position), Some(Column::Field(field)) if is_date(*field));
    let fragile =
        std::str::from_utf8(cell).is_ok_and(|text| loses_digits(text) || (!is_date && becomes_date(text)));
    if fragile { Cow::Owned([b"=\"", cell, b"\""].concat()) } else { Cow::Borrowed(cell) }
}

fn is_date(field: Field) -> bool {
    field.shape() == Shape::Date
}

/// `0001234` loses its zeros, twelve digits and more turn to 1.2E+11, and so does `12E3`.
fn loses_digits(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = text.split_once(['E', 'e']).is_some_and(|(left, right)| digits(left) && digits(right));
    exponent || digits(text) && (text.len() >= 12 || text.len() >= 2 && text.starts_with('0'))
}

/// `1-8` becomes 1月8日.
fn becomes_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let short = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&parts.len()) && parts.iter().all(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::unwrap_formula;

    #[test]
    fn what_excel_would_change_is_found() {
        for text in ["0001234", "00", "123456789013", "12E3"] {
            assert!(loses_digits(text), "{text}");
        }
        for text in ["0", "1234567", "0-1", "", "E3", "A01"] {
            assert!(!loses_digits(text), "{text}");
        }
        assert!(becomes_date("1-8") && becomes_date("24/4/1") && !becomes_date("01-1;02-3"));
    }

    #[test]
    fn a_shielded_cell_reads_as_before() {
        assert_eq!(unwrap_formula("=\"0001234\""), "0001234");
    }
}
