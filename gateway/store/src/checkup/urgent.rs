//! Urgent cases: raised in the commit of their row, kept until a person has read them.

use pmh_domain::{checkup::urgent::Cause, organization::IssuerId};

use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply,
    db::Row,
    gateway::short,
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A case that a row raises.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// UUID made of record and cause.
    pub case_id: String,
    /// Whose checkup it was, by the municipality's key; empty if what was sent cannot be kept.
    pub resident_key: String,
    /// The sender's id of the record.
    pub record_id: String,
    /// Which part of the rule was met.
    pub cause: Cause,
}

/// A case as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrgentCase {
    /// UUID.
    pub case_id: String,
    /// Whose checkup it was.
    pub resident_key: String,
    /// The sender's id of the record.
    pub record_id: String,
    /// Which part of the rule was met.
    pub cause: Cause,
    /// The institution whose record raised it, `<kind>:<code>`; empty: the municipality's own.
    pub sender: String,
    /// When it was raised, microseconds.
    pub raised_us: i64,
    /// When a person read it, microseconds.
    pub read_us: Option<i64>,
}

/// Cases of a municipality.
#[derive(Debug, Clone)]
pub struct CaseList {
    /// Unread ones first, the oldest first; a hundred at most.
    pub cases: Vec<UrgentCase>,
    /// There are more.
    pub has_more: bool,
    /// Time of the list, microseconds.
    pub now_us: i64,
}

macro_rules! cases {
    () => {
        "SELECT u.case_id, u.resident_key, u.record_id, u.cause, u.raised_us, u.read_us, COALESCE(s.sender, '')
         FROM checkup_urgent u
         LEFT JOIN checkup_urgent_sender s ON s.municipality = u.municipality AND s.case_id = u.case_id"
    };
}

impl GatewayStore {
    /// A municipality's cases.
    pub async fn list_urgent_cases<R: Send + 'static>(
        &self,
        attempt: Attempt,
        municipality: IssuerId,
        include_read: bool,
        conclude: impl FnMut(Concluding<'_, CaseList>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let list = List { municipality, include_read };
        self.write(Lane::Interactive, attempt, None, list, conclude).await
    }

    /// A person has read a case; the first reader stays. `None`: the municipality has no such case.
    pub async fn acknowledge_urgent_case<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        municipality: IssuerId,
        case_id: String,
        conclude: impl FnMut(Concluding<'_, Option<(UrgentCase, i64)>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let acknowledge = Acknowledge { municipality, case_id };
        self.write(Lane::Interactive, attempt, Some(idempotency), acknowledge, conclude).await
    }
}

impl Tx {
    /// Writes cases down beside the rows that raised them, an institution's or, `sender` empty, the municipality's own.
    /// One that is known stays as it is.
    pub(super) async fn raise(
        &mut self,
        municipality: &str,
        sender: &str,
        cases: &[NewCase],
    ) -> Result<(), Fault> {
        let (now, entry) = (self.now_us, signed(self.next_index)?);
        let rows = cases.iter().map(|case| {
            vec![
                municipality.into(),
                case.case_id.as_str().into(),
                case.resident_key.as_str().into(),
                case.record_id.as_str().into(),
                number(case.cause).into(),
                now.into(),
                0_i64.into(),
                0_i64.into(),
                entry.into(),
            ]
        });
        self.connection
            .insert(
                "INSERT INTO checkup_urgent (municipality, case_id, resident_key, record_id, cause, raised_us, read_us,
                 read_idx, entry_idx)",
                "ON CONFLICT (municipality, case_id) DO NOTHING",
                rows.collect(),
            )
            .await?;
        let theirs = cases.iter().filter(|_| !sender.is_empty()).map(|case| {
            let (case_id, record_id) = (case.case_id.as_str(), case.record_id.as_str());
            vec![municipality.into(), case_id.into(), sender.into(), record_id.into()]
        });
        self.connection
            .insert(
                "INSERT INTO checkup_urgent_sender (municipality, case_id, sender, record_id)",
                "ON CONFLICT (municipality, case_id) DO NOTHING",
                theirs.collect(),
            )
            .await
            .map(drop)
    }
}

struct List {
    municipality: IssuerId,
    include_read: bool,
}

impl Transaction for List {
    type Outcome = CaseList;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<CaseList, Fault>> {
        const CASES: &str = concat!(
            cases!(),
            " WHERE u.municipality = $1 AND (u.read_us = 0 OR $2 = 1)
              ORDER BY CASE WHEN u.read_us = 0 THEN 0 ELSE 1 END, u.raised_us, u.case_id LIMIT $3"
        );
        Box::pin(async move {
            let values =
                vec![short(self.municipality).into(), i64::from(self.include_read).into(), (PAGE + 1).into()];
            let rows = tx.fetch(CASES, values).await?;
            let mut cases = rows.iter().map(case).collect::<Result<Vec<_>, _>>()?;
            let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
            let has_more = cases.len() > page;
            cases.truncate(page);
            Ok(CaseList { cases, has_more, now_us: tx.now_us })
        })
    }
}

struct Acknowledge {
    municipality: IssuerId,
    case_id: String,
}

impl Transaction for Acknowledge {
    type Outcome = Option<(UrgentCase, i64)>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        const CASE: &str = concat!(cases!(), " WHERE u.municipality = $1 AND u.case_id = $2");
        Box::pin(async move {
            let municipality = short(self.municipality);
            let (now, entry) = (tx.now_us, signed(tx.next_index)?);
            tx.execute(
                "UPDATE checkup_urgent SET read_us = $3, read_idx = $4
                 WHERE municipality = $1 AND case_id = $2 AND read_us = 0",
                vec![municipality.as_str().into(), self.case_id.as_str().into(), now.into(), entry.into()],
            )
            .await?;
            let row = tx.fetch_one(CASE, vec![municipality.into(), self.case_id.as_str().into()]).await?;
            row.map(|row| Ok((case(&row)?, now))).transpose()
        })
    }
}

fn case(row: &Row) -> Result<UrgentCase, Fault> {
    const BROKEN: Fault = Fault::Inconsistent { table: "checkup_urgent", column: "cause" };
    let (stored, read_us) = (row.int(3)?, row.int(5)?);
    let known = [Cause::Total, Cause::Item10, Cause::TotalAndItem10];
    Ok(UrgentCase {
        case_id: row.text(0)?,
        resident_key: row.text(1)?,
        record_id: row.text(2)?,
        cause: known.into_iter().find(|cause| number(*cause) == stored).ok_or(BROKEN)?,
        sender: row.text(6)?,
        raised_us: row.int(4)?,
        read_us: (read_us != 0).then_some(read_us),
    })
}

fn number(cause: Cause) -> i64 {
    match cause {
        Cause::Total => 1,
        Cause::Item10 => 2,
        Cause::TotalAndItem10 => 3,
    }
}

const PAGE: i64 = 100;
