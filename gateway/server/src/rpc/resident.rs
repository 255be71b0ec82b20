//! `pmh.resident.v1.ResidentService`.

use pmh_domain::{
    codes::{PayerNumber, RecipientNumber},
    resident::RestrictionKind,
    time::tokyo_date,
};
use pmh_proto::{
    common::{Reason, Text},
    resident::{self as pb, put_residents_request, resident_service_server::ResidentService},
};
use prost::Message as _;
use tonic::{Request, Response, Status, Streaming};

use super::{
    bulk::{self, Answers, Item, Kept},
    convert,
    fields::{self, Fields},
    service::Service,
    status::Refusal,
};
use crate::ops::{
    self, Call,
    bulk::Batch,
    links::{self, Decision, Paper},
    residents::{self, Change, Guardianship},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.resident.v1.ResidentService/", $method)
    };
}

#[tonic::async_trait]
impl ResidentService for Service {
    type PutResidentsStream = Answers<pb::PutResidentsResponse>;

    async fn put_residents(
        &self,
        request: Request<Streaming<pb::PutResidentsRequest>>,
    ) -> Result<Response<Self::PutResidentsStream>, Status> {
        let (metadata, extensions, mut stream) = request.into_parts();
        let call = self.call(path!("PutResidents"), &metadata, &extensions, [0; 32])?;
        let opened = match self.permit(&call) {
            Ok(permit) => bulk::header(&mut stream, item).await.map(|batch| (permit, batch)),
            Err(refusal) => Err(refusal),
        };
        let (permit, batch) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.answer(&call, Err(refusal)).await,
        };
        let service = self.clone();
        let put = move |call: Call, rows| {
            let (service, permit, batch) = (service.clone(), permit.clone(), batch.clone());
            async move { service.put_resident_rows(&call, &permit, &batch, rows).await }
        };
        Ok(Response::new(bulk::serve(self.clone(), call, stream, item, put)))
    }

    async fn link_credential(
        &self,
        request: Request<pb::LinkCredentialRequest>,
    ) -> Result<Response<pb::LinkCredentialResponse>, Status> {
        let (call, message) = self.open(path!("LinkCredential"), request)?;
        let outcome = self.link(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn propose_link(
        &self,
        request: Request<pb::ProposeLinkRequest>,
    ) -> Result<Response<pb::ProposeLinkResponse>, Status> {
        let (call, message) = self.open(path!("ProposeLink"), request)?;
        let outcome = self.propose(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn decide_link(
        &self,
        request: Request<pb::DecideLinkRequest>,
    ) -> Result<Response<pb::DecideLinkResponse>, Status> {
        let (call, message) = self.open(path!("DecideLink"), request)?;
        let outcome = self.decide(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_link_proposals(
        &self,
        request: Request<pb::ListLinkProposalsRequest>,
    ) -> Result<Response<pb::ListLinkProposalsResponse>, Status> {
        let (call, _) = self.open(path!("ListLinkProposals"), request)?;
        let outcome = self.proposals(&call).await;
        self.answer(&call, outcome).await
    }

    async fn move_resident(
        &self,
        request: Request<pb::MoveResidentRequest>,
    ) -> Result<Response<pb::MoveResidentResponse>, Status> {
        let (call, message) = self.open(path!("MoveResident"), request)?;
        let outcome = self.moved(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn put_relation(
        &self,
        request: Request<pb::PutRelationRequest>,
    ) -> Result<Response<pb::PutRelationResponse>, Status> {
        let (call, message) = self.open(path!("PutRelation"), request)?;
        let outcome = self.relation(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn put_restriction(
        &self,
        request: Request<pb::PutRestrictionRequest>,
    ) -> Result<Response<pb::PutRestrictionResponse>, Status> {
        let (call, message) = self.open(path!("PutRestriction"), request)?;
        let outcome = self.restriction(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn put_resident_rows(
        &self,
        call: &Call,
        permit: &pmh_auth::policy::Permit,
        batch: &Batch,
        rows: Vec<pb::ResidentRow>,
    ) -> Result<pb::PutResidentsResponse, Refusal> {
        let rows: Result<Vec<_>, _> = rows
            .into_iter()
            .map(|row| {
                let row_id = row.row_id.clone();
                let unknown = convert::unknown_sex(&row);
                bulk::received(row, &row_id, unknown, convert::raw_resident)
            })
            .collect();
        let encode = |reports: &[ops::bulk::RowReport]| {
            pb::PutResidentsResponse { rows: bulk::results(reports), ..Default::default() }.encode_to_vec()
        };
        let kept: Kept = residents::put_chunk(&self.gateway, call, permit, batch, &rows?, encode).await?;
        self.decode(kept)
    }

    async fn link(
        &self,
        call: &Call,
        message: &pb::LinkCredentialRequest,
    ) -> Result<pb::LinkCredentialResponse, Refusal> {
        let by_directory = !message.directory_batch.is_empty();
        // At the counter the token says that the holder is there; the issuers' own purpose is implied.
        let purpose =
            (!by_directory).then(|| fields::purpose(pmh_proto::common::Purpose::Hpaymt.into())).flatten();
        let permit = call.authorize(&self.gateway, purpose)?;
        let encode = |linked| pb::LinkCredentialResponse { linked, receipt: None }.encode_to_vec();
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let kept = if by_directory {
            // One or the other: a key beside a batch would be believed to be linked.
            if !message.resident_key.is_empty() {
                checked.wrong("resident_key", Reason::Value);
            }
            checked.finish()?;
            let (key, batch) = (key.unwrap_or_default(), &message.directory_batch);
            links::link_by_directory(&self.gateway, call, &key, batch, encode).await?
        } else {
            let resident_key = checked.identifier("resident_key", &message.resident_key, 100);
            checked.finish()?;
            let (key, resident_key) = (key.unwrap_or_default(), resident_key.unwrap_or_default());
            links::link_at_counter(&self.gateway, call, &permit, &key, &resident_key, encode).await?
        };
        self.decode(kept)
    }

    async fn propose(
        &self,
        call: &Call,
        message: &pb::ProposeLinkRequest,
    ) -> Result<pb::ProposeLinkResponse, Refusal> {
        // The treatment at hand is why the clinic asks.
        let permit = call
            .authorize(&self.gateway, Some(pmh_auth::names::Purpose::Treat))
            .or_else(|_| call.authorize(&self.gateway, Some(pmh_auth::names::Purpose::Hpaymt)))?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let payer = checked.code("payer_number", &message.payer_number, PayerNumber::parse);
        let recipient = match payer {
            // P4: an issuer may have declared that its own numbers have 12 digits.
            Some(payer) if self.has_twelve_digit_recipients(payer, call) => {
                checked.declared_code("recipient_number", &message.recipient_number, RecipientNumber::parse)
            }
            _ => checked.code("recipient_number", &message.recipient_number, RecipientNumber::parse),
        };
        let birth_date = checked.date("birth_date", &message.birth_date);
        checked.finish()?;
        let (Some(key), Some(payer), Some(recipient), Some(birth_date)) = (key, payer, recipient, birth_date)
        else {
            return Err(Refusal::new(Reason::Internal));
        };
        let printed = Paper {
            payer_number: payer.to_string(),
            recipient_number: recipient.to_string(),
            birth_date: birth_date.to_string(),
        };
        let proposal_id = self.random_uuid();
        let answered = proposal_id.clone();
        let encode = move || {
            pb::ProposeLinkResponse {
                proposal_id: answered.clone(),
                instruction: Some(Text { ja: PROPOSED_JA.to_owned(), en: PROPOSED_EN.to_owned() }),
                receipt: None,
            }
            .encode_to_vec()
        };
        let kept = links::propose(&self.gateway, call, &permit, &key, printed, proposal_id, encode).await?;
        self.decode(kept)
    }

    async fn decide(
        &self,
        call: &Call,
        message: &pb::DecideLinkRequest,
    ) -> Result<pb::DecideLinkResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let proposal = checked.uuid("proposal_id", &message.proposal_id);
        let decision = match checked.word::<pb::LinkDecision>("decision", message.decision) {
            Some(pb::LinkDecision::Confirm) => Decision::Confirm,
            Some(pb::LinkDecision::Undo) => Decision::Undo,
            // Anything else was noted above and is refused below.
            _ => Decision::Refuse,
        };
        checked.finish()?;
        let (key, proposal) = (key.unwrap_or_default(), proposal.unwrap_or_default());
        let encode = || pb::DecideLinkResponse::default().encode_to_vec();
        let kept = links::decide(&self.gateway, call, &key, proposal, decision, encode).await?;
        self.decode(kept)
    }

    async fn proposals(&self, call: &Call) -> Result<pb::ListLinkProposalsResponse, Refusal> {
        self.permit(call)?;
        let encode = |waiting: &[pmh_store::ProposedLink]| {
            let proposals = waiting
                .iter()
                .map(|proposal| pb::LinkProposal {
                    proposal_id: proposal.proposal_id.clone(),
                    resident_key: proposal.resident_key.clone(),
                    proposed_by: format!("urn:x-pmh:org:{}", proposal.proposed_by),
                })
                .collect();
            pb::ListLinkProposalsResponse { proposals, receipt: None }.encode_to_vec()
        };
        let kept = links::list_proposals(&self.gateway, call, encode).await?;
        self.decode(kept)
    }

    async fn moved(
        &self,
        call: &Call,
        message: &pb::MoveResidentRequest,
    ) -> Result<pb::MoveResidentResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let resident = checked.identifier("resident_key", &message.resident_key, 100);
        let last_day = checked.optional_date("moved_out_on", &message.moved_out_on);
        checked.finish()?;
        let (key, resident) = (key.unwrap_or_default(), resident.unwrap_or_default());
        let encode = || pb::MoveResidentResponse::default().encode_to_vec();
        let change = Change::MovedOut(last_day);
        let kept = residents::change(&self.gateway, call, &key, resident, change, encode).await?;
        self.decode(kept)
    }

    async fn relation(
        &self,
        call: &Call,
        message: &pb::PutRelationRequest,
    ) -> Result<pb::PutRelationResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let guardian = checked.identifier("guardian_resident_key", &message.guardian_resident_key, 100);
        let child = checked.identifier("child_resident_key", &message.child_resident_key, 100);
        let until = checked.optional_date("until", &message.until);
        if guardian.is_some() && guardian == child {
            checked.wrong("child_resident_key", Reason::Value);
        }
        checked.finish()?;
        let guardianship = Guardianship {
            guardian: guardian.unwrap_or_default(),
            child: child.unwrap_or_default(),
            until,
            ended: message.ended,
        };
        let encode = || pb::PutRelationResponse::default().encode_to_vec();
        let kept =
            residents::put_relation(&self.gateway, call, &key.unwrap_or_default(), guardianship, encode)
                .await?;
        self.decode(kept)
    }

    async fn restriction(
        &self,
        call: &Call,
        message: &pb::PutRestrictionRequest,
    ) -> Result<pb::PutRestrictionResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let resident = checked.identifier("resident_key", &message.resident_key, 100);
        let kind = match checked.word::<pb::RestrictionKind>("kind", message.kind) {
            Some(pb::RestrictionKind::Protective) => RestrictionKind::Protective,
            _ => RestrictionKind::NonDisclosure,
        };
        checked.finish()?;
        let (key, resident) = (key.unwrap_or_default(), resident.unwrap_or_default());
        let encode = || pb::PutRestrictionResponse::default().encode_to_vec();
        let change = Change::Restriction { kind, lifted: message.lifted };
        let kept = residents::change(&self.gateway, call, &key, resident, change, encode).await?;
        self.decode(kept)
    }

    fn has_twelve_digit_recipients(&self, payer: PayerNumber, call: &Call) -> bool {
        let (registry, today) = (self.gateway.registry(), tokyo_date(call.now));
        registry.directory.iter().any(|known| {
            known.twelve_digit_recipients && known.holds_on(today) && known.payer_numbers.contains(&payer)
        })
    }

    pub(super) fn random_uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.gateway.random_bytes()).into_uuid().to_string()
    }
}

fn item(message: pb::PutResidentsRequest) -> Item<pb::ResidentRow> {
    match message.item {
        Some(put_residents_request::Item::Header(header)) => Item::Header(header),
        Some(put_residents_request::Item::Row(row)) => Item::Row(row),
        None => Item::Nothing,
    }
}

const PROPOSED_JA: &str = "実施機関に確認を依頼しました。今日は紙の受給者証で確認してください。";
const PROPOSED_EN: &str = "The issuer was asked to confirm. Today, go by the paper certificate.";
