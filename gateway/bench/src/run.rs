//! One run: start both servers, settle the town, take turns, print.

use std::ffi::OsStr;
use std::fmt::Arguments;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pmh_client::{Endpoint, Presentation, Terminal, connect};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::child::Server;
use crate::desk::{Desk, SAMPLE, Work, for_subsidies};
use crate::gateway;
use crate::report::{DoseLine, Figures, Line, Slice};
use crate::town::{HeldCard, Town};
use crate::vaccination::{self, DoseCall};

/// What is measured, and how long.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// TLS connections; each is a terminal with a certificate of its own.
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    connections: usize,
    /// Callers at a time, over all connections.
    #[arg(long, default_value_t = 64, value_parser = at_least_one)]
    concurrency: usize,
    /// Seconds that each kind of call is measured, over all rounds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Turns that echo and gateway take; figures are medians over them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Persons, each with a card, a right and a token.
    #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
    persons: usize,
    /// Calls that a token is used for in the main figure; 0: as often as wanted.
    #[arg(long, default_value_t = 0)]
    calls_per_token: u32,
    /// Send the echo the message alone. Otherwise it gets the gateway's whole request, the token among its headers.
    #[arg(long)]
    bare_echo: bool,
}

/// VerifyEligibility, and for comparison with tokens never seen before and within the whole visit.
pub(crate) async fn eligibility(args: Args) -> Result<()> {
    let mut bench = Bench::open(args, for_subsidies()).await?;
    let [mut echo, mut known, mut first_seen, mut visit] = [const { Vec::new() }; 4];
    let per_token = (bench.args.calls_per_token > 0).then_some(bench.args.calls_per_token);
    for round in 1..=bench.args.rounds {
        say(format_args!("round {round} of {}", bench.args.rounds));
        bench.prepare(per_token, bench.reserve(&known)).await?;
        echo.push(bench.slice("echo", bench.args.echo()).await?);
        known.push(bench.slice("gateway", Work::Verify).await?);
        bench.prepare(Some(1), bench.reserve(&first_seen)).await?;
        first_seen.push(bench.slice("first seen", Work::Verify).await?);
        visit.push(bench.slice("visit", Work::Visit).await?);
        bench.clear_tokens();
    }
    let answer_bytes = bench.answer_bytes;
    let [echo, known, first_seen, visit] = [echo, known, first_seen, visit].map(|of| Figures::of(&of));
    let [throughput, cpu, p99] = known.beside(echo).ratios();
    bench.print(&Line {
        echo,
        gateway: Some(known),
        throughput_ratio: Some(throughput),
        cpu_ratio: Some(cpu),
        p99_ratio: Some(p99),
        first_seen: Some(first_seen.beside(echo)),
        ..bench.line(echo, visit, answer_bytes)
    })
}

/// The whole visit alone.
pub(crate) async fn visits(args: Args) -> Result<()> {
    let mut bench = Bench::open(args, for_subsidies()).await?;
    let [mut echo, mut visit] = [const { Vec::new() }; 2];
    for round in 1..=bench.args.rounds {
        say(format_args!("round {round} of {}", bench.args.rounds));
        echo.push(bench.slice("echo", bench.args.echo()).await?);
        visit.push(bench.slice("visit", Work::Visit).await?);
    }
    let answer_bytes = bench.answer_bytes;
    let [echo, visit] = [echo, visit].map(|of| Figures::of(&of));
    bench.print(&bench.line(echo, visit, answer_bytes))
}

/// EvaluateDose and RecordDose beside VerifyEligibility, all with prepared tokens.
pub(crate) async fn vaccinations(args: Args) -> Result<()> {
    let mut bench = Bench::open(args, vaccination::presentation(for_subsidies())).await?;
    let [mut echo, mut known, mut evaluate, mut record] = [const { Vec::new() }; 4];
    for round in 1..=bench.args.rounds {
        say(format_args!("round {round} of {}", bench.args.rounds));
        bench.prepare(None, 0).await?;
        echo.push(bench.slice("echo", bench.args.echo()).await?);
        known.push(bench.slice("eligibility", Work::Verify).await?);
        bench.prepare(None, 0).await?;
        evaluate.push(bench.slice("evaluate", Work::Dose(DoseCall::Evaluate)).await?);
        record.push(bench.slice("record", Work::Dose(DoseCall::Record)).await?);
    }
    let [echo, gateway, evaluate, record] = [echo, known, evaluate, record].map(|of| Figures::of(&of));
    bench.print(&DoseLine {
        echo,
        gateway,
        evaluate: evaluate.beside(gateway),
        record: record.beside(gateway),
        connections: bench.args.connections,
        concurrency: bench.args.concurrency,
        seconds: bench.args.seconds,
        rounds: bench.args.rounds,
        persons: bench.args.persons,
        receipts_checked: bench.receipts_checked,
    })
}

