//! Callers that go on until the server is gone, and what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pmh_audit::{Checkpoint, Hash, Verified};
use pmh_client::call::WhichLog;
use pmh_client::{Error, Retry};
use pmh_conformance::counter::{Counter, organization};
use pmh_conformance::{Newcomer, Target, Town, town as rows};
use pmh_proto::eligibility::EntitlementRow;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

/// Patients who present and ask, and residents for whom the town pushes.
pub(crate) struct Callers {
    patients: Vec<Arc<Mutex<Newcomer>>>,
    residents: Vec<String>,
}

/// Everything that callers were told.
#[derive(Default)]
pub(crate) struct Kept {
    /// Answers whose receipts held when they came.
    pub(crate) answers: Vec<AnswerKept>,
    /// Pushes, acknowledged or not.
    pub(crate) pushes: Vec<Push>,
}

/// What is left of an answer: where it said that it was recorded.
#[derive(Debug)]
pub(crate) struct AnswerKept {
    pub(crate) log: WhichLog,
    pub(crate) index: u64,
    pub(crate) leaf_hash: Hash,
    pub(crate) checkpoint: Checkpoint,
}

/// One push: so many rows for a resident, named so that they can be counted.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) resident_key: String,
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) acknowledged: bool,
}

enum Told {
    Answer(WhichLog, Box<Verified>),
    Push(Push),
}

/// Callers at work.
pub(crate) struct Running {
    tasks: JoinSet<()>,
    told: mpsc::UnboundedReceiver<Told>,
    under_way: Arc<AtomicUsize>,
    answered: watch::Receiver<usize>,
}

impl Callers {
    /// Residents with rights and linked cards, made before the first kill.
    pub(crate) async fn settle(target: &Target) -> Self {
        let town = Town::hachioji(target).await.unwrap();
        let mut patients = Vec::new();
        for _ in 0..PATIENTS {
            patients.push(Arc::new(Mutex::new(town.settle(target).await.unwrap())));
        }
        let mut residents = Vec::new();
        for _ in 0..PUSHERS {
            let resident = Newcomer::new(target).unwrap();
            town.register(&resident).await.unwrap();
            residents.push(resident.resident_key);
        }
        Self { patients, residents }
    }

    pub(crate) fn count(&self) -> usize {
        self.patients.len() + self.residents.len()
    }

    /// Starts them all; they end when the server is gone.
    pub(crate) fn run(&self, target: &Target, seed: u64) -> Running {
        let (tell, told) = mpsc::unbounded_channel();
        let under_way = Arc::new(AtomicUsize::new(0));
        let (answers, answered) = watch::channel(0);
        let teller = Teller { tell, under_way: Arc::clone(&under_way), answers: Arc::new(answers) };
        let mut tasks = JoinSet::new();
        for (number, patient) in (0_u64..).zip(&self.patients) {
            let clinics = [
                organization::TOKYO_CLINIC,
                organization::TOKYO_PHARMACY,
                organization::OTHER_PHARMACY,
                organization::KANAGAWA_CLINIC,
            ];
            let endpoint = target.desk(clinics[usize::try_from(number).unwrap() % clinics.len()]).unwrap();
            let keys = target.keys().clone();
            let issuer = target.sandbox().issuer.clone();
            let teller = teller.clone();
            let patient = Arc::clone(patient);
            let random = StdRng::seed_from_u64(seed ^ number);
            tasks.spawn(async move {
                let Ok(channel) = pmh_client::connect(&endpoint).await else { return };
                let terminal = pmh_client::Terminal::new(channel, endpoint.identity().unwrap(), keys);
                let counter = Counter::new(terminal.with_issuer(issuer).with_retry(Retry::NEVER));
                visits(&counter, &mut *patient.lock().await, &teller, random).await;
            });
        }
        for (number, resident) in (0_u64..).zip(&self.residents) {
            let endpoint = target.desk(organization::HACHIOJI).unwrap();
            let keys = target.keys().clone();
            let teller = teller.clone();
            let resident = resident.clone();
            let random = StdRng::seed_from_u64(!seed ^ number);
            tasks.spawn(async move {
                let Ok(channel) = pmh_client::connect(&endpoint).await else { return };
                let issuer = pmh_client::Issuer::new(channel, endpoint.identity().unwrap(), keys);
                pushes(&issuer.with_retry(Retry::NEVER), &resident, &teller, random).await;
            });
        }
        Running { tasks, told, under_way, answered }
    }
}

