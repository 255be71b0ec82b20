//! `pmh vaccine rules`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_domain::vaccination::{RuleBook, RuleLine, Source};
use serde::Serialize;

use super::BookArgs;
use crate::cli::output::{Language, LanguageArgs, json, line, table};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    book: BookArgs,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Serialize)]
struct Listing<'a> {
    version: &'a str,
    status: &'a str,
    rules: Vec<RuleLine<'a>>,
    sources: &'a BTreeMap<String, Source>,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let book = args.book.book()?;
    if args.json {
        json(&Listing {
            version: book.version(),
            status: book.status(),
            rules: book.lines(),
            sources: book.sources(),
        })?;
    } else {
        page(&book, args.language.language()).into_iter().for_each(line);
    }
    Ok(ExitCode::SUCCESS)
}

fn page(book: &RuleBook, language: Language) -> Vec<String> {
    let titles = language.pick(
        ["", "規則", "種類", "版", "適用期間", "出典"],
        ["", "rule", "kind", "version", "in force", "sources"],
    );
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(book.lines().iter().map(row));
    let mut lines = table(&rows);
    lines.push(String::new());
    lines.extend(book.sources().iter().map(|(id, source)| format!("{id}: {}", source.text)));
    lines.push(language.pick("* 出典を再確認していない規則", "* not checked against its source").to_owned());
    lines.push(format!("{}  {}", book.version(), book.status()));
    lines
}

fn row(line: &RuleLine<'_>) -> Vec<String> {
    let rule = line.rule;
    let end = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
    let days = rule.in_force();
    let in_force = match (days.from, days.through) {
        (None, None) => String::new(),
        (from, through) => format!("{}–{}", end(from), end(through)),
    };
    vec![
        if rule.is_confirmed() { String::new() } else { "*".to_owned() },
        rule.id().to_owned(),
        line.kind.name().to_owned(),
        rule.version().to_owned(),
        in_force,
        rule.sources().join(" "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_listed_with_version_and_source() {
        let book = RuleBook::embedded().unwrap();
        let page = page(book, Language::En).join("\n");
        for line in book.lines() {
            assert!(page.contains(line.rule.id()));
        }
        assert!(page.contains("*  MR2/window") && page.contains("2026-04-01"), "{page}");
        assert!(page.contains("延岡市"));
    }
}
