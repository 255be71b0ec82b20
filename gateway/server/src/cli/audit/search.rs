//! `pmh audit search`: what an auditor looks for, as a table for people or as rows for programs.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use pmh_audit::Kind;
use pmh_client::Gateway;
use pmh_proto::audit::{Log, SearchEntriesRequest};

use super::entries::{Form, Shown};
use super::refused;
use crate::cli::counter::access::AccessArgs;
use crate::cli::output::LanguageArgs;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    language: LanguageArgs,
}

/// What must fit; everything that is given must.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Filter {
    /// Which log.
    #[arg(long, value_enum, default_value_t)]
    log: WhichLog,
    /// Who asked, for example clinic:1310310243.
    #[arg(long, value_name = "KIND:CODE")]
    org: Option<String>,
    /// Whose data, for example municipality:132012.
    #[arg(long, value_name = "KIND:CODE")]
    holder: Option<String>,
    /// From this day in Japan, or this instant, on.
    #[arg(long, value_name = "DATE|INSTANT")]
    from: Option<String>,
    /// Up to this day in Japan, included; or before this instant.
    #[arg(long, value_name = "DATE|INSTANT")]
    to: Option<String>,
    /// For example `VerifyEligibility`.
    #[arg(long)]
    method: Option<String>,
    /// HL7 code, for example HPAYMT.
    #[arg(long)]
    purpose: Option<String>,
    /// Number of the outcome.
    #[arg(long)]
    outcome: Option<u32>,
    /// Kind of entry by name, for example disclosure or refusal.
    #[arg(long)]
    kind: Option<String>,
    /// Class of record, for example subsidy.
    #[arg(long)]
    category: Option<String>,
    /// What auditors did under this case or warrant; all about one handoff as `handoff:<UUID>`.
    #[arg(long, value_name = "REFERENCE")]
    case: Option<String>,
    /// Only what was opened by breaking the glass.
    #[arg(long)]
    break_glass: bool,
}

/// Which of the gateway's logs.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(super) enum WhichLog {
    /// Disclosures and writes.
    #[default]
    Gateway,
    /// Presentations and tokens.
    Auth,
}

/// Runs it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let request = args.filter.request()?;
    let access = args.access.place()?.access(Some(USUAL_TERMINAL))?;
    let gateway = access.terminal().await?.gateway().clone();
    print(&gateway, &request, &args.form, args.language).await
}

/// All pages of a search, as asked for.
pub(super) async fn print(
    gateway: &Gateway,
    request: &SearchEntriesRequest,
    form: &Form,
    language: LanguageArgs,
) -> Result<ExitCode> {
    let mut shown = Shown::new(*form, language.language());
    let searched = gateway.search(request, |page| shown.page(&page.response)).await;
    match searched {
        Ok(()) => {
            shown.end()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refused(&error, form.is_json()),
    }
}

impl Filter {
    fn request(&self) -> Result<SearchEntriesRequest> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Ok(SearchEntriesRequest {
            log: self.log.number(),
            from: self.from.as_deref().map(|text| instant(text, 0)).transpose().context("--from")?,
            to: self.to.as_deref().map(|text| instant(text, 1)).transpose().context("--to")?,
            requester: text(&self.org),
            holder: text(&self.holder),
            method: text(&self.method),
            purpose: text(&self.purpose),
            outcome: self.outcome,
            kind: self.kind.as_deref().map_or(Ok(0), kind)?,
            category: text(&self.category),
            case_reference: text(&self.case),
            break_glass: self.break_glass,
            page_size: LARGEST_PAGE,
            ..SearchEntriesRequest::default()
        })
    }
}

impl WhichLog {
    /// Its number in the contract.
    pub(super) fn number(self) -> i32 {
        match self {
            Self::Gateway => Log::Gateway.into(),
            Self::Auth => Log::Auth.into(),
        }
    }
}

/// An instant, or the beginning of the day in Japan that is `later` days after a date.
fn instant(text: &str, later: i64) -> Result<prost_types::Timestamp> {
    let instant = match text.parse::<Date>() {
        Ok(day) if text.len() == ISO_DATE => {
            Offset::constant(9).to_timestamp(day.checked_add(later.days())?.at(0, 0, 0, 0))?
        }
        _ => text
            .parse::<Timestamp>()
            .context("neither YYYY-MM-DD nor an instant such as 2026-04-01T00:00:00Z")?,
    };
    Ok(prost_types::Timestamp { seconds: instant.as_second(), nanos: instant.subsec_nanosecond() })
}

fn kind(name: &str) -> Result<u32> {
    let known = Kind::KNOWN.iter().find(|kind| kind.name() == name);
    let known = known.with_context(|| {
        let names: Vec<&str> = Kind::KNOWN.iter().map(|kind| kind.name()).collect();
        format!("--kind: one of {}", names.join(", "))
    })?;
    Ok(u8::from(*known).into())
}

/// The auditor's terminal in a sandbox.
pub(super) const USUAL_TERMINAL: &str = "auditor-1";
const LARGEST_PAGE: u32 = 256;
const ISO_DATE: usize = "2026-04-01".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day_in_japan_and_the_last_one_is_included() {
        let at = |text, later| instant(text, later).unwrap().seconds;
        let utc = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        assert_eq!(at("2026-04-01", 0), utc("2026-03-31T15:00:00Z"));
        assert_eq!(at("2026-04-01", 1), utc("2026-04-01T15:00:00Z"));
        assert_eq!(at("2026-04-01T00:00:00Z", 1), utc("2026-04-01T00:00:00Z"));
        assert!(instant("yesterday", 0).is_err());
    }

    #[test]
    fn a_kind_is_written_by_its_name() {
        assert_eq!(kind("disclosure").unwrap(), 1);
        assert!(kind("everything").is_err());
    }
}
