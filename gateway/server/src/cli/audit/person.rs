//! `pmh audit person`: searching by person, which takes two.

use std::process::ExitCode;

use anyhow::Result;
use pmh_client::Gateway;
use pmh_proto::audit::request_person_search_request::Person;
use pmh_proto::audit::{
    ApprovePersonSearchRequest, EntryName, RequestPersonSearchRequest, ResidentName, SearchEntriesRequest,
};
use serde_json::json;

use super::entries::Form;
use super::refused;
use super::search::{self, USUAL_TERMINAL, WhichLog};
use crate::cli::counter::access::AccessArgs;
use crate::cli::output::{LanguageArgs, json as print_json, line};
use crate::sandbox::uuid;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The first person asks, for a case. The search ends after a day.
    Request(Box<Request>),
    /// The second person agrees: at another terminal, by another pseudonym.
    Approve(Approve),
    /// Everything about the person of an approved search.
    Search(Search),
}

/// Who we are, down to the person.
#[derive(Debug, clap::Args)]
struct Desk {
    #[command(flatten)]
    access: AccessArgs,
    /// Your pseudonym, which your office alone can resolve.
    #[arg(long, value_name = "PSEUDONYM")]
    operator: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Request {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    person: Named,
    /// Log of the entry.
    #[arg(long, value_enum, default_value_t)]
    log: WhichLog,
    /// The case.
    #[arg(long, value_name = "REFERENCE")]
    case: String,
    /// Why, for whoever audits the auditors.
    #[arg(long)]
    ground: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// One way to name a person.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Named {
    /// The person whom this entry is about.
    #[arg(long, value_name = "INDEX")]
    entry: Option<u64>,
    /// A resident: the issuer and its own key, for example municipality:132012=R-1.
    #[arg(long, value_name = "ISSUER=KEY", value_parser = resident)]
    resident: Option<ResidentName>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    desk: Desk,
    /// Which search.
    person_search_id: String,
    /// The case, as you know it.
    #[arg(long, value_name = "REFERENCE")]
    case: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Search {
    #[command(flatten)]
    desk: Desk,
    /// Which search.
    person_search_id: String,
    /// Log to look into.
    #[arg(long, value_enum, default_value_t)]
    log: WhichLog,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub(super) async fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Request(args) => request(args).await,
        Command::Approve(args) => approve(args).await,
        Command::Search(args) => {
            let request = SearchEntriesRequest {
                log: args.log.number(),
                person_search_id: args.person_search_id.clone(),
                ..SearchEntriesRequest::default()
            };
            search::print(&args.desk.gateway().await?, &request, &args.form, args.language).await
        }
    }
}

async fn request(args: &Request) -> Result<ExitCode> {
    let person = match (&args.person.entry, &args.person.resident) {
        (Some(index), _) => Some(Person::Entry(EntryName { log: args.log.number(), index: *index })),
        (None, resident) => resident.clone().map(Person::Resident),
    };
    let request = RequestPersonSearchRequest {
        idempotency_key: uuid(),
        person,
        case_reference: args.case.clone(),
        ground: args.ground.clone(),
    };
    let answer = match args.desk.gateway().await?.call(&request, None).await {
        Ok(answer) => answer.response,
        Err(error) => return refused(&error, args.json),
    };
    if args.json {
        print_json(&json!({ "ok": true, "person_search_id": answer.person_search_id }))?;
    } else {
        let id = &answer.person_search_id;
        line(args.language.language().pick(
            format!("申請しました: {id}\n別の担当者が別の端末で承認すると、24時間以内に限り検索できます。"),
            format!("Requested: {id}\nOnce another person agrees at another terminal, it can be searched for a day."),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn approve(args: &Approve) -> Result<ExitCode> {
    let request = ApprovePersonSearchRequest {
        idempotency_key: uuid(),
        person_search_id: args.person_search_id.clone(),
        case_reference: args.case.clone(),
    };
    let answer = match args.desk.gateway().await?.call(&request, None).await {
        Ok(answer) => answer.response,
        Err(error) => return refused(&error, args.json),
    };
    if args.json {
        print_json(&json!({ "ok": true, "requester": answer.requester }))?;
    } else {
        let who = &answer.requester;
        line(
            args.language.language().pick(
                format!("承認しました。{who} が検索できます。"),
                format!("Approved: {who} may search."),
            ),
        );
    }
    Ok(ExitCode::SUCCESS)
}

impl Desk {
    async fn gateway(&self) -> Result<Gateway> {
        let access = self.access.place()?.access(Some(USUAL_TERMINAL))?;
        Ok(access.terminal().await?.gateway().clone().with_operator(&self.operator)?)
    }
}

fn resident(text: &str) -> Result<ResidentName, String> {
    let (issuer, key) = text.split_once('=').ok_or("not ISSUER=KEY")?;
    let issuer = issuer.strip_prefix(URN).unwrap_or(issuer);
    Ok(ResidentName { issuer: format!("{URN}{issuer}"), resident_key: key.to_owned() })
}

const URN: &str = "urn:x-pmh:org:";
