//! A citizen's list of accesses, questions about it, and their answers, on the wire.

use pmh_audit::{Hash, Leaf, OrgRef, registry};
use pmh_domain::codes;
use pmh_proto::{
    audit::{self as pb, AccessDisplay, QuestionStatus},
    common::Reason,
};
use pmh_store::{AccessItem, QuestionState, ReadBy, Registry, StoredQuestion};
use prost::Message as _;

use super::{
    audit::which,
    convert,
    fields::{self, Fields},
    receipt,
    service::Service,
    status::Refusal,
};
use crate::ops::{
    Call,
    accesses::{self, Listed, Listing, NewDelay, NewQuestion, Questions},
    log::Log,
};

impl Service {
    pub(super) async fn my_accesses(
        &self,
        call: &Call,
        message: &pb::ListMyAccessesRequest,
    ) -> Result<pb::ListMyAccessesResponse, Refusal> {
        let permit = call.authorize(&self.gateway, fields::purpose(message.purpose))?;
        let mut checked = Fields::default();
        let below = page_token(&mut checked, &message.page_token);
        checked.finish()?;
        let listing = Listing { log: which(message.log), limit: page_size(message.page_size), below };
        let render = |listed: &Listed| page(listed).encode_to_vec();
        let (answer, proof, chain) = accesses::list(&self.gateway, call, &permit, listing, render).await?;
        let mut response = pb::ListMyAccessesResponse::decode(answer.as_slice())
            .map_err(|_| Refusal::new(Reason::Internal))?;
        let mut proof = receipt::with_chain(proof, chain);
        receipt::mark(&self.gateway, &mut proof);
        response.receipt = Some(proof);
        Ok(response)
    }

    pub(super) async fn delay_access(
        &self,
        call: &Call,
        message: &pb::PutAccessDelayRequest,
    ) -> Result<pb::PutAccessDelayResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let ground = provision(&mut checked, &message.legal_ground);
        let until_us = until(&mut checked, message.until.as_ref(), call.now.as_microsecond());
        checked.finish()?;
        let (ground, until_us) = (ground.unwrap_or_default(), until_us.unwrap_or_default());
        let delay = NewDelay { index: message.index, until_us, ground };
        let render = || pb::PutAccessDelayResponse::default().encode_to_vec();
        let key = key.unwrap_or_default();
        self.decode(accesses::put_delay(&self.gateway, call, &key, delay, render).await?)
    }

    pub(super) async fn ask_about_access(
        &self,
        call: &Call,
        message: &pb::QuestionAccessRequest,
    ) -> Result<pb::QuestionAccessResponse, Refusal> {
        let permit = call.authorize(&self.gateway, fields::purpose(message.purpose))?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let reason = checked.word::<pb::QuestionReason>("reason", message.reason);
        let text = match (message.text.as_str(), reason) {
            ("", Some(pb::QuestionReason::Other)) => {
                checked.wrong("text", Reason::Required);
                None
            }
            ("", _) => Some(String::new()),
            (text, _) => words(&mut checked, text),
        };
        checked.finish()?;
        let question = NewQuestion {
            question_id: self.random_uuid(),
            index: message.index,
            reason: message.reason,
            text: text.unwrap_or_default(),
        };
        let render = |id: &str, due_us: i64| {
            let due_time = Some(convert::micros(due_us));
            pb::QuestionAccessResponse { question_id: id.to_owned(), due_time, receipt: None }.encode_to_vec()
        };
        let key = key.unwrap_or_default();
        self.decode(accesses::question(&self.gateway, call, &permit, &key, question, render).await?)
    }

    pub(super) async fn own_questions(
        &self,
        call: &Call,
        message: &pb::ListQuestionsRequest,
    ) -> Result<pb::ListQuestionsResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let below = page_token(&mut checked, &message.page_token);
        checked.finish()?;
        let limit = u32::try_from(page_size(message.page_size)).unwrap_or(DEFAULT_PAGE);
        let recorded = accesses::list_questions(&self.gateway, call, below, limit, questions).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }

    pub(super) async fn answer_own_question(
        &self,
        call: &Call,
        message: &pb::AnswerQuestionRequest,
    ) -> Result<pb::AnswerQuestionResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let id = checked.uuid("question_id", &message.question_id);
        let text = words(&mut checked, &message.text);
        checked.finish()?;
        let (key, id, text) = (key.unwrap_or_default(), id.unwrap_or_default(), text.unwrap_or_default());
        let render = || pb::AnswerQuestionResponse::default().encode_to_vec();
        self.decode(accesses::answer(&self.gateway, call, &key, id, text, render).await?)
    }
}

