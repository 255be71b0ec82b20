//! A log exported, read through and restored: a sandbox of this module's own, because it is stopped and damaged.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pmh::sandbox::{self, RunningSandbox, SandboxOptions};
use pmh_audit::directory::{Report, verify_directory};
use pmh_audit::tile::TilePath;
use pmh_audit::tree::leaf_hash;
use pmh_audit::{Checkpoint, VerifierKey};
use pmh_client::call::WhichLog;
use pmh_client::{Gateway, LogReader};
use pmh_proto::audit::{GetReceiptRequest, Log};
use pmh_testkit::sandbox::Sandbox;
use tokio::task::JoinSet;

/// A sandbox that may be stopped and started.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> SandboxOptions {
        let limits = "organization_rate = { per_second = 1000000, burst = 1000000 }\nmax_in_flight = 4096\n\
                      max_concurrent_streams = 512";
        let dir = self.dir.path().join("sandbox");
        SandboxOptions {
            dir,
            listen: "127.0.0.1:0".to_owned(),
            limits: Some(limits.to_owned()),
            witnesses: Vec::new(),
        }
    }

    async fn start(&self) -> RunningSandbox {
        Box::pin(sandbox::open(&self.options())).await.unwrap()
    }

    /// Stops it, and waits until its databases are let go, which is after the last call.
    async fn stop(&self, running: RunningSandbox) {
        ended(running).await;
        for file in fs::read_dir(self.path("sandbox/data")).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "lock") {
                let lock = fs::File::open(file).unwrap();
                tokio::task::spawn_blocking(move || lock.lock().unwrap()).await.unwrap();
            }
        }
    }

    /// The running gateway makes tiles by itself; waits for the first, ten seconds at most.
    async fn has_a_tile(&self) {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.path("sandbox/data/gateway.db"));
        let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
        for _ in 0..200 {
            tick.tick().await;
            let count = sqlx::query_scalar("SELECT COUNT(*) FROM log_tile");
            let count: i64 = count.fetch_one(&mut raw).await.unwrap();
            if count > 0 {
                return;
            }
        }
        panic!("no tile was made");
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("sandbox/pmh.toml")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Both databases as files, without what the gateway remembers beside them.
    fn copy_data(&self, from: &str, to: &str) {
        let to = self.path(to);
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(self.path(from)).unwrap() {
            let file = file.unwrap();
            if !file.file_name().to_str().unwrap().ends_with(".checkpoint") {
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
    }
}

async fn gateway(running: &RunningSandbox, terminal: &str) -> Gateway {
    sandbox::terminal(&running.dir, &running.sandbox, terminal).await.unwrap().0
}

/// The witness beside it ends with it.
async fn ended(running: RunningSandbox) {
    running.gateway.stop().await.unwrap();
}

/// An operator who asks for a receipt again and again: each time is an entry.
async fn grow(running: &RunningSandbox, entries: usize) {
    let operator = gateway(running, "operator-1").await;
    let mut calls = JoinSet::new();
    for n in 0..entries {
        let operator = operator.clone();
        // The operator's own registrations are the second entry and some after it.
        calls.spawn(async move { operator.call(&receipt_of(1), None).await.unwrap().proof.index });
        if n % 128 == 127 {
            while calls.join_next().await.is_some() {}
        }
    }
    calls.join_all().await;
}

fn receipt_of(index: u64) -> GetReceiptRequest {
    GetReceiptRequest { log: Log::Gateway.into(), index, min_cosigned: 0 }
}

fn pmh(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pmh")).args(args).env("LANG", "C.UTF-8").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

fn export(out: &Path, more: &[&str]) -> (i32, String) {
    let mut args = vec!["audit", "export", out.to_str().unwrap()];
    args.extend(more);
    pmh(&args)
}

/// Our own verifier over an exported directory, with all the checkpoints that lie in it and some more.
fn verified(dir: &Path, key: &VerifierKey, known: &[Checkpoint]) -> Report {
    let open = |path: &Path| Checkpoint::open(&fs::read(path).unwrap(), key).unwrap();
    let mut earlier: Vec<Checkpoint> =
        fs::read_dir(dir.join("checkpoints")).unwrap().map(|file| open(&file.unwrap().path())).collect();
    earlier.extend_from_slice(known);
    let read = |path: &TilePath| match fs::read(dir.join(path.to_string())) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let report = verify_directory(&open(&dir.join("checkpoint")), &earlier, read).unwrap();
    assert_eq!(report.consistent, earlier.len() as u64);
    report
}

#[tokio::test]
async fn i14_an_exported_log_verifies_with_all_its_earlier_checkpoints() {
    let machine = Machine::new();
    let running = machine.start().await;
    let keys = sandbox::log_keys(&running.sandbox).unwrap();
    let log = LogReader::new(gateway(&running, "auditor-1").await, WhichLog::Gateway);
    let mut known = vec![log.newest().await.unwrap()];
    let (sandbox, config) = (running.dir.to_str().unwrap().to_owned(), machine.config());
    let (asked, read) = (machine.path("asked"), machine.path("read"));
    // Three pages in the end; and over what was exported before.
    for entries in [0, 300, 2_000] {
        grow(&running, entries).await;
        known.push(log.newest().await.unwrap());
        let (code, said) = tokio::task::spawn_blocking({
            let (asked, sandbox) = (asked.clone(), sandbox.clone());
            move || export(&asked, &["--sandbox", &sandbox])
        })
        .await
        .unwrap();
        assert_eq!(code, 0, "{said}");
        let report = verified(&asked, &keys.gateway, &known);
        assert!(report.is_clean(), "{:?}", report.findings);
        assert!(report.entries >= known.last().unwrap().size());
        // The operator's way, beside the running gateway, gives the same files for the same entries.
        let (code, said) = export(&read, &["--config", config.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}");
        assert!(verified(&read, &keys.gateway, &known).is_clean());
        let bundle = "tile/entries/000";
        assert_eq!(fs::read(asked.join(bundle)).ok(), fs::read(read.join(bundle)).ok());
    }
    assert!(fs::read_dir(asked.join("checkpoints")).unwrap().count() <= 1_001);
    let auth = machine.path("auth");
    let (code, said) =
        export(&auth, &["--config", config.to_str().unwrap(), "--log", "auth", "--all-checkpoints"]);
    assert_eq!(code, 0, "{said}");
    assert!(verified(&auth, &keys.auth, &[]).is_clean());
    running.gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_export_overwrites_nothing_but_an_export_of_the_same_log() {
    let machine = Machine::new();
    let running = machine.start().await;
    let config = machine.config();
    let config = ["--config", config.to_str().unwrap()];
    let foreign = machine.path("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    let (code, said) = export(&foreign, &config);
    assert_ne!(code, 0);
    assert!(said.contains("thesis.txt") && foreign.join("thesis.txt").exists(), "{said}");
    let out = machine.path("out");
    assert_eq!(export(&out, &config).0, 0);
    let before = fs::read(out.join("checkpoint")).unwrap();
    assert_ne!(export(&out, &[config[0], config[1], "--log", "auth"]).0, 0, "another log's export");
    assert_eq!(fs::read(out.join("checkpoint")).unwrap(), before);
    // A log that was made anew is not taken for the one that was exported.
    running.gateway.stop().await.unwrap();
    let half = fs::read(out.join("tile/entries/000.p").read_dir().unwrap().next().unwrap().unwrap().path());
    assert!(half.is_ok());
    let other = Machine::new();
    let running = other.start().await;
    let (code, said) = export(&out, &["--config", other.config().to_str().unwrap()]);
    assert!(code != 0 && said.contains("another log"), "{said}");
    assert_eq!(fs::read(out.join("checkpoint")).unwrap(), before);
    running.gateway.stop().await.unwrap();
    assert_eq!(
        fs::read_dir(machine.dir.path())
            .unwrap()
            .filter(|file| {
                file.as_ref().unwrap().file_name().to_str().unwrap().starts_with(".pmh-export")
            })
            .count(),
        0,
        "what failed leaves nothing behind"
    );
}

/// In processes of their own: what is put back must not be in the hands of connections that are still closing.
#[tokio::test]
async fn i12_a_gateway_on_a_restored_database_does_not_start() {
    let machine = Machine::new();
    let dir = machine.path("sandbox");
    end(serve(&dir));
    machine.copy_data("sandbox/data", "backup");
    let serving = serve(&dir);
    let sandbox = Sandbox::load(&dir.join(Sandbox::FILE)).unwrap();
    let (operator, _) = sandbox::terminal(&dir, &sandbox, "operator-1").await.unwrap();
    for _ in 0..3 {
        operator.call(&receipt_of(1), None).await.unwrap();
    }
    // An open connection would be waited for; it closes on this thread.
    drop(operator);
    tokio::task::spawn_blocking(move || end(serving)).await.unwrap();
    for file in fs::read_dir(dir.join("data")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "checkpoint") {
            fs::remove_file(file).unwrap();
        }
    }
    machine.copy_data("backup", "sandbox/data");
    let (code, said) = pmh(&["sandbox", "--dir", dir.to_str().unwrap()]);
    assert!(code != 0 && said.contains("an earlier state was restored"), "{code} {said}");
    let config = machine.config();
    let (code, said) = pmh(&["audit", "fsck", "--config", config.to_str().unwrap()]);
    assert!(code == 1 && said.contains("signed checkpoint, size"), "{code} {said}");
}

fn serve(dir: &Path) -> Child {
    let mut serving = Command::new(env!("CARGO_BIN_EXE_pmh"))
        .args(["sandbox", "--dir", dir.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.starts_with("described in ")), "it did not start");
    serving
}

fn end(mut serving: Child) {
    let killed = Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().unwrap();
    assert!(killed.success() && serving.wait().unwrap().success());
}

#[tokio::test]
async fn i11_fsck_names_the_table_and_the_row() {
    let machine = Machine::new();
    let running = machine.start().await;
    grow(&running, 40).await;
    machine.stop(running).await;
    let config = machine.config();
    let fsck = ["audit", "fsck", "--config", config.to_str().unwrap()];
    let (code, said) = pmh(&fsck);
    assert!(code == 0 && said.contains("whole: audit.sandbox.pmh.example/gateway"), "{said}");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(machine.path("sandbox/data/gateway.db"));
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    for change in [
        "DROP TRIGGER log_entry_no_update",
        "UPDATE log_entry SET leaf = (SELECT o.leaf FROM log_entry o WHERE o.idx = 3) WHERE idx = 17",
    ] {
        sqlx::raw_sql(change).execute(&mut raw).await.unwrap();
    }
    sqlx::Connection::close(raw).await.unwrap();
    let (code, said) = pmh(&fsck);
    assert!(code == 1 && said.contains("log_entry, entry 17"), "{said}");
    assert!(!said.contains("log_root") && !said.contains("log_head"), "{said}");
    let (code, said) = export(&machine.path("out"), &fsck[2..]);
    assert!(code != 0 && said.contains("fsck"), "{said}");
    assert!(!machine.path("out").exists());
}

#[tokio::test]
async fn i08_a_receipt_is_renewed_for_who_had_it_and_opened_to_nobody_else() {
    let machine = Machine::new();
    let running = machine.start().await;
    let operator = gateway(&running, "operator-1").await;
    let log = LogReader::new(operator.clone(), WhichLog::Gateway);
    let first = operator.call(&receipt_of(1), None).await.unwrap();
    let leaf = leaf_hash(&first.response.renewed.as_ref().unwrap().leaf);
    assert_eq!(first.proof.leaf.kind, pmh_audit::Kind::Replay);
    grow(&running, 300).await;
    let renewed = log.renew(1, &leaf).await.unwrap();
    assert!(renewed.tree_size > first.response.renewed.as_ref().unwrap().tree_size);
    assert!(renewed.detail.is_some());
    assert_eq!(renewed.detail, first.response.renewed.unwrap().detail);

    machine.has_a_tile().await;
    let later = log.renew(1, &leaf).await.unwrap();
    assert_eq!(later.leaf, renewed.leaf, "from tiles as from leaves");

    let auditor = gateway(&running, "auditor-1").await;
    let read = auditor.call(&receipt_of(1), None).await.unwrap();
    assert_eq!(read.proof.leaf.kind, pmh_audit::Kind::AuditorQuery);
    let seen = read.response.renewed.unwrap();
    assert_eq!((seen.detail, seen.subject), (None, None), "parts are opened under a warrant only");

    let clinic = gateway(&running, "tokyo-clinic-1").await;
    let reason = |error: pmh_client::Error| error.refused().unwrap().reason;
    for foreign in [1, 1_000_000, u64::MAX] {
        let refused = clinic.call(&receipt_of(foreign), None).await.unwrap_err();
        assert_eq!(reason(refused), pmh_proto::common::Reason::NotFound);
    }
    let cosigned = GetReceiptRequest { min_cosigned: 100, ..receipt_of(1) };
    let refused = operator.call(&cosigned, None).await.unwrap_err();
    assert_eq!(reason(refused), pmh_proto::common::Reason::NotCosigned);
    machine.stop(running).await;
}

#[tokio::test]
async fn every_page_of_an_export_is_an_entry_and_only_auditors_get_one() {
    let machine = Machine::new();
    let running = machine.start().await;
    grow(&running, 1_100).await;
    let auditor = LogReader::new(gateway(&running, "auditor-1").await, WhichLog::Gateway);
    let before = auditor.newest().await.unwrap().size();
    let mut export = auditor.export(10).await.unwrap();
    let (mut pages, mut checkpoints) = (0, 0);
    while let Some(page) = export.next().await.unwrap() {
        pages += 1;
        checkpoints += page.checkpoints.len();
    }
    assert_eq!((pages, export.arrived()), (2, before));
    assert!((5..=10).contains(&checkpoints));
    assert_eq!(auditor.newest().await.unwrap().size(), before + 2);
    // The young log of cards is exported the same way, and the reading is in the other log.
    let cards = LogReader::new(gateway(&running, "auditor-1").await, WhichLog::Auth);
    let mut export = cards.export(0).await.unwrap();
    while export.next().await.unwrap().is_some() {}
    assert_eq!(auditor.newest().await.unwrap().size(), before + 3);

    for other in ["operator-1", "tokyo-clinic-1"] {
        let log = LogReader::new(gateway(&running, other).await, WhichLog::Gateway);
        let refused = match log.export(0).await {
            Err(error) => error,
            Ok(mut export) => export.next().await.unwrap_err(),
        };
        assert!(format!("{refused:?}").contains("RoleNotAllowed"), "{other}: {refused:?}");
    }
    machine.stop(running).await;
}
