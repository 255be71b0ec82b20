//! Refusals are recorded too (design.md §6.9): one entry with a receipt if a
//! genuine token named a person; everything else is counted and written as one
//! summary entry per organization, reason and minute, so that nobody fills the
//! log from outside.

use std::{collections::BTreeMap, sync::Mutex};

use pmh_audit::{DetailBody, Kind, List, OrgRef, References, ShortText, part::GroupOutcome, registry};
use pmh_proto::common::Reason;
use pmh_store::{Conclusion, Draft, Fault, Reply};

use super::{Call, Gateway};
use crate::rpc::{
    receipt,
    status::{Refusal, reason_name},
};

/// Refusals of this minute that name no person.
#[derive(Debug, Default)]
pub struct RefusalCounts {
    counts: Mutex<BTreeMap<(String, i32), u32>>,
}

impl Gateway {
    /// Records a refusal and attaches its receipt, with the state of the witnesses. A refusal that has one, or
    /// that only says that we could not write, stays as it is.
    pub async fn record_refusal(&self, call: &Call, refusal: Refusal) -> Refusal {
        let recorded = self.recorded_refusal(call, refusal.with_request_id(call.request_id())).await;
        recorded.with_marked_receipt(|receipt| receipt::mark(self, receipt))
    }

    async fn recorded_refusal(&self, call: &Call, refusal: Refusal) -> Refusal {
        if refusal.has_receipt() || refusal.code() == tonic::Code::Unavailable {
            return refusal;
        }
        let Some(named) = call.named(self) else {
            self.refusals.count(call.short(), refusal.reason());
            return refusal;
        };
        let digest = refusal.digest();
        let mut draft = call.draft(Kind::Refusal, registry::Categories::NONE, Some(&named), digest);
        draft.outcome = reason_number(refusal.reason());
        let recorded = self.store.disclose(self.attempt(), None, move |_, _| ((), Some(draft.clone()))).await;
        match recorded.map(pmh_store::Recorded::into_parts) {
            Ok(((), Some(receipt))) => refusal.with_receipt(receipt::to_proto(receipt)),
            // Without its record even the refusal does not leave (P1).
            _ => Refusal::new(Reason::AuditUnavailable).with_request_id(call.request_id()),
        }
    }

    /// Writes the summaries of what was counted; called every minute and at the end.
    pub async fn flush_refusals(&self) -> Result<(), Fault> {
        let mut failed = None;
        for ((organization, reason), count) in self.refusals.take() {
            let draft = summary(&organization, reason, count);
            let written = match failed {
                None => {
                    self.store.disclose(self.attempt(), None, move |_, _| ((), Some(draft.clone()))).await
                }
                Some(fault) => Err(fault),
            };
            failed = written.map(pmh_store::Recorded::into_parts).err();
            if failed.is_some() {
                self.refusals.add(&organization, reason, count);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

impl RefusalCounts {
    /// One more.
    pub fn count(&self, organization: &str, reason: Reason) {
        self.add(organization, reason as i32, 1);
    }

    fn add(&self, organization: &str, reason: i32, more: u32) {
        if let Ok(mut counts) = self.counts.lock() {
            let count = counts.entry((organization.to_owned(), reason)).or_default();
            *count = count.saturating_add(more);
        }
    }

    fn take(&self) -> BTreeMap<(String, i32), u32> {
        self.counts.lock().map(|mut counts| std::mem::take(&mut *counts)).unwrap_or_default()
    }
}

/// `Reply::Refused` of a recorded write, with the receipt of its entry.
pub(crate) fn settled(
    recorded: pmh_store::Recorded<Reply<Refusal>>,
) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
    match recorded.into_parts() {
        (Reply::Answer(bytes), receipt) => Ok((bytes, receipt)),
        (Reply::Refused(refusal), Some(receipt)) => Err(refusal.with_receipt(receipt::to_proto(receipt))),
        (Reply::Refused(refusal), None) => Err(refusal),
    }
}

/// A refusal inside a write, which changes nothing. Its record, if it gets one, is
/// made where all refusals get theirs ([`Gateway::record_refusal`]).
pub(crate) fn refused(reason: Reason) -> Conclusion<Refusal> {
    Conclusion { reply: Reply::Refused(Refusal::new(reason)), draft: None }
}

/// Number of a reason as the log keeps it.
pub(crate) fn reason_number(reason: Reason) -> u16 {
    u16::try_from(reason as i32).unwrap_or(0)
}

fn summary(organization: &str, reason: i32, count: u32) -> Draft {
    let name = Reason::try_from(reason).map_or("", reason_name);
    let row = GroupOutcome {
        issuer: None,
        group: ShortText::new(name).unwrap_or_default(),
        outcome: u16::try_from(count).unwrap_or(u16::MAX),
    };
    Draft {
        kind: Kind::RefusalSummary,
        method: registry::Method::NONE,
        purpose: registry::Purpose::NONE,
        outcome: u16::try_from(reason).unwrap_or(0),
        categories: registry::Categories::NONE,
        holder: None,
        requester: OrgRef::new(organization).ok(),
        references: References::default(),
        subject: None,
        actor: super::call::nobody(),
        detail: DetailBody {
            request_sha256: [0; 32],
            response_sha256: [0; 32],
            consent: ShortText::default(),
            outcomes: List::new(vec![row]).unwrap_or_default(),
            rows: None,
        },
    }
}
