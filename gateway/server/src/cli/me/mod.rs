//! `pmh me`: who looked at my data, in plain words, a question about it, and the form before a checkup.

mod document;
mod page;
mod question;
mod questionnaire;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use jiff::civil::Date;
use pmh_client::{AccessesError, MyAccesses, Presence, Presentation, Terminal};

use super::counter::{Trouble, access::AccessArgs};
use super::output::{Language, LanguageArgs, aside, hex, json, line};
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Everything that was done with my data: when, by whom, what, why. Exit 1 if the list is not proved to be complete.
    Accesses(Box<Accesses>),
    /// Ask the organization behind one access why.
    Question(Box<question::Question>),
    /// The form before a checkup (問診票): show it, answer it, change an answer until check-in.
    Questionnaire(Box<questionnaire::Questionnaire>),
}

/// Whose card is presented where, and for whom.
#[derive(Debug, clap::Args)]
struct Holder {
    #[command(flatten)]
    access: AccessArgs,
    /// Card of the sandbox; with --config the configured one.
    #[arg(long)]
    card: Option<String>,
    /// What the card's holder types; otherwise the right PIN.
    #[arg(long)]
    pin: Option<String>,
    /// For a child of the card's holder: `child` where there is one, otherwise the child's birth date.
    #[arg(long = "for", value_name = "CHILD", value_parser = child)]
    child: Option<Child>,
}

#[derive(Debug, Clone, Copy)]
enum Child {
    Only,
    Born(Date),
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Accesses {
    #[command(flatten)]
    holder: Holder,
    /// Where my card was presented, and what was allowed or refused then, instead of what was done with my data.
    #[arg(long, conflicts_with = "child")]
    presentations: bool,
    /// Also my own look-ups.
    #[arg(long)]
    all: bool,
    /// A plain page for paper, as a municipal counter hands it out.
    #[arg(long, conflicts_with = "json")]
    print: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Remembers which lists are mine, and notices if one of them is gone the next time.
    #[arg(long, value_name = "FILE")]
    remember: Option<PathBuf>,
    /// Keep the list with its proofs, which `pmh-audit list` verifies at any time; a second chain goes to FILE.2.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub async fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Accesses(args) => accesses(&args).await,
        Command::Question(args) => question::run(&args).await,
        Command::Questionnaire(args) => questionnaire::run(&args).await,
    }
}

