//! `pmh codes check`: what a vendor's tester asks first.

use std::process::ExitCode;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use jiff::civil::Date;
use pmh_domain::codes::{CodeKind, CodeNote, CodeReport, explain, looks_like_individual_number};
use pmh_domain::time::tokyo_date;
use serde::Serialize;

use super::output::{Language, LanguageArgs, json, line};
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether numbers are valid, what their parts mean, and why not. Exit 1 if one is not.
    Check(Check),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Which code the values claim to be.
    #[arg(value_parser = PossibleValuesParser::new(CodeKind::ALL.map(CodeKind::name)).try_map(|name| name.parse::<CodeKind>()))]
    kind: CodeKind,
    /// The values.
    #[arg(required = true)]
    values: Vec<String>,
    /// The day on which a code must be in use, YYYY-MM-DD; otherwise today in Tokyo.
    #[arg(long)]
    on: Option<Date>,
    /// One JSON object per value and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode> {
    let Command::Check(args) = args.command;
    let on = match args.on {
        Some(day) => day,
        None => tokyo_date(system::now()?),
    };
    let language = args.language.language();
    let mut all_valid = true;
    for value in &args.values {
        let report = explain(args.kind, value, on);
        all_valid &= report.valid;
        let value = shown(value);
        if args.json {
            json(&Checked { value, on, report: &report })?;
        } else {
            print(value, &report, language);
        }
    }
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Serialize)]
struct Checked<'a> {
    value: &'a str,
    on: Date,
    #[serde(flatten)]
    report: &'a CodeReport,
}

/// What may be printed again. An individual number must not reach a log of this command's output (P4).
fn shown(value: &str) -> &str {
    if looks_like_individual_number(value) { "************" } else { value }
}

fn print(value: &str, report: &CodeReport, language: Language) {
    let verdict = if report.valid {
        language.pick("正しい番号です", "valid")
    } else {
        language.pick("正しくありません", "not valid")
    };
    line(format_args!("{value}  {verdict}"));
    for part in &report.parts {
        line(format_args!("  {}: {}", language.pick(part.name_ja, part.name), part.value));
    }
    let said = |note: &CodeNote| language.pick(note.ja.clone(), note.en.clone());
    for problem in &report.problems {
        line(format_args!("  × {} ({})", said(problem), problem.code));
    }
    for note in &report.notes {
        line(format_args!("  * {} ({})", said(note), note.code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_individual_number_is_not_printed_again() {
        // The check digit of eleven ones by the ordinance's weights, made here and not written down.
        let number =
            (0..10).map(|last| format!("11111111111{last}")).find(|text| looks_like_individual_number(text));
        assert_eq!(shown(&number.unwrap()), "************");
        assert_eq!(shown("88138243"), "88138243");
    }
}