/// What may be withheld from the child's own sight is withheld; to a guardian it looks like what concerns others.
fn display(item: &AccessItem, listed: &Listed) -> AccessDisplay {
    let is_delayed = item.delay.as_ref().is_some_and(|(until_us, _)| *until_us > listed.now_us);
    match (listed.chains.is_guardian(), item.reader) {
        (true, ReadBy::Another) => AccessDisplay::Sealed,
        (true, _) if is_delayed => AccessDisplay::Sealed,
        (false, _) if is_delayed => AccessDisplay::Withheld,
        _ if item.chain.is_none() => AccessDisplay::Erased,
        _ => AccessDisplay::Shown,
    }
}

fn page(listed: &Listed) -> pb::ListMyAccessesResponse {
    let items = listed.page.items.iter().zip(&listed.paths);
    pb::ListMyAccessesResponse {
        accesses: items.map(|(item, path)| access(item, path, listed)).collect(),
        tags: listed.chains.tags().iter().map(|tag| tag.to_vec()).collect(),
        tree_size: listed.tree_size,
        checkpoint: listed.checkpoint.clone(),
        next_page_token: listed.page.next.map(|index| index.to_string()).unwrap_or_default(),
        receipt: None,
    }
}

fn access(item: &AccessItem, path: &[Hash], listed: &Listed) -> pb::Access {
    let display = display(item, listed);
    let mut access = pb::Access {
        index: item.index,
        display: display.into(),
        leaf_hash: item.leaf_hash.to_vec(),
        path: path.iter().map(|hash| hash.to_vec()).collect(),
        ..Default::default()
    };
    if display != AccessDisplay::Shown {
        access.tag = u32::try_from(item.tag).unwrap_or_default();
    }
    if let (AccessDisplay::Withheld, Some((until_us, ground))) = (display, &item.delay) {
        access.withheld_until = Some(convert::micros(*until_us));
        access.withheld_ground.clone_from(ground);
    }
    if display == AccessDisplay::Shown {
        access.leaf.clone_from(&item.leaf);
        access.chain = item.chain.clone().map(receipt::opening);
        access.own_query = is_own_look(item, listed);
        access.question = item.question.as_ref().map(|state| question_state(state, listed.now_us));
        if let Ok(leaf) = Leaf::decode(&item.leaf) {
            access.requester_name = name(&listed.registry, leaf.requester.as_ref());
            access.holder_name = name(&listed.registry, leaf.holder.as_ref());
        }
    }
    access
}

/// A question is the reader's own too, but no look-up that a program would hide. In auth's log nobody else looks.
fn is_own_look(item: &AccessItem, listed: &Listed) -> bool {
    (item.reader == ReadBy::Oneself || listed.log == Log::Auth)
        && Leaf::decode(&item.leaf).is_ok_and(|leaf| leaf.method == registry::Method::LIST_MY_ACCESSES)
}

fn name(registry: &Registry, organization: Option<&OrgRef>) -> String {
    let known = organization.and_then(|organization| registry.organizations.get(organization.as_str()));
    known.map(|known| known.name.clone()).unwrap_or_default()
}

