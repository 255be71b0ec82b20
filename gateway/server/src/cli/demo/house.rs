//! The house of the play: a sandbox in a temporary directory, and what people do at its counters.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use jiff::{Timestamp, civil::Date};
use pmh_client::{Answer, Gateway, Issuer, LogKeys, Presence, Presentation, Terminal};
use pmh_domain::time::tokyo_date;
use pmh_proto::{
    common::Purpose,
    eligibility::{
        CareType, Chart, CounterAction, EligibilityResult, Outcome, VerifyEligibilityRequest,
        verify_eligibility_request::Service,
    },
    resident::LinkCredentialRequest,
};
use pmh_testkit::{
    card::FakeCard,
    directory::DirectoryItem,
    pki::DevPki,
    sandbox::{SandboxCard, SandboxVisit},
    world::{World, WorldCard},
};
use tempfile::TempDir;

use crate::{
    cli::card::HeldCard,
    config::Config,
    sandbox::{self, RunningSandbox, SandboxOptions},
    system,
};

/// A sandbox that lives as long as the demo.
pub(super) struct House {
    running: RunningSandbox,
    keys: LogKeys,
    world: World,
    folder: TempDir,
}

/// What a counter asks, where, and with which consent.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) terminal: String,
    pub(super) care: CareType,
    pub(super) consent: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) for_child: bool,
    pub(super) chart_birth_date: String,
}

/// A visit: the card was presented, the question asked, the answer proved.
pub(super) struct Visit {
    /// The terminal it happened at.
    pub(super) terminal: Terminal,
    /// Name of the organization behind it.
    pub(super) place: String,
    /// The open presence.
    pub(super) presence: Presence,
    /// What was asked.
    pub(super) request: VerifyEligibilityRequest,
    /// What was answered.
    pub(super) answer: Answer,
}

impl House {
    /// Opens the sandbox and tells it the invented world.
    pub(super) async fn open() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("pmh-demo-").tempdir().context("temporary directory")?;
        let options = SandboxOptions {
            dir: folder.path().join("sandbox"),
            listen: "127.0.0.1:0".to_owned(),
            limits: None,
            witnesses: Vec::new(),
        };
        let running = Box::pin(sandbox::open(&options)).await?;
        let keys = sandbox::log_keys(&running.sandbox)?;
        let world = World::new(tokyo_date(now()?))?;
        Ok(Self { running, keys, world, folder })
    }

    /// Stops serving and leaves nothing behind.
    pub(super) async fn close(self) -> Result<()> {
        self.running.gateway.stop().await?;
        self.folder.close().context("temporary directory")
    }

    /// The day everything happens on.
    pub(super) fn today(&self) -> Date {
        self.world.today
    }

    /// Verification keys of both logs.
    pub(super) fn keys(&self) -> &LogKeys {
        &self.keys
    }

    /// A place for a file of the play.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The sandbox's directory.
    pub(super) fn dir(&self) -> &std::path::Path {
        &self.running.dir
    }

    /// All cards, as `sandbox.json` describes them.
    pub(super) fn cards(&self) -> &[SandboxCard] {
        &self.running.sandbox.cards
    }

    /// One card's description.
    pub(super) fn described(&self, name: &str) -> Result<&SandboxCard> {
        self.running.sandbox.card(name).with_context(|| format!("no card {name}"))
    }

    /// One card's part in the world.
    pub(super) fn part(&self, name: &str) -> Result<&WorldCard> {
        self.world.card(name).with_context(|| format!("no card {name}"))
    }

    /// A card in the hand of its holder, who types the right PIN.
    pub(super) fn card(&self, name: &str) -> Result<HeldCard> {
        Ok(HeldCard::new(self.plastic(name)?, &self.described(name)?.pin))
    }

    /// The card itself.
    pub(super) fn plastic(&self, name: &str) -> Result<FakeCard> {
        let card = self.described(name)?;
        let dir = self.dir();
        Ok(FakeCard::load(&dir.join(&card.cert), &dir.join(&card.key), &card.pin)?)
    }

    /// The dev PKI, to issue a new card.
    pub(super) fn pki(&self) -> Result<DevPki> {
        Ok(DevPki::load(&self.dir().join(&self.running.sandbox.pki))?)
    }

    /// The gateway as one terminal sees it.
    pub(super) async fn gateway(&self, terminal: &str) -> Result<Gateway> {
        let connected = Box::pin(sandbox::terminal(self.dir(), &self.running.sandbox, terminal)).await?;
        Ok(connected.0)
    }

    /// A counter's terminal.
    pub(super) async fn terminal(&self, id: &str) -> Result<Terminal> {
        let gateway = self.gateway(id).await?;
        let terminal =
            Terminal::new(gateway.channel().clone(), gateway.identity().clone(), self.keys.clone());
        Ok(terminal.with_issuer(self.running.sandbox.issuer.clone()))
    }

    /// An issuer's office.
    pub(super) async fn issuer(&self, id: &str) -> Result<Issuer> {
        let gateway = self.gateway(id).await?;
        Ok(Issuer::new(gateway.channel().clone(), gateway.identity().clone(), self.keys.clone()))
    }

    /// What the credential directory sends, signed; returns how many links it made.
    pub(super) async fn tell_directory(&self, batch: &str, items: &[DirectoryItem]) -> Result<u32> {
        let config = Config::load(&self.dir().join(sandbox::CONFIG))?;
        let issuer = config.directory.context("the sandbox has no directory")?.issuer;
        let request = LinkCredentialRequest {
            idempotency_key: sandbox::uuid(),
            resident_key: String::new(),
            directory_batch: self.pki()?.directory().sign(&issuer, batch, system::now_s(), items)?,
        };
        Ok(self.gateway("operator-1").await?.call(&request, None).await?.response.linked)
    }

    /// A terminal's files: certificate chain and key, PEM.
    pub(super) fn terminal_files(&self, id: &str) -> Result<(Vec<u8>, Vec<u8>)> {
        let (_, terminal) = self.running.sandbox.terminal(id).with_context(|| format!("no terminal {id}"))?;
        Ok((fs::read(self.dir().join(&terminal.cert))?, fs::read(self.dir().join(&terminal.key))?))
    }

    /// The root to trust, PEM, and the name the gateway's certificate bears.
    pub(super) fn trust(&self) -> Result<(Vec<u8>, &str)> {
        let sandbox = &self.running.sandbox;
        Ok((fs::read(self.dir().join(&sandbox.ca))?, &sandbox.server_name))
    }

    /// Name of the organization with this terminal.
    pub(super) fn place(&self, terminal: &str) -> String {
        let known = self.running.sandbox.terminal(terminal);
        known.map(|(organization, _)| organization.name.clone()).unwrap_or_default()
    }

    /// The question that a card's scenario asks.
    pub(super) fn question(&self, card: &str) -> Result<Question> {
        Ok(Question::from(&self.described(card)?.visit))
    }

    /// Card on the reader, PIN, consent, question, answer. Boxed, because four calls in one future are large
    /// and every step contains this one.
    pub(super) async fn visit(&self, card: &mut HeldCard, question: &Question) -> Result<Visit> {
        Box::pin(self.make_visit(card, question)).await
    }

    async fn make_visit(&self, card: &mut HeldCard, question: &Question) -> Result<Visit> {
        let terminal = self.terminal(&question.terminal).await?;
        let consent: Vec<&str> = question.consent.iter().map(String::as_str).collect();
        let presentation = Presentation {
            offered: OFFERED.map(str::to_owned).to_vec(),
            ..Presentation::for_eligibility(CONSENT_TEXT, &consent)
        };
        let mut presence = terminal.present(card, &presentation, system::now_s()).await?;
        if question.for_child {
            let child = presence.dependants.first().context("the card opens no child")?.child.clone();
            terminal.renew(&mut presence, Some(&child)).await?;
        }
        let request = question.request(self.today());
        let answer = terminal.verify(&presence, &request).await?;
        Ok(Visit { place: self.place(&question.terminal), terminal, presence, request, answer })
    }
}

