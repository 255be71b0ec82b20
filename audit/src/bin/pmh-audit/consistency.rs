//! `pmh-audit consistency`

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_audit::tile::{ProofPlan, Run, Tile, TilePath};
use pmh_audit::tree::{PathError, empty_root, verify_consistency};
use pmh_audit::{Checkpoint, Hash};

use crate::evidence::{self, Judge, Trust, Unusable};
use crate::verdict::{Verdict, chain};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The older checkpoint.
    old: PathBuf,
    /// The newer checkpoint.
    new: PathBuf,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    proof: Proof,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Proof {
    /// The proof: one hash in base64 a line.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// An exported log of at least the newer size, to compute the proof from. It need not be trusted.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Verdict, Unusable> {
    let judge = args.trust.judge()?;
    let verdict = Verdict::new("the newer log only appended to the older");
    let (old, new) = (evidence::read(&args.old)?, evidence::read(&args.new)?);
    let old = match judge.open_earlier(&old) {
        Ok(old) => old,
        Err(error) => return Ok(verdict.wrong(format!("{}: {}", args.old.display(), chain(&error)))),
    };
    let new = match judge.open(&new) {
        Ok(new) => new,
        Err(error) => return Ok(verdict.wrong(format!("{}: {}", args.new.display(), chain(&error)))),
    };
    let verdict = verdict.checkpoint(new.checkpoint()).fact("older size", old.size());
    let verdict = judge.witnesses(verdict, &new);
    Ok(match compare(&args.proof, &judge, &old, new.checkpoint())? {
        Ok(()) => verdict,
        Err(wrong) => verdict.wrong(wrong),
    })
}

type Compared = Result<(), String>;

fn compare(
    proof: &Proof,
    judge: &Judge<'_>,
    old: &Checkpoint,
    new: &Checkpoint,
) -> Result<Compared, Unusable> {
    if old.size() == 0 {
        let empty = *old.root() == empty_root();
        return Ok(if empty {
            Ok(())
        } else {
            Err("the older checkpoint's root is not that of the empty log".into())
        });
    }
    let path = match (&proof.proof, &proof.dir) {
        (Some(file), _) => read_proof(file)?,
        (None, Some(dir)) => path_from(dir, judge, old.size(), new.size())?,
        (None, None) => Ok(Vec::new()),
    };
    Ok(path.and_then(|path| {
        verify_consistency(old.size(), new.size(), &path, old.root(), new.root())
            .map_err(|error| chain(&error))
    }))
}

fn read_proof(file: &Path) -> Result<Result<Vec<Hash>, String>, Unusable> {
    let text = evidence::read(file)?;
    let hash = |line: &str| BASE64.decode(line).ok()?.try_into().ok();
    let hashes = str::from_utf8(&text).ok().and_then(|text| text.lines().map(hash).collect());
    Ok(hashes.ok_or_else(|| format!("{}: not one hash in base64 a line", file.display())))
}

/// The proof from the tiles of an exported log, which may have grown past the newer checkpoint.
fn path_from(
    dir: &Path,
    judge: &Judge<'_>,
    old: u64,
    new: u64,
) -> Result<Result<Vec<Hash>, String>, Unusable> {
    let Ok(exported) = judge.open_earlier(&evidence::read(&dir.join("checkpoint"))?) else {
        return Ok(Err(format!("{}: its checkpoint does not verify", dir.display())));
    };
    let Some(plan) = ProofPlan::consistency(old, new) else {
        return Ok(Err("the older log is larger than the newer".into()));
    };
    let path = plan.path(|run| hashes(dir, run, exported.size()));
    match path {
        Ok(path) => Ok(Ok(path)),
        Err(PathError::Source(NoHashes::Unusable(unusable))) => Err(unusable),
        Err(PathError::Source(NoHashes::Missing) | PathError::Range | PathError::Count) => {
            Ok(Err(format!("{}: it has not the tiles that the proof needs", dir.display())))
        }
    }
}

enum NoHashes {
    Missing,
    Unusable(Unusable),
}

fn hashes(dir: &Path, run: &Run, size: u64) -> Result<Vec<Hash>, NoHashes> {
    let tile = Tile::in_tree(run.level(), run.n(), size).ok_or(NoHashes::Missing)?;
    let bytes =
        evidence::read_if_there(&dir.join(TilePath::from(tile).to_string())).map_err(NoHashes::Unusable)?;
    let bytes = bytes.ok_or(NoHashes::Missing)?;
    let hashes = tile.decode(&bytes).and_then(|hashes| hashes.get(run.within()));
    hashes.map(<[Hash]>::to_vec).ok_or(NoHashes::Missing)
}
