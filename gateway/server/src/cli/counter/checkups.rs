//! `pmh counter checkups`: a card is presented, and what it opens is read: records, growth, alerts.

mod document;
mod screen;

use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_client::{Card, Presentation, Proven};
use pmh_domain::checkup::kind::CheckupKind;
use pmh_proto::checkup::{ListCheckupsRequest, ListCheckupsResponse};
use pmh_proto::common::Purpose;

use super::access::{Access, AccessArgs};
use super::patient::{Patient, PatientArgs};
use super::trouble::Trouble;
use super::visit::{choose, leave};
use crate::cli::issuer::checkup_rows;
use crate::cli::output::{LanguageArgs, json, line};
use crate::system;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    patient: PatientArgs,
    /// Only these kinds, as in the column `checkup_kind`; otherwise all.
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<CheckupKind>,
    /// First day, YYYY-MM-DD.
    #[arg(long)]
    from: Option<Date>,
    /// Last day, YYYY-MM-DD.
    #[arg(long)]
    to: Option<Date>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Every page of an answer, each with its receipt, which held.
struct Read {
    pages: Vec<Proven<ListCheckupsResponse>>,
    terminal: String,
    organization: String,
}

/// Runs it. Exit 1 if there is no answer.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let place = args.access.place()?;
    let mut placed = place.card(args.patient.card.as_deref())?;
    let scenario = placed.visit.take();
    let access = place.access(scenario.as_ref().map(|visit| visit.terminal.as_str()))?;
    let patient = args.patient.patient(scenario.as_ref());
    let language = args.language.language();
    match read(&access, &mut placed.card, &patient, args).await {
        Ok(read) => {
            if args.json {
                json(&document::of(&read))?;
            } else {
                screen::of(&read, language).into_iter().for_each(line);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => {
            let screen = screen::trouble(&trouble, language);
            let document = super::document::trouble(&trouble);
            super::screen::unanswered(trouble, screen, &document, args.json)
        }
    }
}

async fn read(access: &Access, card: &mut dyn Card, patient: &Patient, args: &Args) -> Result<Read, Trouble> {
    let terminal = access.terminal().await?;
    let identity = terminal.gateway().identity();
    let organization = identity.organization().to_string();
    let is_treatment = organization.starts_with("clinic:");
    let purpose = if is_treatment { Purpose::Treat } else { Purpose::Patrqt };
    let (terminal_id, text) = (identity.terminal().unwrap_or_default().to_owned(), TEXT);
    let presentation = Presentation::for_checkups(text, purpose);
    let mut presence = terminal.present(card, &presentation, system::now_s()).await?;
    if let Patient::Child { born } = *patient {
        let child = choose(&presence.dependants, born)?.child.clone();
        terminal.renew(&mut presence, Some(&child)).await?;
    }
    let mut request = args.request(purpose);
    let mut pages = Vec::new();
    let outcome = loop {
        match terminal.call(&presence, &request).await {
            Ok(page) => {
                request.page_token.clone_from(&page.response.next_page_token);
                pages.push(page);
                if request.page_token.is_empty() {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    leave(&terminal, &presence).await;
    outcome?;
    Ok(Read { pages, terminal: terminal_id, organization })
}

impl Args {
    fn request(&self, purpose: Purpose) -> ListCheckupsRequest {
        let text = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        ListCheckupsRequest {
            kinds: self.kinds.iter().map(|kind| checkup_rows::kind(*kind)).collect(),
            from: text(self.from),
            to: text(self.to),
            purpose: purpose.into(),
            ..Default::default()
        }
    }
}

const TEXT: &str = "健診の記録をこの窓口で閲覧することに同意しますか。";
