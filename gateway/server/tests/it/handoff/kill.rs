//! P10 between two gateways: two `pmh serve` processes, and `kill -9` of either at every step of the story.
//!
//! Each run kills one of the two around one step, while the call is under way or when it has just been answered and its
//! message is on the way; the office repeats what was not answered, as an office does. A failure: an end that differs from
//! the undisturbed run's; evidence of either side that does not verify; a log that an earlier checkpoint does not lead up to.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use pmh::sandbox::uuid;
use pmh_audit::{HandoffFile, VerifiedHandoff};
use pmh_client::call::WhichLog;
use pmh_client::{Error, Gateway, LogReader, Retry};
use pmh_proto::handoff::{
    CloseHandoffRequest, ConfirmHandoffRequest, ExportEvidenceRequest, HandoffState, HandoffSummary,
    ListHandoffsRequest, OfferHandoffRequest, ReturnHandoffRequest,
};
use prost::Message as _;

use super::people::{Mother, arrived, listed};
use super::rig::{self, AT_HOME, AT_STAY, Pair, Town, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_kill_9_of_either_gateway_at_any_step_ends_as_if_nothing_had_happened() {
    let dir = tempfile::tempdir().unwrap();
    let mut towns = Towns::open(dir.path()).await;
    let undisturbed = towns.story(None).await;
    for kill in kills() {
        let checkpoints = towns.checkpoints().await;
        assert_eq!(towns.story(Some(kill)).await, undisturbed, "{kill:?}");
        towns.have_only_grown(&checkpoints).await;
    }
}

/// Which gateway is killed around which step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Kill {
    step: Step,
    home: bool,
    /// `None`: once it was answered. Otherwise so many milliseconds after the call began.
    under_way: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Offer,
    Accept,
    Confirm,
    Return,
    Close,
}

const STEPS: [Step; 5] = [Step::Offer, Step::Accept, Step::Confirm, Step::Return, Step::Close];

/// At full scale every step, side and moment; otherwise each step once, with sides and moments taking turns.
fn kills() -> Vec<Kill> {
    let moments = [None, Some(0), Some(3), Some(8), Some(20), Some(60)];
    let all = STEPS.into_iter().flat_map(|step| {
        [true, false]
            .into_iter()
            .flat_map(move |home| moments.into_iter().map(move |under_way| Kill { step, home, under_way }))
    });
    if std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full") {
        return all.collect();
    }
    let sample = [
        (Step::Offer, false, None),
        (Step::Accept, true, None),
        (Step::Confirm, true, Some(3)),
        (Step::Return, false, Some(8)),
    ];
    sample.into_iter().map(|(step, home, under_way)| Kill { step, home, under_way }).collect()
}

/// What is compared: everything that does not name this run.
#[derive(Debug, PartialEq)]
struct End {
    /// State, duties of the stay side and messages waiting: while it is active and at the end, home's and the stay side's.
    seen: Vec<(HandoffState, Vec<i32>, u32)>,
    /// Kinds of the steps that home can prove of itself, and the stay side of itself.
    steps: Vec<Vec<String>>,
}

/// Both gateways as processes.
struct Towns {
    pair: Pair,
    home: Option<Child>,
    stay: Option<Child>,
}

impl Towns {
    async fn open(dir: &Path) -> Self {
        let pair = rig::configured(dir).await;
        let mut towns = Self { pair, home: None, stay: None };
        for home in [true, false] {
            towns.start(home).await;
        }
        towns
    }

    fn town(&self, home: bool) -> (&Town, &'static str) {
        if home { (&self.pair.home, AT_HOME) } else { (&self.pair.stay, AT_STAY) }
    }

