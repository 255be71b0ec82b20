//! An issuer: residents and entitlements in bulk, each committed chunk checked against its receipt.

use pmh_audit::registry::Method;
use pmh_audit::{Hash, Kind, Verified};
use pmh_proto::StrictCodec;
use pmh_proto::checkup::push_checkups_request::Item as CheckupItem;
use pmh_proto::checkup::put_tickets_request::Item as TicketItem;
use pmh_proto::checkup::{CheckupRow, PushCheckupsRequest, PushCheckupsResponse, PushSummary, RowChange};
use pmh_proto::checkup::{PutTicketsRequest, PutTicketsResponse, TicketRow};
use pmh_proto::common::{BulkHeader, BulkSummary, RowOutcome, RowResult};
use pmh_proto::eligibility::put_entitlements_request::Item as EntitlementItem;
use pmh_proto::eligibility::{EntitlementRow, PutEntitlementsRequest, PutEntitlementsResponse};
use pmh_proto::resident::put_residents_request::Item as ResidentItem;
use pmh_proto::resident::{PutResidentsRequest, PutResidentsResponse, ResidentRow};
use pmh_proto::vaccination::put_authorizations_request::Item as AuthorizationItem;
use pmh_proto::vaccination::put_doses_request::Item as DoseItem;
use pmh_proto::vaccination::{
    AuthorizationRow, DoseRow, PutAuthorizationsRequest, PutAuthorizationsResponse, PutDosesRequest,
    PutDosesResponse,
};
use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::Streaming;
use tonic::transport::Channel;

use crate::call::Receipted;
use crate::error::Error;
use crate::gateway::{Gateway, LogKeys, Retry, failure};
use crate::identity::Identity;
use crate::receipt::{Expected, ProofError, check, response_digest};

/// An issuer with its certificate.
#[derive(Debug, Clone)]
pub struct Issuer {
    gateway: Gateway,
}

/// What became of some rows, as each chunk is committed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// The rows of this chunk in the order sent.
    pub rows: &'a [RowResult],
    /// Rows answered so far, these included.
    pub done: usize,
    /// Of a dry run of checkups: what updates would change.
    pub changes: &'a [RowChange],
    /// Proof of the chunk; `None` on a dry run.
    pub proof: Option<&'a Verified>,
}

impl Issuer {
    /// An issuer behind a channel that shows this identity's certificate.
    pub fn new(channel: Channel, identity: Identity, keys: LogKeys) -> Self {
        Self { gateway: Gateway::new(channel, identity, keys) }
    }

