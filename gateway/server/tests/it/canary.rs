//! I18: no leaf, tile, checkpoint, metric, trace or log line says whom anything is about.
//!
//! A gateway with its ears wide open (every log line of every library, all metrics) serves a patient whose every
//! identifier is one of a kind, and a few callers who get it wrong. Then every byte that it wrote is searched for each
//! identifier in each form that a program is likely to give it. What must hold an identifier is named, column by
//! column, and must be found to hold one: so the search is known to find.

mod database;
mod forms;
mod patient;

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use database::{Holder, holders};
use forms::Canary;
use pmh::sandbox::SandboxOptions;
use tracing_subscriber::EnvFilter;

#[test]
fn i18_whom_it_is_about_is_nowhere_but_where_it_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path());
    let canaries = block_on(patient::visit(&gateway.sandbox()));
    gateway.stop();

    let log = fs::read(dir.path().join(LOG)).unwrap();
    let metrics = fs::read(dir.path().join(METRICS)).unwrap();
    assert!(Canary::new("control", CONTROL).is_in(&log), "the log was not written");
    assert!(Canary::new("control", CONTROL).is_in(&metrics), "the metrics were not written");
    for library in ["h2::", "rustls::", "sqlx::query"] {
        assert!(String::from_utf8_lossy(&log).contains(library), "{library} was not heard");
    }
    for canary in &canaries {
        assert_silent(canary, "a log line", &log);
        assert_silent(canary, "a metric", &metrics);
    }
    assert_only_the_records_hold(&canaries, dir.path());
    assert_exported_is_silent(&canaries, dir.path());
}

/// Tables by column, then everything else in the directory of the databases byte by byte.
fn assert_only_the_records_hold(canaries: &[Canary], dir: &Path) {
    let data = dir.join("sandbox/data");
    let found: Vec<Holder> = ["gateway.db", "auth.db"]
        .into_iter()
        .flat_map(|file| block_on(holders(&data.join(file), canaries)))
        .collect();
    for holder in &found {
        assert!(
            RECORDS.contains(&(holder.table.as_str(), holder.column.as_str())),
            "{}.{} holds the {}",
            holder.table,
            holder.column,
            holder.what
        );
    }
    for (table, column) in RECORDS {
        assert!(
            found.iter().any(|holder| holder.table == *table && holder.column == *column),
            "{table}.{column} may hold an identifier and holds none: strike it off"
        );
    }
    // The gateway's own file was read by columns. Auth knows nobody's records, so not even a free page of its file may
    // hold any, nor what else lies beside them.
    let read = ["gateway.db", "gateway.db-wal", "gateway.db-shm"];
    let files = fs::read_dir(&data).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|file| file.is_file() && !read.iter().any(|name| file.ends_with(name))) {
        let bytes = fs::read(&file).unwrap();
        for canary in canaries {
            assert_silent(canary, &file.display().to_string(), &bytes);
        }
    }
}

/// Leaves, tiles and checkpoint, as an auditor carries them away.
fn assert_exported_is_silent(canaries: &[Canary], dir: &Path) {
    for log in ["gateway", "auth"] {
        let out = dir.join(log);
        let exported = Command::new(PMH)
            .args(["audit", "export", "--log", log])
            .arg(&out)
            .arg("--config")
            .arg(dir.join("sandbox/pmh.toml"))
            .output()
            .unwrap();
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        let mut files = Vec::new();
        walk(&out, &mut files);
        assert!(files.iter().any(|file| file.ends_with("checkpoint")), "nothing was exported");
        for file in files {
            let bytes = fs::read(&file).unwrap();
            for canary in canaries {
                assert_silent(canary, &file.display().to_string(), &bytes);
            }
        }
    }
}

#[track_caller]
fn assert_silent(canary: &Canary, place: &str, bytes: &[u8]) {
    if let Some(form) = canary.form_in(bytes) {
        panic!("the {} is in {place}, as {}: {}", canary.what, form.name, form.around(bytes));
    }
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// The program in a process of its own, so that nothing else of this binary is heard.
struct Gateway {
    dir: PathBuf,
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Gateway {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "canary::gateway_with_open_ears", "--nocapture"])
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let serves = told.by_ref().map_while(Result::ok).any(|line| line.ends_with(SERVES));
        assert!(serves, "the gateway did not start");
        Self { dir: dir.to_owned(), child, told }
    }

    fn sandbox(&self) -> PathBuf {
        self.dir.join("sandbox")
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        // What the harness of the child says must find a reader to the end.
        self.told.by_ref().for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }
}

/// Does nothing unless the test above starts it; serves until its standard input ends.
#[test]
fn gateway_with_open_ears() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let log = fs::File::create(dir.join(LOG)).unwrap();
    let all = EnvFilter::new("trace");
    tracing_subscriber::fmt().json().with_writer(log).with_env_filter(all).init();
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().unwrap();
    metrics::counter!("control", "control" => CONTROL).increment(1);
    tracing::trace!(control = CONTROL);
    block_on(async {
        let options = SandboxOptions {
            dir: dir.join("sandbox"),
            listen: "127.0.0.1:0".to_owned(),
            limits: None,
            witnesses: Vec::new(),
        };
        let running = pmh::sandbox::open(&options).await.unwrap();
        println!("\n{SERVES}");
        let until_the_end = || std::io::stdin().read_to_end(&mut Vec::new());
        tokio::task::spawn_blocking(until_the_end).await.unwrap().unwrap();
        running.gateway.stop().await.unwrap();
    });
    fs::write(dir.join(METRICS), metrics.render()).unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// Columns whose purpose is to hold what an issuer sent.
const RECORDS: &[(&str, &str)] = &[
    ("resident_link", "resident_key"),
    ("resident_link", "body"),
    ("entitlement", "resident_key"),
    ("entitlement", "recipient_number"),
    ("entitlement", "body"),
];

const PMH: &str = env!("CARGO_BIN_EXE_pmh");
const DIR: &str = "PMH_CANARY_DIR";
const LOG: &str = "log.json";
const METRICS: &str = "metrics.txt";
const SERVES: &str = "the gateway serves";
const CONTROL: &str = "control-canary";