    async fn start(&mut self, home: bool) {
        let config = self.town(home).0.config();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pmh"));
        command.arg("serve").arg("--config").arg(config).env_remove("RUST_LOG");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        *self.process(home) = Some(child);
        let (town, terminal) = self.town(home);
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        // An unoptimised program beside everything else that a machine does.
        for _ in 0..2_400 {
            tick.tick().await;
            if let Some(gateway) = town.try_gateway(terminal).await
                && gateway.call(&ListHandoffsRequest {}, None).await.is_ok()
            {
                return;
            }
        }
        panic!("it does not serve");
    }

    fn process(&mut self, home: bool) -> &mut Option<Child> {
        if home { &mut self.home } else { &mut self.stay }
    }

    /// `kill -9`, after a moment.
    fn kill(&mut self, home: bool, after: Duration) {
        let mut child = self.process(home).take().unwrap();
        // The moment is the experiment, not a way to wait for something.
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// From the offer to the close.
    async fn story(&mut self, kill: Option<Kill>) -> End {
        let mut mother = Mother::living_at_home(&self.pair).await;
        let (offer, mut seen) = (mother.offer(), Vec::new());
        self.disturbed(Step::Offer, kill, &mut mother, &offer, "").await;
        let id = self.offered(&offer).await;
        arrived(&self.pair.stay, AT_STAY, &id, HandoffState::Offered).await;
        self.disturbed(Step::Accept, kill, &mut mother, &offer, &id).await;
        arrived(&self.pair.home, AT_HOME, &id, HandoffState::Accepted).await;
        self.disturbed(Step::Confirm, kill, &mut mother, &offer, &id).await;
        arrived(&self.pair.stay, AT_STAY, &id, HandoffState::Active).await;
        seen.extend(self.both(&id, HandoffState::Active, HandoffState::Active).await);
        self.disturbed(Step::Return, kill, &mut mother, &offer, &id).await;
        arrived(&self.pair.home, AT_HOME, &id, HandoffState::Returned).await;
        arrived(&self.pair.stay, AT_STAY, &id, HandoffState::Closed).await;
        self.disturbed(Step::Close, kill, &mut mother, &offer, &id).await;
        seen.extend(self.both(&id, HandoffState::Closed, HandoffState::Closed).await);
        End { seen, steps: vec![self.proved(true, &id).await, self.proved(false, &id).await] }
    }

    /// One step, with the kill if it is meant for this one. What was not answered is asked again.
    async fn disturbed(
        &mut self,
        step: Step,
        kill: Option<Kill>,
        mother: &mut Mother,
        offer: &OfferHandoffRequest,
        id: &str,
    ) {
        let kill = kill.filter(|kill| kill.step == step);
        let first = if let Some(moment) = kill.and_then(|kill| kill.under_way) {
            let home = kill.is_some_and(|kill| kill.home);
            let mut doomed = self.process(home).take().unwrap();
            let killing = thread::spawn(move || {
                // The moment is the experiment, not a way to wait for something.
                thread::sleep(Duration::from_millis(moment));
                doomed.kill().unwrap();
                doomed.wait().unwrap();
            });
            let first = self.take(step, mother, offer, id).await;
            killing.join().unwrap();
            self.start(home).await;
            first
        } else {
            let first = self.take(step, mother, offer, id).await;
            if let Some(kill) = kill {
                self.kill(kill.home, Duration::ZERO);
                self.start(kill.home).await;
            }
            first
        };
        if first.is_none() {
            self.take(step, mother, offer, id)
                .await
                .unwrap_or_else(|| panic!("{step:?} again, after {kill:?}"));
        }
    }

    /// What the office does at a step; `None` if it was not answered.
    async fn take(
        &self,
        step: Step,
        mother: &mut Mother,
        offer: &OfferHandoffRequest,
        id: &str,
    ) -> Option<()> {
        let (town, terminal) = self.town(matches!(step, Step::Offer | Step::Confirm | Step::Close));
        let office = town.try_gateway(terminal).await?.with_retry(Retry::NEVER);
        let (idempotency_key, handoff_id) = (uuid(), id.to_owned());
        match step {
            Step::Offer => answered(office.call(offer, None).await),
            Step::Accept => {
                let code = mother.code;
                answered(mother.accepted_by(&office, &self.pair, id, code).await)
            }
            Step::Confirm => {
                answered(office.call(&ConfirmHandoffRequest { idempotency_key, handoff_id }, None).await)
            }
            Step::Return => {
                let request = ReturnHandoffRequest { idempotency_key, handoff_id, duties: Vec::new() };
                answered(office.call(&request, None).await)
            }
            Step::Close => {
                answered(office.call(&CloseHandoffRequest { idempotency_key, handoff_id }, None).await)
            }
        }
    }

    /// The same offer again names the handoff that the first one made.
    async fn offered(&self, offer: &OfferHandoffRequest) -> String {
        let again = self.pair.home.gateway(AT_HOME).await.call(offer, None).await.unwrap();
        again.response.statement.unwrap().handoff_id
    }

    /// What both lists say, once nothing is on the way any more.
    async fn both(
        &self,
        id: &str,
        home: HandoffState,
        stay: HandoffState,
    ) -> Vec<(HandoffState, Vec<i32>, u32)> {
        let mut both = Vec::new();
        for (at_home, state) in [(true, home), (false, stay)] {
            let (town, terminal) = self.town(at_home);
            let settled = |known: &HandoffSummary| known.state() == state && known.unsent == 0;
            let known = until("it settles", async || listed(town, terminal, id).await.filter(settled)).await;
            both.push((known.state(), known.held_by_stay, known.unsent));
        }
        both
    }

    /// The steps that a side proves of its own log, by its evidence.
    async fn proved(&self, home: bool, id: &str) -> Vec<String> {
        let (town, terminal) = self.town(home);
        let request = ExportEvidenceRequest { handoff_id: id.to_owned() };
        let exported = town.gateway(terminal).await.call(&request, None).await.unwrap().response;
        let keys = [self.pair.home.keys().gateway, self.pair.stay.keys().gateway];
        let file = HandoffFile::decode(&exported.encode_to_vec()).unwrap();
        let VerifiedHandoff { steps, exporter, .. } = file.verify(&keys).unwrap();
        assert!(steps.iter().all(|step| step.says.is_none() || step.is_answered), "nothing waits");
        let own = steps.iter().filter(|step| step.side == exporter);
        own.map(|step| step.entry.leaf.kind.to_string()).collect()
    }

    async fn checkpoints(&self) -> [pmh_audit::Checkpoint; 2] {
        [self.reader(true).await.newest().await.unwrap(), self.reader(false).await.newest().await.unwrap()]
    }

    async fn have_only_grown(&self, earlier: &[pmh_audit::Checkpoint; 2]) {
        for (home, earlier) in [true, false].into_iter().zip(earlier) {
            let log = self.reader(home).await;
            let newest = log.newest().await.unwrap();
            log.prove_growth(earlier, &newest).await.unwrap();
        }
    }

    async fn reader(&self, home: bool) -> LogReader {
        let (town, terminal) = self.town(home);
        let gateway: Gateway = town.gateway(terminal).await;
        LogReader::new(gateway, WhichLog::Gateway)
    }
}

impl Drop for Towns {
    fn drop(&mut self) {
        for mut child in [self.home.take(), self.stay.take()].into_iter().flatten() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Nothing was heard, or an answer. A refusal is the gateway's word, and no word that this story expects.
fn answered<T>(outcome: Result<T, Error>) -> Option<()> {
    match outcome {
        Ok(_) => Some(()),
        Err(error) => {
            assert!(error.refused().is_none(), "refused: {error:?}");
            None
        }
    }
}

/// Where the configuration of a town's own process stands.
impl Town {
    fn config(&self) -> std::path::PathBuf {
        let file = self.dir.join("serve.toml");
        assert!(fs::exists(&file).unwrap());
        file
    }
}
