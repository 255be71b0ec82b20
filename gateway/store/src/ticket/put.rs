//! A municipality's tickets and rules for extra ones, in bulk.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use pmh_domain::{
    checkup::{
        kind::CheckupKind,
        ticket::{ExtraRule, TicketPart, TicketState, issuable},
    },
    organization::IssuerId,
};

use super::{Issued, KeptTicket, body, kept, number, record_id};
use crate::{
    Attempt, ChunkRow, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply, RowConflict, RowDone,
    RowOutcome, RowVerdict, SubjectRef,
    db::Value,
    gateway::{Batch, decided_before, format, parse, remember, short},
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Rows of one commit.
#[derive(Debug)]
pub struct TicketChunk {
    /// Whose.
    pub issuer: IssuerId,
    /// Method number, part of the batch's identity.
    pub method: u16,
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep.
    pub dry_run: bool,
    /// At most 1,024.
    pub rows: Vec<ChunkRow<TicketRow>>,
}

/// What a row brings.
#[derive(Clone)]
pub enum TicketRow {
    /// A ticket.
    Ticket(Box<Issued>),
    /// A rule for extra ones.
    Extra(ExtraRule),
}

pmh_domain::withheld!(TicketRow);

impl GatewayStore {
    /// Takes tickets and rules; the outcome has one entry per row, in order. Rules hold for the rows after them.
    pub async fn put_tickets<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: TicketChunk,
        conclude: impl FnMut(Concluding<'_, Vec<RowDone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, chunk, conclude).await
    }
}

impl Transaction for TicketChunk {
    type Outcome = Vec<RowDone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let batch =
                Batch { organization: short(self.issuer), method: self.method, id: self.batch_id.clone() };
            let mut seen = tx.earlier_rows(&batch, &self.rows).await?;
            let mut held = self.held(tx, &batch.organization).await?;
            let mut done = Vec::with_capacity(self.rows.len());
            for row in &self.rows {
                let outcome = match (decided_before(row, &seen), &row.verdict) {
                    (Some(outcome), _) => outcome,
                    (None, RowVerdict::Accepted(TicketRow::Ticket(ticket))) => held.place(ticket),
                    (None, RowVerdict::Accepted(TicketRow::Extra(rule))) => held.rule(rule),
                    (None, _) => RowDone::of(RowOutcome::Rejected),
                };
                remember(&mut seen, row, outcome);
                done.push(outcome);
            }
            if !self.dry_run {
                held.write(tx, &batch.organization).await?;
                tx.quarantine(&batch, &self.rows, &done).await?;
                tx.keep_rows(&batch, &self.rows, &done).await?;
            }
            Ok(done)
        })
    }
}

impl TicketChunk {
    fn tickets(&self) -> impl Iterator<Item = &Issued> {
        self.rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted(TicketRow::Ticket(ticket)) => Some(&**ticket),
            _ => None,
        })
    }

    async fn held(&self, tx: &mut Tx, issuer: &str) -> Result<Held, Fault> {
        const RESIDENTS: &str = "SELECT resident_key, subject_ref FROM resident_link WHERE issuer = $1 AND resident_key IN ({keys})";
        const THEIRS: &str =
            "SELECT subject_ref, body FROM ticket WHERE issuer = $1 AND resident_key IN ({keys})";
        const NAMED: &str = "SELECT subject_ref, body FROM ticket WHERE issuer = $1 AND number IN ({keys})";
        const RULES: &str = "SELECT body FROM ticket_rule WHERE issuer = $1 ORDER BY first_day";
        let residents = distinct(self.tickets().map(|ticket| ticket.resident_key.as_str()));
        let numbers = distinct(self.tickets().map(|ticket| ticket.ticket.number.as_str()));
        let fixed = [Value::from(issuer)];
        let mut held = Held::new(self.issuer);
        for row in tx.connection.fetch_in(RESIDENTS, &fixed, residents.clone()).await? {
            held.residents.insert(row.text(0)?, row.array(1, "resident_link")?);
        }
        let mut rows = tx.connection.fetch_in(THEIRS, &fixed, residents).await?;
        rows.extend(tx.connection.fetch_in(NAMED, &fixed, numbers).await?);
        for row in &rows {
            let ticket = kept(row)?;
            held.tickets.insert(ticket.issued.ticket.number.clone(), ticket);
        }
        for row in tx.fetch(RULES, vec![issuer.into()]).await? {
            held.rules.push(parse(&row.text(0)?, "ticket_rule")?);
        }
        Ok(held)
    }
}

/// What is held beside a chunk: its residents, their tickets, the tickets it names, the rules.
struct Held {
    issuer: IssuerId,
    residents: HashMap<String, SubjectRef>,
    tickets: BTreeMap<String, KeptTicket>,
    rules: Vec<ExtraRule>,
    changed: BTreeSet<String>,
    changed_rules: BTreeSet<Date>,
}

impl Held {
    fn new(issuer: IssuerId) -> Self {
        Self {
            issuer,
            residents: HashMap::new(),
            tickets: BTreeMap::new(),
            rules: Vec::new(),
            changed: BTreeSet::new(),
            changed_rules: BTreeSet::new(),
        }
    }

