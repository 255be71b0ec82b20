//! `pmh-audit directory`

use std::fs;
use std::path::{Path, PathBuf};

use pmh_audit::Checkpoint;
use pmh_audit::directory::verify_directory;
use pmh_audit::tile::{Bundle, Tile, TilePath};

use crate::evidence::{self, Judge, Trust, Unusable};
use crate::verdict::{Verdict, chain, time};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The exported log: `checkpoint`, `tile/…`, and earlier checkpoints in `checkpoints/`.
    dir: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// A checkpoint of earlier times, from anywhere: the log must still begin with it. May be given again.
    #[arg(long = "old-checkpoint", value_name = "FILE")]
    old_checkpoints: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Verdict, Unusable> {
    let judge = args.trust.judge()?;
    let verdict = Verdict::new("the directory is the whole log that its checkpoint signs");
    let Some(note) = evidence::read_if_there(&args.dir.join(CHECKPOINT))? else {
        return Ok(verdict.wrong("checkpoint: the file is missing"));
    };
    let cosigned = match judge.open(&note) {
        Ok(cosigned) => cosigned,
        Err(error) => return Ok(verdict.wrong(format!("checkpoint: {}", chain(&error)))),
    };
    let (earlier, verdict) = earlier(args, &judge, verdict)?;
    let verdict = look(&args.dir, cosigned.checkpoint(), &earlier, judge.witnesses(verdict, &cosigned))?;
    strangers(&args.dir, cosigned.checkpoint().size(), verdict)
}

/// The earlier checkpoints of the directory and of the command line; those that do not verify are named.
fn earlier(
    args: &Args,
    judge: &Judge<'_>,
    mut verdict: Verdict,
) -> Result<(Vec<Checkpoint>, Verdict), Unusable> {
    let own = args.dir.join(CHECKPOINTS);
    let mut files = if own.is_dir() { list(&own)? } else { Vec::new() };
    files.extend_from_slice(&args.old_checkpoints);
    let mut checkpoints = Vec::new();
    for file in files {
        match judge.open_earlier(&evidence::read(&file)?) {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(error) => verdict = verdict.wrong(format!("{}: {}", named(&args.dir, &file), chain(&error))),
        }
    }
    Ok((checkpoints, verdict))
}

/// All entries and tiles.
fn look(
    dir: &Path,
    checkpoint: &Checkpoint,
    earlier: &[Checkpoint],
    verdict: Verdict,
) -> Result<Verdict, Unusable> {
    let read = |path: &TilePath| evidence::read_if_there(&dir.join(path.to_string()));
    let report = verify_directory(checkpoint, earlier, read)?;
    let mut verdict = verdict
        .checkpoint(checkpoint)
        .fact("entries", report.entries)
        .fact("tiles", report.tiles)
        .fact("earlier checkpoints", report.consistent);
    if let Some((first, last)) = report.times {
        verdict = verdict.fact("first entry", time(first)).fact("last entry", time(last));
    }
    for finding in &report.findings {
        verdict = verdict.wrong(finding.to_string());
    }
    if report.more_findings > 0 {
        verdict = verdict.wrong(format!("and {} more of the same", report.more_findings));
    }
    Ok(verdict)
}

/// Names what lies in the directory and is no part of the log.
fn strangers(dir: &Path, size: u64, mut verdict: Verdict) -> Result<Verdict, Unusable> {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in list(&folder)? {
            let kind = fs::symlink_metadata(&path).map_err(|source| unreadable(&path, source))?;
            let name = named(dir, &path);
            if kind.is_dir() {
                folders.push(path);
            } else if !kind.is_file() || !belongs(&name, size) {
                verdict = verdict.wrong(format!("{name}: it is no part of a log of {size} entries"));
            }
        }
    }
    Ok(verdict)
}

fn belongs(name: &str, size: u64) -> bool {
    if name == CHECKPOINT || name.strip_prefix("checkpoints/").is_some_and(|rest| !rest.contains('/')) {
        return true;
    }
    match name.parse() {
        Ok(TilePath::Hashes(tile)) => Tile::in_tree(tile.level(), tile.n(), size) == Some(tile),
        Ok(TilePath::Entries(bundle)) => {
            Tile::in_tree(0, bundle.n(), size).and_then(|tile| Bundle::new(tile.n(), tile.width()))
                == Some(bundle)
        }
        Err(_) => false,
    }
}

/// What is in a folder, in order.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Unusable> {
    let entries = fs::read_dir(folder).map_err(|source| unreadable(folder, source))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|source| unreadable(folder, source))?;
    paths.sort();
    Ok(paths)
}

/// The path below the directory, with slashes.
fn named(dir: &Path, path: &Path) -> String {
    let below = path.strip_prefix(dir).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn unreadable(path: &Path, source: std::io::Error) -> Unusable {
    Unusable::Read { path: path.to_owned(), source }
}

const CHECKPOINT: &str = "checkpoint";
const CHECKPOINTS: &str = "checkpoints";
