//! Bulk streams: header, rows in chunks, one answer per commit, a summary.

use std::{future::Future, pin::Pin};

use pmh_audit::Receipt;
use pmh_proto::{
    checkup,
    common::{self, Reason},
    eligibility, resident, vaccination,
};
use pmh_store::RowOutcome;
use prost::Message;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use super::{fields::Fields, service::Service, status::Refusal};
use crate::ops::{
    Call,
    bulk::{Batch, Received, RowReport},
};

pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Rows of one commit. The log allows 1,024; fewer keep interactive callers waiting less.
const CHUNK_ROWS: usize = 256;
/// A chunk is sent on when its rows reach this size, too.
const CHUNK_BYTES: usize = 512 * 1024;

/// What a stream's message is.
pub(super) enum Item<R> {
    Header(common::BulkHeader),
    Row(R),
    Nothing,
}

/// A chunk with the digest that its entry binds.
struct Chunk<R> {
    rows: Vec<R>,
    sha256: [u8; 32],
}

/// Reads a stream's header: the first message, exactly once.
pub(super) async fn header<M, R>(
    stream: &mut Streaming<M>,
    item: impl Fn(M) -> Item<R>,
) -> Result<Batch, Refusal> {
    let first = stream.message().await.map_err(|_| Refusal::new(Reason::StreamOrder))?;
    let Some(Item::Header(header)) = first.map(item) else {
        return Err(Refusal::new(Reason::StreamOrder));
    };
    let mut fields = Fields::default();
    let batch_id = fields.uuid("header.batch_id", &header.batch_id);
    fields.finish()?;
    Ok(Batch { batch_id: batch_id.unwrap_or_default(), dry_run: header.dry_run })
}

/// The next chunk: full, or all that is left. `None` at the end.
///
/// The digest is SHA-256 over (4-byte big-endian length, encoded row) of the
/// rows in order.
async fn chunk<M, R: Message>(stream: &mut Streaming<M>, item: impl Fn(M) -> Item<R>) -> Read<R> {
    let mut rows = Vec::new();
    let mut digest = Sha256::new();
    let mut size = 0;
    while rows.len() < CHUNK_ROWS && size < CHUNK_BYTES {
        let row = match stream.next().await {
            None => break,
            Some(Err(status)) => return Err(ChunkError::Broken(status)),
            Some(Ok(message)) => match item(message) {
                Item::Row(row) => row,
                Item::Header(_) | Item::Nothing => return Err(ChunkError::Order),
            },
        };
        let bytes = row.encode_to_vec();
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(&bytes);
        size += bytes.len();
        rows.push(row);
    }
    Ok((!rows.is_empty()).then(|| Chunk { rows, sha256: digest.finalize().into() }))
}

/// A chunk, or the end of the stream.
type Read<R> = Result<Option<Chunk<R>>, ChunkError>;

/// Reads chunks while the one before is being kept, until the stream ends or nobody answers any more.
async fn read_ahead<M, R: Message>(
    mut stream: Streaming<M>,
    item: fn(M) -> Item<R>,
    chunks: mpsc::Sender<Read<R>>,
) {
    loop {
        let read = tokio::select! {
            read = chunk(&mut stream, item) => read,
            () = chunks.closed() => return,
        };
        let is_last = !matches!(read, Ok(Some(_)));
        if chunks.send(read).await.is_err() || is_last {
            return;
        }
    }
}

/// Why a stream cannot go on; what was answered before stays.
enum ChunkError {
    /// The caller broke off, or sent what is no message of ours.
    Broken(Status),
    /// A second header, or an empty message.
    Order,
}

/// A row with its id and digest, ready for the rules. Its id must be usable,
/// because every answer names it.
pub(super) fn received<R: Message, T>(
    row: R,
    row_id: &str,
    unknown_words: Vec<String>,
    raw: impl FnOnce(R) -> T,
) -> Result<Received<T>, Refusal> {
    received_as(row, row_id, |row| (raw(row), unknown_words))
}

/// The same where the unknown words are met as the row is taken apart.
pub(super) fn received_as<R: Message, T>(
    row: R,
    row_id: &str,
    raw: impl FnOnce(R) -> (T, Vec<String>),
) -> Result<Received<T>, Refusal> {
    let mut fields = Fields::default();
    let row_id = fields.identifier("row.row_id", row_id, MAX_ROW_ID);
    fields.finish()?;
    let row_sha256 = Sha256::digest(row.encode_to_vec()).into();
    let (raw, unknown_words) = raw(row);
    Ok(Received { row_id: row_id.unwrap_or_default(), row_sha256, raw, unknown_words })
}

/// The answers of one kind of bulk stream.
pub(super) trait BulkAnswer: Send + 'static {
    /// Outcomes of a chunk.
    fn rows(&self) -> &[common::RowResult];
    /// The last message.
    fn last(summary: common::BulkSummary) -> Self;
}

macro_rules! bulk_answers {
    ($($package:ident::$answer:ident)*) => {
        $(impl BulkAnswer for $package::$answer {
            fn rows(&self) -> &[common::RowResult] {
                &self.rows
            }

            fn last(summary: common::BulkSummary) -> Self {
                Self { summary: Some(summary), ..Self::default() }
            }
        })*
    };
}
bulk_answers! {
    resident::PutResidentsResponse
    eligibility::PutEntitlementsResponse
    vaccination::PutDosesResponse
    vaccination::PutAuthorizationsResponse
    checkup::PutTicketsResponse
}