impl Args {
    fn echo(&self) -> Work {
        if self.bare_echo { Work::BareEcho } else { Work::Echo }
    }
}

/// Both servers, and the desks that call them.
struct Bench {
    args: Args,
    desks: Vec<Desk>,
    receipts_checked: usize,
    answer_bytes: u64,
    town: Town,
    gateway: Server,
    echo: Server,
    /// Last, so that the servers end before their files.
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn open(args: Args, presentation: Presentation) -> Result<Self> {
        ensure!(args.persons >= args.concurrency, "fewer persons than callers");
        ensure!(args.concurrency >= args.connections, "fewer callers than connections");
        let dir = tempfile::tempdir()?;
        let limits = gateway::limits(args.connections, args.concurrency);
        say(format_args!("limits of the gateway, raised for one organization's load:\n{limits}"));
        let file = dir.path().join("bench-limits.toml");
        std::fs::write(&file, limits)?;
        let gateway = start(dir.path(), "serve-gateway", "--limits", file.as_os_str())?;
        let town = Town::load(dir.path())?;
        let began = Instant::now();
        let cards = town.settle(args.persons).await?;
        say(format_args!("{} persons settled in {:.1} s", args.persons, began.elapsed().as_secs_f64()));
        let endpoints: Vec<Endpoint> = (0..args.connections).map(|n| town.desk(n)).collect::<Result<_>>()?;
        let desks = desks(&town, &endpoints, &presentation, cards, args.concurrency).await?;
        let began = Instant::now();
        let mut desks = each(desks, Desk::present_all).await?;
        say(format_args!("{} cards presented in {:.1} s", args.persons, began.elapsed().as_secs_f64()));
        let answer_bytes = probe(&mut desks).await?;
        let size = answer_bytes.to_string();
        let echo = start(dir.path(), "serve-echo", "--answer-bytes", OsStr::new(&size))?;
        connect_echo(&mut desks, &endpoints, &echo.address).await?;
        say(format_args!(
            "an answer has {answer_bytes} bytes; gateway is process {}, echo {}\n\
             the receipt of one answer in {SAMPLE} is checked, after its slice, since the client shares the CPU",
            gateway.id(),
            echo.id(),
        ));
        let mut bench =
            Self { args, desks, receipts_checked: 0, answer_bytes, town, gateway, echo, _dir: dir };
        bench.warm_up().await?;
        Ok(bench)
    }

    async fn warm_up(&mut self) -> Result<()> {
        self.prepare(None, 0).await?;
        for (name, work) in [("warm echo", self.args.echo()), ("warm gateway", Work::Verify)] {
            self.run(name, work, Duration::from_secs(1)).await?;
        }
        Ok(())
    }

    /// Tokens for the next slice: `wanted` calls' worth if they are counted.
    async fn prepare(&mut self, per_token: Option<u32>, wanted: usize) -> Result<()> {
        let each_wants = wanted.div_ceil(self.desks.len());
        let needed = self.slice_time() + MARGIN;
        self.desks =
            each(std::mem::take(&mut self.desks), move |desk| desk.prepare(per_token, each_wants, needed))
                .await?;
        Ok(())
    }

    /// More calls than the next slice will make: what the last one made and half as many again.
    fn reserve(&self, made: &[Slice]) -> usize {
        let guess = FIRST_GUESS * usize::try_from(self.slice_time().as_millis()).unwrap_or(1000) / 1000;
        made.last().map_or(guess, |slice| slice.latencies.len() * 3 / 2).max(self.desks.len())
    }

    fn clear_tokens(&mut self) {
        self.desks.iter_mut().for_each(Desk::clear_tokens);
    }

    fn slice_time(&self) -> Duration {
        Duration::from_secs(self.args.seconds) / self.args.rounds
    }

    async fn slice(&mut self, name: &str, work: Work) -> Result<Slice> {
        self.run(name, work, self.slice_time()).await
    }

    async fn run(&mut self, name: &str, work: Work, time: Duration) -> Result<Slice> {
        let server = match work {
            Work::Echo | Work::BareEcho => &self.echo,
            Work::Verify | Work::Visit | Work::Dose(_) => &self.gateway,
        };
        let cpu = server.cpu_us()?;
        let began = Instant::now();
        let done = each(std::mem::take(&mut self.desks), move |desk| desk.run(work, began + time)).await?;
        let seconds = began.elapsed().as_secs_f64();
        let cpu_us = server.cpu_us()? - cpu;
        let mut slice = Slice { seconds, cpu_us, latencies: Vec::new(), answer_bytes: 0 };
        for (desk, tally) in done {
            self.receipts_checked += desk.check(&tally)?;
            slice.answer_bytes += tally.answer_bytes;
            slice.latencies.extend(tally.latencies);
            self.desks.push(desk);
        }
        slice.latencies.sort_unstable();
        ensure!(!slice.latencies.is_empty(), "no call was made");
        say(format_args!("{name:>12}  {slice}"));
        Ok(slice)
    }

