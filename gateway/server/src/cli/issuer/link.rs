//! `pmh issuer link`: which card is which resident, where a clinic proposed it.

use std::process::ExitCode;

use anyhow::Result;
use pmh_proto::resident::{DecideLinkRequest, LinkDecision, LinkProposal, ListLinkProposalsRequest};
use serde_json::json;

use super::watermark::refused;
use crate::cli::counter::Trouble;
use crate::cli::counter::access::{Access, AccessArgs};
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::sandbox::uuid;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Proposals that wait, oldest first.
    List(List),
    /// Confirm, refuse or undo one.
    Decide(Decide),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    #[command(flatten)]
    access: AccessArgs,
    /// Which proposal.
    proposal_id: String,
    /// What is decided.
    #[arg(value_enum)]
    decision: Decision,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Decision {
    /// The card is this resident's: served from now on.
    Confirm,
    /// It is not.
    Refuse,
    /// A confirmed link is taken back.
    Undo,
}

/// Runs it.
pub(super) async fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(args).await,
        Command::Decide(args) => decide(args).await,
    }
}

async fn list(args: &List) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    let proposals = match waiting(&access).await {
        Ok(proposals) => proposals,
        Err(trouble) => return refused(trouble, args.json),
    };
    if args.json {
        let shown = |known: &LinkProposal| {
            json!({
                "proposal_id": known.proposal_id,
                "resident_key": known.resident_key,
                "proposed_by": known.proposed_by,
            })
        };
        print_json(&json!({ "ok": true, "proposals": proposals.iter().map(shown).collect::<Vec<_>>() }))?;
    } else {
        shown(&proposals, args.language.language()).into_iter().for_each(line);
    }
    Ok(ExitCode::SUCCESS)
}

async fn decide(args: &Decide) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    if let Err(trouble) = decided(&access, &args.proposal_id, args.decision).await {
        return refused(trouble, args.json);
    }
    if args.json {
        print_json(&json!({ "ok": true, "proposal_id": args.proposal_id }))?;
    } else {
        let (ja, en) = match args.decision {
            Decision::Confirm => ("結び付けました。", "Linked."),
            Decision::Refuse => ("結び付けませんでした。", "Not linked."),
            Decision::Undo => ("結び付けを取り消しました。", "The link was taken back."),
        };
        line(args.language.language().pick(ja, en));
    }
    Ok(ExitCode::SUCCESS)
}

async fn waiting(access: &Access) -> Result<Vec<LinkProposal>, Trouble> {
    let issuer = access.issuer().await?;
    Ok(issuer.gateway().call(&ListLinkProposalsRequest {}, None).await?.response.proposals)
}

async fn decided(access: &Access, proposal_id: &str, decision: Decision) -> Result<(), Trouble> {
    let decision = match decision {
        Decision::Confirm => LinkDecision::Confirm,
        Decision::Refuse => LinkDecision::Refuse,
        Decision::Undo => LinkDecision::Undo,
    };
    let request = DecideLinkRequest {
        idempotency_key: uuid(),
        proposal_id: proposal_id.to_owned(),
        decision: decision.into(),
    };
    access.issuer().await?.gateway().call(&request, None).await?;
    Ok(())
}

fn shown(proposals: &[LinkProposal], language: Language) -> Vec<String> {
    if proposals.is_empty() {
        return vec![language.pick("待っている申し出はありません。", "No proposal is waiting.").to_owned()];
    }
    let titles =
        language.pick(["申し出", "宛名番号", "申し出た機関"], ["proposal", "resident", "proposed by"]);
    let titles = titles.map(str::to_owned).to_vec();
    let rows = proposals
        .iter()
        .map(|known| vec![known.proposal_id.clone(), known.resident_key.clone(), known.proposed_by.clone()]);
    table(&std::iter::once(titles).chain(rows).collect::<Vec<_>>())
}
