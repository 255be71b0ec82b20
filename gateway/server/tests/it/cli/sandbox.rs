//! One `pmh sandbox` for the whole module, and the program that is run against it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use pmh_testkit::sandbox::Sandbox;
use serde_json::Value;

/// A sandbox that serves.
pub(super) struct Running {
    pub(super) dir: PathBuf,
    /// Holds the pipe whose end is the end of the sandbox.
    _shell: Child,
}

/// What one run of `pmh` did.
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Running {
    /// Its description.
    pub(super) fn sandbox(&self) -> Sandbox {
        Sandbox::load(&self.dir.join(Sandbox::FILE)).unwrap()
    }

    /// The directory as an argument.
    pub(super) fn arg(&self) -> &str {
        self.dir.to_str().unwrap()
    }

    /// A client configuration for a terminal and a card, in a directory of its own.
    pub(super) fn client_config(&self, dir: &Path, address: &str, pin: &str) -> PathBuf {
        let sandbox = self.sandbox();
        let (_, terminal) = sandbox.terminal("tokyo-clinic-2").unwrap();
        let card = sandbox.card("renewed").unwrap();
        fs::write(dir.join("card.pin"), format!("{pin}\n")).unwrap();
        let path = |relative: &str| self.dir.join(relative).display().to_string();
        let text = format!(
            "address = \"{address}\"\nserver_name = \"{}\"\nissuer = \"{}\"\nca = \"{}\"\ncert = \"{}\"\n\
             key = \"{}\"\nlog_vkey = \"{}\"\nauth_log_vkey = \"{}\"\n\
             [card]\ncert = \"{}\"\nkey = \"{}\"\npin_file = \"card.pin\"\n",
            sandbox.server_name,
            sandbox.issuer,
            path(&sandbox.ca),
            path(&terminal.cert),
            path(&terminal.key),
            sandbox.log_vkey,
            sandbox.auth_log_vkey,
            path(&card.cert),
            path(&card.key),
        );
        let file = dir.join("client.toml");
        fs::write(&file, text).unwrap();
        file
    }
}

impl Ran {
    /// Standard output as one JSON document.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// The sandbox of this run.
pub(super) fn running() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    RUNNING.get_or_init(start)
}

/// Runs `pmh`, in English.
pub(super) fn pmh<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    pmh_in("C.UTF-8", args)
}

/// Runs `pmh` under a locale.
pub(super) fn pmh_in<A: AsRef<OsStr>>(locale: &str, args: impl IntoIterator<Item = A>) -> Ran {
    let Output { status, stdout, stderr } =
        Command::new(PMH).args(args).env("LANG", locale).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

/// A shell stands between: when this process ends, however it ends, the pipe to it closes, and it sends SIGTERM and
/// removes the directory. A test binary has no last line of its own in which to do that.
fn start() -> Running {
    let dir = tempfile::tempdir().unwrap().keep();
    let mut shell = Command::new("sh")
        .args(["-c", WATCHED, "sh", PMH])
        .arg(&dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    let described = lines.map_while(Result::ok).any(|line| line.starts_with("described in "));
    assert!(described, "the sandbox did not start");
    Running { dir, _shell: shell }
}

const PMH: &str = env!("CARGO_BIN_EXE_pmh");
const WATCHED: &str = r#"
"$1" sandbox --dir "$2" </dev/null &
server=$!
read -r _
kill -TERM "$server"
wait "$server"
rm -rf "$2"
"#;
