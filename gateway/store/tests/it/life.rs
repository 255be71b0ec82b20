//! A test of this binary as a program of its own, which tells what was acknowledged and is killed.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use pmh_store::Location;

const TASK: &str = "PMH_STORE_LIFE";

/// One program from its start to its end.
pub(crate) struct Life {
    child: Child,
    output: std::io::Lines<BufReader<ChildStdout>>,
    told: Vec<String>,
}

impl Life {
    /// Starts a test, which finds its [`task`].
    pub(crate) fn begin(test: &str, location: &Location, task: &str) -> Self {
        let place = match location {
            Location::Sqlite(path) => path.to_str().unwrap(),
            Location::Postgres(url) => url.as_str(),
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(TASK, format!("{place}|{task}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, output, told: Vec::new() }
    }

    /// Waits until so many lines more were told, and kills nobody if it ended before.
    pub(crate) fn read(&mut self, lines: usize) {
        assert!(self.reads(lines), "a program ended by itself");
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Everything it told until its end.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.reads(usize::MAX);
        self.child.wait().unwrap();
        self.told
    }

    fn reads(&mut self, lines: usize) -> bool {
        for _ in 0..lines {
            // The harness writes on the same lines.
            let Some(told) =
                self.output.by_ref().map_while(Result::ok).find_map(|line| acknowledgement(&line))
            else {
                return false;
            };
            self.told.push(told);
        }
        true
    }
}

/// Where and what, in a process that [`Life::begin`] started; `None` in an ordinary run.
pub(crate) fn task() -> Option<(Location, String)> {
    let told = std::env::var(TASK).ok()?;
    let (place, task) = told.split_once('|').unwrap();
    let location = if place.starts_with("postgres:") {
        Location::Postgres(place.to_owned())
    } else {
        Location::Sqlite(place.into())
    };
    Some((location, task.to_owned()))
}

/// One write per line, so that a line is told whole or, by a kill, cut.
pub(crate) fn acknowledge(what: &str) {
    std::io::stdout().write_all(format!("ACK {what}\n").as_bytes()).unwrap();
}

fn acknowledgement(line: &str) -> Option<String> {
    line.split_once("ACK ").map(|(_, told)| told.to_owned())
}
