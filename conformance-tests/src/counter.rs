//! A counter: a terminal, cards in hands, and the everyday questions.

use anyhow::Result;
use jiff::civil::Date;
use pmh_client::{Answer, Card, CardError, Error, Gateway, Presence, Presentation, Signed, Terminal};
use pmh_proto::common::Purpose;
use pmh_proto::eligibility::verify_eligibility_request::Service;
use pmh_proto::eligibility::{CareType, EligibilityResult, Outcome, VerifyEligibilityRequest};
use pmh_testkit::card::{CardRefusal, FakeCard, terminal};

use crate::clock;

/// The real organizations of the sandbox that scenarios act as.
pub mod organization {
    /// A hospital in Tokyo.
    pub const TOKYO_CLINIC: &str = "clinic:1310310243";
    /// A designated pharmacy in Tokyo.
    pub const TOKYO_PHARMACY: &str = "pharmacy:1340153221";
    /// A pharmacy in Tokyo that is not designated.
    pub const OTHER_PHARMACY: &str = "pharmacy:1340155812";
    /// A hospital in Kanagawa.
    pub const KANAGAWA_CLINIC: &str = "clinic:1419811373";
    /// 八王子市, competent for 88.
    pub const HACHIOJI: &str = "municipality:132012";
    /// 町田市, competent for 88 too.
    pub const MACHIDA: &str = "municipality:132098";
    /// 東京都, competent for 52.
    pub const TOKYO: &str = "prefecture:130001";
    /// A citizens' app.
    pub const APP: &str = "app:test-app";
    /// An auditor of everything.
    pub const AUDITOR: &str = "auditor:test-auditor";
    /// An auditor of what is in Tokyo.
    pub const TOKYO_AUDITOR: &str = "auditor:tokyo-auditor";
    /// The operator.
    pub const OPERATOR: &str = "operator:test-operator";
}

/// What the patient reads on the screen.
pub const CONSENT_TEXT: &str = "医療費助成の資格情報をこの医療機関に提供することに同意しますか。";

/// A terminal with someone behind it.
#[derive(Debug)]
pub struct Counter {
    terminal: Terminal,
}

impl Counter {
    /// A counter with this terminal.
    pub fn new(terminal: Terminal) -> Self {
        Self { terminal }
    }

    /// The same counter with a member of staff behind it, by pseudonym.
    pub fn operated_by(self, pseudonym: &str) -> Result<Self, Error> {
        Ok(Self { terminal: self.terminal.with_operator(pseudonym)? })
    }

    /// The terminal.
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// The gateway as this terminal sees it.
    pub fn gateway(&self) -> &Gateway {
        self.terminal.gateway()
    }

    /// The card is presented; everything asked for is granted.
    pub async fn present(&self, card: &mut TestCard, groups: &[&str]) -> Result<Presence, Error> {
        self.present_as(card, &Presentation::for_eligibility(CONSENT_TEXT, groups)).await
    }

    /// The card is presented as stated.
    pub async fn present_as(
        &self,
        card: &mut TestCard,
        presentation: &Presentation,
    ) -> Result<Presence, Error> {
        self.terminal.present(card, presentation, clock::now()).await
    }

    /// What does this person hold today?
    pub async fn ask(&self, presence: &Presence) -> Result<Answer, Error> {
        self.terminal.verify(presence, &today()).await
    }

    /// Card, question, answer.
    pub async fn visit(&self, card: &mut TestCard, groups: &[&str]) -> Result<(Presence, Answer), Error> {
        let presence = self.present(card, groups).await?;
        let answer = self.ask(&presence).await?;
        Ok((presence, answer))
    }
}

/// The everyday question: today, outpatient, to be paid for.
pub fn today() -> VerifyEligibilityRequest {
    on(clock::today())
}

/// The same for another day.
pub fn on(day: Date) -> VerifyEligibilityRequest {
    VerifyEligibilityRequest {
        service: Some(Service::Date(day.to_string())),
        care_type: CareType::Outpatient.into(),
        purpose: Purpose::Hpaymt.into(),
        ..Default::default()
    }
}

/// The results of one group, with their outcomes.
pub fn outcomes(answer: &Answer, group: &str) -> Vec<Outcome> {
    results(answer, group).map(EligibilityResult::outcome).collect()
}

/// The results of one group.
pub fn results<'a>(answer: &'a Answer, group: &'a str) -> impl Iterator<Item = &'a EligibilityResult> {
    answer.response.results.iter().filter(move |result| result.group == group)
}

/// A fake card that is held at the reader while its holder types the PIN.
#[derive(Debug)]
pub struct TestCard {
    card: FakeCard,
    pin: String,
}

impl TestCard {
    /// The holder knows the PIN.
    pub fn new(card: FakeCard) -> Self {
        let pin = card.pin().to_owned();
        Self { card, pin }
    }

    /// The card.
    pub fn card(&self) -> &FakeCard {
        &self.card
    }
}

impl Card for TestCard {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        match terminal::present(&mut self.card, to_be_signed, &self.pin) {
            Ok(presented) => {
                Ok(Signed { certificate_der: presented.certificate_der, signature: presented.signature })
            }
            Err(terminal::TerminalError::Card(CardRefusal::WrongPin { tries_left })) => {
                Err(CardError::WrongPin { tries_left })
            }
            Err(terminal::TerminalError::Card(CardRefusal::Locked)) => Err(CardError::Locked),
            Err(other) => Err(CardError::Unreadable(Box::new(other))),
        }
    }
}