fn question_state(state: &QuestionState, now_us: i64) -> pb::AccessQuestion {
    pb::AccessQuestion {
        status: status(state.answered_us, state.due_us, now_us).into(),
        due_time: Some(convert::micros(state.due_us)),
        answer_time: (state.answered_us > 0).then(|| convert::micros(state.answered_us)),
        answer: state.answer.clone(),
    }
}

fn questions(found: &Questions) -> pb::ListQuestionsResponse {
    let question = |question: &StoredQuestion| pb::Question {
        question_id: question.question_id.clone(),
        index: question.index,
        leaf: question.leaf.clone(),
        subject: question.sub.clone(),
        reason: question.reason,
        text: question.text.clone(),
        status: status(question.answered_us, question.due_us, found.now_us).into(),
        ask_time: Some(convert::micros(question.asked_us)),
        due_time: Some(convert::micros(question.due_us)),
    };
    pb::ListQuestionsResponse {
        questions: found.questions.iter().map(question).collect(),
        next_page_token: found.next.map(|index| index.to_string()).unwrap_or_default(),
        receipt: None,
    }
}

fn status(answered_us: i64, due_us: i64, now_us: i64) -> QuestionStatus {
    match answered_us {
        0 if now_us > due_us => QuestionStatus::Overdue,
        0 => QuestionStatus::Open,
        _ => QuestionStatus::Answered,
    }
}

/// Somebody's own words.
fn words(checked: &mut Fields, text: &str) -> Option<String> {
    free_text(checked, "text", text, LONGEST_TEXT)
}

/// A provision of law, as the person will read it.
fn provision(checked: &mut Fields, text: &str) -> Option<String> {
    free_text(checked, "legal_ground", text, LONGEST_GROUND)
}

/// At most a year from now: what is to be withheld for longer must be asked for again, so that no entry stays hidden
/// because somebody forgot it.
fn until(checked: &mut Fields, until: Option<&prost_types::Timestamp>, now_us: i64) -> Option<i64> {
    let read = until.and_then(|until| jiff::Timestamp::new(until.seconds, until.nanos).ok());
    match (until, read.map(jiff::Timestamp::as_microsecond)) {
        (None, _) => checked.wrong("until", Reason::Required),
        (Some(_), Some(until_us)) if until_us <= now_us.saturating_add(LONGEST_DELAY_US) => {
            return Some(until_us);
        }
        (Some(_), _) => checked.wrong("until", Reason::DateOutOfRange),
    }
    None
}

/// Short, printable, and without an individual number among it (P4).
fn free_text(checked: &mut Fields, field: &'static str, text: &str, longest: usize) -> Option<String> {
    let is_forbidden = |c: char| c.is_control() && c != '\n';
    let joined: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let mut runs = joined.split(|c: char| !c.is_numeric());
    if text.trim().is_empty() {
        checked.wrong(field, Reason::Required);
    } else if text.chars().count() > longest {
        checked.wrong(field, Reason::Width);
    } else if text.chars().any(is_forbidden) {
        checked.wrong(field, Reason::Characters);
    } else if runs.any(codes::looks_like_individual_number) {
        checked.wrong(field, Reason::IndividualNumberForbidden);
    } else {
        return Some(text.to_owned());
    }
    None
}

/// The index that a page goes on below.
fn page_token(checked: &mut Fields, token: &str) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    let below = token.parse::<u64>().ok().filter(|below| i64::try_from(*below).is_ok());
    if below.is_none() {
        checked.wrong("page_token", Reason::Value);
    }
    below
}

fn page_size(asked: u32) -> usize {
    let size = if asked == 0 { DEFAULT_PAGE } else { asked.min(LARGEST_PAGE) };
    size as usize
}

const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 100;
const LONGEST_TEXT: usize = 500;
const LONGEST_GROUND: usize = 100;
const LONGEST_DELAY_US: i64 = 366 * 24 * 3600 * 1_000_000;