    fn place(&mut self, new: &Issued) -> RowDone {
        let Some(subject) = self.residents.get(&new.resident_key).copied() else {
            return RowDone::refused(RowConflict::ResidentUnknown);
        };
        let known = self.tickets.get(&new.ticket.number).map(|known| &known.issued);
        let outcome = match known {
            Some(known) if known.resident_key != new.resident_key => {
                return RowDone::refused(RowConflict::TicketNumberTaken);
            }
            Some(known) if is_same(known, new) => return RowDone::of(RowOutcome::Unchanged),
            Some(known) if known.ticket.state != TicketState::Issued => {
                return RowDone::refused(RowConflict::TicketClosed);
            }
            Some(_) => RowOutcome::Updated,
            None => RowOutcome::Created,
        };
        let was_counted = known.is_some_and(|known| is_counted(known) && known.pregnancy == new.pregnancy);
        if is_counted(new) && !was_counted && self.is_exhausted(new) {
            return RowDone::refused(RowConflict::TicketsExhausted);
        }
        let number = new.ticket.number.clone();
        self.tickets.insert(number.clone(), KeptTicket { subject, issued: new.clone() });
        self.changed.insert(number);
        RowDone::of(outcome)
    }

    fn is_exhausted(&self, new: &Issued) -> bool {
        let of_pregnancy = |known: &&Issued| {
            is_counted(known) && known.resident_key == new.resident_key && known.pregnancy == new.pregnancy
        };
        let others = || self.tickets.values().map(|known| &known.issued).filter(of_pregnancy);
        let given = u8::try_from(others().count()).unwrap_or(u8::MAX);
        let children = others().map(|known| known.children).chain([new.children]).max().unwrap_or(1);
        issuable(&self.rules, self.issuer, new.on, children, given) == 0
    }

    fn rule(&mut self, new: &ExtraRule) -> RowDone {
        let first = new.window.first();
        let outcome = match self.rules.iter_mut().find(|known| known.window.first() == first) {
            Some(known) if known == new => return RowDone::of(RowOutcome::Unchanged),
            Some(known) => {
                known.clone_from(new);
                RowOutcome::Updated
            }
            None => {
                self.rules.push(new.clone());
                RowOutcome::Created
            }
        };
        self.changed_rules.insert(first);
        RowDone::of(outcome)
    }

    async fn write(&self, tx: &mut Tx, issuer: &str) -> Result<(), Fault> {
        let entry = signed(tx.next_index)?;
        let changed = self.changed.iter().filter_map(|number| self.tickets.get(number));
        let rows: Result<Vec<_>, _> = changed.map(|ticket| row(issuer, ticket, entry)).collect();
        let rows = rows?;
        let wanted = rows.len();
        let written = tx.connection.insert(PUT, PUT_TAIL, rows).await?;
        if usize::try_from(written) != Ok(wanted) {
            return Err(Fault::Inconsistent { table: "ticket", column: "state" });
        }
        let rules = self.rules.iter().filter(|rule| self.changed_rules.contains(&rule.window.first()));
        let rows: Result<Vec<_>, Fault> = rules
            .map(|rule| {
                let first = rule.window.first().to_string();
                Ok(vec![issuer.into(), first.into(), format(rule)?.into(), entry.into()])
            })
            .collect();
        tx.connection.insert(PUT_RULE, PUT_RULE_TAIL, rows?).await.map(drop)
    }
}

/// Whether a row says what is known; where a ticket stands is not its issuer's to say.
fn is_same(known: &Issued, new: &Issued) -> bool {
    let mut unused = known.clone();
    unused.ticket.state = TicketState::Issued;
    unused == *new
}

/// The visits of a pregnancy are what a municipality pays a number of; one taken back leaves room for another.
fn is_counted(issued: &Issued) -> bool {
    let ticket = &issued.ticket;
    ticket.kind == CheckupKind::Pregnancy
        && ticket.part == TicketPart::Basic
        && !matches!(ticket.state, TicketState::Void { .. })
}

fn row(issuer: &str, ticket: &KeptTicket, entry: i64) -> Result<Vec<Value>, Fault> {
    let held = &ticket.issued;
    Ok(vec![
        issuer.into(),
        held.ticket.number.as_str().into(),
        ticket.subject.into(),
        held.resident_key.as_str().into(),
        number(&held.ticket.state).into(),
        record_id(&held.ticket.state).into(),
        body(held)?.into(),
        entry.into(),
    ])
}

fn distinct<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<Value> {
    keys.collect::<BTreeSet<_>>().into_iter().map(Value::from).collect()
}

const PUT: &str =
    "INSERT INTO ticket (issuer, number, subject_ref, resident_key, state, record_id, body, entry_idx)";
const PUT_TAIL: &str =
    "ON CONFLICT (issuer, number) DO UPDATE SET body = excluded.body, entry_idx = excluded.entry_idx
     WHERE ticket.state = 1 AND ticket.resident_key = excluded.resident_key";
const PUT_RULE: &str = "INSERT INTO ticket_rule (issuer, first_day, body, entry_idx)";
const PUT_RULE_TAIL: &str =
    "ON CONFLICT (issuer, first_day) DO UPDATE SET body = excluded.body, entry_idx = excluded.entry_idx";
