//! Entries as they are printed: a table for people; JSON, JSON Lines and CSV for programs.

use anyhow::Result;
use jiff::Timestamp;
use pmh_audit::{Kind, registry::Purpose};
use pmh_domain::time::tokyo_minute;
use pmh_proto::audit::{Entry, SearchEntriesResponse};
use pmh_proto::common::Reason;
use serde_json::{Value, json};

use crate::cli::output::{Language, hex, json as print_json, line, table};
use crate::rpc::status::reason_name;

/// How entries are printed; a table if nothing is said.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(multiple = false)]
pub(super) struct Form {
    /// One JSON object with all entries.
    #[arg(long)]
    json: bool,
    /// JSON Lines: one entry a line, as they come.
    #[arg(long)]
    jsonl: bool,
    /// CSV with a header.
    #[arg(long)]
    csv: bool,
}

impl Form {
    /// Whether a program reads it.
    pub(super) fn is_json(self) -> bool {
        self.json || self.jsonl
    }
}

/// What has been printed so far, and what is still kept for the end.
pub(super) struct Shown {
    form: Form,
    language: Language,
    entries: Vec<Entry>,
    count: usize,
    tree_size: u64,
    checkpoint: String,
    subject: String,
}

impl Shown {
    pub(super) fn new(form: Form, language: Language) -> Self {
        if form.csv {
            line(CSV_TITLES.join(","));
        }
        let (checkpoint, subject) = (String::new(), String::new());
        Self { form, language, entries: Vec::new(), count: 0, tree_size: 0, checkpoint, subject }
    }

    /// One proved page. Lines leave at once; a table and an object wait for the last page.
    pub(super) fn page(&mut self, page: &SearchEntriesResponse) {
        self.count += page.entries.len();
        self.tree_size = page.tree_size;
        self.checkpoint.clone_from(&page.checkpoint);
        self.subject.clone_from(&page.subject);
        if self.form.jsonl {
            page.entries.iter().for_each(|entry| line(object(entry)));
        } else if self.form.csv {
            page.entries.iter().for_each(|entry| line(comma_separated(entry)));
        } else {
            self.entries.extend_from_slice(&page.entries);
        }
    }

    /// After the last page.
    pub(super) fn end(self) -> Result<()> {
        if self.form.json {
            return print_json(&json!({
                "ok": true,
                "verified": true,
                "tree_size": self.tree_size,
                "checkpoint": self.checkpoint,
                "subject": (!self.subject.is_empty()).then_some(&self.subject),
                "entries": self.entries.iter().map(object).collect::<Vec<_>>(),
            }));
        }
        if !self.form.jsonl && !self.form.csv {
            self.lines().into_iter().for_each(line);
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let titles = self.language.pick(
            ["番号", "時刻", "種別", "照会した機関", "保有者", "操作", "目的", "結果", "記録の種類"],
            ["no.", "time", "kind", "asked by", "holder", "method", "purpose", "outcome", "records"],
        );
        let rows = self.entries.iter().map(|entry| row(entry, self.language));
        let rows: Vec<_> = std::iter::once(titles.map(str::to_owned).to_vec()).chain(rows).collect();
        let mut lines = if self.entries.is_empty() { Vec::new() } else { table(&rows) };
        if !self.subject.is_empty() {
            let title = self.language.pick("対象者（監査人としての仮名）", "person, by your own pseudonym");
            lines.push(format!("{title}: {}", self.subject));
        }
        let (count, size) = (self.count, self.tree_size);
        lines.push(self.language.pick(
            format!("{count}件（署名された全{size}件のうち）。受領証はすべて確認済み。"),
            format!("{count} entries of {size} signed. Every receipt verified."),
        ));
        lines
    }
}

fn row(entry: &Entry, language: Language) -> Vec<String> {
    if entry.outside_jurisdiction {
        let hash: String = hex(&entry.leaf_hash).chars().take(16).collect();
        let outside = language.pick("管轄外（ハッシュのみ）", "outside the jurisdiction, hash only");
        return vec![entry.index.to_string(), "-".to_owned(), format!("{outside} {hash}…")];
    }
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        entry.index.to_string(),
        instant(entry).map(tokyo_minute).unwrap_or_default(),
        kind(entry).name().to_owned(),
        dash(&entry.requester),
        dash(&entry.holder),
        dash(&entry.method),
        dash(purpose(entry)),
        outcome(entry),
        dash(&entry.categories.join(" ")),
    ]
}

