//! One caller: patients one after another, over a connection that it shares with some other callers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pmh_audit::OrgRef;
use pmh_client::call::Call as _;
use pmh_client::receipt::{Expected, check, check_subject, digest, response_digest};
use pmh_client::{Presence, Presentation, Terminal};
use pmh_proto::audit::Receipt;
use pmh_proto::common::Purpose;
use pmh_proto::eligibility::verify_eligibility_request::Service;
use pmh_proto::eligibility::{CareType, Outcome, VerifyEligibilityRequest, VerifyEligibilityResponse};
use pmh_proto::presence::RenewTokenRequest;
use prost::Message as _;
use prost::bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use crate::town::HeldCard;
use crate::vaccination::DoseCall;
use crate::{call, clock, echo};

/// A desk with its patients. Nobody else has them, so nobody waits for another.
pub(crate) struct Desk {
    terminal: Terminal,
    echo: Option<Channel>,
    patients: Vec<Patient>,
    presentation: Presentation,
    question: VerifyEligibilityRequest,
    encoded: Bytes,
    turn: usize,
    /// Doses asked about and recorded: no two records are of the same vaccine and day.
    doses: usize,
}

struct Patient {
    card: HeldCard,
    presence: Option<Presence>,
    /// The first token, for the echo: it does not mind whether it is still good.
    bearer: Option<MetadataValue<Ascii>>,
    tokens: Vec<Token>,
}

struct Token {
    value: MetadataValue<Ascii>,
    uses: u32,
}

/// What a desk does, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The same request to the echo, message and token.
    Echo,
    /// The message alone to the echo.
    BareEcho,
    /// VerifyEligibility with the tokens at hand, until they are used up.
    Verify,
    /// The whole visit: begin, the card signs, complete, verify. Every receipt is checked.
    Visit,
    /// A call about a dose, with the tokens at hand.
    Dose(DoseCall),
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Of each call or visit, microseconds.
    pub(crate) latencies: Vec<u32>,
    /// Of all answers together.
    pub(crate) answer_bytes: u64,
    samples: Vec<Sample>,
}

/// An answer to be checked later: a client that checks signatures takes the CPU from the server.
#[derive(Debug)]
struct Sample {
    work: Work,
    sub: String,
    request: [u8; 32],
    answer: Bytes,
}

impl Desk {
    /// A desk that asks about today.
    pub(crate) fn new(terminal: Terminal, presentation: Presentation, cards: Vec<HeldCard>) -> Self {
        let question = VerifyEligibilityRequest {
            service: Some(Service::Date(clock::day(0).to_string())),
            care_type: CareType::Outpatient.into(),
            purpose: Purpose::Hpaymt.into(),
            ..Default::default()
        };
        let encoded = question.encode_to_vec().into();
        let patients = cards
            .into_iter()
            .map(|card| Patient { card, presence: None, bearer: None, tokens: Vec::new() })
            .collect();
        Self { terminal, echo: None, patients, presentation, question, encoded, turn: 0, doses: 0 }
    }

    /// Where the echo is.
    pub(crate) fn set_echo(&mut self, echo: Channel) {
        self.echo = Some(echo);
    }

    /// Every patient presents the card.
    pub(crate) async fn present_all(mut self) -> Result<Self> {
        for patient in &mut self.patients {
            let presence = present(&self.terminal, &self.presentation, &mut patient.card).await?;
            patient.bearer = Some(bearer(presence.bearer())?);
            patient.presence = Some(presence);
        }
        Ok(self)
    }

    /// Puts tokens at hand: new ones for so many calls if each serves `calls`, else one for each patient that outlasts
    /// `needed`.
    pub(crate) async fn prepare(
        mut self,
        calls: Option<u32>,
        wanted: usize,
        needed: Duration,
    ) -> Result<Self> {
        let each = calls.map_or(1, |calls| wanted.div_ceil(self.patients.len() * calls.max(1) as usize));
        for patient in &mut self.patients {
            let presence = patient.presence.as_mut().context("no presence")?;
            if calls.is_some() || presence.token.expires_at < clock::now() + needed.as_secs().cast_signed() {
                patient.tokens.clear();
                for _ in 0..each {
                    let request =
                        RenewTokenRequest { presence: presence.handle.to_vec(), ..Default::default() };
                    let renewed = self.terminal.gateway().call_unrecorded(&request, None).await?;
                    let token = renewed.token.context("token")?;
                    presence.token.expires_at = token.expires_at.context("expires_at")?.seconds;
                    patient.tokens.push(Token::new(&token.token, calls.unwrap_or(u32::MAX))?);
                }
            } else if patient.tokens.is_empty() {
                patient.tokens.push(Token::new(presence.bearer(), u32::MAX)?);
            }
        }
        Ok(self)
    }

    /// Forgets prepared tokens.
    pub(crate) fn clear_tokens(&mut self) {
        for patient in &mut self.patients {
            patient.tokens.clear();
        }
    }

    /// Works until the time is over or no token is left.
    pub(crate) async fn run(mut self, work: Work, until: Instant) -> Result<(Self, Tally)> {
        let mut tally = Tally::default();
        let mut began = Instant::now();
        while began < until {
            let done = match work {
                Work::Echo => self.echo(&mut tally, true).await?,
                Work::BareEcho => self.echo(&mut tally, false).await?,
                Work::Verify => self.verify(&mut tally).await?,
                Work::Visit => self.visit(&mut tally).await?,
                Work::Dose(call) => self.dose(call, &mut tally).await?,
            };
            if !done {
                break;
            }
            let ended = Instant::now();
            tally.latencies.push(u32::try_from((ended - began).as_micros()).unwrap_or(u32::MAX));
            began = ended;
        }
        Ok((self, tally))
    }

