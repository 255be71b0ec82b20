//! `pmh counter`: one visit at a counter, from the card to the line that a receptionist or a doctor reads.

pub mod access;
mod care;
mod checkup;
mod checkups;
mod document;
mod patient;
mod screen;
mod ticket;
mod trouble;
mod vaccinate;
mod visit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use pmh_domain::codes::SchemeGroup;
use pmh_domain::time::tokyo_date;
use pmh_proto::eligibility::CareType;
use pmh_testkit::sandbox::SandboxVisit;

use super::output::{LanguageArgs, json, line};
use crate::system;
use access::AccessArgs;
use patient::PatientArgs;
pub use trouble::Trouble;
use visit::{Consent, Question, Visited};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Present a card, ask what it opens, check the receipt and say what to do. Exit 1 if there is no answer.
    ///
    /// A card of a sandbox stands for a scenario: what is not said here (terminal, kind of care, child, consent,
    /// chart) is taken from it.
    Verify(Box<Verify>),
    /// Present a card, check a shot against the rules, reserve its number, record it. Exit 1 if it was stopped.
    Vaccinate(Box<vaccinate::Args>),
    /// Present a card and write down what was examined, or ask what became of a record. Exit 1 if nothing is kept.
    Checkup(Box<checkup::Args>),
    /// Present a card and read the checkups of its holder or the holder's child. Exit 1 if there is no answer.
    Checkups(Box<checkups::Args>),
    /// Present a card, list its holder's tickets (受診券・補助券), use one for a visit. Exit 1 if it does not pay.
    Ticket(Box<ticket::Args>),
    /// What postpartum care (産後ケア) a mother's home municipality approved for her stay here: with her card, or before she
    /// comes with `--handoff` and `--code`. Exit 1 unless days are left.
    Care(Box<care::Args>),
}

#[derive(Debug, clap::Args)]
struct Verify {
    #[command(flatten)]
    access: AccessArgs,
    /// What the card's holder types; otherwise the right PIN.
    #[arg(long)]
    pin: Option<String>,
    /// Day of service, YYYY-MM-DD; otherwise today in Tokyo.
    #[arg(long)]
    date: Option<Date>,
    /// Kind of care; otherwise dispensing at a pharmacy and outpatient care elsewhere.
    #[arg(long, value_enum)]
    care_type: Option<Care>,
    #[command(flatten)]
    patient: PatientArgs,
    /// Scheme groups to ask about, such as 52 or 88-13; otherwise all.
    #[arg(long, value_name = "GROUP", num_args = 1.., value_delimiter = ',', value_parser = SchemeGroup::parse)]
    groups: Vec<SchemeGroup>,
    /// Scheme groups that the patient does not consent to; `*` is all.
    #[arg(long, value_name = "GROUP", num_args = 1.., value_delimiter = ',', value_parser = refused_group)]
    refuse: Vec<String>,
    /// Birth date in the chart, to notice a wrong person.
    #[arg(long, value_name = "DATE")]
    chart_birth_date: Option<Date>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Keep method, request and response, which `pmh audit verify-receipt` proves at any time.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Care {
    /// 外来.
    Outpatient,
    /// 入院.
    Inpatient,
    /// 調剤.
    Pharmacy,
    /// 訪問看護.
    VisitingNursing,
}

/// Runs it.
pub async fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Verify(args) => verify(*args).await,
        Command::Vaccinate(args) => vaccinate::run(&args).await,
        Command::Checkup(args) => checkup::run(&args).await,
        Command::Checkups(args) => checkups::run(&args).await,
        Command::Ticket(args) => ticket::run(&args).await,
        Command::Care(args) => care::run(&args).await,
    }
}

async fn verify(args: Verify) -> Result<ExitCode> {
    let place = args.access.place()?;
    let mut placed = place.card(args.patient.card.as_deref())?;
    let scenario = placed.visit.take();
    if let Some(pin) = &args.pin {
        placed.card.types(pin);
    }
    let access = place.access(scenario.as_ref().map(|visit| visit.terminal.as_str()))?;
    let question = args.question(scenario.as_ref(), &access.organization()?)?;
    match visit::make(&access, &mut placed.card, &question).await {
        Ok(visited) => {
            if let Some(file) = &args.save {
                save(file, &visited)?;
            }
            answered(&visited, &args)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => {
            let screen = screen::trouble(&trouble, args.language.language());
            let document = document::trouble(&trouble);
            screen::unanswered(trouble, screen, &document, args.json)
        }
    }
}

impl Verify {
    fn question(&self, scenario: Option<&SandboxVisit>, organization: &str) -> Result<Question> {
        let date = match self.date {
            Some(date) => date,
            None => tokyo_date(system::now()?),
        };
        Ok(Question {
            date,
            care_type: self.care_type(scenario, organization),
            patient: self.patient.patient(scenario),
            groups: self.groups.iter().map(ToString::to_string).collect(),
            consent: self.consent(scenario),
            chart_birth_date: self.chart_birth_date(scenario)?,
        })
    }

    fn care_type(&self, scenario: Option<&SandboxVisit>, organization: &str) -> CareType {
        match self.care_type {
            Some(Care::Outpatient) => CareType::Outpatient,
            Some(Care::Inpatient) => CareType::Inpatient,
            Some(Care::Pharmacy) => CareType::Pharmacy,
            Some(Care::VisitingNursing) => CareType::VisitingNursing,
            None => scenario
                .and_then(|visit| CareType::from_str_name(&format!("CARE_TYPE_{}", visit.care_type)))
                .unwrap_or(if organization.starts_with("pharmacy:") {
                    CareType::Pharmacy
                } else {
                    CareType::Outpatient
                }),
        }
    }

    fn consent(&self, scenario: Option<&SandboxVisit>) -> Consent {
        match scenario {
            Some(visit) if self.groups.is_empty() && self.refuse.is_empty() => {
                Consent::To(visit.consent.clone())
            }
            _ => Consent::ToAllBut(self.refuse.clone()),
        }
    }

    fn chart_birth_date(&self, scenario: Option<&SandboxVisit>) -> Result<Option<Date>> {
        let of_scenario =
            scenario.map(|visit| visit.chart_birth_date.as_str()).filter(|date| !date.is_empty());
        match (self.chart_birth_date, of_scenario) {
            (None, Some(date)) => Ok(Some(date.parse().context("chart_birth_date of the sandbox")?)),
            (given, _) => Ok(given),
        }
    }
}

fn answered(visited: &Visited, args: &Verify) -> Result<()> {
    if args.json {
        return json(&document::answer(visited));
    }
    for text in screen::answer(visited, args.language.language()) {
        line(text);
    }
    Ok(())
}

/// There is no answer, and nobody at the counter may be left alone with that.
fn save(file: &Path, visited: &Visited) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(&document::evidence(visited))?;
    text.push(b'\n');
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// A misspelt group would be no refusal at all, so only real ones pass.
fn refused_group(text: &str) -> Result<String, pmh_domain::codes::CodeError> {
    if text == visit::ALL {
        Ok(text.to_owned())
    } else {
        SchemeGroup::parse(text).map(|group| group.to_string())
    }
}
