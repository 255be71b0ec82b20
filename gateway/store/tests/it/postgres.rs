//! A PostgreSQL cluster for the run of this test binary, from installed binaries.
//!
//! It lives in a temporary directory, listens on a Unix socket alone and syncs
//! as in production, because the store refuses a server that does not. A shell
//! waits on a pipe from this process: however the process ends, the pipe
//! closes, the server stops and the directory goes.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A running cluster.
pub(crate) struct Cluster {
    socket_dir: String,
    databases: AtomicU32,
    creating: Mutex<()>,
    _keeper: Child,
}

/// The cluster of this run; `None` where there are no binaries.
pub(crate) fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| {
            let Some(binaries) = binaries() else {
                assert!(
                    std::env::var_os("PMH_REQUIRE_POSTGRES").is_none_or(|value| value != "1"),
                    "PMH_REQUIRE_POSTGRES=1, but PostgreSQL binaries were not found"
                );
                // Straight to the terminal: the harness swallows what passing tests print.
                let _ = writeln!(std::io::stderr(), "SKIPPED: PostgreSQL binaries not found");
                return None;
            };
            Some(Cluster::start(&binaries))
        })
        .as_ref()
}

impl Cluster {
    fn start(binaries: &std::path::Path) -> Self {
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut keeper = command
            .args(["-c", KEEPER, "keeper"])
            .arg(binaries)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let socket_dir = line.trim().to_owned();
        assert!(!socket_dir.is_empty(), "PostgreSQL did not start");
        Self { socket_dir, databases: AtomicU32::new(0), creating: Mutex::new(()), _keeper: keeper }
    }

    /// The directory of the Unix socket.
    pub(crate) fn socket(&self) -> PathBuf {
        PathBuf::from(&self.socket_dir).join(".s.PGSQL.5432")
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.socket_dir)
    }

    /// An empty database.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let statement = format!("CREATE DATABASE {name}");
        {
            let _one_at_a_time = self.creating.lock().unwrap();
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(admin.execute(AssertSqlSafe(statement)))
            })
            .unwrap();
        }
        name
    }
}

const KEEPER: &str = r#"
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/pmh-pg.XXXXXX")
end() { "$1/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap 'end "$1"' EXIT
trap 'exit 1' HUP INT TERM
"$1/initdb" -D "$dir/data" -U postgres -A trust --no-locale -E UTF8 --no-sync >/dev/null
"$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w \
    -o "-c listen_addresses= -c unix_socket_directories=$dir -c max_connections=300" start >/dev/null
echo "$dir"
cat >/dev/null
"#;

fn binaries() -> Option<PathBuf> {
    let told = std::env::var_os("PMH_TEST_PG_BIN").map(PathBuf::from);
    let asked = || {
        let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    };
    let installed = || {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .collect();
        versions.sort();
        versions.pop()
    };
    [told, asked(), installed()].into_iter().flatten().find(|dir| dir.join("initdb").is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout.trim_ascii() == b"0"
}
