//! A municipality's batch streamed in, beside a bare bidirectional echo of the same messages in the same run.
//!
//! Both streams are driven by the same client over connections of the same kind: encoded rows there, encoded answers
//! back. The echo returns each message as it came; the gateway answers each chunk once its rows are validated, kept
//! and logged. Receipts are checked after the clock has stopped, since the client shares the CPU.

mod rows;
mod stream;

use std::ffi::OsStr;
use std::fmt::Arguments;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use pmh::sandbox::uuid;
use pmh_audit::OrgRef;
use pmh_audit::registry::Method;
use pmh_client::issuer::{BulkRow as _, chunk_digest};
use pmh_client::receipt::{Expected, check, response_digest};
use pmh_client::{Endpoint, LogKeys, connect};
use pmh_proto::checkup::{BatchState, CheckupRow, PushCheckupsResponse, PushSummary};
use pmh_proto::common::BulkSummary;
use prost::Message as _;
use prost::bytes::Bytes;
use serde::Serialize;

use crate::child::{Memory, Server};
use crate::report::rounded;
use crate::town::Town;
use crate::{echo, gateway};
use rows::{Rows, encoded};
use stream::{Answer, Streamed, stream};

/// How many rows, of how many residents.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Rows of the batch.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    /// Residents whose checkups they are.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    residents: u32,
    /// Directory for the database; its disk is what is measured. Default: a temporary one.
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

/// Echo, gateway, the same batch again, echo.
pub(crate) async fn run(args: Args) -> Result<()> {
    let dir = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let office = Office::open(dir.path(), &args).await?;
    let rows = Rows { count: args.rows, residents: args.residents };
    let batch = encoded(&uuid(), &rows);
    let before = office.echo(&batch).await?;
    say(format_args!("echo       {before}"));
    let pushed = office.push(&batch).await?;
    say(format_args!("push       {}", pushed.streamed));
    let again = office.push(&encoded(&uuid(), &rows)).await?;
    say(format_args!("push again {}", again.streamed));
    let after = office.echo(&batch).await?;
    say(format_args!("echo       {after}"));

    let created = BulkSummary { created: args.rows, ..Default::default() };
    ensure!(pushed.summary()?.rows == Some(created), "not every row was created");
    ensure!(pushed.summary()?.state() == BatchState::Accepted, "the batch was not accepted");
    let unchanged = BulkSummary { unchanged: args.rows, ..Default::default() };
    ensure!(again.summary()?.rows == Some(unchanged), "a row sent again changed something");
    let receipts_checked = office.check(&rows, &pushed)?;
    print(&Line::of(&args, &batch, &[before, after], &pushed, &again, receipts_checked))
}

/// The municipality, and both servers.
struct Office {
    gateway: Server,
    echo: Server,
    desk: Endpoint,
    keys: LogKeys,
}

impl Office {
    async fn open(dir: &Path, args: &Args) -> Result<Self> {
        let limits = dir.join("bench-limits.toml");
        std::fs::write(&limits, gateway::limits(1, 1))?;
        let started = |command: &str, option: &str, value: &OsStr| {
            let [command, at, option] = [command, "--dir", option].map(OsStr::new);
            Server::start(&[command, at, dir.as_os_str(), option, value])
        };
        let gateway = started("serve-gateway", "--limits", limits.as_os_str())?;
        let echo = started("serve-echo", "--answer-bytes", OsStr::new("0"))?;
        let town = Town::load(dir)?;
        town.register(usize::try_from(args.residents)?).await?;
        say(format_args!("gateway is process {}, echo {}", gateway.id(), echo.id()));
        Ok(Self { desk: town.office()?, keys: town.keys().clone(), gateway, echo })
    }

    async fn echo(&self, batch: &[Bytes]) -> Result<Streamed> {
        let endpoint = Endpoint { address: self.echo.address.clone(), ..self.desk.clone() };
        let channel = connect(&endpoint).await?;
        // Each message comes back, and its size is all that is looked at.
        stream(&channel, echo::STREAM_PATH, batch, &self.echo, |_| Ok(Answer { rows: 1 })).await
    }

