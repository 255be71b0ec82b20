//! `watch`: what happens to the caller's handoffs, one line a change.

use std::process::ExitCode;

use anyhow::Result;
use pmh_proto::handoff::{HandoffChange, WatchHandoffsRequest, WatchHandoffsResponse};
use serde_json::{Value, json};

use super::Common;
use crate::cli::counter::Trouble;
use crate::cli::issuer::watermark::refused;
use crate::cli::output::{hex, json as print_json, line};

/// A watch.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct Args {
    /// Goes on after this cursor, as a line before showed it.
    #[arg(long, default_value = "")]
    cursor: String,
    /// Stays open for what comes.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    common: Common,
}

/// Shows each change as it comes; with `--json` one object each.
pub(super) async fn watch(args: &Args) -> Result<ExitCode> {
    match show(args).await? {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(trouble) => refused(trouble, args.common.json),
    }
}

async fn show(args: &Args) -> Result<std::result::Result<(), Trouble>> {
    let issuer = match args.common.access.place()?.access(None)?.issuer().await {
        Ok(issuer) => issuer,
        Err(error) => return Ok(Err(error.into())),
    };
    let request = WatchHandoffsRequest { cursor: args.cursor.clone(), follow: args.follow };
    let mut stream = match issuer.gateway().watch_handoffs(&request).await {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error.into())),
    };
    loop {
        match stream.next().await {
            Ok(Some((news, _))) if args.common.json => print_json(&document(&news))?,
            Ok(Some((news, _))) => {
                let (ja, en) = words(news.change());
                let word = args.common.language.language().pick(ja, en);
                let name = news.report_entry.as_ref().map(|name| hex(&name.leaf_hash)).unwrap_or_default();
                line(format!("{}  {}  {word}  {name}", news.cursor, news.handoff_id).trim_end());
            }
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error.into())),
        }
    }
}

fn document(news: &WatchHandoffsResponse) -> Value {
    json!({
        "cursor": news.cursor,
        "handoff": news.handoff_id,
        "change": words(news.change()).1,
        "report": news.report_entry.as_ref().map(|name| hex(&name.leaf_hash)),
        "urgent": news.report.as_ref().is_some_and(|report| report.urgent),
        "acknowledged": news.acknowledged,
        "escalations": news.escalations,
        "late": news.late,
    })
}

fn words(change: HandoffChange) -> (&'static str, &'static str) {
    match change {
        HandoffChange::Unspecified => ("内部の記録", "own record"),
        HandoffChange::Offered => ("提案", "offered"),
        HandoffChange::Accepted => ("受諾", "accepted"),
        HandoffChange::Declined => ("辞退", "declined"),
        HandoffChange::Confirmed => ("確定", "confirmed"),
        HandoffChange::ExtensionAsked => ("期間延長の希望", "longer stay wished"),
        HandoffChange::Shortened => ("期間短縮", "shortened"),
        HandoffChange::GivenBack => ("一部返却", "given back in part"),
        HandoffChange::ConsentGiven => ("同意の追加", "consent given"),
        HandoffChange::ConsentWithdrawn => ("同意の撤回", "consent withdrawn"),
        HandoffChange::Child => ("出生等", "birth or loss"),
        HandoffChange::Reported => ("報告", "reported"),
        HandoffChange::Acknowledged => ("報告の確認", "acknowledged"),
        HandoffChange::Escalated => ("未確認のまま時間超過", "overdue"),
        HandoffChange::Returned => ("返却", "returned"),
        HandoffChange::Ended => ("終了", "ended"),
        HandoffChange::Requested => ("依頼", "requested"),
        HandoffChange::CareApproved => ("産後ケアの承認", "care approved"),
        HandoffChange::RequestRefused => ("依頼のお断り", "request refused"),
    }
}
