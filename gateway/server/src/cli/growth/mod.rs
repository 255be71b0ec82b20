//! `pmh growth`: where a child stands on the national curves, offline.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{ArgGroup, ValueEnum};
use jiff::civil::Date;
use pmh_domain::checkup::growth::{
    Age, Basis, Measure, NoPosition, Position, REFERENCE, Reference, position,
};
use pmh_domain::resident::Sex;
use serde::Serialize;

use super::output::{Language, LanguageArgs, json, line, table};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("measured").required(true).multiple(true).args(["weight", "height", "head"]))]
pub struct Args {
    /// The table is by sex.
    #[arg(long, value_enum, ignore_case = true)]
    sex: SexArg,
    /// Birth date, YYYY-MM-DD.
    #[arg(long)]
    birth: Date,
    /// The day of measurement, YYYY-MM-DD.
    #[arg(long)]
    on: Date,
    /// Kilograms.
    #[arg(long, value_name = "KG")]
    weight: Option<f64>,
    /// Centimetres; lying under two years.
    #[arg(long, value_name = "CM")]
    height: Option<f64>,
    /// Head circumference in centimetres.
    #[arg(long, value_name = "CM")]
    head: Option<f64>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SexArg {
    /// 女.
    F,
    /// 男.
    M,
}

/// Runs it. Exit 1 if a value has no position.
pub fn run(args: &Args) -> Result<ExitCode> {
    let age = Age::on(args.birth, args.on).context("--on")?;
    let found =
        Found { reference: REFERENCE, age_months: rounded(age.months(), 2), results: args.results(age) };
    if args.json {
        json(&found)?;
    } else {
        found.print(args.language.language());
    }
    let is_whole = found.results.iter().all(|result| result.position.is_some());
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Args {
    fn results(&self, age: Age) -> Vec<Measured> {
        let sex = match self.sex {
            SexArg::F => Sex::Female,
            SexArg::M => Sex::Male,
        };
        let values = [self.weight, self.height, self.head];
        let given =
            Measure::ALL.into_iter().zip(values).filter_map(|(measure, value)| Some((measure, value?)));
        given
            .map(|(measure, value)| Measured::of(measure, value, position(measure, sex, age, value)))
            .collect()
    }
}

#[derive(Serialize)]
struct Found {
    reference: Reference,
    age_months: f64,
    results: Vec<Measured>,
}

#[derive(Serialize)]
struct Measured {
    measure: Measure,
    value: f64,
    unit: &'static str,
    #[serde(flatten)]
    position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_position: Option<String>,
    #[serde(skip)]
    refusal: Option<NoPosition>,
}

impl Measured {
    fn of(measure: Measure, value: f64, result: Result<Position, NoPosition>) -> Self {
        let refusal = result.err();
        let position = result.ok().map(|exact| Position {
            z: rounded(exact.z, 3),
            percentile: rounded(exact.percentile, 1),
            median: rounded(exact.median, 2),
            ..exact
        });
        let no_position = refusal.map(|reason| reason.to_string());
        Self { measure, value, unit: measure.unit(), position, no_position, refusal }
    }

    fn cells(&self, language: Language) -> Vec<String> {
        let name = language.pick(self.measure.ja(), self.measure.en());
        let mut cells = vec![name.to_owned(), format!("{} {}", self.value, self.unit)];
        match (self.position, self.refusal) {
            (Some(position), _) => cells.extend([
                format!("{:.1}", position.percentile),
                format!("{:+.2}", position.z),
                language.pick(position.band.ja(), position.band.en()).to_owned(),
                format!("{:.2} {}", position.median, self.unit),
            ]),
            (None, Some(reason)) => cells.push(language.pick(reason.ja().to_owned(), reason.to_string())),
            (None, None) => {}
        }
        cells
    }
}

impl Found {
    fn print(&self, language: Language) {
        let titles = language.pick(
            ["項目", "測定値", "パーセンタイル", "z", "帯", "中央値"],
            ["measure", "value", "percentile", "z", "band", "median"],
        );
        let titles = titles.map(str::to_owned).to_vec();
        let rows = self.results.iter().map(|result| result.cells(language));
        let rows: Vec<_> = std::iter::once(titles).chain(rows).collect();
        for row in table(&rows) {
            line(row);
        }
        line("");
        line(language.pick(
            format!("月齢 {:.2}か月（修正月齢ではありません）", self.age_months),
            format!("{:.2} months of age, not corrected for a preterm birth", self.age_months),
        ));
        let is_last = |result: &Measured| result.position.is_some_and(|p| p.basis == Basis::LastBand);
        if self.results.iter().any(is_last) {
            line(language.pick(
                "表の最後の区分では、区分全体の値と比べています。",
                "In the last band of the table the comparison is with the band as a whole.",
            ));
        }
        let reference = self.reference;
        line(language.pick(
            format!("{}（{} {}）。診断ではありません。", reference.credit_ja, reference.id, reference.fit),
            format!("{}; {} {}. Not a diagnosis.", reference.name_en, reference.id, reference.fit),
        ));
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn results(words: &[&str]) -> Found {
        let args = Command::try_parse_from(words).unwrap().args;
        let age = Age::on(args.birth, args.on).unwrap();
        Found { reference: REFERENCE, age_months: age.months(), results: args.results(age) }
    }

    const GIRL: [&str; 7] = ["growth", "--sex", "F", "--birth", "2025-05-22", "--on", "2026-11-22"];

    #[test]
    fn the_json_names_reference_version_percentile_z_and_band() {
        let found = results(&[&GIRL[..], &["--weight", "9.0"]].concat());
        let found = serde_json::to_value(found).unwrap();
        assert_eq!(
            (&found["reference"]["id"], &found["reference"]["fit"]),
            (&"jp-2023".into(), &"lms-1".into())
        );
        let weight = &found["results"][0];
        assert_eq!((&weight["measure"], &weight["percentile"]), (&"weight".into(), &22.8.into()));
        assert_eq!((&weight["z"], &weight["band"]), (&(-0.744).into(), &"P10_TO_P25".into()));
    }

    #[test]
    fn a_value_without_position_says_why_and_has_no_numbers() {
        let found = results(&[&GIRL[..], &["--weight", "9000", "--height", "78"]].concat());
        assert_eq!(found.results[0].refusal, Some(NoPosition::Impossible));
        let row = serde_json::to_value(&found.results[0]).unwrap();
        assert!(row.get("percentile").is_none() && row["no_position"].is_string());
        assert!(found.results[1].position.is_some());
    }

    #[test]
    fn something_must_have_been_measured() {
        assert!(Command::try_parse_from(GIRL).is_err());
    }
}
