//! `pmh municipality births`: what facilities told of our residents' births, and which of our residents a child is.

use std::process::ExitCode;

use anyhow::Result;
use pmh_proto::handoff::{
    Birth, BirthChild, ListBirthsRequest, ListBirthsResponse, MergeChildRequest, MergeState,
};
use serde_json::{Value, json};

use crate::cli::counter::Trouble;
use crate::cli::counter::access::AccessArgs;
use crate::cli::issuer::watermark::refused;
use crate::cli::output::{Language, LanguageArgs, json as print_json, line, table};
use crate::sandbox::uuid;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Births that were told, each with its children. It is not the statutory filing (出生届).
    List(ListArgs),
    /// Say which resident a provisional child is. Two officers at two terminals say the same; the second merges.
    Merge(MergeArgs),
}

/// Where to begin.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Cursor of an earlier list; otherwise from the beginning.
    #[arg(long, default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Which child is whom.
#[derive(Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// UUID of the birth.
    birth: uuid::Uuid,
    /// 宛名番号 of the resident that the child is.
    resident_key: String,
    /// Place among the children of the birth, from 1.
    #[arg(long, default_value_t = 1)]
    child: u32,
    /// Who says so, by this municipality's own pseudonym.
    #[arg(long)]
    operator: String,
    #[command(flatten)]
    access: AccessArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub(super) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List(args) => list(&args).await,
        Command::Merge(args) => merge(&args).await,
    }
}

async fn list(args: &ListArgs) -> Result<ExitCode> {
    match all(args).await? {
        Ok(listed) => {
            if args.json {
                let births: Vec<Value> = listed.births.iter().map(document).collect();
                print_json(&json!({ "ok": true, "births": births, "next": listed.next }))?;
            } else {
                screen(&listed.births, args.language.language()).into_iter().for_each(line);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => refused(trouble, args.json),
    }
}

/// Every page after the cursor as one.
async fn all(args: &ListArgs) -> Result<std::result::Result<ListBirthsResponse, Trouble>> {
    let access = args.access.place()?.access(None)?;
    let read = async {
        let issuer = access.issuer().await?;
        let mut all = ListBirthsResponse { next: args.after, ..Default::default() };
        loop {
            let request = ListBirthsRequest { after: all.next };
            let page = issuer.gateway().call(&request, None).await?.response;
            all.births.extend(page.births);
            all.next = page.next;
            if !page.has_more {
                return Ok(all);
            }
        }
    };
    Ok(read.await)
}

async fn merge(args: &MergeArgs) -> Result<ExitCode> {
    let access = args.access.place()?.access(None)?;
    let request = MergeChildRequest {
        idempotency_key: uuid(),
        birth_id: args.birth.to_string(),
        child: args.child,
        resident_key: args.resident_key.clone(),
    };
    let said = async {
        let officer = access.issuer().await?.gateway().clone().with_operator(&args.operator)?;
        Ok::<_, Trouble>(officer.call(&request, None).await?.response)
    };
    let state = match said.await {
        Ok(answer) => answer.state(),
        Err(trouble) => return refused(trouble, args.json),
    };
    let is_merged = state == MergeState::Merged;
    if args.json {
        let word = if is_merged { "MERGED" } else { "PROPOSED" };
        print_json(&json!({ "ok": true, "state": word }))?;
    } else if is_merged {
        line(
            args.language
                .language()
                .pick("この子を住民と結び付けました。", "The child is this resident from now on."),
        );
    } else {
        line(args.language.language().pick(
            "提案しました。別の職員が、別の端末から同じ内容を入力すると確定します。",
            "Proposed: another officer at another terminal has to say the same.",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn document(birth: &Birth) -> Value {
    let child = |child: &BirthChild| {
        let newborn = child.newborn.clone().unwrap_or_default();
        json!({
            "child": newborn.birth_order,
            "born_at": newborn.born_at,
            "plurality": newborn.plurality,
            "resident_key": child.resident_key,
            "proposed_resident_key": child.proposed_resident_key,
            "lost": child.lost,
        })
    };
    json!({
        "birth_id": birth.birth_id,
        "mother_resident_key": birth.mother_resident_key,
        "pregnancy_lost": birth.pregnancy_lost,
        "children": birth.children.iter().map(child).collect::<Vec<_>>(),
    })
}

fn screen(births: &[Birth], language: Language) -> Vec<String> {
    let titles = language.pick(
        ["出生の連絡", "母の宛名番号", "子", "出生日時", "状態", "子の宛名番号"],
        ["birth", "mother", "child", "born", "state", "child's resident key"],
    );
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for birth in births {
        rows.extend(birth.children.iter().map(|child| cells(birth, child, language).to_vec()));
        if birth.pregnancy_lost && birth.children.is_empty() {
            let lost = language.pick("妊娠の終了", "pregnancy ended");
            let blank = String::new;
            let (id, mother) = (birth.birth_id.clone(), birth.mother_resident_key.clone());
            rows.push(vec![id, mother, blank(), blank(), lost.to_owned(), blank()]);
        }
    }
    table(&rows)
}

fn cells(birth: &Birth, child: &BirthChild, language: Language) -> [String; 6] {
    let newborn = child.newborn.clone().unwrap_or_default();
    let (state, resident) = if child.lost {
        (language.pick("死亡等", "lost"), &child.resident_key)
    } else if !child.resident_key.is_empty() {
        (language.pick("結び付け済み", "merged"), &child.resident_key)
    } else if !child.proposed_resident_key.is_empty() {
        (
            language.pick("提案中（2人目の確認待ち）", "proposed, needs a second officer"),
            &child.proposed_resident_key,
        )
    } else {
        (language.pick("未登録", "provisional"), &child.resident_key)
    };
    [
        birth.birth_id.clone(),
        birth.mother_resident_key.clone(),
        format!("{}/{}", newborn.birth_order, newborn.plurality),
        newborn.born_at,
        state.to_owned(),
        resident.clone(),
    ]
}
