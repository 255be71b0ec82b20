//! `pmh-audit list`

use std::error::Error;
use std::path::{Path, PathBuf};

use pmh_audit::list::Access;
use pmh_audit::part::Audience;
use pmh_audit::{AccessList, Hash, VerifiedList, VerifierKey};
use serde_json::json;

use crate::evidence::{self, Unusable};
use crate::verdict::{Item, Verdict, chain, number_or_name, org, time};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The list as JSON.
    file: PathBuf,
    /// The log's public key: NAME+ID+KEY.
    #[arg(long)]
    vkey: VerifierKey,
    /// An earlier list of the same person: this one must go on where that ended.
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Verdict, Unusable> {
    let verdict = Verdict::new("the list is whole, from its own call down to the first entry");
    let list = match open(&args.file, &args.vkey)? {
        Ok(list) => list,
        Err(wrong) => return Ok(verdict.wrong(wrong)),
    };
    let verdict = verdict
        .fact("log", args.vkey.name())
        .fact("shown to", audience(list.verified.audience))
        .fact("entries", list.verified.accesses.len())
        .items(list.verified.accesses.iter().map(item).collect());
    let Some(file) = &args.earlier else { return Ok(verdict) };
    Ok(match open(file, &args.vkey)?.and_then(|earlier| compare(&list, &earlier)) {
        Ok(()) => verdict.fact("goes on from", file.display().to_string()),
        Err(wrong) => verdict.wrong(wrong),
    })
}

struct List {
    tag: Hash,
    verified: VerifiedList,
}

fn open(file: &Path, key: &VerifierKey) -> Result<Result<List, String>, Unusable> {
    let text = evidence::read(file)?;
    let named = |error: &dyn Error| format!("{}: {}", file.display(), chain(error));
    Ok(AccessList::from_json(&text).map_err(|error| named(&error)).and_then(|list| {
        let verified = list.verify(key).map_err(|error| named(&error))?;
        Ok(List { tag: list.tag, verified })
    }))
}

fn compare(list: &List, earlier: &List) -> Result<(), String> {
    if list.tag != earlier.tag {
        return Err("the list is of another sequence than the earlier one".to_owned());
    }
    list.verified.continues(&earlier.verified).map_err(|error| chain(&error))
}

fn item(access: &Access) -> Item {
    let Some(record) = &access.record else {
        return Item {
            line: format!("{:>5}  withheld", access.seq),
            fields: json!({ "seq": access.seq, "index": access.index, "withheld": true }),
        };
    };
    let leaf = &record.leaf;
    let (when, who) = (time(leaf.time_us), org(leaf.requester.as_ref()));
    let method = number_or_name(leaf.method.name(), leaf.method.0);
    let purpose = number_or_name(leaf.purpose.name(), leaf.purpose.0);
    Item {
        line: format!("{:>5}  {when}  {who:<26}  {}, {method} ({purpose})", access.seq, leaf.kind),
        fields: json!({
            "seq": access.seq,
            "index": access.index,
            "time": when,
            "requester": who,
            "kind": leaf.kind.name(),
            "method": method,
            "purpose": purpose,
            "outcome": leaf.outcome,
            "categories": leaf.categories.names().collect::<Vec<_>>(),
        }),
    }
}

fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Person => "the person",
        Audience::Guardian => "a guardian",
    }
}
