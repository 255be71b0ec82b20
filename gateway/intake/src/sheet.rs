//! A CSV file as rows of bytes, each with the line on which an editor shows it.

use csv::{ByteRecord, ReaderBuilder};

use crate::decode::{Encoding, detect};
use crate::error::FileError;
use crate::mapping::Mapping;

/// The file before anything is understood.
pub(crate) struct Sheet {
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: u8,
    pub(crate) header: ByteRecord,
    pub(crate) rows: Vec<RawRow>,
}

/// One record of the file.
pub(crate) struct RawRow {
    /// Line of its first byte, from 1.
    pub(crate) line: u64,
    pub(crate) cells: ByteRecord,
}

impl Sheet {
    pub(crate) fn split(bytes: &[u8], mapping: &Mapping) -> Result<Self, FileError> {
        let (encoding, bytes) = detect(bytes, mapping.encoding)?;
        let delimiter = mapping.delimiter.unwrap_or_else(|| likely_delimiter(bytes));
        if let Some(line) = unclosed_quote(bytes, delimiter) {
            return Err(FileError::QuoteNotClosed { line });
        }
        // The template explains itself above its header.
        let is_comment = |row: &RawRow| row.cells.get(0).is_some_and(|cell| cell.starts_with(b"#"));
        let mut rows = records(bytes, delimiter)?.into_iter().skip_while(is_comment);
        let header = rows.next().ok_or(FileError::Empty)?.cells;
        Ok(Self { encoding, delimiter, header, rows: rows.collect() })
    }
}

/// All records but blank ones: Excel leaves lines of bare commas below a table.
fn records(bytes: &[u8], delimiter: u8) -> Result<Vec<RawRow>, FileError> {
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(bytes);
    let mut lines = LineCounter { bytes, at: 0, line: 1 };
    let mut rows = Vec::new();
    let mut cells = ByteRecord::new();
    while reader.read_byte_record(&mut cells).map_err(|_| FileError::NotText)? {
        if cells.iter().all(<[u8]>::is_empty) {
            continue;
        }
        let start = cells.position().map_or(0, csv::Position::byte);
        let line = lines.line_of(usize::try_from(start).unwrap_or(usize::MAX));
        rows.push(RawRow { line, cells: cells.clone() });
    }
    Ok(rows)
}

/// The reader's own line numbers lag behind blank lines and lone carriage returns, and an officer who is sent to
/// the wrong line corrects the wrong row.
struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// Line of the first record byte at or after `start`; `start` must not go back.
    fn line_of(&mut self, start: usize) -> u64 {
        while let Some(byte) = self.bytes.get(self.at) {
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => self.bytes.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            if self.at >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(ends_line);
            self.at += 1;
        }
        self.line
    }
}

/// The delimiter seen most often in the first line; a comma when there is none.
fn likely_delimiter(bytes: &[u8]) -> u8 {
    let first = bytes
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let first = first.unwrap_or_default();
    let count = |delimiter: u8| first.split(|byte| *byte == delimiter).count();
    [b';', b'\t', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// Line of a quotation mark that opens a cell and is never closed. A CSV reader takes the rest of the file as
/// one cell then, and in a column that nobody reads the lost rows would go unnoticed.
fn unclosed_quote(bytes: &[u8], delimiter: u8) -> Option<u64> {
    enum At {
        CellStart,
        Bare,
        Quoted(usize),
        QuoteSeen(usize),
    }
    let mut at = At::CellStart;
    for (position, byte) in bytes.iter().enumerate() {
        at = match (at, byte) {
            (At::CellStart, b'"') => At::Quoted(position),
            (At::Quoted(opened), b'"') => At::QuoteSeen(opened),
            (At::QuoteSeen(opened), b'"') | (At::Quoted(opened), _) => At::Quoted(opened),
            (_, b'\r' | b'\n') => At::CellStart,
            (_, byte) if *byte == delimiter => At::CellStart,
            _ => At::Bare,
        };
    }
    match at {
        At::Quoted(opened) => Some(LineCounter { bytes, at: 0, line: 1 }.line_of(opened)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<u64> {
        records(text.as_bytes(), b',').unwrap().iter().map(|row| row.line).collect()
    }

    #[test]
    fn lines_are_those_an_editor_shows() {
        assert_eq!(lines("a,b\nc,d\n"), [1, 2]);
        assert_eq!(lines("a,b\r\nc,d\r\ne,f"), [1, 2, 3]);
        assert_eq!(lines("a,b\rc,d\r"), [1, 2]);
        assert_eq!(lines("\n\na,b\n\n,\nc,d"), [3, 6]);
        assert_eq!(lines("a,\"x\r\ny\"\r\nc,d\r\n"), [1, 3]);
    }

    #[test]
    fn an_open_quote_is_found_at_its_line() {
        assert_eq!(unclosed_quote(b"a,b\nc,\"d\ne,f\n", b','), Some(2));
        assert_eq!(unclosed_quote(b"a,\"b \"\"c\"\"\"\nd,5\"\n", b','), None);
        assert_eq!(unclosed_quote(b"", b','), None);
    }

    #[test]
    fn delimiters_are_told_by_the_first_line() {
        assert_eq!(likely_delimiter("\n宛名番号\t氏名\n1,2,3,4".as_bytes()), b'\t');
        assert_eq!(likely_delimiter(b"a;b;c,d"), b';');
        assert_eq!(likely_delimiter(b"a"), b',');
    }

    proptest! {
        #[test]
        fn any_bytes_split_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Sheet::split(&bytes, &Mapping::default());
        }

        /// The second byte of a CP932 character is never taken for syntax.
        #[test]
        fn cp932_second_bytes_are_not_syntax(lead in 0x81_u8..=0x9F, trail in 0x40_u8..=0xFC) {
            prop_assume!(trail != 0x7F);
            let bytes = [b'a', b',', lead, trail, b',', b'b', b'\n'];
            let rows = records(&bytes, b',').unwrap();
            prop_assert_eq!(rows[0].cells.get(1), Some(&[lead, trail][..]));
        }

        #[test]
        fn every_cell_comes_back(cells in proptest::collection::vec("[a-z\",\r\n]{0,6}", 2..5)) {
            prop_assume!(cells.iter().any(|cell| !cell.is_empty()));
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&cells).unwrap();
            let bytes = writer.into_inner().unwrap();
            prop_assert_eq!(unclosed_quote(&bytes, b','), None);
            let rows = records(&bytes, b',').unwrap();
            prop_assert_eq!(rows.len(), 1);
            prop_assert!(rows[0].cells.iter().eq(cells.iter().map(String::as_bytes)));
        }
    }
}