impl Running {
    /// Waits until so many answers have arrived.
    pub(crate) async fn have_been_answered(&self, count: usize) {
        self.answered.clone().wait_for(|answered| *answered >= count).await.unwrap();
    }

    /// Calls that were sent and not answered.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Waits for everybody to notice that the server is gone, and collects what they were told.
    pub(crate) async fn gather(mut self, kept: &mut Kept) {
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        while let Ok(told) = self.told.try_recv() {
            match told {
                Told::Answer(log, proof) => kept.answers.push(AnswerKept {
                    log,
                    index: proof.index,
                    leaf_hash: proof.leaf_hash,
                    checkpoint: proof.checkpoint,
                }),
                Told::Push(push) => kept.pushes.push(push),
            }
        }
    }
}

#[derive(Clone)]
struct Teller {
    tell: mpsc::UnboundedSender<Told>,
    under_way: Arc<AtomicUsize>,
    answers: Arc<watch::Sender<usize>>,
}

impl Teller {
    /// Counts a call while it is under way. `None` once the server is gone; anything else unexpected fails the test.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Option<T> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let outcome = call.await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        match outcome {
            Ok(answer) => Some(answer),
            Err(Error::Broken(_)) => None,
            Err(error) => panic!("an answer that is neither proved nor a broken connection: {error:?}"),
        }
    }

    fn answered(&self, log: WhichLog, proof: &Verified) {
        // The receiver lives until every caller has ended.
        let _ = self.tell.send(Told::Answer(log, Box::new(proof.clone())));
        self.answers.send_modify(|answers| *answers += 1);
    }
}

/// Presents, asks a few times, ends or leaves; again and again.
async fn visits(counter: &Counter, patient: &mut Newcomer, teller: &Teller, mut random: StdRng) {
    loop {
        let Some(presence) = teller.call(counter.present(&mut patient.card, &["88-13"])).await else {
            return;
        };
        teller.answered(WhichLog::Auth, &presence.proof);
        for _ in 0..random.random_range(1..12) {
            let Some(answer) = teller.call(counter.ask(&presence)).await else { return };
            teller.answered(WhichLog::Gateway, &answer.proof);
        }
        if random.random() {
            let Some(ended) = teller.call(counter.terminal().end(&presence)).await else { return };
            teller.answered(WhichLog::Auth, &ended.proof);
        }
    }
}

/// Pushes a handful of rows at a time, each push under a name of its own.
async fn pushes(issuer: &pmh_client::Issuer, resident: &str, teller: &Teller, mut random: StdRng) {
    loop {
        let name = pmh_conformance::names::fresh();
        let count = random.random_range(1..20);
        let rows: Vec<EntitlementRow> = (0..count).map(|number| row(resident, &name, number)).collect();
        let progress = |chunk: pmh_client::Chunk<'_>| {
            if let Some(proof) = chunk.proof {
                teller.answered(WhichLog::Gateway, proof);
            }
        };
        let header = rows::batch();
        let acknowledged = teller.call(issuer.put(&header, rows, progress)).await.is_some();
        let push = Push { resident_key: resident.to_owned(), name, rows: count, acknowledged };
        let _ = teller.tell.send(Told::Push(push));
        if !acknowledged {
            return;
        }
    }
}

fn row(resident: &str, push: &str, number: usize) -> EntitlementRow {
    EntitlementRow {
        row_id: format!("e-{number}"),
        certification_sub_key: format!("{push}{number}"),
        segment: push.to_owned(),
        ..rows::child_right(resident)
    }
}

/// Verifications and pushes of at least 32 callers at once (promise P10).
const PATIENTS: usize = 24;
const PUSHERS: usize = 12;
