//! What the officer is told about each row. A finding names line, column and a stable code; it never repeats a
//! cell, because reports are mailed and printed more freely than the file itself.

use std::borrow::Cow;

use serde::Serialize;

use crate::code::Code;
use crate::decode::Encoding;

/// Whether a row may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Read exactly.
    Ready,
    /// At least one error; to be corrected.
    Refused,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was read in a different form; no action.
    Info,
    /// Worth a look; the row is sent.
    Warning,
    /// The row is not sent.
    Error,
}

/// The language of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    En,
}

/// One remark about one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The officer's own header, or `None` when the whole row is meant.
    pub column: Option<String>,
    /// Stable UPPER_SNAKE name.
    pub code: Cow<'static, str>,
    /// Weight.
    pub severity: Severity,
    /// For the officer.
    pub message_ja: Cow<'static, str>,
    /// For the vendor.
    pub message_en: Cow<'static, str>,
}

impl Finding {
    /// A finding of this crate, with its usual severity.
    pub fn new(column: Option<&str>, code: Code) -> Self {
        let words = code.words();
        Self {
            column: column.map(str::to_owned),
            code: Cow::Borrowed(words.name),
            severity: words.severity,
            message_ja: Cow::Borrowed(words.ja),
            message_en: Cow::Borrowed(words.en),
        }
    }

    /// The same in a column that is not sent: said, but no reason to hold the row back.
    #[must_use]
    pub fn as_info(mut self) -> Self {
        self.severity = Severity::Info;
        self
    }

    /// The message in one language.
    pub fn message(&self, language: Language) -> &str {
        match language {
            Language::Ja => &self.message_ja,
            Language::En => &self.message_en,
        }
    }
}

/// Everything said about one row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowReport {
    /// Line in the file, from 1.
    pub line: u64,
    /// The name under which the row is sent and answered.
    pub row_id: String,
    /// May it be sent?
    pub verdict: Verdict,
    /// In column order.
    pub findings: Vec<Finding>,
}

impl RowReport {
    pub(crate) fn add(&mut self, finding: Finding) {
        if finding.severity == Severity::Error {
            self.verdict = Verdict::Refused;
        }
        self.findings.push(finding);
    }

    /// One Japanese line of all errors, as it stands in the corrected file.
    pub(crate) fn explanation_ja(&self) -> String {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let sentences: Vec<String> = errors
            .map(|finding| match &finding.column {
                Some(column) => format!("［{column}］{}", finding.message_ja),
                None => finding.message_ja.to_string(),
            })
            .collect();
        sentences.join(" ")
    }
}

/// The report of a whole file, as the command prints it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report<'a> {
    /// How the file was read.
    pub encoding: Encoding,
    /// Rows seen.
    pub rows_total: usize,
    /// Rows that may be sent.
    pub rows_ready: usize,
    /// Rows that may not.
    pub rows_refused: usize,
    /// Headers of individual-number columns, emptied before anything else was read.
    pub dropped_columns: &'a [String],
    /// Headers that mean nothing to us; not sent.
    pub unknown_columns: &'a [String],
    /// One per row, in file order.
    pub rows: &'a [RowReport],
}

/// A table for a terminal: titles, then one line per finding, and one for each refused row without any.
pub(crate) fn table(reports: &[RowReport], language: Language, least: Severity) -> Vec<Vec<String>> {
    let titles = match language {
        Language::Ja => ["行", "行ID", "判定", "項目", "コード", "内容"],
        Language::En => ["line", "row", "verdict", "column", "code", "message"],
    };
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    for report in reports {
        for finding in report.findings.iter().filter(|finding| finding.severity >= least) {
            lines.push(vec![
                report.line.to_string(),
                report.row_id.clone(),
                verdict_word(report.verdict, language).to_owned(),
                finding.column.clone().unwrap_or_default(),
                finding.code.to_string(),
                finding.message(language).to_owned(),
            ]);
        }
    }
    lines
}

const fn verdict_word(verdict: Verdict, language: Language) -> &'static str {
    match (verdict, language) {
        (Verdict::Ready, Language::Ja) => "送信可",
        (Verdict::Ready, Language::En) => "ready",
        (Verdict::Refused, Language::Ja) => "要修正",
        (Verdict::Refused, Language::En) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_refuses_a_row() {
        let mut report = RowReport { line: 2, row_id: "r".into(), verdict: Verdict::Ready, findings: vec![] };
        report.add(Finding::new(None, Code::WidthFolded));
        report.add(Finding::new(None, Code::Gaiji).as_info());
        assert_eq!((report.verdict, report.explanation_ja()), (Verdict::Ready, String::new()));
        report.add(Finding::new(Some("氏名"), Code::Gaiji));
        assert_eq!(report.verdict, Verdict::Refused);
        assert!(report.explanation_ja().starts_with("［氏名］外字"));
    }

    #[test]
    fn json_has_the_documented_names() {
        let json = serde_json::to_value(Finding::new(Some("氏名"), Code::Gaiji)).unwrap();
        assert_eq!(json["code"], "GAIJI");
        assert_eq!(json["severity"], "error");
        assert!(
            json["message_ja"].is_string() && json["message_en"].is_string() && json["column"].is_string()
        );
    }
}
