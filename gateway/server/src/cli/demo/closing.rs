//! The closing table: every outcome, state and counter action, each with the card that showed it in this run; and
//! what of all this was simulated.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use pmh_domain::eligibility as domain;
use pmh_proto::eligibility::{AnswerState, CounterAction, Outcome, VerifyEligibilityRequest};
use pmh_testkit::sandbox::SandboxCard;
use serde_json::json;

use super::{
    house::{House, action_word, stripped, word},
    stage::{CLOSING, Chapter, Phrase, Shown, Stage},
};

/// Presents every card of the world as its scenario says and shows what was seen, row by row.
pub(super) async fn table(stage: &mut Stage, house: &House) {
    stage.open(&CHAPTER);
    let seen = Seen::of_all(house).await;
    stage.heading(CARDS);
    seen.all_as_described(stage, house.cards().len());
    stage.heading(OUTCOMES);
    for (outcome, meaning) in OUTCOME_ROWS {
        show(stage, "outcome", word(outcome), &domain::outcome_line(meaning), seen.outcomes.get(&outcome));
    }
    stage.heading(STATES);
    for (state, meaning) in STATE_ROWS {
        show(stage, "state", state_word(state), &domain::state_line(meaning), seen.states.get(&state));
    }
    stage.heading(ACTIONS);
    for (action, meaning) in ACTION_ROWS {
        let text = domain::action_line(meaning);
        show(stage, "counter_action", action_word(action), &text, seen.actions.get(&action));
    }
}

/// Ends every demo.
pub(super) fn simulated(stage: &mut Stage) {
    stage.heading(SIMULATED);
    let items: Vec<&str> = SIMULATIONS.iter().map(|item| item.text(stage.language())).collect();
    for item in SIMULATIONS {
        stage.item(item);
    }
    stage.end(SIMULATED, &Shown::default().field("simulated", items));
}

/// What was seen, and with which card first.
#[derive(Default)]
struct Seen {
    outcomes: BTreeMap<Outcome, String>,
    states: BTreeMap<AnswerState, String>,
    actions: BTreeMap<CounterAction, String>,
    trouble: Vec<String>,
}

impl Seen {
    async fn of_all(house: &House) -> Self {
        let mut seen = Self::default();
        for card in house.cards() {
            if let Err(error) = seen.present(house, card).await {
                seen.trouble.push(format!("{}: {error:#}", card.name));
            }
        }
        if let Err(error) = seen.ask_again(house).await {
            seen.trouble.push(format!("{ASKED_TWICE}, asked again: {error:#}"));
        }
        seen
    }

    /// The visit that the card is made for, which must end as `sandbox.json` promises. What stands beside it in the
    /// answer is not noted: a card is named for what it is about.
    async fn present(&mut self, house: &House, card: &SandboxCard) -> Result<()> {
        let visit = house.visit(&mut house.card(&card.name)?, &house.question(&card.name)?).await?;
        let state = visit.answer.response.state();
        if card.visit.group.is_empty() {
            ensure!(state_word(state) == card.expected, "answered {}", state_word(state));
        } else {
            let outcome = Outcome::from_str_name(&format!("OUTCOME_{}", card.expected)).context("outcome")?;
            let action = format!("COUNTER_ACTION_{}", card.visit.counter_action);
            let action = CounterAction::from_str_name(&action).context("counter action")?;
            visit.claim(&card.visit.group, outcome, action)?;
            self.outcomes.entry(outcome).or_insert_with(|| card.name.clone());
            self.actions.entry(action).or_insert_with(|| card.name.clone());
        }
        self.states.entry(state).or_insert_with(|| card.name.clone());
        Ok(())
    }

    /// The same question with the version of its answer.
    async fn ask_again(&mut self, house: &House) -> Result<()> {
        let visit = house.visit(&mut house.card(ASKED_TWICE)?, &house.question(ASKED_TWICE)?).await?;
        let if_version = visit.answer.response.version.clone();
        let request = VerifyEligibilityRequest { if_version, ..visit.request.clone() };
        let state = visit.ask_again(&request).await?.response.state();
        ensure!(state == AnswerState::Unchanged, "answered {}", state_word(state));
        self.states.entry(state).or_insert_with(|| ASKED_TWICE.to_owned());
        Ok(())
    }

    fn all_as_described(&self, stage: &mut Stage, cards: usize) {
        let missing = (!self.trouble.is_empty()).then(|| self.trouble.join("; "));
        let shown = Shown::default().field("cards", cards);
        stage.row("sandbox.json", &cards.to_string(), AS_DESCRIBED.text(stage.language()), &shown, missing);
    }
}

