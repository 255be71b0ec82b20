//! `pmh audit open`: parts of one entry, under a warrant, checked against its leaf.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use pmh_audit::{ActorBody, DetailBody, Leaf, Opening, Part, Salt, SubjectBody, tree::leaf_hash};
use pmh_proto::audit::{EntryPart, OpenPartsRequest, OpenPartsResponse, OpenedPart};
use serde_json::{Value, json};

use super::refused;
use super::search::{USUAL_TERMINAL, WhichLog};
use crate::cli::counter::access::AccessArgs;
use crate::cli::output::{LanguageArgs, hex, json as print_json, line};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    access: AccessArgs,
    /// Which entry.
    index: u64,
    /// Which log.
    #[arg(long, value_enum, default_value_t)]
    log: WhichLog,
    /// Which part; may be given for each.
    #[arg(long = "part", value_enum, required = true)]
    parts: Vec<PartName>,
    /// Reference of the warrant.
    #[arg(long)]
    warrant: String,
    /// Your pseudonym, which your office alone can resolve.
    #[arg(long, value_name = "PSEUDONYM")]
    operator: Option<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum PartName {
    /// Whom it is about, by the pseudonym that the requester knows.
    Subject,
    /// Who asked: terminal, certificate, member of staff by pseudonym.
    Actor,
    /// What was asked and answered.
    Detail,
}

/// Runs it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let access = args.access.place()?.access(Some(USUAL_TERMINAL))?;
    let mut gateway = access.terminal().await?.gateway().clone();
    if let Some(operator) = &args.operator {
        gateway = gateway.with_operator(operator)?;
    }
    let request = OpenPartsRequest {
        log: args.log.number(),
        index: args.index,
        parts: args.parts.iter().map(|part| part.number().into()).collect(),
        warrant: args.warrant.clone(),
    };
    let answer = match gateway.call(&request, None).await {
        Ok(answer) => answer.response,
        Err(error) => return refused(&error, args.json),
    };
    let opened = opened(&answer)?;
    if args.json {
        print_json(&json!({ "ok": true, "verified": true, "index": args.index, "parts": opened }))?;
    } else {
        line(args.language.language().pick(
            format!("番号{}の記録を開示しました（記録と一致）。", args.index),
            format!("Entry {} opened; every part fits the entry.", args.index),
        ));
        for (name, value) in opened.as_object().into_iter().flatten() {
            line(format_args!("  {name}"));
            for (field, value) in value.as_object().into_iter().flatten() {
                line(format_args!("    {field}: {value}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What each part says, after it was held against the leaf.
fn opened(answer: &OpenPartsResponse) -> Result<Value> {
    let entry = answer.entry.as_ref().context("an answer without its entry")?;
    ensure!(entry.leaf_hash == leaf_hash(&entry.leaf), "the leaf is not what its hash says");
    let leaf = Leaf::decode(&entry.leaf).context("the leaf is damaged")?;
    let mut parts = serde_json::Map::new();
    for part in &answer.parts {
        let (known, name) = match part.part() {
            EntryPart::Subject => (Part::Subject, "subject"),
            EntryPart::Actor => (Part::Actor, "actor"),
            EntryPart::Detail => (Part::Detail, "detail"),
            EntryPart::Unspecified => continue,
        };
        parts.insert(name.to_owned(), said(known, part, &leaf)?);
    }
    Ok(Value::Object(parts))
}

fn said(part: Part, opened: &OpenedPart, leaf: &Leaf) -> Result<Value> {
    let Some(opening) = &opened.opening else {
        return Ok(json!({ "erased": true, "erased_by": opened.erased_by }));
    };
    let salt: [u8; 32] = opening.salt.as_slice().try_into().context("a salt of another length")?;
    let opening = Opening { salt: Salt::new(salt), body: opening.body.clone() };
    ensure!(opening.opens(part, leaf.commitment(part)), "the {part} part does not open the entry");
    if opening.body.is_empty() {
        return Ok(json!({ "none": true }));
    }
    let damaged = || format!("the {part} part is damaged");
    Ok(match part {
        Part::Subject => {
            json!({ "sub": SubjectBody::decode(&opening.body).with_context(damaged)?.sub() })
        }
        Part::Actor => {
            let actor = ActorBody::decode(&opening.body).with_context(damaged)?;
            json!({
                "terminal": actor.terminal.as_str(),
                "operator": actor.operator.as_str(),
                "certificate_sha256": hex(&actor.certificate_sha256),
                "acr": actor.acr.name(),
                "tier": actor.tier.name(),
                "trace_id": hex(&actor.trace_id),
            })
        }
        Part::Detail => {
            let detail = DetailBody::decode(&opening.body).with_context(damaged)?;
            json!({
                "request_sha256": hex(&detail.request_sha256),
                "response_sha256": hex(&detail.response_sha256),
                "reference": detail.consent.as_str(),
                "outcomes": detail.outcomes.iter().map(|row| json!({
                    "issuer": row.issuer.as_ref().map(ToString::to_string),
                    "group": row.group.as_str(),
                    "outcome": row.outcome,
                })).collect::<Vec<_>>(),
            })
        }
        Part::Chain => Value::Null,
    })
}

impl PartName {
    fn number(self) -> EntryPart {
        match self {
            Self::Subject => EntryPart::Subject,
            Self::Actor => EntryPart::Actor,
            Self::Detail => EntryPart::Detail,
        }
    }
}
