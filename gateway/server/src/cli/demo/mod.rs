//! `pmh demo`: seven short chapters on a gateway that lives in a temporary directory as long as they last.
//!
//! Every step is done for real against that gateway, over mutual TLS, and asserts what it claims. The exit code is 0
//! only if each did.

mod auditor;
mod closing;
mod doctor;
mod evidence;
mod family;
mod handoff;
mod house;
mod nurse;
mod officer;
mod receptionist;
mod screen;
mod stage;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use super::output::{LanguageArgs, aside};
use house::House;
use stage::{Phrase, Reader, Stage};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this person's chapter.
    #[arg(long = "as", value_enum)]
    role: Option<Role>,
    #[command(flatten)]
    language: LanguageArgs,
    /// One JSON object a line for each step, and nothing else.
    #[arg(long)]
    json: bool,
}

/// Whose chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// At a hospital's or pharmacy's counter.
    Receptionist,
    /// In a municipality's office.
    Officer,
    /// In a municipality's office for mothers and children.
    Nurse,
    /// At home and at the hall, around a group checkup.
    Family,
    /// In the consulting room, before a shot.
    Doctor,
    /// In two municipalities' offices, when a mother gives birth away from home.
    Handoff,
    /// Over the log.
    Auditor,
}

/// Plays it.
pub async fn run(args: Args) -> Result<ExitCode> {
    let reader = if args.json { Reader::Program } else { Reader::Person };
    let mut stage = Stage::new(args.language.language(), reader);
    stage.say(WELCOME);
    let house = Box::pin(House::open()).await.context("the sandbox did not open")?;
    Box::pin(play(&mut stage, &house, args.role)).await;
    house.close().await?;
    Ok(verdict(&stage))
}

/// A chapter ends at its first step that fails; the next one is played all the same.
async fn play(stage: &mut Stage, house: &House, role: Option<Role>) {
    let wanted = |chapter| role.is_none_or(|role| role == chapter);
    if wanted(Role::Receptionist) {
        drop(Box::pin(receptionist::play(stage, house)).await);
    }
    if wanted(Role::Officer) {
        drop(officer::play(stage, house).await);
    }
    if wanted(Role::Nurse) {
        drop(Box::pin(nurse::play(stage, house)).await);
    }
    if wanted(Role::Family) {
        drop(Box::pin(family::play(stage, house)).await);
    }
    if wanted(Role::Doctor) {
        drop(Box::pin(doctor::play(stage, house)).await);
    }
    if wanted(Role::Handoff) {
        drop(Box::pin(handoff::play(stage, house)).await);
    }
    if wanted(Role::Auditor) {
        drop(auditor::play(stage, house).await);
    }
    if role.is_none() {
        closing::table(stage, house).await;
    }
    closing::simulated(stage);
    stage.conclude();
}

fn verdict(stage: &Stage) -> ExitCode {
    if stage.failed().is_empty() {
        return ExitCode::SUCCESS;
    }
    for step in stage.failed() {
        aside(format_args!("pmh demo: this step did not do what it claims: {step}"));
    }
    ExitCode::FAILURE
}

const WELCOME: Phrase = Phrase(
    "一時ディレクトリにゲートウェイを起動し、架空の家族と実在のコードで七つの短い場面を進めます。",
    "A gateway starts in a temporary directory: an invented family, real codes, and seven short chapters.",
);