fn show(stage: &mut Stage, kind: &str, name: &str, meaning: &domain::Text, card: Option<&String>) {
    let meaning = stage.language().of(meaning);
    let shown = Shown::default().field(kind, name).field("card", json!(card)).field("meaning", meaning);
    let missing = card.is_none().then(|| "no card showed it".to_owned());
    stage.row(name, card.map_or("-", String::as_str), meaning, &shown, missing);
}

fn state_word(state: AnswerState) -> &'static str {
    stripped(state.as_str_name(), "ANSWER_STATE_")
}

/// The card that is asked about twice.
const ASKED_TWICE: &str = "child";

const OUTCOME_ROWS: [(Outcome, domain::Outcome); 8] = [
    (Outcome::Eligible, domain::Outcome::Eligible),
    (Outcome::NotConsented, domain::Outcome::NotConsented),
    (Outcome::NoEntitlement, domain::Outcome::NoEntitlement),
    (Outcome::Lapsed, domain::Outcome::Lapsed),
    (Outcome::NotYetValid, domain::Outcome::NotYetValid),
    (Outcome::IssuerNotConnected, domain::Outcome::IssuerNotConnected),
    (Outcome::SourceStale, domain::Outcome::SourceStale),
    (Outcome::CardLimited, domain::Outcome::CardLimited),
];

const STATE_ROWS: [(AnswerState, domain::AnswerState); 4] = [
    (AnswerState::Answered, domain::AnswerState::Answered),
    (AnswerState::Unchanged, domain::AnswerState::Unchanged),
    (AnswerState::NotLinked, domain::AnswerState::NotLinked),
    (AnswerState::IdentityConflict, domain::AnswerState::IdentityConflict),
];

const ACTION_ROWS: [(CounterAction, domain::CounterAction); 5] = [
    (CounterAction::ApplyHere, domain::CounterAction::ApplyHere),
    (CounterAction::CollectShareThenReimburse, domain::CounterAction::CollectShareThenReimburse),
    (CounterAction::NotDesignatedHere, domain::CounterAction::NotDesignatedHere),
    (CounterAction::AskIssuer, domain::CounterAction::AskIssuer),
    (CounterAction::UsePaper, domain::CounterAction::UsePaper),
];

const CHAPTER: Chapter = Chapter {
    name: CLOSING,
    title: Phrase("すべての答え", "Every answer there is"),
    opening: Phrase(
        "この実行で実際に出た答えと、それを出したカードです。",
        "What was answered in this run, and the card that showed it first.",
    ),
};
const CARDS: Phrase = Phrase("カード", "Cards");
const AS_DESCRIBED: Phrase =
    Phrase("どのカードも、説明どおりの答えを得た", "every card was answered as its scenario says");
const OUTCOMES: Phrase = Phrase("制度ごとの結果（8）", "Outcomes, one per scheme (8)");
const STATES: Phrase = Phrase("答え全体の状態（4）", "States of the whole answer (4)");
const ACTIONS: Phrase = Phrase("受付がすること（5）", "Counter actions (5)");

const SIMULATED: Phrase = Phrase("模擬したもの", "What was simulated");
const SIMULATIONS: [Phrase; 5] = [
    Phrase(
        "カード：JPKIの形をした試験用の証明書と、APDUに答えるプログラム。本物のマイナンバーカードではありません。",
        "The cards: test certificates in the shape of JPKI and a program that answers APDUs. No real My Number card.",
    ),
    Phrase(
        "認証局：この実行のために作り、終了とともに捨てた鍵。",
        "The certificate authorities: keys made for this run and thrown away with it.",
    ),
    Phrase(
        "自治体・医療機関：コードと負担者番号は実在しますが、データを送ったのはこのプログラムです。人物・資格・受給者番号はすべて架空です。",
        "Issuers and institutions: codes and payer numbers are real, but this program sent their data. People, rights \
         and recipient numbers are invented.",
    ),
    Phrase(
        "電子証明書の対応台帳：本番ではJPKIの検証者の立場が要ります。",
        "The credential directory: in production this needs the standing of a JPKI verifier.",
    ),
    Phrase(
        "これは法定のPMHではありません。公費の優先順位は、公式の表を読み込むまで「未確認」です。",
        "This is not the statutory PMH. The order of several subsidies is unverified until an official table is loaded.",
    ),
];