    /// With another retry.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.gateway = self.gateway.with_retry(retry);
        self
    }

    /// For the unary calls.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Sends rows of one kind; `progress` is told of every chunk once its receipt holds.
    ///
    /// When the stream breaks it is sent again from its first row under the same batch id, which the gateway knows:
    /// chunks committed before are answered again (checkups that were kept as `UNCHANGED`), and `progress` is told of no
    /// row twice.
    pub async fn put<R, I>(
        &self,
        header: &BulkHeader,
        rows: I,
        mut progress: impl FnMut(Chunk<'_>) + Send,
    ) -> Result<R::Summary, Error>
    where
        R: BulkRow,
        I: IntoIterator<Item = R, IntoIter: Clone + Send + 'static> + Send,
    {
        let rows = rows.into_iter();
        let (mut told, mut attempt) = (0, 1);
        loop {
            let failed = match self.put_once(header, rows.clone(), &mut told, &mut progress).await {
                Ok(summary) => return Ok(summary),
                Err(error) => error,
            };
            match self.gateway.retry().pause_after(&failed, attempt) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failed),
            }
            attempt += 1;
        }
    }

    /// One attempt. The rows are walked twice, once to be sent and once beside the answers, so that nothing is kept.
    async fn put_once<R: BulkRow>(
        &self,
        header: &BulkHeader,
        rows: impl Iterator<Item = R> + Clone + Send + 'static,
        told: &mut usize,
        progress: &mut (impl FnMut(Chunk<'_>) + Send),
    ) -> Result<R::Summary, Error> {
        let mut answers = self.open(header, rows.clone()).await?;
        let mut sent = rows;
        let mut tally = Tally::default();
        while let Some(mut answer) = answers.message().await.map_err(failure)? {
            if let Some(summary) = R::take_summary(&mut answer) {
                tally.agrees_with(R::counts(&summary))?;
                return Ok(summary);
            }
            let digest = chunk_digest(&mut sent, R::results(&answer))?;
            let proof = self.check_chunk::<R>(header, digest, &answer)?;
            tally.add(R::results(&answer));
            if let Some(news) =
                R::results(&answer).get(told.saturating_sub(tally.before)..).filter(|news| !news.is_empty())
            {
                *told = tally.done;
                let changes = R::changes(&answer);
                progress(Chunk { rows: news, done: tally.done, changes, proof: proof.as_ref() });
            }
        }
        Err(Error::Contract("summary"))
    }

    async fn open<R: BulkRow>(
        &self,
        header: &BulkHeader,
        rows: impl Iterator<Item = R> + Send + 'static,
    ) -> Result<Streaming<R::Response>, Error> {
        let mut grpc = self.gateway.ready().await?;
        let requests = std::iter::once(R::header(header.clone())).chain(rows.map(R::request));
        let codec = StrictCodec::<R::Request, R::Response>::default();
        let path = http::uri::PathAndQuery::from_static(R::PATH);
        let stream = tonic::Request::new(tokio_stream::iter(requests));
        Ok(grpc.streaming(stream, path, codec).await.map_err(failure)?.into_inner())
    }

    fn check_chunk<R: BulkRow>(
        &self,
        header: &BulkHeader,
        request: Hash,
        answer: &R::Response,
    ) -> Result<Option<Verified>, Error> {
        let receipt = answer.clone().take_receipt();
        if header.dry_run && receipt.is_none() {
            return Ok(None);
        }
        let expected = Expected {
            requester: self.gateway.identity().organization(),
            method: Method::from_name(R::NAME).unwrap_or_default(),
            request,
            response: response_digest(answer),
        };
        let proof = check(receipt.as_ref(), &self.gateway.keys().gateway, &expected)?;
        let counted = proof.detail.rows.as_ref().map_or(0, pmh_audit::part::Rows::count);
        match proof.leaf.kind {
            // A chunk answered again is recorded as a replay, which has no rows of its own.
            Kind::Replay => Ok(Some(proof)),
            Kind::BulkChunk if usize::try_from(counted) == Ok(R::results(answer).len()) => Ok(Some(proof)),
            Kind::BulkChunk => Err(ProofError::Rows.into()),
            _ => Err(ProofError::Kind.into()),
        }
    }
}

/// SHA-256 over the rows of a chunk, each as its length (four bytes, big-endian) and its encoding: what stands for
/// the request in a chunk's receipt. Takes from `rows` as many as were answered and compares their ids.
pub fn chunk_digest<R: BulkRow>(
    rows: &mut impl Iterator<Item = R>,
    results: &[RowResult],
) -> Result<Hash, Error> {
    let mut hash = Sha256::new();
    for result in results {
        let row = rows.next().ok_or(Error::Contract("results for rows that were sent"))?;
        if row.row_id() != result.row_id {
            return Err(Error::Contract("results in the order of the rows"));
        }
        let bytes = row.encode_to_vec();
        let length = u32::try_from(bytes.len()).map_err(|_| Error::Contract("rows of at most 4 GiB"))?;
        hash.update(length.to_be_bytes());
        hash.update(&bytes);
    }
    Ok(hash.finalize().into())
}

/// A row of a bulk method, and how it travels.
pub trait BulkRow: Message + Send + Sync + 'static {
    /// Message of the stream to the gateway.
    type Request: Message + Send + Sync + 'static;
    /// Message of the stream back.
    type Response: Receipted;
    /// What the last message tells.
    type Summary: Send;
    /// Full gRPC path.
    const PATH: &'static str;
    /// Name in the registry of log entries.
    const NAME: &'static str;

    /// The sender's own id.
    fn row_id(&self) -> &str;
    /// The first message.
    fn header(header: BulkHeader) -> Self::Request;
    /// Every further message.
    fn request(self) -> Self::Request;
    /// Results of a chunk.
    fn results(response: &Self::Response) -> &[RowResult];
    /// The last message's content.
    fn take_summary(response: &mut Self::Response) -> Option<Self::Summary>;
    /// Rows by outcome.
    fn counts(summary: &Self::Summary) -> BulkSummary;
    /// What updates would change, where a dry run tells it.
    fn changes(_response: &Self::Response) -> &[RowChange] {
        &[]
    }
}

macro_rules! bulk {
    ($row:ident $request:ident $response:ident $item:ident $path:literal $name:literal) => {
        impl BulkRow for $row {
            type Request = $request;
            type Response = $response;
            type Summary = BulkSummary;
            const PATH: &'static str = concat!($path, $name);
            const NAME: &'static str = $name;

            fn row_id(&self) -> &str {
                &self.row_id
            }

            fn header(header: BulkHeader) -> $request {
                $request { item: Some($item::Header(header)) }
            }

            fn request(self) -> $request {
                $request { item: Some($item::Row(self)) }
            }

            fn results(response: &$response) -> &[RowResult] {
                &response.rows
            }

            fn take_summary(response: &mut $response) -> Option<BulkSummary> {
                response.summary.take()
            }

            fn counts(summary: &BulkSummary) -> BulkSummary {
                *summary
            }
        }
    };
}