    async fn echo(&mut self, tally: &mut Tally, with_token: bool) -> Result<bool> {
        self.turn = (self.turn + 1) % self.patients.len();
        let bearer = self.patients.get(self.turn).and_then(|patient| patient.bearer.as_ref());
        let channel = self.echo.as_ref().context("no echo")?;
        let answer =
            call::unary(channel, echo::PATH, self.encoded.clone(), bearer.filter(|_| with_token)).await?;
        tally.answer_bytes += answer.len() as u64;
        Ok(true)
    }

    async fn verify(&mut self, tally: &mut Tally) -> Result<bool> {
        let Some(value) = self.next_token() else { return Ok(false) };
        let channel = self.terminal.gateway().channel();
        let path = VerifyEligibilityRequest::PATH;
        let answer = call::unary(channel, path, self.encoded.clone(), Some(&value)).await?;
        tally.answer_bytes += answer.len() as u64;
        if tally.latencies.len().is_multiple_of(SAMPLE) {
            let request = digest(&self.question);
            tally.samples.push(Sample { work: Work::Verify, sub: self.sub()?, request, answer });
        }
        Ok(true)
    }

    async fn dose(&mut self, dose: DoseCall, tally: &mut Tally) -> Result<bool> {
        let Some(value) = self.next_token() else { return Ok(false) };
        let request = dose.request(self.doses);
        self.doses += 1;
        let digest: [u8; 32] = Sha256::digest(&request).into();
        let channel = self.terminal.gateway().channel();
        let answer = call::unary(channel, dose.path(), request, Some(&value)).await?;
        tally.answer_bytes += answer.len() as u64;
        if tally.latencies.len().is_multiple_of(SAMPLE) {
            tally.samples.push(Sample { work: Work::Dose(dose), sub: self.sub()?, request: digest, answer });
        }
        Ok(true)
    }

    /// The patient whose turn it is, as this clinic knows them.
    fn sub(&self) -> Result<String> {
        let presence = self.patients.get(self.turn).and_then(|patient| patient.presence.as_ref());
        Ok(presence.context("no presence")?.token.sub.clone())
    }

    async fn visit(&mut self, tally: &mut Tally) -> Result<bool> {
        self.turn = (self.turn + 1) % self.patients.len();
        let patient = self.patients.get_mut(self.turn).context("no patients")?;
        let presence = present(&self.terminal, &self.presentation, &mut patient.card).await?;
        let answer = self.terminal.verify(&presence, &self.question).await?;
        expect_eligible(&answer.response)?;
        tally.answer_bytes += answer.response.encoded_len() as u64;
        Ok(true)
    }

    /// The next patient's token; `None` if nobody has one that may still be used.
    fn next_token(&mut self) -> Option<MetadataValue<Ascii>> {
        let count = self.patients.len();
        let turn = (1..=count)
            .map(|step| (self.turn + step) % count)
            .find(|turn| self.patients.get(*turn).is_some_and(|patient| !patient.tokens.is_empty()))?;
        self.turn = turn;
        let patient = self.patients.get_mut(turn)?;
        let token = patient.tokens.last_mut()?;
        token.uses = token.uses.saturating_sub(1);
        let value = token.value.clone();
        if token.uses == 0 {
            patient.tokens.pop();
        }
        Some(value)
    }

    /// Checks the receipts of the sampled answers and that each says what it should; returns how many there were.
    pub(crate) fn check(&self, tally: &Tally) -> Result<usize> {
        let gateway = self.terminal.gateway();
        for sample in &tally.samples {
            let requester = gateway.identity().organization();
            let (expected, receipt) = match sample.work {
                Work::Dose(dose) => dose.expected(requester, sample.request, sample.answer.clone())?,
                _ => eligible(requester, sample.request, sample.answer.clone())?,
            };
            let proof = check(receipt.as_ref(), &gateway.keys().gateway, &expected)?;
            check_subject(&proof, &sample.sub)?;
        }
        Ok(tally.samples.len())
    }
}

impl Token {
    fn new(token: &str, uses: u32) -> Result<Self> {
        Ok(Self { value: bearer(token)?, uses })
    }
}

fn bearer(token: &str) -> Result<MetadataValue<Ascii>> {
    let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse()?;
    value.set_sensitive(true);
    Ok(value)
}

async fn present(terminal: &Terminal, presentation: &Presentation, card: &mut HeldCard) -> Result<Presence> {
    Ok(terminal.present(card, presentation, clock::now()).await?)
}

/// What a patient is asked at a counter for subsidies.
pub(crate) fn for_subsidies() -> Presentation {
    Presentation::for_eligibility(CONSENT_TEXT, &[GROUP])
}

/// What a sampled answer's receipt must say, and the receipt; the answer itself must say that the child has a right.
fn eligible(requester: &OrgRef, request: [u8; 32], answer: Bytes) -> Result<(Expected<'_>, Option<Receipt>)> {
    let response = VerifyEligibilityResponse::decode(answer)?;
    expect_eligible(&response)?;
    let method = VerifyEligibilityRequest::method();
    let expected = Expected { requester, method, request, response: response_digest(&response) };
    Ok((expected, response.receipt))
}

fn expect_eligible(response: &VerifyEligibilityResponse) -> Result<()> {
    let eligible =
        response.results.iter().any(|row| row.group == GROUP && row.outcome() == Outcome::Eligible);
    ensure!(eligible, "a child with a right was not found eligible");
    Ok(())
}

/// One answer in so many has its receipt checked.
pub(crate) const SAMPLE: usize = 100;
const GROUP: &str = "88-13";
const CONSENT_TEXT: &str = "医療費助成の資格情報をこの医療機関に提供することに同意しますか。";
