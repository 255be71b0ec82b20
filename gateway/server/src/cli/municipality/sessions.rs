//! `pmh municipality sessions`: the empty file, who has a place or waits for one, and a place for a family at the desk.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use pmh_intake::session_template;
use pmh_proto::checkup::{
    CancelPlaceRequest, ListSessionsRequest, RequestPlaceRequest, SessionState, Standing,
};
use serde_json::{Value, json};

use crate::cli::counter::Trouble;
use crate::cli::counter::access::{Access, AccessArgs};
use crate::cli::issuer::watermark::refused;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::sandbox::uuid;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write an empty CSV file of days, with comments, to standard output.
    Template,
    /// A group's days: places, who has one, who waits.
    List(ListArgs),
    /// Book a place for our resident, move to another day, or wait for it; the old place stays until the new one is theirs.
    Place(PlaceArgs),
    /// Give up a resident's place and waiting.
    Cancel(CancelArgs),
}

/// Which group.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Our id of the group.
    group: String,
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Whose place on which day.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    #[command(flatten)]
    family: CancelArgs,
    /// Our id of the day.
    session_id: String,
}

/// Whose.
#[derive(Debug, clap::Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    of: ListArgs,
    /// 宛名番号.
    resident_key: String,
}

/// Runs it.
pub(super) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Template => {
            stdout().lock().write_all(session_template().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::List(args) => list(&args).await,
        Command::Place(args) => {
            let (access, family) = (args.family.of.access.place()?.access(None)?, &args.family);
            told(family, book(&access, family, &args.session_id).await)
        }
        Command::Cancel(args) => {
            let access = args.of.access.place()?.access(None)?;
            let outcome = give_up(&access, &args).await;
            told(&args, outcome)
        }
    }
}

async fn list(args: &ListArgs) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    match days(&access, &args.group).await {
        Ok(days) => {
            if args.json {
                let days: Vec<Value> = days.iter().map(document).collect();
                print_json(&json!({ "ok": true, "group": args.group, "sessions": days }))?;
            } else {
                screen(&days, args.language.language()).into_iter().for_each(line);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => refused(trouble, args.json),
    }
}

async fn days(access: &Access, group: &str) -> Result<Vec<SessionState>, Trouble> {
    let request = ListSessionsRequest { group: group.to_owned(), ..Default::default() };
    Ok(access.issuer().await?.gateway().call(&request, None).await?.response.sessions)
}

async fn book(access: &Access, family: &CancelArgs, session: &str) -> Result<Standing, Trouble> {
    let request = RequestPlaceRequest {
        idempotency_key: uuid(),
        resident_key: family.resident_key.clone(),
        group: family.of.group.clone(),
        session_id: session.to_owned(),
        ..Default::default()
    };
    let answer = access.issuer().await?.gateway().call(&request, None).await?.response;
    Ok(answer.standing.unwrap_or_default())
}

async fn give_up(access: &Access, family: &CancelArgs) -> Result<Standing, Trouble> {
    let request = CancelPlaceRequest {
        idempotency_key: uuid(),
        resident_key: family.resident_key.clone(),
        group: family.of.group.clone(),
        ..Default::default()
    };
    let answer = access.issuer().await?.gateway().call(&request, None).await?.response;
    Ok(answer.standing.unwrap_or_default())
}

fn told(family: &CancelArgs, outcome: Result<Standing, Trouble>) -> Result<ExitCode> {
    let (args, standing) = match outcome {
        Ok(standing) => (&family.of, standing),
        Err(trouble) => return refused(trouble, family.of.json),
    };
    if args.json {
        let Standing { place, waiting_for, ahead } = standing;
        print_json(&json!({ "ok": true, "place": place, "waiting_for": waiting_for, "ahead": ahead }))?;
    } else {
        line(words(&standing, args.language.language()));
    }
    Ok(ExitCode::SUCCESS)
}

fn words(standing: &Standing, language: Language) -> String {
    let place = match standing.place.as_str() {
        "" => language.pick("予約なし".to_owned(), "no place".to_owned()),
        place => language.pick(format!("予約: {place}"), format!("has a place: {place}")),
    };
    if standing.waiting_for.is_empty() {
        return place;
    }
    let (day, ahead) = (&standing.waiting_for, standing.ahead);
    language.pick(
        format!("{place}　空き待ち: {day}（前に{ahead}人）"),
        format!("{place}; waits for {day}, {ahead} before"),
    )
}

fn document(day: &SessionState) -> Value {
    let session = day.session.clone().unwrap_or_default();
    json!({
        "session_id": session.session_id,
        "date": session.date,
        "time": session.time,
        "hall": session.hall,
        "capacity": session.capacity,
        "placed": day.placed,
        "waiting": day.waiting,
    })
}

fn screen(days: &[SessionState], language: Language) -> Vec<String> {
    let titles = language.pick(
        ["日程", "実施日", "受付", "会場", "予約／定員", "予約した宛名番号", "待っている宛名番号"],
        ["session", "date", "time", "hall", "taken/places", "residents placed", "residents waiting"],
    );
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(days.iter().map(|day| cells(day).to_vec()));
    table(&rows)
}

fn cells(day: &SessionState) -> [String; 7] {
    let session = day.session.clone().unwrap_or_default();
    let taken = format!("{}/{}", day.placed.len(), session.capacity);
    let (placed, waiting) = (day.placed.join(" "), day.waiting.join(" "));
    [session.session_id, session.date, session.time, session.hall, taken, placed, waiting]
}
