//! A server as a process of its own: where it listens, what CPU it used, and its end.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// A child of this program. It serves until it is dropped: its standard input ends with us, however we end.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// `host:port`.
    pub(crate) address: String,
}

impl Server {
    /// Starts this program once more with other arguments and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&OsStr]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a server")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "a server did not start");
        Ok(Self { child, address: line.trim().to_owned() })
    }

    /// CPU time so far, user and system, microseconds.
    pub(crate) fn cpu_us(&self) -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        parse_cpu_us(&stat).context("/proc/<pid>/stat")
    }

    /// Memory now, and at its highest since [`Server::forget_peak`].
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        parse_memory(&status).context("/proc/<pid>/status")
    }

    /// Lets the peak begin anew where the system allows it; otherwise it is that of the whole run.
    pub(crate) fn forget_peak(&self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5");
    }

    /// Process id, for a profiler.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Resident memory of a process, as `proc_pid_status(5)` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident_kib: u32,
    pub(crate) peak_kib: u32,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Nothing is left to tell when even this fails.
        let _ = self.child.wait();
    }
}

/// The child's half: says where it listens.
pub(crate) fn announce(address: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    Ok(out.flush()?)
}

/// The child's half: returns when the parent is gone.
pub(crate) async fn parent_gone() -> Result<()> {
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

fn parse_memory(status: &str) -> Option<Memory> {
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Memory { resident_kib: kib("VmRSS:")?, peak_kib: kib("VmHWM:")? })
}

/// Fields 14 and 15 of `proc_pid_stat(5)`, in ticks. The name in field 2 may hold anything, so counting starts behind it.
fn parse_cpu_us(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_ascii_whitespace().skip(11);
    let ticks = times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?;
    Some(ticks * US_A_TICK)
}

/// `USER_HZ` is 100 on every architecture that we run on.
const US_A_TICK: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_whatever_the_name_is() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 5 0 100 0 0";
        assert_eq!(parse_cpu_us(stat), Some(2_000_000));
        assert_eq!(parse_cpu_us("7 (a) S 1"), None);
    }

    #[test]
    fn memory_is_read_by_its_names() {
        let status = "Name:\ta\nVmHWM:\t   5000 kB\nVmRSS:\t   4000 kB\n";
        assert_eq!(parse_memory(status), Some(Memory { resident_kib: 4000, peak_kib: 5000 }));
        assert_eq!(parse_memory("Name:\ta\n"), None);
    }

    #[test]
    fn our_own_cpu_time_can_be_read() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(parse_cpu_us(&stat).is_some());
    }
}
