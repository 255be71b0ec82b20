//! `pmh municipality checkups follow-ups` and `close`: what somebody must come back to, and what came of it.

use std::process::ExitCode;

use anyhow::Result;
use jiff::civil::Date;
use pmh_domain::time::tokyo_date;
use pmh_proto::checkup::{CloseFollowUpRequest, FollowUp, FollowUpClosing, ListFollowUpsRequest};
use serde_json::{Value, json};

use crate::cli::counter::Trouble;
use crate::cli::counter::access::{Access, AccessArgs};
use crate::cli::issuer::{checkup_rows, watermark::refused};
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::sandbox::uuid;
use crate::system;

/// Which gateway, and how it is printed.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// What came of which.
#[derive(Debug, clap::Args)]
pub(super) struct CloseArgs {
    /// The record, as `follow-ups` lists it.
    record_id: String,
    /// The institution that recorded it, as `follow-ups` lists it; otherwise the record is our own.
    #[arg(long, value_name = "URN", default_value = "")]
    sender: String,
    /// The version, as `follow-ups` lists it: what was added since is not closed unseen.
    #[arg(long, value_name = "N")]
    source_version: String,
    /// What came of it.
    #[arg(long, value_enum)]
    closing: ClosingArg,
    /// When, YYYY-MM-DD; otherwise today in Tokyo.
    #[arg(long)]
    date: Option<Date>,
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ClosingArg {
    /// 精密検査を受けた.
    Examined,
    /// 治療中.
    UnderTreatment,
    /// 再確認し、問題なし.
    Resolved,
    /// 転出先へ引き継いだ.
    HandedOver,
    /// 本人・保護者が辞退した.
    Declined,
}

/// Prints the open ones.
pub(super) async fn list(args: &ListArgs) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    match open_ones(&access).await {
        Ok(open) => {
            if args.json {
                let open: Vec<Value> = open.iter().map(document).collect();
                print_json(&json!({ "ok": true, "follow_ups": open }))?;
            } else {
                screen(&open, args.language.language()).into_iter().for_each(line);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => refused(trouble, args.json),
    }
}

/// Closes one.
pub(super) async fn close(args: &CloseArgs) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    let date = match args.date {
        Some(date) => date,
        None => tokyo_date(system::now()?),
    };
    let request = CloseFollowUpRequest {
        idempotency_key: uuid(),
        record_id: args.record_id.clone(),
        source_version: args.source_version.clone(),
        closing: args.closing.wire().into(),
        date: date.to_string(),
        sender: args.sender.clone(),
    };
    match send(&access, &request).await {
        Ok(()) if args.json => {
            print_json(&json!({ "ok": true, "record_id": args.record_id }))?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(()) => {
            line(args.language.language().pick("フォローを終了しました。", "Closed."));
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => refused(trouble, args.json),
    }
}

async fn open_ones(access: &Access) -> std::result::Result<Vec<FollowUp>, Trouble> {
    let issuer = access.issuer().await?;
    let (mut request, mut open) = (ListFollowUpsRequest::default(), Vec::new());
    loop {
        let page = issuer.gateway().call(&request, None).await?.response;
        open.extend(page.follow_ups);
        if page.next_page_token.is_empty() {
            return Ok(open);
        }
        request.page_token = page.next_page_token;
    }
}

async fn send(access: &Access, request: &CloseFollowUpRequest) -> std::result::Result<(), Trouble> {
    access.issuer().await?.gateway().call(request, None).await?;
    Ok(())
}

fn document(open: &FollowUp) -> Value {
    let word = |name: &'static str, prefix| name.strip_prefix(prefix).unwrap_or(name);
    json!({
        "record_id": open.record_id,
        "sender": open.sender,
        "source_version": open.source_version,
        "resident_key": open.resident_key,
        "kind": word(open.kind().as_str_name(), "CHECKUP_KIND_"),
        "date": open.date,
        "disposition": word(open.disposition().as_str_name(), "DISPOSITION_"),
    })
}

fn screen(open: &[FollowUp], language: Language) -> Vec<String> {
    let count = open.len();
    let headline = language.pick(format!("フォロー中 {count}件"), format!("{count} open"));
    let titles = language.pick(
        ["健診日", "種別", "判定", "宛名番号", "記録", "版", "医療機関"],
        ["date", "kind", "asks", "resident", "record", "version", "recorded by"],
    );
    let rows = open.iter().map(|open| cells(open, language).to_vec());
    let rows: Vec<Vec<String>> = std::iter::once(titles.map(str::to_owned).to_vec()).chain(rows).collect();
    std::iter::once(headline).chain(table(&rows)).collect()
}

fn cells(open: &FollowUp, language: Language) -> [String; 7] {
    let (kind, judged) = checkup_rows::words(open.kind, open.disposition);
    [
        open.date.clone(),
        kind.map_or("", |kind| language.pick(kind.ja(), kind.en())).to_owned(),
        judged.map_or("", |judged| language.pick(judged.ja(), judged.name())).to_owned(),
        open.resident_key.clone(),
        open.record_id.clone(),
        open.source_version.clone(),
        open.sender.clone(),
    ]
}

impl ClosingArg {
    fn wire(self) -> FollowUpClosing {
        match self {
            Self::Examined => FollowUpClosing::Examined,
            Self::UnderTreatment => FollowUpClosing::UnderTreatment,
            Self::Resolved => FollowUpClosing::Resolved,
            Self::HandedOver => FollowUpClosing::HandedOver,
            Self::Declined => FollowUpClosing::Declined,
        }
    }
}