    async fn push(&self, batch: &[Bytes]) -> Result<Pushed> {
        let channel = connect(&self.desk).await?;
        let mut answers = Vec::new();
        let streamed = stream(&channel, CheckupRow::PATH, batch, &self.gateway, |bytes| {
            let answer = PushCheckupsResponse::decode(bytes)?;
            let rows = answer.rows.len();
            answers.push(answer);
            Ok(Answer { rows })
        })
        .await?;
        Ok(Pushed { streamed, answers })
    }

    /// Each chunk's receipt proves the rows as they were sent and the answer as it came.
    fn check(&self, rows: &Rows, pushed: &Pushed) -> Result<usize> {
        let identity = self.desk.identity()?;
        let requester: &OrgRef = identity.organization();
        let mut sent = rows.iter();
        let chunks = pushed.answers.iter().filter(|answer| answer.summary.is_none());
        let mut checked = 0;
        for answer in chunks {
            let expected = Expected {
                requester,
                method: Method::PUSH_CHECKUPS,
                request: chunk_digest(&mut sent, &answer.rows)?,
                response: response_digest(answer),
            };
            check(answer.receipt.as_ref(), &self.keys.gateway, &expected)?;
            checked += 1;
        }
        Ok(checked)
    }
}

/// A batch's answers, and how long they took.
struct Pushed {
    streamed: Streamed,
    answers: Vec<PushCheckupsResponse>,
}

impl Pushed {
    fn summary(&self) -> Result<&PushSummary> {
        self.answers.last().and_then(|answer| answer.summary.as_ref()).context("no summary")
    }
}

#[derive(Debug, Serialize)]
struct Line {
    rows: u32,
    residents: u32,
    row_bytes: usize,
    echo_rows_per_s: f64,
    gateway_rows_per_s: f64,
    throughput_ratio: f64,
    echo_cpu_us_per_row: f64,
    gateway_cpu_us_per_row: f64,
    cpu_ratio: f64,
    /// The same rows under another batch: every one UNCHANGED.
    again_rows_per_s: f64,
    /// Of the gateway's process while the first batch came in.
    gateway_memory: Vec<Mark>,
    chunks: usize,
    receipts_checked: usize,
}

/// Memory of the gateway once so many rows were answered.
#[derive(Debug, Serialize)]
struct Mark {
    rows: usize,
    resident_mib: f64,
    /// Highest since the stream began.
    peak_mib: f64,
}

impl Line {
    fn of(
        args: &Args,
        batch: &[Bytes],
        echo: &[Streamed],
        pushed: &Pushed,
        again: &Pushed,
        checked: usize,
    ) -> Self {
        let bytes: usize = batch.iter().map(Bytes::len).sum();
        let echo = Streamed::together(echo);
        let (echo_rate, rate) = (echo.rows_per_s(), pushed.streamed.rows_per_s());
        let (echo_cpu, cpu) = (echo.cpu_us_per_row(), pushed.streamed.cpu_us_per_row());
        Self {
            rows: args.rows,
            residents: args.residents,
            row_bytes: bytes / batch.len(),
            echo_rows_per_s: echo_rate.round(),
            gateway_rows_per_s: rate.round(),
            throughput_ratio: rounded(rate / echo_rate),
            echo_cpu_us_per_row: rounded(echo_cpu),
            gateway_cpu_us_per_row: rounded(cpu),
            cpu_ratio: rounded(cpu / echo_cpu),
            again_rows_per_s: again.streamed.rows_per_s().round(),
            gateway_memory: pushed.streamed.memory.iter().map(Mark::of).collect(),
            chunks: pushed.answers.len().saturating_sub(1),
            receipts_checked: checked,
        }
    }
}

impl Mark {
    fn of((rows, memory): &(usize, Memory)) -> Self {
        let mib = |kib: u32| rounded(f64::from(kib) / 1024.0);
        Self { rows: *rows, resident_mib: mib(memory.resident_kib), peak_mib: mib(memory.peak_kib) }
    }
}

fn print(line: &Line) -> Result<()> {
    let mut out = std::io::stdout();
    serde_json::to_writer(&mut out, line)?;
    Ok(writeln!(out)?)
}

#[expect(clippy::print_stderr, reason = "what people read; the line for programs goes to standard output")]
fn say(text: Arguments<'_>) {
    eprintln!("{text}");
}