    fn line(&self, echo: Figures, visit: Figures, answer_bytes: u64) -> Line {
        Line {
            echo,
            gateway: None,
            throughput_ratio: None,
            cpu_ratio: None,
            p99_ratio: None,
            first_seen: None,
            visit: visit.beside(echo),
            connections: self.args.connections,
            concurrency: self.args.concurrency,
            seconds: self.args.seconds,
            rounds: self.args.rounds,
            persons: self.args.persons,
            calls_per_token: self.args.calls_per_token,
            bare_echo: self.args.bare_echo,
            answer_bytes,
            receipts_checked: self.receipts_checked,
        }
    }

    fn print(&self, line: &impl serde::Serialize) -> Result<()> {
        say(format_args!("both databases: {} MiB", self.town.stored_bytes() >> 20));
        let mut out = std::io::stdout();
        serde_json::to_writer(&mut out, line)?;
        writeln!(out)?;
        Ok(())
    }
}

fn start(dir: &Path, command: &str, option: &str, value: &OsStr) -> Result<Server> {
    let arguments = [command, "--dir"].map(OsStr::new);
    let [command, dir_option] = arguments;
    Server::start(&[command, dir_option, dir.as_os_str(), OsStr::new(option), value])
}

/// One desk for each caller; patients and connections are dealt out in turn.
async fn desks(
    town: &Town,
    endpoints: &[Endpoint],
    presentation: &Presentation,
    cards: Vec<HeldCard>,
    concurrency: usize,
) -> Result<Vec<Desk>> {
    let mut hands: Vec<Vec<HeldCard>> = (0..concurrency).map(|_| Vec::new()).collect();
    for (number, card) in cards.into_iter().enumerate() {
        hands.get_mut(number % concurrency).context("no callers")?.push(card);
    }
    let mut terminals = Vec::new();
    for endpoint in endpoints {
        let terminal = Terminal::new(connect(endpoint).await?, endpoint.identity()?, town.keys().clone());
        terminals.push(terminal.with_issuer(town.issuer()));
    }
    let terminals = terminals.iter().cycle();
    let desk = |(hand, terminal): (_, &Terminal)| Desk::new(terminal.clone(), presentation.clone(), hand);
    Ok(hands.into_iter().zip(terminals).map(desk).collect())
}

async fn connect_echo(desks: &mut [Desk], endpoints: &[Endpoint], address: &str) -> Result<()> {
    let mut channels = Vec::new();
    for endpoint in endpoints {
        let endpoint = Endpoint { address: address.to_owned(), ..endpoint.clone() };
        channels.push(connect(&endpoint).await?);
    }
    for (desk, channel) in desks.iter_mut().zip(channels.iter().cycle()) {
        desk.set_echo(channel.clone());
    }
    Ok(())
}

/// One call of each desk: the typical size of an answer.
async fn probe(desks: &mut Vec<Desk>) -> Result<u64> {
    let prepared = each(std::mem::take(desks), |desk| desk.prepare(Some(1), 1, MARGIN)).await?;
    let until = Instant::now() + Duration::from_millis(200);
    let (mut bytes, mut calls) = (0, 0);
    for (mut desk, tally) in each(prepared, move |desk| desk.run(Work::Verify, until)).await? {
        bytes += tally.answer_bytes;
        calls += tally.latencies.len() as u64;
        desk.clear_tokens();
        desks.push(desk);
    }
    bytes.checked_div(calls).context("no call was made")
}

/// All desks at the same time.
async fn each<T: Send + 'static, F>(desks: Vec<Desk>, work: impl Fn(Desk) -> F) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut tasks: JoinSet<Result<T>> = desks.into_iter().map(work).collect();
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(result) = tasks.join_next().await {
        done.push(result??);
    }
    Ok(done)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[expect(clippy::print_stderr, reason = "what people read; the line for programs goes to standard output")]
fn say(text: Arguments<'_>) {
    eprintln!("{text}");
}

/// A token must outlast its slice by this.
const MARGIN: Duration = Duration::from_mins(1);
/// Calls a second that a slice with counted tokens is prepared for when nothing is known yet.
const FIRST_GUESS: usize = 6000;
