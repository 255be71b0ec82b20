//! What was found, in plain words or as one JSON object.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use jiff::{Timestamp, tz};
use pmh_audit::{Checkpoint, Cosigned, Leaf};
use serde_json::{Map, Value, json};

use crate::evidence::Unusable;

/// The outcome of one check.
pub(crate) struct Verdict {
    subject: String,
    wrong: Vec<String>,
    facts: Vec<(&'static str, Value)>,
    items: Vec<Item>,
}

/// One row of a list: a line to read, and its fields.
pub(crate) struct Item {
    pub(crate) line: String,
    pub(crate) fields: Value,
}

impl Verdict {
    /// About `subject`, which is verified unless something wrong is added.
    pub(crate) fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), wrong: Vec::new(), facts: Vec::new(), items: Vec::new() }
    }

    pub(crate) fn wrong(mut self, what: impl Into<String>) -> Self {
        self.wrong.push(what.into());
        self
    }

    pub(crate) fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    pub(crate) fn items(mut self, items: Vec<Item>) -> Self {
        self.items = items;
        self
    }

    pub(crate) fn checkpoint(self, checkpoint: &Checkpoint) -> Self {
        self.fact("log", checkpoint.origin()).fact("size", checkpoint.size())
    }

    pub(crate) fn witnesses(self, cosigned: &Cosigned) -> Self {
        let named = cosigned.cosignatures().iter().map(|one| {
            let time = Timestamp::from_second(i64::try_from(one.time()).unwrap_or(i64::MAX));
            json!(format!("{} at {}", one.witness().name(), time.map_or_else(|_| "no time".into(), tokyo)))
        });
        let named: Vec<Value> = named.collect();
        self.fact("cosigned by", named)
    }

    pub(crate) fn leaf(self, leaf: &Leaf) -> Self {
        self.fact("time", time(leaf.time_us))
            .fact("kind", leaf.kind.name())
            .fact("method", number_or_name(leaf.method.name(), leaf.method.0))
            .fact("purpose", number_or_name(leaf.purpose.name(), leaf.purpose.0))
            .fact("outcome", leaf.outcome)
            .fact("categories", leaf.categories.names().collect::<Vec<_>>())
            .fact("holder", org(leaf.holder.as_ref()))
            .fact("requester", org(leaf.requester.as_ref()))
    }

    /// Prints it; the exit code says whether it is verified.
    pub(crate) fn print(&self, as_json: bool) -> Result<ExitCode, Unusable> {
        let text = if as_json { self.to_json() } else { self.to_words() };
        io::stdout().lock().write_all(text.as_bytes()).map_err(Unusable::Print)?;
        Ok(if self.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn to_json(&self) -> String {
        let facts: Map<String, Value> =
            self.facts.iter().map(|(name, value)| (name.replace(' ', "_"), value.clone())).collect();
        let mut object = json!({
            "subject": self.subject,
            "verified": self.wrong.is_empty(),
            "wrong": self.wrong,
            "facts": facts,
        });
        if let (Some(object), false) = (object.as_object_mut(), self.items.is_empty()) {
            object.insert("items".into(), self.items.iter().map(|item| item.fields.clone()).collect());
        }
        format!("{object}\n")
    }

    fn to_words(&self) -> String {
        let head = if self.wrong.is_empty() { "VERIFIED" } else { "NOT VERIFIED" };
        let wrong = self.wrong.iter().map(|what| format!("  ! {what}\n"));
        let width = self.facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let facts = self.facts.iter().map(|(name, value)| format!("  {name:width$}  {}\n", words(value)));
        let items = self.items.iter().map(|item| format!("  {}\n", item.line));
        let lines: String = wrong.chain(facts).chain(items).collect();
        format!("{head}: {}\n{lines}", self.subject)
    }
}

/// An instant of the log, in Tokyo.
pub(crate) fn time(micros: u64) -> String {
    i64::try_from(micros)
        .ok()
        .and_then(|micros| Timestamp::from_microsecond(micros).ok())
        .map_or_else(|| format!("{micros} microseconds since 1970"), tokyo)
}

/// The error and what caused it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

pub(crate) fn number_or_name(name: Option<&str>, number: u16) -> String {
    name.map_or_else(|| number.to_string(), str::to_owned)
}

pub(crate) fn org(org: Option<&pmh_audit::OrgRef>) -> String {
    org.map_or_else(|| "none".to_owned(), |org| org.as_str().to_owned())
}

fn tokyo(instant: Timestamp) -> String {
    instant.to_zoned(tz::offset(9).to_time_zone()).strftime("%Y-%m-%d %H:%M:%S (Tokyo)").to_string()
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
