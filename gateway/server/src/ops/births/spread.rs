//! Every handoff of the mother enters what was told: the stay side tells home, home answers for the child's duties.

use std::sync::Arc;

use pmh_audit::registry::Method;
use pmh_domain::handoff::{BirthOrder, ChildEvent, Decision, Newborn, NoticeId, Side, StaySays};
use pmh_proto::common::Reason;
use pmh_store::{
    Fault,
    birth::{BirthChange, BirthEcho},
};

use crate::{
    ops::{Gateway, handoff::enter_birth, unavailable},
    rpc::status::Refusal,
};

/// Lets the handoffs enter what waits for them, in the order of the log. Entering again changes nothing. Errors: the store.
pub async fn spread_births(gateway: &Arc<Gateway>) -> Result<(), Fault> {
    if gateway.store.reader().birth_echoes(1).await?.is_empty() {
        return Ok(());
    }
    // The upkeep and a call must not enter the same thing twice.
    let _alone = gateway.spreading.lock().await;
    for echo in gateway.store.reader().birth_echoes(AT_ONCE).await? {
        match enter_birth(gateway, &echo, method(&echo)).await {
            Err(refusal) if matches!(refusal.reason(), Reason::TryAgain | Reason::AuditUnavailable) => {
                return Ok(());
            }
            // A handoff that is over, or that contradicts, enters it never.
            Err(_) | Ok(()) => gateway.store.birth_echoed(gateway.attempt(), &echo).await?,
        }
    }
    Ok(())
}

fn method(echo: &BirthEcho) -> Method {
    match (&echo.event, echo.side) {
        (ChildEvent::Born(_), _) => Method::NOTIFY_BIRTH,
        (ChildEvent::Lost(_) | ChildEvent::LossCorrected { .. }, _) => Method::NOTIFY_LOSS,
        (ChildEvent::Merged { .. }, Side::Home | Side::Stay) => Method::MERGE_CHILD,
    }
}

/// What the stay side's message makes home keep, beside its own entry; `None` if it tells of no birth.
pub(in crate::ops) async fn told_by_stay(
    gateway: &Gateway,
    (home, stay): (&str, &str),
    says: &StaySays,
) -> Result<Option<BirthChange>, Refusal> {
    let change = |birth: NoticeId, event: ChildEvent, newborns: Vec<(Newborn, [u8; 32])>| BirthChange {
        birth,
        home: home.to_owned(),
        teller: stay.to_owned(),
        events: vec![event],
        newborns,
        proposal: None,
        joins: None,
    };
    Ok(match says {
        StaySays::Born(newborn) => {
            let notice = newborn.notice;
            let minted = gateway.mint_children(notice.id, &[notice.order]).await?;
            let newborns = minted.into_iter().map(|reference| ((**newborn).clone(), reference)).collect();
            Some(change(notice.id, ChildEvent::Born(notice), newborns))
        }
        StaySays::Lost { birth, loss } => Some(change(*birth, ChildEvent::Lost(*loss), Vec::new())),
        _ => None,
    })
}

impl Gateway {
    /// References of provisional children; the same child of the same birth always gets the same.
    pub(in crate::ops) async fn mint_children(
        &self,
        birth: NoticeId,
        places: &[BirthOrder],
    ) -> Result<Vec<[u8; 32]>, Refusal> {
        let wanted = places.iter().map(|place| (self.mint_key_of_child(birth, *place), self.random_bytes()));
        let minted =
            self.auth.mint(self.attempt(), wanted.collect()).await.map_err(|fault| unavailable(&fault))?;
        Ok(minted.iter().map(|minted| self.subject_refs.subject_ref(&minted.person)).collect())
    }
}

/// The rules' decision about one event on home's side.
pub(in crate::ops) fn at_home(
    home: &pmh_domain::handoff::Home,
    event: &ChildEvent,
) -> Result<Decision<pmh_domain::handoff::HomeAct>, pmh_domain::handoff::Refusal> {
    match event {
        ChildEvent::Born(notice) => home.birth(*notice),
        ChildEvent::Lost(loss) => Ok(home.loss(*loss)),
        ChildEvent::LossCorrected { loss, officers } => Ok(home.correct_loss(*loss, officers.clone())),
        ChildEvent::Merged { child, resident, officers } => {
            home.merge(*child, resident.clone(), officers.clone())
        }
    }
}

/// The same on the stay side, which hears of births and losses alone.
pub(in crate::ops) fn at_stay(
    stay: &pmh_domain::handoff::Stay,
    echo: &BirthEcho,
) -> Result<Decision<pmh_domain::handoff::StayAct>, pmh_domain::handoff::Refusal> {
    match (&echo.event, &echo.newborn) {
        (ChildEvent::Born(_), Some(newborn)) => stay.birth(newborn.clone()),
        (ChildEvent::Lost(loss), _) => stay.loss(echo.birth, *loss),
        _ => Ok(Decision::Known),
    }
}

const AT_ONCE: u32 = 64;
