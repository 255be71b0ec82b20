//! What one side can prove of a handoff, as it is kept.

use pmh_domain::{
    checkup::ticket::TicketState,
    handoff::{HandoffId, Side},
};

use super::number;
use crate::{Fault, Reader, gateway::parse, reader::unsigned, ticket::Issued};

/// What one side can prove.
#[derive(Clone, Default)]
pub struct StoredEvidence {
    /// Its own entries in the order of its log: index, and the response without its receipt; empty where nothing was told.
    pub own: Vec<(u64, Vec<u8>)>,
    /// Messages of the other side that were entered, with their receipts.
    pub heard: Vec<Vec<u8>>,
    /// The other side's answers to ours, with their receipts.
    pub answers: Vec<Vec<u8>>,
}

/// A ticket that was used.
#[derive(Clone)]
pub struct UsedTicket {
    /// What was issued, and its use.
    pub issued: Issued,
    /// Index of the entry that used it.
    pub index: u64,
}

impl std::fmt::Debug for StoredEvidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredEvidence(..)")
    }
}

impl std::fmt::Debug for UsedTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UsedTicket(..)")
    }
}

impl Reader {
    /// Everything that a side can prove, as of the last commit.
    pub async fn handoff_evidence(&self, id: HandoffId, side: Side) -> Result<StoredEvidence, Fault> {
        let names = || vec![id.0.into(), number(side).into()];
        let mut evidence = StoredEvidence::default();
        for row in &self.fetch(OWN, names()).await? {
            evidence.own.push((unsigned(row.int(0)?)?, row.optional_bytes(1)?.unwrap_or_default()));
        }
        for row in &self.fetch(HEARD, names()).await? {
            evidence.heard.push(row.bytes(0)?);
        }
        for row in &self.fetch(ANSWERS, names()).await? {
            evidence.answers.push(row.bytes(0)?);
        }
        Ok(evidence)
    }

    /// Tickets of an issuer's resident that were used, by day.
    pub async fn used_tickets(&self, issuer: &str, resident_key: &str) -> Result<Vec<UsedTicket>, Fault> {
        let rows = self.fetch(USED, vec![issuer.into(), resident_key.into()]).await?;
        let used = rows.iter().map(|row| {
            Ok(UsedTicket { issued: parse(&row.text(0)?, "ticket")?, index: unsigned(row.int(1)?)? })
        });
        let mut used = used.collect::<Result<Vec<_>, Fault>>()?;
        used.sort_by_key(|used| match &used.issued.ticket.state {
            TicketState::Used(visit) => Some(visit.date),
            TicketState::Issued | TicketState::Void { .. } => None,
        });
        Ok(used)
    }
}

const OWN: &str = "SELECT s.entry_idx, o.message FROM handoff_step s
     LEFT JOIN handoff_outbox o
        ON o.handoff_id = s.handoff_id AND o.side = s.side AND o.entry_idx = s.entry_idx
     WHERE s.handoff_id = $1 AND s.side = $2 ORDER BY s.entry_idx";
const HEARD: &str =
    "SELECT message FROM handoff_heard WHERE handoff_id = $1 AND side = $2 ORDER BY entry_idx";
const ANSWERS: &str = "SELECT answer FROM handoff_outbox
     WHERE handoff_id = $1 AND side = $2 AND LENGTH(answer) > 0 ORDER BY entry_idx";
const USED: &str = "SELECT body, entry_idx FROM ticket
     WHERE issuer = $1 AND resident_key = $2 AND state = 2 ORDER BY number";
