//! `pmh.handoff.v1.BirthService`.

use std::collections::BTreeSet;

use pmh_auth::names::Purpose;
use pmh_domain::{
    handoff::{BirthOrder, Child, Loss, Newborn, NoticeId},
    resident::ResidentKey,
};
use pmh_proto::{
    common::{Reason, Text},
    handoff::{self as pb, birth_service_server::BirthService},
};
use pmh_store::{
    birth::{BirthPage, ListedBirth, MotherOf},
    ticket::{TicketKey, TicketOf},
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{
    convert, fields::Fields, handoff::newborn, service::Service, status::Refusal, tickets::parse::issuer,
};
use crate::ops::{
    Call,
    births::{self as ops, Teller, ToldLoss},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.handoff.v1.BirthService/", $method)
    };
}

#[tonic::async_trait]
impl BirthService for Service {
    async fn notify_birth(
        &self,
        request: Request<pb::NotifyBirthRequest>,
    ) -> Result<Response<pb::NotifyBirthResponse>, Status> {
        let (call, message) = self.open(path!("NotifyBirth"), request)?;
        let outcome = self.notify_birth_of(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_births(
        &self,
        request: Request<pb::ListBirthsRequest>,
    ) -> Result<Response<pb::ListBirthsResponse>, Status> {
        let (call, message) = self.open(path!("ListBirths"), request)?;
        let outcome = self.list_births_after(&call, message.after).await;
        self.answer(&call, outcome).await
    }

    async fn merge_child(
        &self,
        request: Request<pb::MergeChildRequest>,
    ) -> Result<Response<pb::MergeChildResponse>, Status> {
        let (call, message) = self.open(path!("MergeChild"), request)?;
        let outcome = self.merge_provisional(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn notify_loss(
        &self,
        request: Request<pb::NotifyLossRequest>,
    ) -> Result<Response<pb::NotifyLossResponse>, Status> {
        let (call, message) = self.open(path!("NotifyLoss"), request)?;
        let outcome = self.notify_loss_of(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn notify_birth_of(
        &self,
        call: &Call,
        message: &pb::NotifyBirthRequest,
    ) -> Result<pb::NotifyBirthResponse, Refusal> {
        let permit = call.authorize(&self.gateway, purpose(call))?;
        let has_token = permit.subject().is_some();
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let newborns = newborns(&mut checked, &message.newborns, call.now);
        let teller = by_facility(&mut checked, message.mother.as_ref(), has_token);
        checked.finish()?;
        let ((key, newborns), teller) = key.zip(newborns).zip(teller).ok_or_else(wrong)?;
        let born_on = newborns.iter().map(|newborn| newborn.notice.born_on).min().ok_or_else(wrong)?;
        let due = ops::filing_due(born_on).to_string();
        let encode = move |birth: NoticeId| {
            let notice = Text { ja: NOTICE_JA.to_owned(), en: NOTICE_EN.to_owned() };
            pb::NotifyBirthResponse {
                birth_id: newborn::id_text(birth),
                notice: Some(notice),
                filing_due: due.clone(),
                receipt: None,
            }
            .encode_to_vec()
        };
        self.decode(ops::notify_birth(&self.gateway, call, &permit, &key, teller, newborns, encode).await?)
    }

    async fn notify_loss_of(
        &self,
        call: &Call,
        message: &pb::NotifyLossRequest,
    ) -> Result<pb::NotifyLossResponse, Refusal> {
        let permit = call.authorize(&self.gateway, purpose(call))?;
        let has_token = permit.subject().is_some();
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let birth = match message.birth_id.as_str() {
            "" => Some(None),
            text => noted(&mut checked, "birth_id", newborn::birth_id(text)).map(Some),
        };
        let loss = match message.child {
            0 => Some(Loss::Pregnancy),
            place => noted(&mut checked, "child", child(place)).map(Loss::Child),
        };
        let teller = if call.issuer().is_ok() {
            by_municipality(&mut checked, call, birth.flatten(), &message.mother_resident_key)
        } else {
            by_facility(&mut checked, message.mother.as_ref(), has_token)
        };
        checked.finish()?;
        let (((key, birth), loss), teller) = key.zip(birth).zip(loss).zip(teller).ok_or_else(wrong)?;
        let encode = |birth: NoticeId| {
            pb::NotifyLossResponse { birth_id: newborn::id_text(birth), receipt: None }.encode_to_vec()
        };
        let told = ToldLoss { birth, loss };
        self.decode(ops::notify_loss(&self.gateway, call, &permit, &key, teller, told, encode).await?)
    }

    async fn merge_provisional(
        &self,
        call: &Call,
        message: &pb::MergeChildRequest,
    ) -> Result<pb::MergeChildResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let birth = noted(&mut checked, "birth_id", newborn::birth_id(&message.birth_id));
        let child = noted(&mut checked, "child", child(message.child));
        let resident = checked.identifier("resident_key", &message.resident_key, MAX_KEY);
        let resident =
            resident.and_then(|key| noted(&mut checked, "resident_key", ResidentKey::parse(&key).ok()));
        checked.finish()?;
        let (((key, birth), child), resident) = key.zip(birth).zip(child).zip(resident).ok_or_else(wrong)?;
        let encode = |merged: ops::Merged| {
            let state = match merged {
                ops::Merged::Proposed => pb::MergeState::Proposed,
                ops::Merged::Done => pb::MergeState::Merged,
            };
            pb::MergeChildResponse { state: state.into(), receipt: None }.encode_to_vec()
        };
        let wanted = ops::Merge { birth, child, resident };
        self.decode(ops::merge(&self.gateway, call, &key, wanted, encode).await?)
    }

    async fn list_births_after(&self, call: &Call, after: u64) -> Result<pb::ListBirthsResponse, Refusal> {
        self.permit(call)?;
        let encode = |page: &BirthPage| {
            pb::ListBirthsResponse {
                births: page.births.iter().map(birth).collect(),
                next: page.next,
                has_more: page.has_more,
                receipt: None,
            }
            .encode_to_vec()
        };
        self.decode(ops::list_births(&self.gateway, call, after, encode).await?)
    }
}

/// With her card at a facility it is treatment; a municipality's own purpose is implied.
fn purpose(call: &Call) -> Option<Purpose> {
    call.issuer().is_err().then_some(Purpose::Treat)
}

fn newborns(checked: &mut Fields, wire: &[pb::Newborn], now: jiff::Timestamp) -> Option<Vec<Newborn>> {
    if wire.is_empty() || wire.len() > MOST {
        checked.wrong("newborns", if wire.is_empty() { Reason::Required } else { Reason::Value });
        return None;
    }
    let each = wire.iter().enumerate();
    let newborns: Vec<Option<Newborn>> = each
        .map(|(place, wire)| newborn::received(checked, &format!("newborns[{place}]"), wire, now))
        .collect();
    let newborns = newborns.into_iter().collect::<Option<Vec<Newborn>>>()?;
    let places: BTreeSet<BirthOrder> = newborns.iter().map(|newborn| newborn.notice.order).collect();
    if places.len() != newborns.len() {
        checked.wrong("newborns", Reason::Value);
        return None;
    }
    Some(newborns)
}

/// By her card; where there is none, by her ticket and a contract.
fn by_facility(checked: &mut Fields, mother: Option<&pb::MotherTicket>, has_token: bool) -> Option<Teller> {
    let Some(ticket) = mother else {
        if !has_token {
            checked.wrong("mother", Reason::Required);
            return None;
        }
        // The token's person stands in its place.
        return Some(Teller { mother: MotherOf::Birth(NoticeId([0; 16])), contract: String::new() });
    };
    if has_token {
        // One or the other: a ticket beside a card would be believed to name her too.
        checked.wrong("mother", Reason::Value);
        return None;
    }
    let issuer = issuer(checked, "mother.issuer", &ticket.issuer);
    let number = checked.identifier("mother.number", &ticket.number, MAX_ID);
    let birth_date = checked.date("mother.birth_date", &ticket.birth_date);
    let contract = checked.identifier("mother.contract", &ticket.contract, MAX_ID);
    let key = TicketKey { issuer: issuer?, number: number? };
    Some(Teller { mother: MotherOf::Ticket(TicketOf::Born(key, birth_date?)), contract: contract? })
}

fn by_municipality(checked: &mut Fields, call: &Call, birth: Option<NoticeId>, key: &str) -> Option<Teller> {
    let mother = match (birth, key) {
        (Some(birth), "") => MotherOf::Birth(birth),
        (Some(_), _) => {
            checked.wrong("mother_resident_key", Reason::Value);
            return None;
        }
        (None, key) => {
            let key = checked.identifier("mother_resident_key", key, MAX_KEY)?;
            MotherOf::Resident(call.short().to_owned(), key)
        }
    };
    Some(Teller { mother, contract: String::new() })
}

fn birth(listed: &ListedBirth) -> pb::Birth {
    let (birth, known) = (&listed.birth, listed.birth.fold());
    let child = |kept: &pmh_store::birth::StoredChild| {
        let merged =
            known.all().find(|(order, _)| *order == kept.order).and_then(|(_, child)| resident(child));
        let proposed = birth.proposals.iter().find(|proposal| proposal.child == kept.order);
        pb::BirthChild {
            newborn: Some(newborn::to_wire(&kept.newborn)),
            resident_key: merged.unwrap_or_default(),
            proposed_resident_key: proposed.map(|proposal| proposal.resident_key.clone()).unwrap_or_default(),
            lost: known.is_lost(kept.order),
        }
    };
    pb::Birth {
        birth_id: newborn::id_text(birth.id),
        mother_resident_key: listed.mother_key.clone(),
        children: birth.children.iter().map(child).collect(),
        pregnancy_lost: known.is_lost(EVERY_CHILD),
        told_at: Some(convert::micros(birth.told_us)),
    }
}

fn resident(child: &Child) -> Option<String> {
    child.merged.as_ref().map(|(resident, _)| resident.as_str().to_owned())
}

fn child(place: u32) -> Option<BirthOrder> {
    u8::try_from(place).ok().filter(|place| (1..=10).contains(place)).map(BirthOrder)
}

fn noted<T>(checked: &mut Fields, path: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        checked.wrong(path, Reason::Value);
    }
    value
}

/// A field was missing although none was wrong: our mistake.
fn wrong() -> Refusal {
    Refusal::new(Reason::Internal)
}

const NOTICE_JA: &str = "これは市区町村への出生の連絡であり、戸籍法の出生届ではありません。出生届は、届出義務者が14日以内に別に行います。";
const NOTICE_EN: &str = "This tells the municipality of the birth. It is not the statutory birth filing, which is still due within 14 days.";
/// A place that no child has: it is lost only with the whole pregnancy.
const EVERY_CHILD: BirthOrder = BirthOrder(0);
const MOST: usize = 10;
const MAX_KEY: usize = 100;
const MAX_ID: usize = 64;
