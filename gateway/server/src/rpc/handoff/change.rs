//! Changes of plan: another last day, more consent, another residence.

use pmh_proto::{common::Reason, handoff as pb};

use super::{
    super::{fields::Fields, service::Service, status::Refusal},
    parse, wrong,
};
use crate::ops::{Call, handoff as ops};

impl Service {
    pub(super) async fn extend(
        &self,
        call: &Call,
        message: &pb::ExtendHandoffRequest,
    ) -> Result<pb::ExtendHandoffResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let last = checked.date("last_day", &message.last_day);
        checked.finish()?;
        let ((key, id), last) = named.zip(last).ok_or_else(wrong)?;
        let kept = if self.is_home(call, id).await? {
            ops::answer_last_day(&self.gateway, call, &key, id, last).await?
        } else {
            ops::ask_longer(&self.gateway, call, &key, id, last).await?
        };
        self.decode(kept)
    }

    pub(super) async fn consent(
        &self,
        call: &Call,
        message: &pb::AddConsentRequest,
    ) -> Result<pb::AddConsentResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let consent = parse::consents(&mut checked, message.consent.as_slice()).pop();
        if message.consent.is_none() {
            checked.wrong("consent", Reason::Required);
        }
        checked.finish()?;
        let ((key, id), consent) = named.zip(consent).ok_or_else(wrong)?;
        self.decode(ops::add_consent(&self.gateway, call, &key, id, consent).await?)
    }

    pub(super) async fn change_residence(
        &self,
        call: &Call,
        message: &pb::MoveHandoffRequest,
    ) -> Result<pb::MoveHandoffResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let on = checked.date("moved_on", &message.moved_on);
        checked.finish()?;
        let ((key, id), on) = named.zip(on).ok_or_else(wrong)?;
        self.decode(ops::moved(&self.gateway, call, &key, id, on).await?)
    }
}
