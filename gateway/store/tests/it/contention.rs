//! Many clinics, few children, random `kill -9`: one dose, once (design.md P7).
//!
//! Every client asks on until it is answered, with the same idempotency key, across crashes. Each answer names the
//! index and the time it was decided at, so the answers of a whole run, put in the order of the log, are one sequential
//! history; a model that fits on a screen must give the very same answers. A failure is: any answer that the model does
//! not give (two holders, two valid doses of one number, a lease that ends early or late), an answer that a replay
//! changes, an acknowledged dose that is not in the table with the status it was acknowledged with.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, atomic::Ordering},
};

use jiff::civil::date;
use pmh_audit::Kind;
use pmh_store::{
    Concluding, Conclusion, Fault, GatewayStore, Idempotency, Location, Reply, SubjectRef,
    vaccination::{
        Against, DoseChange, DoseRecord, DoseStatus, DosesOf, Lease, NewVersion, PersonDoses, Product,
        Programme, Source, Taken,
    },
};

use crate::{
    life::{self, Life},
    support::*,
};

const CLIENTS: u32 = 24;
/// Calls of each client about the same children; then all go on to the next, so that nobody has thousands of doses.
const CALLS_A_CLASS: u32 = 128;
/// Children that all clients ask about at a time.
const CLASS: u32 = 4;
const NUMBERS: u8 = 2;
/// A lease in ticks of the clock; each batch is at least one.
const LEASE_US: i64 = 40;

pub(crate) async fn p7_one_dose_once_whatever_crashes(place: Place) {
    place.open().await.close().await;
    let attempts = if place.is_sqlite() { scaled(4_000, 120_000) } else { scaled(1_500, 100_000) };
    // On PostgreSQL two programs share one database, as replicas do.
    let programs = if place.is_sqlite() { 1 } else { 2 };
    let mut history = History::default();
    let mut rounds = 0;
    while history.attempts() < attempts {
        let left = attempts - history.attempts();
        let lines = 1 + usize::from(random_byte()) * attempts.min(32_000) / 2_000;
        history.run_and_kill(&place.location, programs, lines.min(left));
        rounds += 1;
    }
    history.settle(&place.location);
    history.judge();
    assert_kept(&place, &history).await;
    println!("{} attempts in {rounds} lives: {:?}", history.attempts(), history.tally());
}

/// What a client does in its `k`-th call: a function of both, so that a later life of it asks the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Reserve,
    Record,
    /// Gives back the lease of the call before, if that was one.
    Release,
    /// Takes back the valid dose, whoever gave it.
    Void,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Reserved { until: i64 },
    Elsewhere { until: i64 },
    Given,
    Completed,
    InError,
    Done,
    Nothing,
}

struct Call {
    client: u32,
    number: u32,
}

