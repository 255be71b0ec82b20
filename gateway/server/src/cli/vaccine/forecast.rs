//! `pmh vaccine forecast`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use jiff::civil::Date;
use pmh_domain::resident::Sex;
use pmh_domain::vaccination::{
    AgePolicy, Completeness, Condition, Forecast, Given, History, Person, Pregnancy, Programme, Recorded,
    RuleBook, Source, VaccineCode, forecast,
};
use serde::Serialize;

use super::{BookArgs, page};
use crate::cli::output::{LanguageArgs, json, line};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Birth date, YYYY-MM-DD.
    #[arg(long)]
    birth: Date,
    /// Due date of the present pregnancy (分娩予定日).
    #[arg(long)]
    due_date: Option<Date>,
    /// Sex on the register; some vaccines are for girls.
    #[arg(long, value_enum, ignore_case = true)]
    sex: Option<SexArg>,
    /// A dose given, such as `HEPB@2026-06-01`; repeat for each.
    #[arg(long = "dose", value_name = "CODE@DATE", num_args = 1..)]
    doses: Vec<Dose>,
    /// A condition that opens an adult's window at 60 (予防接種法施行令 3条); repeat for each.
    #[arg(long = "condition", value_name = "CONDITION", value_enum)]
    conditions: Vec<ConditionArg>,
    /// A vaccine that a doctor has ruled out for this person; repeat for each.
    #[arg(long, value_name = "CODE", value_parser = VaccineCode::parse)]
    ruled_out: Vec<VaccineCode>,
    /// The day for which to answer, YYYY-MM-DD.
    #[arg(long)]
    on: Date,
    /// From which day an age counts as reached.
    #[arg(long, value_enum, default_value = "law-literal")]
    policy: PolicyArg,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    book: BookArgs,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConditionArg {
    /// 心臓・じん臓・呼吸器の機能の障害.
    Organ,
    /// ヒト免疫不全ウイルスによる免疫の機能の障害.
    Hiv,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PolicyArg {
    /// At the end of the day before the birthday, as the law has it.
    LawLiteral,
    /// On the birthday, as many schedules print it.
    Birthday,
}

#[derive(Debug, Clone)]
struct Dose {
    vaccine: VaccineCode,
    on: Date,
}

/// What is answered. The sources are spelt out, so that the answer can be checked without the book.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    pub(super) on: Date,
    pub(super) policy: AgePolicy,
    pub(super) rules_version: &'a str,
    pub(super) rules_status: &'a str,
    /// What was typed is never known to be all.
    pub(super) history: Completeness,
    pub(super) series: Vec<Forecast>,
    pub(super) sources: BTreeMap<&'a str, &'a Source>,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let book = args.book.book()?;
    let answer = answer(args, &book)?;
    if args.json {
        json(&answer)?;
    } else {
        page::lines(&answer, args.language.language()).into_iter().for_each(line);
    }
    Ok(ExitCode::SUCCESS)
}

fn answer<'a>(args: &Args, book: &'a RuleBook) -> Result<Answer<'a>> {
    let history = args.history(book)?;
    let policy = args.policy();
    let series = forecast(book, &args.person(), &history, args.on, policy);
    let used =
        series.iter().flat_map(|series| &series.rules).flat_map(pmh_domain::vaccination::RuleRef::sources);
    let sources = used.filter_map(|id| book.sources().get_key_value(id));
    Ok(Answer {
        on: args.on,
        policy,
        rules_version: book.version(),
        rules_status: book.status(),
        history: history.completeness,
        sources: sources.map(|(id, source)| (id.as_str(), source)).collect(),
        series,
    })
}

impl Args {
    fn person(&self) -> Person {
        let sex = match self.sex {
            Some(SexArg::F) => Sex::Female,
            Some(SexArg::M) => Sex::Male,
            // Only women have due dates.
            None if self.due_date.is_some() => Sex::Female,
            None => Sex::Unknown,
        };
        let pregnancy = self.due_date.map(|due_date| Pregnancy { due_date });
        let ruled_out = self.ruled_out.iter().cloned().collect();
        let conditions = self.conditions();
        Person { pregnancy, conditions, ruled_out, ..Person::new(self.birth, sex) }
    }

    fn conditions(&self) -> BTreeSet<Condition> {
        let one = |condition: &ConditionArg| match condition {
            ConditionArg::Organ => &[Condition::SeriousOrgan][..],
            ConditionArg::Hiv => &[Condition::SeriousOrgan, Condition::Hiv],
        };
        self.conditions.iter().flat_map(one).copied().collect()
    }

    fn history(&self, book: &RuleBook) -> Result<History> {
        let doses = self.doses.iter().map(|dose| {
            ensure!(book.kind(&dose.vaccine).is_some(), "--dose: {} is not in the rule book", dose.vaccine);
            ensure!(self.birth <= dose.on, "--dose: {} was given before birth", dose.vaccine);
            Ok(Given {
                on: dose.on,
                vaccine: dose.vaccine.clone(),
                programme: Programme::Routine,
                recorded: Recorded::AsGiven,
                conditions: self.conditions(),
            })
        });
        let doses = doses.collect::<Result<_>>()?;
        Ok(History { doses, completeness: Completeness::HistoryIncomplete })
    }

    fn policy(&self) -> AgePolicy {
        match self.policy {
            PolicyArg::LawLiteral => AgePolicy::LawLiteral,
            PolicyArg::Birthday => AgePolicy::Birthday,
        }
    }
}

