//! `pmh counter vaccinate`: check, reserve, record. Who shows a card for a shot sees each step's word before the next.

mod document;
mod screen;
mod walk;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use pmh_domain::time::tokyo_date;
use pmh_domain::vaccination::VaccineCode;
use pmh_proto::vaccination::{Answer, Condition, Product, Programme, Questionnaire, Shot};

use super::access::AccessArgs;
use super::patient::{Patient, PatientArgs};
use crate::cli::output::{LanguageArgs, json, line};
use crate::system;
use walk::{Ended, Plan};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    patient: PatientArgs,
    /// Code of the vaccine, as in `pmh vaccine rules`.
    #[arg(long, value_name = "CODE", value_parser = VaccineCode::parse)]
    vaccine: VaccineCode,
    /// Day of the shot, YYYY-MM-DD; otherwise today in Tokyo. A later day is checked and nothing is recorded; an earlier
    /// one is recorded as from paper, without a reservation.
    #[arg(long)]
    date: Option<Date>,
    /// 実施区分.
    #[arg(long, value_enum, default_value_t = ProgrammeArg::Routine)]
    programme: ProgrammeArg,
    /// Number that the institution believes it is.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    dose_number: Option<u8>,
    /// ロット番号 on the label.
    #[arg(long)]
    lot: Option<String>,
    /// 有効期限 on the label.
    #[arg(long, value_name = "DATE")]
    lot_expires: Option<Date>,
    /// What the 予診票 answers with yes; none: nothing speaks against the shot.
    #[arg(long = "answer", value_name = "ANSWER", value_parser = answer)]
    answers: Vec<Answer>,
    /// 分娩予定日, for vaccines given in pregnancy.
    #[arg(long, value_name = "DATE")]
    due_date: Option<Date>,
    /// A condition that the doctor has established: HEART, KIDNEY, RESPIRATORY or HIV_IMMUNE.
    #[arg(long = "condition", value_name = "CONDITION", value_parser = condition)]
    conditions: Vec<Condition>,
    /// The doctor compared the history with the 母子健康手帳.
    #[arg(long)]
    paper_seen: bool,
    /// Birth date in the chart: needed where no municipality has linked the card.
    #[arg(long, value_name = "DATE")]
    chart_birth_date: Option<Date>,
    /// The doctor's own pseudonym at the institution.
    #[arg(long)]
    doctor: Option<String>,
    /// Why the doctor goes past what a doctor may; kept with the dose and told to the home municipality.
    #[arg(long = "override", value_name = "REASON")]
    override_reason: Option<String>,
    /// Stop after the check.
    #[arg(long)]
    check_only: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Keep method, request and response of the last step, which `pmh audit verify-receipt` proves at any time.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ProgrammeArg {
    /// 定期.
    Routine,
    /// 依頼書による.
    ByRequest,
    /// 長期療養特例.
    LongIllness,
    /// 臨時.
    Extraordinary,
    /// 任意.
    Voluntary,
}

/// Runs it. Exit 1 if the shot was stopped or nobody knows.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let place = args.access.place()?;
    let mut placed = place.card(args.patient.card.as_deref())?;
    let scenario = placed.visit.take();
    let access = place.access(scenario.as_ref().map(|visit| visit.terminal.as_str()))?;
    let plan = args.plan(args.patient.patient(scenario.as_ref()))?;
    let language = args.language.language();
    match walk::walk(&access, &mut placed.card, &plan).await {
        Ok(walked) => {
            if let (Some(file), Some(last)) = (&args.save, walked.steps.last()) {
                let text = serde_json::to_vec_pretty(&last.evidence())?;
                fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
            }
            if args.json {
                json(&document::of(&walked))?;
            } else {
                screen::of(&walked, language).into_iter().for_each(line);
            }
            let is_done = matches!(walked.ended, Ended::Checked | Ended::Recorded(_)) && !walked.is_blocked();
            Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(trouble) => {
            let screen = screen::trouble(&trouble, language);
            let document = document::trouble(&trouble);
            super::screen::unanswered(trouble, screen, &document, args.json)
        }
    }
}

impl Args {
    fn plan(&self, patient: Patient) -> Result<Plan> {
        let today = tokyo_date(system::now()?);
        let date = self.date.unwrap_or(today);
        Ok(Plan {
            patient,
            shot: self.shot(date),
            doctor: self.doctor.clone().unwrap_or_default(),
            override_reason: self.override_reason.clone(),
            check_only: self.check_only || date > today,
            is_late: date < today,
        })
    }

    fn shot(&self, date: Date) -> Shot {
        let text = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        Shot {
            vaccine: self.vaccine.to_string(),
            date: date.to_string(),
            programme: self.programme.wire().into(),
            dose_number: self.dose_number.unwrap_or_default().into(),
            product: Some(Product {
                lot_number: self.lot.clone().unwrap_or_default(),
                expiration_date: text(self.lot_expires),
                ..Product::default()
            }),
            questionnaire: Some(Questionnaire {
                answers: self.answers.iter().map(|&answer| answer.into()).collect(),
            }),
            due_date: text(self.due_date),
            conditions: self.conditions.iter().map(|&condition| condition.into()).collect(),
            paper_seen: self.paper_seen,
            birth_date: text(self.chart_birth_date),
            ..Shot::default()
        }
    }
}

impl ProgrammeArg {
    fn wire(self) -> Programme {
        match self {
            Self::Routine => Programme::Routine,
            Self::ByRequest => Programme::ByRequest,
            Self::LongIllness => Programme::LongIllness,
            Self::Extraordinary => Programme::Extraordinary,
            Self::Voluntary => Programme::Voluntary,
        }
    }
}

/// `FEVER` and so on, as in the contract without its prefix.
fn answer(text: &str) -> Result<Answer, String> {
    word(text, "ANSWER_", Answer::from_str_name, |number| Some(Answer::try_from(number).ok()?.as_str_name()))
}

/// `HEART` and so on.
fn condition(text: &str) -> Result<Condition, String> {
    let name = |number| Some(Condition::try_from(number).ok()?.as_str_name());
    word(text, "CONDITION_", Condition::from_str_name, name)
}

fn word<T>(
    text: &str,
    prefix: &str,
    known: impl Fn(&str) -> Option<T>,
    name: impl Fn(i32) -> Option<&'static str>,
) -> Result<T, String> {
    let names: Vec<_> = (1..).map_while(name).map(|name| name.trim_start_matches(prefix)).collect();
    let wanted = text.to_uppercase().replace('-', "_");
    let found = names.contains(&wanted.as_str()).then(|| known(&format!("{prefix}{wanted}")));
    found.flatten().ok_or_else(|| format!("one of {}", names.join(", ")))
}
