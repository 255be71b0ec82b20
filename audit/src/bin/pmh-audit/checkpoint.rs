//! `pmh-audit checkpoint`

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::evidence::{self, Trust, Unusable};
use crate::verdict::{Verdict, chain};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The checkpoint, a signed note.
    file: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

pub(crate) fn run(args: &Args) -> Result<Verdict, Unusable> {
    let judge = args.trust.judge()?;
    let note = evidence::read(&args.file)?;
    let verdict = Verdict::new("this is a checkpoint of the log");
    Ok(match judge.open(&note) {
        Ok(cosigned) => {
            let root = BASE64.encode(cosigned.checkpoint().root());
            judge.witnesses(verdict.checkpoint(cosigned.checkpoint()).fact("root", root), &cosigned)
        }
        Err(error) => verdict.wrong(chain(&error)),
    })
}