/// Answers a stream chunk by chunk. Each answer was recorded before it is
/// sent; what was answered stays, whatever becomes of the rest.
pub(super) fn serve<M, R, A, F>(
    service: Service,
    call: Call,
    stream: Streaming<M>,
    item: fn(M) -> Item<R>,
    put: impl Fn(Call, Vec<R>) -> F + Send + 'static,
) -> Answers<A>
where
    M: Send + 'static,
    R: Message + 'static,
    A: BulkAnswer,
    F: Future<Output = Result<A, Refusal>> + Send,
{
    let last = |_, summary| std::future::ready(Ok(A::last(summary)));
    serve_to_the_end(service, call, stream, item, put, last)
}

/// The same where the end of the stream is itself something to do.
pub(super) fn serve_to_the_end<M, R, A, F, E>(
    service: Service,
    call: Call,
    stream: Streaming<M>,
    item: fn(M) -> Item<R>,
    put: impl Fn(Call, Vec<R>) -> F + Send + 'static,
    end: impl FnOnce(Call, common::BulkSummary) -> E + Send + 'static,
) -> Answers<A>
where
    M: Send + 'static,
    R: Message + 'static,
    A: BulkAnswer,
    F: Future<Output = Result<A, Refusal>> + Send,
    E: Future<Output = Result<A, Refusal>> + Send,
{
    let (sender, answers) = mpsc::channel(ANSWERS_AHEAD);
    let (chunks, mut read) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(read_ahead(stream, item, chunks).in_current_span());
    let answering = async move {
        let mut summary = common::BulkSummary::default();
        loop {
            let answer = match read.recv().await {
                Some(Ok(Some(chunk))) => put(call.clone().about(chunk.sha256), chunk.rows).await,
                Some(Ok(None)) => break,
                // Only the stream's own end is an end: a batch of which the rest was lost must not be taken for whole.
                None => Err(Refusal::new(Reason::Internal)),
                Some(Err(ChunkError::Order)) => Err(Refusal::new(Reason::StreamOrder)),
                Some(Err(ChunkError::Broken(status))) => {
                    let _ = sender.send(Err(status)).await;
                    return;
                }
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(refusal) => {
                    let status = service.gateway.record_refusal(&call, refusal).await.into();
                    let _ = sender.send(Err(status)).await;
                    return;
                }
            };
            tally(&mut summary, answer.rows());
            if sender.send(Ok(answer)).await.is_err() {
                return;
            }
        }
        let last = match end(call.clone(), summary).await {
            Ok(last) => Ok(last),
            Err(refusal) => Err(service.gateway.record_refusal(&call, refusal).await.into()),
        };
        let _ = sender.send(last).await;
    };
    tokio::spawn(answering.in_current_span());
    Box::pin(ReceiverStream::new(answers))
}

/// Outcomes of a chunk as messages.
pub(super) fn results(reports: &[RowReport]) -> Vec<common::RowResult> {
    let result = |report: &RowReport| common::RowResult {
        row_id: report.row_id.clone(),
        outcome: outcome(report.outcome).into(),
        problems: report
            .problems
            .iter()
            .map(|(field, reason, warning)| common::RowProblem {
                field: field.clone(),
                reason: (*reason).into(),
                warning: *warning,
            })
            .collect(),
    };
    reports.iter().map(result).collect()
}

/// Adds a chunk's outcomes to the summary.
fn tally(summary: &mut common::BulkSummary, rows: &[common::RowResult]) {
    for row in rows {
        let count = match row.outcome() {
            common::RowOutcome::Created => &mut summary.created,
            common::RowOutcome::Updated => &mut summary.updated,
            common::RowOutcome::Unchanged => &mut summary.unchanged,
            common::RowOutcome::Superseded => &mut summary.superseded,
            common::RowOutcome::Quarantined => &mut summary.quarantined,
            common::RowOutcome::Rejected | common::RowOutcome::Unspecified => &mut summary.rejected,
        };
        *count = count.saturating_add(1);
    }
}

/// A chunk's answer as bytes and proof.
pub(super) type Kept = (Vec<u8>, Option<Receipt>);

fn outcome(outcome: RowOutcome) -> common::RowOutcome {
    match outcome {
        RowOutcome::Created => common::RowOutcome::Created,
        RowOutcome::Updated => common::RowOutcome::Updated,
        RowOutcome::Unchanged => common::RowOutcome::Unchanged,
        RowOutcome::Superseded => common::RowOutcome::Superseded,
        RowOutcome::Quarantined => common::RowOutcome::Quarantined,
        RowOutcome::Rejected => common::RowOutcome::Rejected,
    }
}

/// Chunks that may wait for the one that is being kept. What a stream keeps in memory is bounded by it.
const CHUNKS_AHEAD: usize = 1;
/// Answers that may wait for a slow reader.
const ANSWERS_AHEAD: usize = 2;
const MAX_ROW_ID: usize = 64;