impl Call {
    fn hash(&self) -> u32 {
        let mixed =
            (u64::from(self.client) << 32 | u64::from(self.number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        u32::try_from((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32).unwrap()
    }

    fn ask(&self) -> Ask {
        match self.hash() % 16 {
            0..9 => Ask::Reserve,
            9..11 => Ask::Record,
            11..13 => Ask::Release,
            _ => Ask::Void,
        }
    }

    /// Child and number; the calls that follow a call speak of the same.
    fn slot(&self) -> (u32, u8) {
        let hash = Self { client: self.client, number: self.number / 4 }.hash() >> 8;
        let class = self.number / CALLS_A_CLASS;
        (class * CLASS + hash % CLASS, 1 + u8::try_from((hash >> 8) % u32::from(NUMBERS)).unwrap())
    }

    fn id(&self) -> String {
        format!("{}-{}", self.client, self.number)
    }

    fn clinic(&self) -> String {
        format!("clinic:{}", self.client)
    }

    fn earlier(&self, back: u32) -> Self {
        Self { client: self.client, number: self.number.saturating_sub(back) }
    }
}

/// The rule as the operations have it, over what the store found.
fn decide(call: &Call, doses: &PersonDoses) -> (Said, DoseChange) {
    let (_, number) = call.slot();
    let taken = doses.taken("HEPB", number);
    let mut change = DoseChange::default();
    let said = match (call.ask(), taken) {
        (Ask::Reserve, Taken::Given(_)) => Said::Given,
        (Ask::Reserve, Taken::Leased(slot)) => Said::Elsewhere { until: slot.expires_us },
        (Ask::Reserve, Taken::Free) => {
            let until = doses.now_us + LEASE_US;
            change.lease = Some(Lease {
                reservation_id: call.id(),
                organization: call.clinic(),
                series: "HEPB".to_owned(),
                dose_number: number,
                expires_us: until,
                body: "{}".to_owned(),
            });
            Said::Reserved { until }
        }
        (Ask::Record, taken) => {
            let own = matches!(taken, Taken::Leased(slot) if slot.organization == call.clinic());
            let given = matches!(taken, Taken::Given(_));
            let status = if given { DoseStatus::AdministeredInError } else { DoseStatus::Completed };
            let against = if own { Against::OthersLeases } else { Against::NoLease };
            change.dose = Some(version(&call.id(), call, number, status, against));
            if given { Said::InError } else { Said::Completed }
        }
        (Ask::Release, _) => match doses.lease(&call.earlier(1).id()) {
            Some(lease) => {
                change.release = Some(lease.reservation_id.clone());
                Said::Done
            }
            None => Said::Nothing,
        },
        (Ask::Void, Taken::Given(slot)) => {
            change.dose =
                Some(version(&slot.dose_id, call, number, DoseStatus::EnteredInError, Against::NoLease));
            Said::Done
        }
        (Ask::Void, _) => Said::Nothing,
    };
    (said, change)
}

fn version(dose_id: &str, call: &Call, dose_number: u8, status: DoseStatus, against: Against) -> NewVersion {
    let record = DoseRecord {
        vaccine: "HEPB".to_owned(),
        series: "HEPB".to_owned(),
        dose_number,
        status,
        occurrence: date(2026, 4, 1),
        product: Product::default(),
        quantity_ul: 250,
        route: None,
        site: None,
        performer: call.clinic(),
        doctor: String::new(),
        payer: String::new(),
        programme: Programme::Routine,
        authorization_key: String::new(),
        due_date: None,
        conditions: Vec::new(),
        ruled_out: false,
        source: Source::Unreserved,
        findings: Vec::new(),
        override_reason: String::new(),
        change_reason: String::new(),
    };
    NewVersion {
        dose_id: dose_id.to_owned(),
        organization: call.clinic(),
        record,
        against,
        tell: vec!["municipality:131016".to_owned()],
    }
}

/// Answers by the index they were decided at.
#[derive(Default)]
struct History {
    answers: BTreeMap<u64, (u32, u32, i64, Said)>,
    /// The next call of each client.
    next: BTreeMap<u32, u32>,
    now_us: i64,
}

impl History {
    fn attempts(&self) -> usize {
        self.answers.len()
    }

    fn tally(&self) -> BTreeMap<String, usize> {
        let mut tally = BTreeMap::new();
        for (.., said) in self.answers.values() {
            let name = format!("{said:?}").split(' ').next().unwrap().to_owned();
            *tally.entry(name).or_default() += 1;
        }
        tally
    }

    /// Lets the programs run until they have told `lines` answers between them, and kills them.
    fn run_and_kill(&mut self, location: &Location, programs: u32, lines: usize) {
        let mut running: Vec<Life> =
            (0..programs).map(|own| self.begin(location, own, programs, u32::MAX)).collect();
        for life in &mut running {
            life.read(lines.div_ceil(programs as usize));
        }
        for life in &mut running {
            life.kill();
        }
        self.hear(running);
    }

    /// A call that was under way at a kill may have had its effect, which others were told of. Every client asks once
    /// more, so that nothing is left that nobody was told of.
    fn settle(&mut self, location: &Location) {
        let life = self.begin(location, 0, 1, 1);
        let before = self.attempts();
        self.hear(vec![life]);
        assert_eq!(self.attempts(), before + CLIENTS as usize);
    }

    /// Each client goes on where it was answered last.
    fn begin(&self, location: &Location, own: u32, programs: u32, calls: u32) -> Life {
        let mut task = format!("{} {calls}", self.now_us.max(START_US));
        for client in (0..CLIENTS).filter(|client| client % programs == own) {
            write!(task, " {client}:{}", self.next.get(&client).copied().unwrap_or_default()).unwrap();
        }
        Life::begin("contention::child_that_is_killed", location, &task)
    }

    fn hear(&mut self, lives: Vec<Life>) {
        for line in lives.into_iter().flat_map(Life::end) {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        // The last line may have been cut by the kill.
        let [client, number, index, now_us, said, until, "."] = words.as_slice() else { return };
        let (client, number): (u32, u32) = (client.parse().unwrap(), number.parse().unwrap());
        let (index, now_us, until) =
            (index.parse().unwrap(), now_us.parse().unwrap(), until.parse().unwrap());
        let said = match *said {
            "reserved" => Said::Reserved { until },
            "elsewhere" => Said::Elsewhere { until },
            "given" => Said::Given,
            "completed" => Said::Completed,
            "in-error" => Said::InError,
            "done" => Said::Done,
            "nothing" => Said::Nothing,
            other => panic!("{other}"),
        };
        let before = self.answers.insert(index, (client, number, now_us, said));
        assert_eq!(before, None, "two answers were decided at one place");
        let next = self.next.entry(client).or_default();
        assert_eq!(*next, number, "an answer was told twice or never");
        *next += 1;
        self.now_us = self.now_us.max(now_us);
    }

    /// The sequential model, over the answers in the order of the log.
    fn judge(&self) {
        let mut model = Model::default();
        let mut now = 0;
        for (index, (client, number, now_us, said)) in &self.answers {
            assert!(now <= *now_us, "time went back");
            now = *now_us;
            let call = Call { client: *client, number: *number };
            assert_eq!(
                &model.answer(&call, now),
                said,
                "at {index}: {} {:?} {:?}",
                call.id(),
                call.ask(),
                call.slot()
            );
        }
    }
}

/// What one person's number is to the model.
#[derive(Default)]
struct Model {
    /// Slot → holder, reservation, end.
    leases: BTreeMap<(u32, u8), (u32, String, i64)>,
    /// Slot → dose.
    given: BTreeMap<(u32, u8), String>,
    doses: BTreeMap<String, DoseStatus>,
}

impl Model {
    fn answer(&mut self, call: &Call, now: i64) -> Said {
        let slot = call.slot();
        self.leases.retain(|_, (.., until)| *until > now);
        match call.ask() {
            Ask::Reserve => match (self.given.get(&slot), self.leases.get(&slot)) {
                (Some(_), _) => Said::Given,
                (None, Some((.., until))) => Said::Elsewhere { until: *until },
                (None, None) => {
                    let until = now + LEASE_US;
                    self.leases.insert(slot, (call.client, call.id(), until));
                    Said::Reserved { until }
                }
            },
            Ask::Record => {
                let second = self.given.contains_key(&slot);
                let status = if second { DoseStatus::AdministeredInError } else { DoseStatus::Completed };
                self.doses.insert(call.id(), status);
                if second {
                    return Said::InError;
                }
                self.leases.remove(&slot);
                self.given.insert(slot, call.id());
                Said::Completed
            }
            Ask::Release => {
                let reservation = call.earlier(1).id();
                let held = |(child, _): &(u32, u8), (_, id, _): &(u32, String, i64)| {
                    *child == slot.0 && *id == reservation
                };
                match self.leases.iter().find(|(slot, lease)| held(slot, lease)).map(|(slot, _)| *slot) {
                    Some(held) => {
                        self.leases.remove(&held);
                        Said::Done
                    }
                    None => Said::Nothing,
                }
            }
            Ask::Void => match self.given.remove(&slot) {
                Some(dose) => {
                    self.doses.insert(dose, DoseStatus::EnteredInError);
                    Said::Done
                }
                None => Said::Nothing,
            },
        }
    }
}

/// Every acknowledged dose is there as it was acknowledged last, every number has at most one valid dose, and the feed
/// and the log have what the doses have.
async fn assert_kept(place: &Place, history: &History) {
    let mut model = Model::default();
    for (client, number, now, _) in history.answers.values() {
        model.answer(&Call { client: *client, number: *number }, *now);
    }
    let open = place.open().await;
    let mut raw = place.raw().await;
    let stored: Vec<String> = raw.texts("SELECT dose_id || ' ' || body FROM dose WHERE is_newest = 1").await;
    let stored: BTreeMap<&str, &str> = stored.iter().filter_map(|line| line.split_once(' ')).collect();
    for (dose, status) in &model.doses {
        let body: serde_json::Value = serde_json::from_str(stored[dose.as_str()]).unwrap();
        assert_eq!(body["status"], serde_json::to_value(status).unwrap(), "{dose}");
    }
    assert_eq!(stored.len(), model.doses.len());
    let twice = "SELECT COUNT(*) FROM (SELECT 1 FROM dose_slot WHERE dose_id <> '' GROUP BY dose_id HAVING COUNT(*) > 1) t";
    assert_eq!(raw.count(twice).await, 0, "a dose fills two numbers");
    let untold = "SELECT COUNT(*) FROM dose d WHERE NOT EXISTS
        (SELECT 1 FROM dose_feed f WHERE f.dose_id = d.dose_id AND f.version = d.version AND f.entry_idx = d.entry_idx)";
    assert_eq!(raw.count(untold).await, 0, "a version that the municipality is not told of");
    let (size, _) = open.reader().head().await.unwrap();
    assert_eq!(
        raw.count(&format!("SELECT COUNT(*) FROM dose WHERE entry_idx >= {size}")).await,
        0,
        "no entry"
    );
    if place.is_sqlite() {
        assert_eq!(open.reader().check().await.unwrap().defect, None);
    }
    open.close().await;
}

/// Does nothing unless the test above starts it.
#[test]
fn child_that_is_killed() {
    let Some((location, task)) = life::task() else { return };
    let mut words = task.split(' ');
    let place = Place::at(location, None, None);
    place.clock.store(words.next().unwrap().parse().unwrap(), Ordering::Relaxed);
    let calls: u32 = words.next().unwrap().parse().unwrap();
    runtime().block_on(async {
        let clock = Arc::clone(&place.clock);
        let (store, _task) = GatewayStore::open(pmh_store::LogSettings {
            // Every look at the clock is a tick: leases end in the midst of the crowd, and no test waits.
            clock: Arc::new(move || clock.fetch_add(1, Ordering::Relaxed)),
            ..place.settings()
        })
        .await
        .unwrap();
        let mut clients = tokio::task::JoinSet::new();
        for word in words {
            let (client, next) = word.split_once(':').unwrap();
            let first: u32 = next.parse().unwrap();
            let numbers = first..first.saturating_add(calls);
            clients.spawn(ask_on(store.clone(), client.parse().unwrap(), numbers));
        }
        clients.join_all().await;
    });
}

async fn ask_on(store: GatewayStore, client: u32, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let answer = loop {
            match ask(&store, Call { client, number }).await {
                Ok(answer) => break answer,
                // What the store itself refuses as impossible is a failure of the test.
                Err(fault @ Fault::Inconsistent { .. }) => panic!("{fault:?}"),
                Err(_) => tokio::task::yield_now().await,
            }
        };
        life::acknowledge(&format!("{client} {number} {answer} ."));
    }
}

/// Index, time and what was said, as the first answer had them.
async fn ask(store: &GatewayStore, call: Call) -> Result<String, Fault> {
    let (child, _) = call.slot();
    let key = Idempotency {
        organization: call.clinic(),
        method: 42,
        key: call.id(),
        request_sha256: [u8::try_from(call.hash() % 251).unwrap(); 32],
    };
    let reference = reference_of(child);
    let recorded = store
        .dose_step(
            attempt(),
            Some(key),
            DosesOf::Person(reference),
            move |doses, _| {
                let (said, change) = decide(&call, doses);
                ((doses.index, doses.now_us, said), change)
            },
            move |concluding| {
                let answer = match concluding {
                    Concluding::Fresh(stepped) => {
                        let (index, now_us, said) = stepped.unwrap().decided;
                        let (word, until) = told(&said);
                        format!("{index} {now_us} {word} {until}").into_bytes()
                    }
                    Concluding::Replay(answer) => answer.to_vec(),
                    Concluding::KeyReused => panic!("another request"),
                };
                Conclusion::<()> {
                    reply: Reply::Answer(answer),
                    draft: Some(draft(Kind::Write, Some(reference))),
                }
            },
        )
        .await?;
    match recorded.into_parts() {
        (Reply::Answer(answer), Some(receipt)) => {
            verify(&receipt);
            Ok(String::from_utf8(answer).unwrap())
        }
        _ => panic!("no answer"),
    }
}

fn reference_of(child: u32) -> SubjectRef {
    let mut reference = [1; 32];
    reference[..4].copy_from_slice(&child.to_be_bytes());
    reference
}

fn told(said: &Said) -> (&'static str, i64) {
    match said {
        Said::Reserved { until } => ("reserved", *until),
        Said::Elsewhere { until } => ("elsewhere", *until),
        Said::Given => ("given", 0),
        Said::Completed => ("completed", 0),
        Said::InError => ("in-error", 0),
        Said::Done => ("done", 0),
        Said::Nothing => ("nothing", 0),
    }
}

fn random_byte() -> u8 {
    let mut byte = [0];
    random(&mut byte);
    byte[0]
}