fn object(entry: &Entry) -> Value {
    if entry.outside_jurisdiction {
        return json!({
            "index": entry.index,
            "leaf_hash": hex(&entry.leaf_hash),
            "outside_jurisdiction": true,
        });
    }
    json!({
        "index": entry.index,
        "leaf_hash": hex(&entry.leaf_hash),
        "leaf": hex(&entry.leaf),
        "time": instant(entry).map(|time| time.to_string()),
        "kind": kind(entry).name(),
        "method": entry.method,
        "requester": entry.requester,
        "holder": entry.holder,
        "purpose": purpose(entry),
        "outcome": entry.outcome,
        "outcome_name": refusal(entry).map(reason_name),
        "categories": entry.categories,
    })
}

fn comma_separated(entry: &Entry) -> String {
    let time = instant(entry).map(|time| time.to_string()).unwrap_or_default();
    let whole = !entry.outside_jurisdiction;
    let shown = |text: String| if whole { text } else { String::new() };
    let cells = [
        entry.index.to_string(),
        time,
        shown(kind(entry).name().to_owned()),
        entry.requester.clone(),
        entry.holder.clone(),
        entry.method.clone(),
        purpose(entry).to_owned(),
        shown(outcome(entry)),
        entry.categories.join(" "),
        hex(&entry.leaf_hash),
    ];
    cells.map(|cell| quoted(&cell)).join(",")
}

/// RFC 4180 section 2. None of our words needs it today.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn kind(entry: &Entry) -> Kind {
    Kind::from(u8::try_from(entry.kind).unwrap_or_default())
}

fn purpose(entry: &Entry) -> &'static str {
    u16::try_from(entry.purpose).ok().and_then(|number| Purpose(number).name()).unwrap_or_default()
}

/// A refusal by its name, everything else by its number.
fn outcome(entry: &Entry) -> String {
    refusal(entry).map_or_else(|| entry.outcome.to_string(), |reason| reason_name(reason).to_owned())
}

fn refusal(entry: &Entry) -> Option<Reason> {
    let refused = matches!(kind(entry), Kind::Refusal | Kind::RefusalSummary);
    let reason = i32::try_from(entry.outcome).ok().and_then(|number| Reason::try_from(number).ok())?;
    refused.then_some(reason)
}

fn instant(entry: &Entry) -> Option<Timestamp> {
    let time = entry.time.as_ref()?;
    Timestamp::new(time.seconds, time.nanos).ok()
}

const CSV_TITLES: [&str; 10] = [
    "index",
    "time",
    "kind",
    "requester",
    "holder",
    "method",
    "purpose",
    "outcome",
    "categories",
    "leaf_hash",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Entry {
        Entry {
            index: 7,
            time: Some(prost_types::Timestamp { seconds: 1_775_001_600, nanos: 0 }),
            kind: 2,
            method: "VerifyEligibility".to_owned(),
            requester: "clinic:1310310243".to_owned(),
            outcome: 3,
            leaf_hash: vec![0xab; 32],
            ..Entry::default()
        }
    }

    #[test]
    fn a_refusal_says_its_reason() {
        assert_eq!(outcome(&refused()), "TOKEN_EXPIRED");
        assert_eq!(outcome(&Entry { kind: 1, ..refused() }), "3");
        let cells = row(&refused(), Language::En);
        assert_eq!(cells[..4], ["7", "2026-04-01 09:00", "refusal", "clinic:1310310243"]);
    }

    #[test]
    fn what_is_outside_shows_place_and_hash() {
        let outside =
            Entry { index: 9, leaf_hash: vec![0xcd; 32], outside_jurisdiction: true, ..Entry::default() };
        assert!(row(&outside, Language::Ja).last().unwrap().contains("管轄外"));
        assert_eq!(comma_separated(&outside), format!("9,,,,,,,,,{}", "cd".repeat(32)));
        assert_eq!(object(&outside).as_object().unwrap().len(), 3);
    }

    #[test]
    fn a_cell_with_a_comma_is_quoted() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("clinic:1310310243"), "clinic:1310310243");
    }
}
