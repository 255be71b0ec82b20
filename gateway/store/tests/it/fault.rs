//! Faults from outside: a preloaded library (`fault_preload.c`) stands between a writer and the kernel.
//!
//! The writer is this test binary once more, running one test that does nothing unless it was started here. So the
//! store has no hook for faults, and what is tested is what is shipped, down to SQLite's own calls. Linux only.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::OnceLock,
};

use pmh_audit::tree::leaf_hash;
use pmh_store::{Location, Page};

use crate::support::*;

const INSIDE: &str = "PMH_STORE_VICTIM";

/// A database in a directory of its own, and what is done to the one who writes to it.
pub(crate) struct Victim {
    dir: PathBuf,
    /// `None` in the writer, whose directory is its parent's.
    _own: Option<tempfile::TempDir>,
}

impl Victim {
    /// With an empty log, that a flush has reached; `None` where faults cannot be made.
    pub(crate) async fn new() -> Option<Self> {
        library()?;
        let own = tempfile::tempdir().unwrap();
        let victim = Self { dir: own.path().canonicalize().unwrap(), _own: Some(own) };
        for part in ["live", "shadow"] {
            fs::create_dir(victim.dir.join(part)).unwrap();
        }
        victim.place().open().await.close().await;
        // The store's readers may still be closing; whatever they do, there is nothing left to fold in.
        victim.place().raw().await.run("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        for file in fs::read_dir(victim.dir.join("live")).unwrap() {
            let file = file.unwrap().file_name();
            if !["-wal", "-shm"].iter().any(|end| file.as_encoded_bytes().ends_with(end.as_bytes())) {
                fs::copy(victim.dir.join("live").join(&file), victim.dir.join("shadow").join(&file)).unwrap();
            }
        }
        Some(victim)
    }

    /// In the writer: the victim that its parent made.
    pub(crate) fn inside() -> Option<Self> {
        let dir = std::env::var_os(INSIDE)?;
        Some(Self { dir: dir.into(), _own: None })
    }

    /// The database as the running system sees it.
    pub(crate) fn place(&self) -> Place {
        Place::at(Location::Sqlite(self.dir.join("live").join(DATABASE)), None, None)
    }

    /// The database as a power cut leaves it.
    pub(crate) fn after_power_cut(&self) -> Place {
        Place::at(Location::Sqlite(self.dir.join("shadow").join(DATABASE)), None, None)
    }

    /// A file that switches a fault on while it is there.
    pub(crate) fn switch(&self) -> PathBuf {
        self.dir.join("switch")
    }

    pub(crate) fn switch_on(&self) {
        fs::write(self.switch(), "").unwrap();
    }

    pub(crate) fn switch_off(&self) {
        fs::remove_file(self.switch()).unwrap();
    }

    /// How often something happened in the writer, by the library's letter.
    pub(crate) fn tally(&self, event: u8) -> usize {
        let events = fs::read(self.dir.join("tally")).unwrap_or_default();
        events.into_iter().filter(|happened| *happened == event).count()
    }

    /// Starts a test of this binary as the writer, under these faults.
    pub(crate) fn start(&self, test: &str, faults: &[(&str, &str)]) -> Writer {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("LD_PRELOAD", library().unwrap())
            .env(INSIDE, &self.dir)
            .env("FAULT_DIR", self.dir.join("live"))
            .env("FAULT_SHADOW", self.dir.join("shadow"))
            .env("FAULT_TALLY", self.dir.join("tally"))
            .envs(faults.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        Writer { child, told }
    }
}

/// A child that writes until it ends or is ended.
pub(crate) struct Writer {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    /// The next thing it tells; `None` at its end. The last line may have been cut by a kill.
    pub(crate) fn next(&mut self) -> Option<String> {
        let mut lines = self.told.by_ref().map_while(Result::ok);
        // The harness writes on the same lines.
        lines.find_map(|line| line.split_once(TELL).map(|(_, told)| told.to_owned()))
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Everything else that it tells, and how it ends.
    pub(crate) fn rest(mut self) -> (Vec<String>, ExitStatus) {
        let rest = std::iter::from_fn(|| self.next()).collect();
        (rest, self.child.wait().unwrap())
    }

    /// Everything that it tells; its own assertions must have held.
    pub(crate) fn succeeds(mut self) -> Vec<String> {
        let told = std::iter::from_fn(|| self.next()).collect();
        let ended = self.child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        told
    }
}

/// In the writer: one write per line, so that a line is told whole or not at all.
pub(crate) fn tell(what: &str) {
    std::io::stdout().write_all(format!("{TELL}{what}\n").as_bytes()).unwrap();
}

/// In the writer: runs it.
pub(crate) fn block_on(writer: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(writer);
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Entries that somebody was told of: index and leaf hash.
pub(crate) type Acknowledged = BTreeMap<u64, String>;

/// What survived is a sound log with everything acknowledged in it, and the log goes on.
pub(crate) async fn assert_kept(place: &Place, told: &Acknowledged) {
    let mut raw = place.raw().await;
    assert_eq!(raw.texts("PRAGMA integrity_check").await, ["ok"]);
    drop(raw);
    let open = place.open().await;
    let check = open.reader().check().await.unwrap();
    let (size, _) = open.reader().head().await.unwrap();
    assert_eq!((check.intact, check.defect), (size, None));
    let page = Page { from_index: 0, end_index: size, limit: u32::MAX };
    let stored = open.reader().entries(&page).await.unwrap();
    for (index, hash) in told {
        let entry = stored.get(usize::try_from(*index).unwrap()).expect("an acknowledged entry is missing");
        assert_eq!((entry.index, &hex(&leaf_hash(&entry.leaf))), (*index, hash));
    }
    let (_, receipt) = disclose(&open, [1; 32]).await.unwrap();
    assert_eq!(receipt.index, size, "the log does not go on where it ended");
    verify(&receipt);
    open.close().await;
}

/// The library, compiled once.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(compile).as_deref()
}

fn compile() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        assert!(std::env::var_os("CI").is_none(), "faults can be made on Linux only; CI needs it");
        // Straight to the terminal: the harness swallows what passing tests print.
        let _ = writeln!(std::io::stderr(), "SKIPPED: faults can be made on Linux only");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fault_preload.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fault_preload.so");
    // Another run of this binary may be loading it just now.
    let fresh = library.with_extension(format!("{}.so", std::process::id()));
    let compiled = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .args([&fresh, &source])
        .status();
    assert!(compiled.is_ok_and(|status| status.success()), "the C compiler did not make {}", fresh.display());
    fs::rename(&fresh, &library).unwrap();
    Some(library)
}

const DATABASE: &str = "gateway.db";
const TELL: &str = "TOLD ";