impl FromStr for Dose {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (vaccine, on) = text.split_once('@').context("a dose is written CODE@YYYY-MM-DD")?;
        Ok(Self { vaccine: vaccine.parse()?, on: on.parse().context("a dose is written CODE@YYYY-MM-DD")? })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::output::Language;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(line: &str) -> Args {
        Command::try_parse_from(format!("forecast {line}").split(' ')).unwrap().args
    }

    fn document(line: &str) -> serde_json::Value {
        let book = RuleBook::embedded().unwrap();
        serde_json::to_value(answer(&parsed(line), book).unwrap()).unwrap()
    }

    fn series<'a>(document: &'a serde_json::Value, code: &str) -> &'a serde_json::Value {
        let all = document["series"].as_array().unwrap();
        all.iter().find(|series| series["series"] == code).unwrap()
    }

    #[test]
    fn the_published_vectors_through_the_command_line() {
        for (line, code, earliest) in [
            ("--birth 2026-04-01 --dose HEPB@2026-06-01 --on 2026-06-01", "HEPB", "2026-06-29"),
            (
                "--birth 2026-04-01 --dose HEPB@2026-06-01 HEPB@2026-06-29 --on 2026-06-29",
                "HEPB",
                "2026-10-19",
            ),
            ("--birth 2026-03-20 --dose DPT-IPV-HIB@2026-06-01 --on 2026-06-10", "DPT-IPV-HIB", "2026-06-22"),
            ("--birth 2026-04-01 --dose JE1@2029-05-01 --on 2029-05-01", "JE1", "2029-05-08"),
            ("--birth 2021-04-02 --on 2026-01-01", "MR2", "2027-04-01"),
            ("--birth 1995-05-05 --due-date 2026-04-23 --on 2026-03-01", "RSV-MAT", "2026-04-01"),
        ] {
            assert_eq!(series(&document(line), code)["next"]["earliest"], earliest, "{line}");
        }
    }

    #[test]
    fn a_series_says_everything_about_itself() {
        let document =
            document("--birth 2026-01-15 --dose HEPB@2026-03-15 --dose HEPB@2026-03-22 --on 2026-05-20");
        let hepb = series(&document, "HEPB");
        assert_eq!(hepb["given"][0]["standing"], "VALID");
        assert_eq!(hepb["given"][1]["standing"], "INVALID");
        assert_eq!(hepb["given"][1]["findings"][0]["rule"]["id"], "HEPB/dose-2");
        assert_eq!(hepb["due"], serde_json::json!([2, 3]));
        assert_eq!(hepb["status"], "OVERDUE");
        assert_eq!(hepb["policy"], "law_literal");
        let next = &hepb["next"];
        let dates = ["earliest", "recommended", "latest", "overdue"].map(|key| next[key].as_str().unwrap());
        assert_eq!(dates, ["2026-04-12", "2026-04-14", "2027-01-14", "2026-05-15"]);
        assert_eq!(document["history"], "HISTORY_INCOMPLETE");
        assert!(document["sources"]["nobeoka-table"]["text"].as_str().unwrap().contains("延岡市"));
    }

    #[test]
    fn conditions_open_a_window_and_a_doctor_closes_one() {
        let elder = "--birth 1964-05-10 --on 2026-10-01";
        let status = |line: &str, code: &str| series(&document(line), code)["status"].clone();
        assert_eq!(status(elder, "FLU"), "NOT_YET");
        assert_eq!(status(&format!("{elder} --condition organ"), "FLU"), "DUE");
        assert_ne!(status(&format!("{elder} --condition organ"), "ZOSTER-R"), "DUE");
        assert_eq!(status(&format!("{elder} --condition hiv"), "ZOSTER-R"), "DUE");
        assert_eq!(status(&format!("{elder} --condition hiv --ruled-out FLU"), "FLU"), "CONTRAINDICATED");
    }

    #[test]
    fn the_page_is_for_people_and_leaves_out_what_is_decades_away() {
        let args = parsed("--birth 2026-01-15 --dose HEPB@2026-03-15 --on 2026-03-20");
        let answer = answer(&args, RuleBook::embedded().unwrap()).unwrap();
        let ja = page::lines(&answer, Language::Ja).join("\n");
        assert!(ja.contains("B型肝炎") && ja.contains("2026-04-12"), "{ja}");
        assert!(!ja.contains("帯状疱疹"), "{ja}");
        assert!(ja.contains("law_literal") && ja.contains("臨床での使用は不可"), "{ja}");
        let en = page::lines(&answer, Language::En).join("\n");
        assert!(en.contains("Hepatitis B") && en.contains("not for clinical use"), "{en}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let book = RuleBook::embedded().unwrap();
        let refused = |line: &str| answer(&parsed(line), book).unwrap_err().to_string();
        assert!(
            refused("--birth 2026-01-15 --dose SMALLPOX@2026-03-15 --on 2026-03-20").contains("SMALLPOX")
        );
        assert!(
            refused("--birth 2026-01-15 --dose HEPB@2025-03-15 --on 2026-03-20").contains("before birth")
        );
        for dose in ["HEPB", "HEPB@", "@2026-03-15", "hepb@2026-03-15", "HEPB@2026-02-30"] {
            assert!(dose.parse::<Dose>().is_err(), "{dose}");
        }
    }
}