async fn accesses(args: &Accesses) -> Result<ExitCode> {
    let language = args.language.language();
    let remembered = args.remember.as_deref().map_or_else(|| Ok(Vec::new()), remembered)?;
    let found = match args.holder.present().await? {
        Ok((terminal, presence)) => {
            let gateway = terminal.gateway();
            let found = if args.presentations {
                gateway.my_presentations(&presence, &remembered).await
            } else {
                gateway.my_accesses(&presence, &remembered).await
            };
            leave(&terminal, &presence).await;
            found
        }
        Err(trouble) => return troubled(&trouble, args.json, language),
    };
    let list = match found {
        Ok(list) => list,
        Err(AccessesError::Call(error)) => return troubled(&Trouble::from(error), args.json, language),
        Err(error) => return incomplete(&error, args.json, language),
    };
    if let Some(file) = &args.remember {
        remember(file, &list)?;
    }
    if let Some(file) = &args.save {
        save(file, &list)?;
    }
    if args.json {
        json(&document::list(&list, args.all))?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = system::now()?;
    let lines = if args.print {
        page::paper(&list, args.about(), args.all, now, language)
    } else {
        page::screen(&list, args.about(), args.all, language)
    };
    lines.into_iter().for_each(line);
    Ok(ExitCode::SUCCESS)
}

impl Accesses {
    fn about(&self) -> page::About {
        if self.presentations { page::About::Presentations } else { page::About::Data }
    }
}

impl Holder {
    /// The card is presented to see its own accesses, for the holder or for a child.
    async fn present(&self) -> Result<Result<(Terminal, Presence), Trouble>> {
        self.present_with(&Presentation::for_accesses(TEXT)).await
    }

    /// The card is presented, for the holder or for a child.
    async fn present_with(
        &self,
        presentation: &Presentation,
    ) -> Result<Result<(Terminal, Presence), Trouble>> {
        let place = self.access.place()?;
        let mut placed = place.card(self.card.as_deref())?;
        if let Some(pin) = &self.pin {
            placed.card.types(pin);
        }
        let access = place.access(Some(APP))?;
        let present = async {
            let terminal = access.terminal().await?;
            let mut presence = terminal.present(&mut placed.card, presentation, system::now_s()).await?;
            if let Some(child) = self.child {
                let handle = choose(&presence, child)?;
                terminal.renew(&mut presence, Some(&handle)).await?;
            }
            Ok((terminal, presence))
        };
        Ok(present.await)
    }
}

fn choose(presence: &Presence, child: Child) -> Result<String, Trouble> {
    let born = match child {
        Child::Only => None,
        Child::Born(date) => Some(date.to_string()),
    };
    let known = presence.dependants.iter();
    let mut fitting = known.filter(|known| born.as_ref().is_none_or(|date| *date == known.birth_date));
    match (fitting.next(), fitting.next()) {
        (Some(child), None) => Ok(child.child.clone()),
        (Some(_), Some(_)) => Err(Trouble::SeveralChildren),
        (None, _) => Err(Trouble::NoChild),
    }
}

/// The token ends now; should that fail, it ends by itself in five minutes.
async fn leave(terminal: &Terminal, presence: &Presence) {
    if let Err(error) = terminal.end(presence).await {
        tracing::warn!(error = %error, "the presence could not be ended");
    }
}

fn troubled(trouble: &Trouble, as_json: bool, language: Language) -> Result<ExitCode> {
    if as_json {
        json(&serde_json::json!({ "ok": false, "reason": trouble.reason() }))?;
    } else {
        line(language.pick("一覧をお見せできませんでした。", "The list could not be had."));
        line(format_args!("[{}]", trouble.reason()));
    }
    Ok(ExitCode::FAILURE)
}

/// The gateway gave a list that does not hold: nothing of it is shown.
fn incomplete(error: &AccessesError, as_json: bool, language: Language) -> Result<ExitCode> {
    if as_json {
        json(&serde_json::json!({ "ok": false, "reason": "NOT_COMPLETE" }))?;
    } else {
        line(language.pick(
            "届いた一覧には、欠けや食い違いがあります。表示しません。市区町村の窓口か監査機関にお知らせください。",
            "The list has gaps or does not fit the log, so it is not shown. Please tell your municipality or an auditor.",
        ));
    }
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    aside(format_args!("pmh: {error}{source}"));
    Ok(ExitCode::FAILURE)
}

fn child(text: &str) -> Result<Child, String> {
    match text {
        "child" => Ok(Child::Only),
        date => date.parse().map(Child::Born).map_err(|_| "`child` or a birth date".to_owned()),
    }
}

fn remembered(file: &Path) -> Result<Vec<[u8; 32]>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    text.lines().map(tag).collect::<Option<_>>().with_context(|| format!("{} is not ours", file.display()))
}

fn tag(line: &str) -> Option<[u8; 32]> {
    let digits =
        line.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    digits.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// One file for one list: the person's own, or that of one child.
fn remember(file: &Path, list: &MyAccesses) -> Result<()> {
    let mut text = String::new();
    for tag in &list.tags {
        text.push_str(&hex(tag));
        text.push('\n');
    }
    if text.is_empty() {
        bail!("the list has no chain");
    }
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

fn save(file: &Path, list: &MyAccesses) -> Result<()> {
    for (number, kept) in (1..).zip(&list.kept) {
        let mut name = file.as_os_str().to_owned();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        fs::write(&name, kept.to_json()?).with_context(|| format!("{} cannot be written", name.display()))?;
    }
    Ok(())
}

/// The terminal of a sandbox that is a citizens' app.
const APP: &str = "app-1";
const TEXT: &str = "ご自身の情報を誰が見たかを確認します。";
