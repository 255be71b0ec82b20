//! `pmh-audit receipt`

use std::path::PathBuf;

use pmh_audit::TlogProof;

use crate::evidence::{self, Trust, Unusable};
use crate::verdict::{Verdict, chain};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The receipt as tlog-proof text.
    file: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

/// Proves that the entry stands in the log. What was asked and answered is proved by `pmh audit verify-receipt`, which
/// has the request and the answer too.
pub(crate) fn run(args: &Args) -> Result<Verdict, Unusable> {
    let judge = args.trust.judge()?;
    let text = evidence::read(&args.file)?;
    let verdict = Verdict::new("the log holds this entry");
    let proof = match TlogProof::decode(&text) {
        Ok(proof) => proof,
        Err(error) => return Ok(verdict.wrong(chain(&error))),
    };
    Ok(match (proof.verify(judge.key), judge.open(proof.note().as_bytes())) {
        (Ok(proved), Ok(cosigned)) => {
            let verdict = verdict.checkpoint(cosigned.checkpoint()).fact("entry", proved.index);
            judge.witnesses(verdict.leaf(&proved.leaf), &cosigned)
        }
        (Err(error), _) => verdict.wrong(chain(&error)),
        (_, Err(error)) => verdict.wrong(chain(&error)),
    })
}
