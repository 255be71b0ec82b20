//! Why a whole file was refused before any row was read.

use thiserror::Error;

use crate::field::Field;

/// A file that cannot be read row by row. Display is English; [`FileError::message_ja`] is for the officer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileError {
    /// More bytes than [`crate::Options::max_bytes`].
    #[error("the file is larger than {limit} bytes; split it")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Nothing but blank lines.
    #[error("the file is empty")]
    Empty,
    /// UTF-16, which Excel writes as "Unicode text".
    #[error("the file is UTF-16; save it as CSV (UTF-8) or CSV (comma delimited)")]
    Utf16,
    /// An Excel workbook and not a CSV file.
    #[error("the file is an Excel workbook; save it as CSV")]
    Workbook,
    /// Zero bytes: not text.
    #[error("the file is not text")]
    NotText,
    /// A quoted cell that never ends would swallow every row after it.
    #[error("the quotation mark opened on line {line} is never closed")]
    QuoteNotClosed {
        /// Line of the opening mark, from 1.
        line: u64,
    },
    /// The first line names no column that we know, so it is probably a row of data and is not echoed.
    #[error("the first line holds no known column names")]
    NoHeader,
    /// Two columns mean the same field.
    #[error("two columns are both {}", .0.name())]
    DuplicateColumn(Field),
    /// Columns without which no row can be read.
    #[error("columns are missing: {}", names(.0))]
    MissingColumns(Vec<Field>),
    /// The mapping names a header that the file does not have.
    #[error("the column that the mapping names for {0} is not in the file")]
    MappedColumnMissing(String),
    /// The mapping would read a column of individual numbers. Renaming it is the officer's decision, not ours.
    #[error("the column mapped to {0} is headed as individual numbers and is never read")]
    MappedIndividualNumber(String),
    /// A field is both a constant of the mapping and a column of the file.
    #[error("{} is a constant in the mapping and a column in the file", .0.name())]
    ConstantAndColumn(Field),
}

impl FileError {
    /// Stable machine name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "FILE_TOO_LARGE",
            Self::Empty => "FILE_EMPTY",
            Self::Utf16 => "FILE_UTF16",
            Self::Workbook => "FILE_WORKBOOK",
            Self::NotText => "FILE_NOT_TEXT",
            Self::QuoteNotClosed { .. } => "QUOTE_NOT_CLOSED",
            Self::NoHeader => "HEADER_MISSING",
            Self::DuplicateColumn(_) => "COLUMN_DUPLICATE",
            Self::MissingColumns(_) => "COLUMN_MISSING",
            Self::MappedColumnMissing(_) => "MAPPED_COLUMN_MISSING",
            Self::MappedIndividualNumber(_) => "INDIVIDUAL_NUMBER_FORBIDDEN",
            Self::ConstantAndColumn(_) => "CONSTANT_AND_COLUMN",
        }
    }

    /// The same for the officer, in Japanese.
    pub fn message_ja(&self) -> String {
        match self {
            Self::TooLarge { limit } => {
                format!("ファイルが大きすぎます（上限{limit}バイト）。分割してください。")
            }
            Self::Empty => "ファイルに行がありません。".into(),
            Self::Utf16 => {
                "ファイルがUTF-16です。「CSV UTF-8」または「CSV（コンマ区切り）」で保存し直してください。"
                    .into()
            }
            Self::Workbook => "Excelブックのままです。CSV形式で保存し直してください。".into(),
            Self::NotText => "テキストファイルではありません。".into(),
            Self::QuoteNotClosed { line } => {
                format!("{line}行目で始まる引用符（\"）が閉じられていません。")
            }
            Self::NoHeader => "1行目に項目名がありません。見出し行を付けてください。".into(),
            Self::DuplicateColumn(field) => {
                format!("「{}」にあたる列が2つあります。どちらか一方にしてください。", field.label_ja())
            }
            Self::MissingColumns(fields) => {
                let labels: Vec<_> = fields.iter().map(|field| format!("「{}」", field.label_ja())).collect();
                format!("必須の列がありません：{}", labels.concat())
            }
            Self::MappedColumnMissing(name) => {
                format!("対応表で {name} に指定した列がファイルにありません。")
            }
            Self::MappedIndividualNumber(name) => {
                format!("対応表で {name} に指定した列の見出しが個人番号です。この列は読み込みません。")
            }
            Self::ConstantAndColumn(field) => {
                format!("「{}」が対応表の固定値とファイルの列の両方にあります。", field.label_ja())
            }
        }
    }
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}