impl Question {
    /// At another counter.
    pub(super) fn at(mut self, terminal: &str, care: CareType) -> Self {
        terminal.clone_into(&mut self.terminal);
        self.care = care;
        self
    }

    /// About some schemes only.
    pub(super) fn about(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|&group| group.to_owned()).collect();
        self
    }

    /// As it is sent.
    pub(super) fn request(&self, day: Date) -> VerifyEligibilityRequest {
        let chart = (!self.chart_birth_date.is_empty())
            .then(|| Chart { birth_date: self.chart_birth_date.clone(), ..Chart::default() });
        VerifyEligibilityRequest {
            service: Some(Service::Date(day.to_string())),
            care_type: self.care.into(),
            groups: self.groups.clone(),
            chart,
            purpose: Purpose::Hpaymt.into(),
            ..Default::default()
        }
    }
}

impl From<&SandboxVisit> for Question {
    fn from(visit: &SandboxVisit) -> Self {
        let care = CareType::from_str_name(&format!("CARE_TYPE_{}", visit.care_type));
        Self {
            terminal: visit.terminal.clone(),
            care: care.unwrap_or_default(),
            consent: visit.consent.clone(),
            groups: Vec::new(),
            for_child: visit.for_child,
            chart_birth_date: visit.chart_birth_date.clone(),
        }
    }
}

impl Visit {
    /// The result of a group, if it has this outcome and action.
    pub(super) fn claim(
        &self,
        group: &str,
        outcome: Outcome,
        action: CounterAction,
    ) -> Result<&EligibilityResult> {
        let mut results = self.answer.response.results.iter().filter(|result| result.group == group);
        let found = results.find(|result| result.outcome() == outcome && result.counter_action() == action);
        found.with_context(|| {
            let answered = self.answer.response.results.iter().map(|result| {
                format!(
                    "{} {} {}",
                    result.group,
                    word(result.outcome()),
                    action_word(result.counter_action())
                )
            });
            let answered: Vec<String> = answered.collect();
            format!("expected {group} {} {}, answered {answered:?}", word(outcome), action_word(action))
        })
    }

    /// The subject at this organization.
    pub(super) fn subject(&self) -> &str {
        &self.presence.token.sub
    }

    /// Asks the same again.
    pub(super) async fn ask_again(&self, request: &VerifyEligibilityRequest) -> Result<Answer> {
        Ok(self.terminal.verify(&self.presence, request).await?)
    }
}

/// The outcome's stable name.
pub(super) fn word(outcome: Outcome) -> &'static str {
    stripped(outcome.as_str_name(), "OUTCOME_")
}

/// The counter action's stable name.
pub(super) fn action_word(action: CounterAction) -> &'static str {
    stripped(action.as_str_name(), "COUNTER_ACTION_")
}

pub(super) fn stripped(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// Now.
pub(super) fn now() -> Result<Timestamp> {
    Ok(Timestamp::from_microsecond(system::now_us())?)
}

/// Fails unless two subjects are the same person.
pub(super) fn same_person(one: &str, other: &str) -> Result<()> {
    ensure!(one == other, "the gateway takes them for two persons");
    Ok(())
}

/// Scheme groups on the consent screen.
const OFFERED: [&str; 2] = ["52", "88-13"];
const CONSENT_TEXT: &str = "医療費助成の資格情報をこの医療機関に提供することに同意しますか。";
