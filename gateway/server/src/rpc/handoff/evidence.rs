//! ExportEvidence: an answer that is a file.

use pmh_proto::handoff as pb;

use super::{
    super::{fields::Fields, receipt, service::Service, status::Refusal},
    parse, wire, wrong,
};
use crate::ops::{
    Call,
    handoff::{self as ops, Evidence, Message},
};

impl Service {
    pub(super) async fn export(
        &self,
        call: &Call,
        message: &pb::ExportEvidenceRequest,
    ) -> Result<pb::ExportEvidenceResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let id = parse::id(&mut checked, &message.handoff_id);
        checked.finish()?;
        let recorded = ops::evidence(&self.gateway, call, id.ok_or_else(wrong)?, file).await?;
        let (mut response, proof) = recorded.into_parts();
        // A name of the person, or a mark that nobody signed, has no place in a file that strangers verify.
        response.receipt =
            proof.map(|proof| receipt::to_proto(pmh_audit::Receipt { subject: None, ..proof }));
        Ok(response)
    }
}

fn file(evidence: &Evidence) -> pb::ExportEvidenceResponse {
    let visit = |visit: &ops::Visit| pb::HandoffVisit {
        ticket_number: visit.ticket.clone(),
        date: visit.date.to_string(),
        fee_yen: visit.fee_yen,
        cap_yen: visit.cap_yen,
        entry_index: visit.index,
        ..pb::HandoffVisit::default()
    };
    let evidence = pb::HandoffEvidence {
        handoff_id: wire::id_text(evidence.id),
        home: wire::urn(evidence.home),
        stay: wire::urn(evidence.stay),
        home_steps: evidence.home_steps.iter().map(step).collect(),
        stay_steps: evidence.stay_steps.iter().map(step).collect(),
        visits: evidence.visits.iter().map(visit).collect(),
    };
    pb::ExportEvidenceResponse { evidence: Some(evidence), receipt: None }
}

fn step(message: &Message) -> pb::HandoffStep {
    pb::HandoffStep {
        message: message.response.clone(),
        receipt: Some(receipt::to_proto(message.receipt.clone())),
    }
}
