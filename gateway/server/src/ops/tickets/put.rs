//! A chunk of a municipality's tickets and rules.

use pmh_audit::registry;
use pmh_auth::policy::Permit;
use pmh_store::{
    RowVerdict,
    ticket::{TicketChunk, TicketRow},
};

use crate::{
    ops::{
        Call, Gateway,
        asked::Kept,
        bulk::{Batch, Judged, Received, RowReport, Said, detail_salt},
        refusals::settled,
        unavailable,
    },
    rpc::status::Refusal,
};

/// A row that the parser has judged, with what there is to say of it.
pub type Parsed = (RowVerdict<TicketRow>, Said);

/// Keeps a chunk; the answer has one report per row, in order.
pub async fn put_tickets(
    gateway: &Gateway,
    call: &Call,
    permit: &Permit,
    batch: &Batch,
    rows: Vec<Received<Parsed>>,
    render: impl Fn(&[RowReport]) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let mut judged = Judged::of(registry::Categories::CHECKUP);
    for row in &rows {
        let (verdict, said) = row.raw.clone();
        judged.push_said(row, verdict, said);
    }
    let report = judged.report();
    let chunk = TicketChunk {
        issuer: call.issuer()?,
        method: permit.method(),
        batch_id: batch.batch_id.clone(),
        dry_run: batch.dry_run,
        rows: judged.rows,
    };
    let attempt = gateway.attempt();
    let salt = detail_salt(&attempt);
    let (call, dry_run) = (call.clone(), batch.dry_run);
    let recorded = gateway
        .store
        .put_tickets(attempt, chunk, move |concluding| {
            report.conclude(&call, dry_run, &salt, concluding, &render)
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}
