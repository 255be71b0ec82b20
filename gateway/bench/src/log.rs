//! Appends with receipt on SQLite, beside the same log with one transaction per entry.
//!
//! All write in this process to files in one directory, take turns, and are asked by the same callers in a closed
//! loop: each waits for its receipt before it asks again. What is compared is the sharing of a commit, so the control
//! does everything else as economically as the store does, and does less of it (`log/single.rs`).

mod single;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pmh_audit::registry::{Categories, Method, Purpose};
use pmh_audit::{ActorBody, DetailBody, Kind, OrgRef, Receipt, References, SigningKey};
use pmh_store::{
    Attempt, Draft, EntrySubject, GatewayStore, Location, LogSettings, StoreKeys, default_checkpoint_file,
};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock;
use crate::report::{Slice, median, rounded};
use single::{Single, Trips};

/// How long, and by how many.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Callers at a time; several numbers are measured one after the other, a line for each.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 256], value_parser = clap::value_parser!(u32).range(1..=4096))]
    callers: Vec<u32>,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Turns that each of the two takes; figures are medians over them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Persons whom the entries are about.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    persons: u32,
    /// Directory for the two databases; its disk is what is measured. Default: a temporary one.
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

/// One line for each number of callers.
pub(crate) async fn run(args: Args) -> Result<()> {
    let dir = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    for callers in &args.callers {
        let line = compare(&args, *callers, dir.path()).await?;
        let mut out = std::io::stdout();
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

#[derive(Debug, Serialize)]
struct Line {
    callers: u32,
    batched: Figures,
    /// A transaction to each entry, a statement at a time.
    single: Figures,
    /// Throughput of the first by that of the second.
    ratio: f64,
    /// A transaction to each entry, in as few trips to the database's thread as a batch.
    single_scripted: Figures,
    ratio_scripted: f64,
    receipts_checked: usize,
}

#[derive(Debug, Serialize)]
struct Figures {
    throughput: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Figures {
    fn of(slices: &[Slice]) -> Self {
        let of = |value: &dyn Fn(&Slice) -> f64| rounded(median(slices.iter().map(value).collect()));
        Self {
            throughput: of(&Slice::throughput),
            p50_ms: of(&|slice| slice.percentile_ms(50)),
            p99_ms: of(&|slice| slice.percentile_ms(99)),
        }
    }
}

/// Fresh databases, a warm-up, and turns.
async fn compare(args: &Args, callers: u32, dir: &Path) -> Result<Line> {
    let location = Location::Sqlite(dir.join(format!("batched-{callers}.db")));
    let settings = LogSettings {
        checkpoint_file: default_checkpoint_file(&location),
        location,
        signer: key()?,
        keys: StoreKeys { wrapping: [1; 32], index: [2; 32] },
        clock: Arc::new(clock::now_us),
    };
    let (store, task) = GatewayStore::open(settings).await?;
    let plain = Single::open(&dir.join(format!("single-{callers}.db")), key()?, Trips::Each).await?;
    let scripted = Single::open(&dir.join(format!("scripted-{callers}.db")), key()?, Trips::Three).await?;
    let all = [Log::Batched(store), Log::Single(Arc::new(plain)), Log::Single(Arc::new(scripted))];
    let mut slices = [const { Vec::new() }; 3];
    let mut receipts_checked = 0;
    for round in 0..=args.rounds {
        let time = if round == 0 { WARM_UP } else { Duration::from_secs(args.seconds) };
        for ((log, slices), name) in all.iter().zip(&mut slices).zip(["batched", "single", "scripted"]) {
            let (slice, receipts) = log.drive(callers, args.persons, time).await?;
            for receipt in receipts {
                receipt.verify(key()?.verifier(), &REQUEST, &RESPONSE)?;
                receipts_checked += 1;
            }
            if round > 0 {
                say(format_args!(
                    "{callers:>5} callers {name:>9} {:>8.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms",
                    slice.throughput(),
                    slice.percentile_ms(50),
                    slice.percentile_ms(99),
                ));
                slices.push(slice);
            }
        }
    }
    drop(all);
    task.await?;
    let [batched, single, single_scripted] = slices.map(|slices| Figures::of(&slices));
    let ratio = rounded(batched.throughput / single.throughput);
    let ratio_scripted = rounded(batched.throughput / single_scripted.throughput);
    Ok(Line { callers, batched, single, ratio, single_scripted, ratio_scripted, receipts_checked })
}

/// What is compared.
#[derive(Clone)]
enum Log {
    Batched(GatewayStore),
    Single(Arc<Single>),
}

impl Log {
    async fn append(&self, drawn: Drawn, draft: Draft) -> Result<Receipt> {
        match self {
            Self::Batched(store) => through_the_store(store, &drawn, draft).await,
            Self::Single(single) => single.append(&drawn, draft).await,
        }
    }

    /// All callers for some time; also the last receipt of each.
    async fn drive(&self, callers: u32, persons: u32, time: Duration) -> Result<(Slice, Vec<Receipt>)> {
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let log = self.clone();
            tasks.spawn(async move {
                let (mut latencies, mut last) = (Vec::new(), None);
                let mut person = caller;
                while began.elapsed() < time {
                    person = (person + callers) % persons;
                    let asked = Instant::now();
                    last = Some(log.append(Drawn::new()?, draft(person)?).await?);
                    latencies.push(u32::try_from(asked.elapsed().as_micros())?);
                }
                anyhow::Ok((latencies, last))
            });
        }
        let (mut latencies, mut receipts) = (Vec::new(), Vec::new());
        while let Some(done) = tasks.join_next().await {
            let (measured, last) = done??;
            latencies.extend(measured);
            receipts.extend(last);
        }
        let seconds = began.elapsed().as_secs_f64();
        ensure!(!latencies.is_empty(), "no entry was appended");
        latencies.sort_unstable();
        Ok((Slice { seconds, cpu_us: 0, latencies, answer_bytes: 0 }, receipts))
    }
}

/// As the gateway's disclosures go.
async fn through_the_store(store: &GatewayStore, drawn: &Drawn, draft: Draft) -> Result<Receipt> {
    let mut bytes = drawn.0.iter();
    let mut random = |into: &mut [u8]| into.iter_mut().zip(&mut bytes).for_each(|(to, from)| *to = *from);
    let attempt = Attempt::draw(&mut random);
    let person = draft.subject.as_ref().map(|subject| subject.reference);
    let recorded = store.disclose(attempt, person, move |_, _| ((), Some(draft.clone()))).await?;
    recorded.into_parts().1.context("an entry without its receipt")
}

/// Randomness of one entry, drawn at once for both alike.
struct Drawn([u8; 192]);

impl Drawn {
    fn new() -> Result<Self> {
        let mut bytes = [0; 192];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

/// A disclosure as a clinic's call makes it, about an invented person.
fn draft(person: u32) -> Result<Draft> {
    let mut reference = [0; 32];
    reference.iter_mut().zip(person.to_be_bytes()).for_each(|(to, from)| *to = from);
    Ok(Draft {
        kind: Kind::Disclosure,
        method: Method::VERIFY_ELIGIBILITY,
        purpose: Purpose::TREATMENT,
        outcome: 0,
        categories: Categories::SUBSIDY,
        holder: None,
        requester: Some(OrgRef::new("clinic:1312345678")?),
        references: References::default(),
        subject: Some(EntrySubject {
            reference,
            sub: "Zm9yIGEgYmVuY2htYXJrIGFuZCBub2JvZHkgZWxzZSE".to_owned(),
            also: Vec::new(),
        }),
        actor: ActorBody::default(),
        detail: DetailBody { request_sha256: REQUEST, response_sha256: RESPONSE, ..DetailBody::default() },
    })
}

fn key() -> Result<SigningKey> {
    Ok(SigningKey::from_seed("audit.bench.pmh.example/log", &[7; 32])?)
}

#[expect(clippy::print_stderr, reason = "what people read; the lines for programs go to standard output")]
fn say(text: std::fmt::Arguments<'_>) {
    eprintln!("{text}");
}

const REQUEST: [u8; 32] = [0x51; 32];
const RESPONSE: [u8; 32] = [0x52; 32];
const WARM_UP: Duration = Duration::from_millis(500);