bulk!(ResidentRow PutResidentsRequest PutResidentsResponse ResidentItem "/pmh.resident.v1.ResidentService/" "PutResidents");
bulk!(EntitlementRow PutEntitlementsRequest PutEntitlementsResponse EntitlementItem "/pmh.eligibility.v1.EligibilityService/" "PutEntitlements");
bulk!(DoseRow PutDosesRequest PutDosesResponse DoseItem "/pmh.vaccination.v1.VaccinationService/" "PutDoses");
bulk!(AuthorizationRow PutAuthorizationsRequest PutAuthorizationsResponse AuthorizationItem "/pmh.vaccination.v1.VaccinationService/" "PutAuthorizations");
bulk!(TicketRow PutTicketsRequest PutTicketsResponse TicketItem "/pmh.checkup.v1.TicketService/" "PutTickets");

impl BulkRow for CheckupRow {
    type Request = PushCheckupsRequest;
    type Response = PushCheckupsResponse;
    type Summary = PushSummary;
    const PATH: &'static str = "/pmh.checkup.v1.CheckupService/PushCheckups";
    const NAME: &'static str = "PushCheckups";

    fn row_id(&self) -> &str {
        &self.row_id
    }

    fn header(header: BulkHeader) -> PushCheckupsRequest {
        PushCheckupsRequest { item: Some(CheckupItem::Header(header)) }
    }

    fn request(self) -> PushCheckupsRequest {
        PushCheckupsRequest { item: Some(CheckupItem::Row(self)) }
    }

    fn results(response: &PushCheckupsResponse) -> &[RowResult] {
        &response.rows
    }

    fn take_summary(response: &mut PushCheckupsResponse) -> Option<PushSummary> {
        response.summary.take()
    }

    fn counts(summary: &PushSummary) -> BulkSummary {
        summary.rows.unwrap_or_default()
    }

    fn changes(response: &PushCheckupsResponse) -> &[RowChange] {
        &response.changes
    }
}

/// Counts what was answered, to compare with what the gateway sums up.
#[derive(Default)]
struct Tally {
    before: usize,
    done: usize,
    counted: BulkSummary,
}

impl Tally {
    fn add(&mut self, rows: &[RowResult]) {
        self.before = self.done;
        self.done += rows.len();
        for row in rows {
            let count = match row.outcome() {
                RowOutcome::Created => &mut self.counted.created,
                RowOutcome::Updated => &mut self.counted.updated,
                RowOutcome::Unchanged => &mut self.counted.unchanged,
                RowOutcome::Superseded => &mut self.counted.superseded,
                RowOutcome::Quarantined => &mut self.counted.quarantined,
                RowOutcome::Rejected | RowOutcome::Unspecified => &mut self.counted.rejected,
            };
            *count += 1;
        }
    }

    fn agrees_with(&self, summary: BulkSummary) -> Result<(), Error> {
        if self.counted == summary { Ok(()) } else { Err(Error::Contract("a summary of the rows answered")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str) -> ResidentRow {
        ResidentRow { row_id: id.to_owned(), resident_key: "k".to_owned(), ..Default::default() }
    }

    fn result(id: &str, outcome: RowOutcome) -> RowResult {
        RowResult { row_id: id.to_owned(), outcome: outcome.into(), problems: Vec::new() }
    }

    #[test]
    fn a_chunks_digest_is_over_its_own_rows_with_their_lengths() {
        let mut rows = ["a", "b", "c"].map(row).into_iter();
        let results = ["a", "b"].map(|id| result(id, RowOutcome::Created));
        let mut text = Vec::new();
        for id in ["a", "b"] {
            let bytes = row(id).encode_to_vec();
            text.extend([0, 0, 0, u8::try_from(bytes.len()).unwrap()]);
            text.extend(bytes);
        }
        let expected: Hash = Sha256::digest(&text).into();
        assert_eq!(chunk_digest(&mut rows, &results).unwrap(), expected);
        assert_eq!(rows.next(), Some(row("c")), "the next chunk begins here");
    }

    #[test]
    fn results_in_another_order_or_for_more_rows_are_refused() {
        let results = ["b", "a"].map(|id| result(id, RowOutcome::Created));
        assert!(chunk_digest(&mut ["a", "b"].map(row).into_iter(), &results).is_err());
        let results = ["a", "b"].map(|id| result(id, RowOutcome::Created));
        assert!(chunk_digest(&mut ["a"].map(row).into_iter(), &results).is_err());
    }

    #[test]
    fn a_summary_that_does_not_add_up_is_refused() {
        let mut tally = Tally::default();
        tally.add(&[result("a", RowOutcome::Created), result("b", RowOutcome::Rejected)]);
        let summary = BulkSummary { created: 1, rejected: 1, ..Default::default() };
        assert!(tally.agrees_with(summary).is_ok());
        assert!(tally.agrees_with(BulkSummary { created: 2, ..Default::default() }).is_err());
    }
}
