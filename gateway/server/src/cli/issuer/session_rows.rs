//! Days of group checkups that were read, sent group by group.
//!
//! The contract opens or changes days of one group at once, all of them or none. What is there already is looked at
//! first, so that the report says of each row what became of it, and a file that says nothing new changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use pmh_client::Gateway;
use pmh_domain::checkup::kind::CheckupKind;
use pmh_intake::{Intake, SessionLine};
use pmh_proto::checkup::{ListSessionsRequest, PutSessionsRequest, Session, SessionState};
use pmh_proto::common::{Reason, RowOutcome, RowProblem, RowResult};

use super::checkup_rows;
use super::report::{Proof, Sent};
use super::rows::{Batch, Rows};
use crate::cli::counter::Trouble;
use crate::cli::counter::access::Access;
use crate::sandbox::uuid;

/// Days of one group, at most a call's worth.
#[derive(Clone)]
pub(super) struct Days {
    group: String,
    kind: CheckupKind,
    /// Each with the id of its row.
    sessions: Vec<(String, Session)>,
}

/// One call for each group. A group is one checkup: rows that disagree on which are refused.
pub(super) fn sessions(intake: &mut Intake<SessionLine>) -> Batch {
    let mut groups = BTreeMap::<String, Vec<SessionLine>>::new();
    for line in &intake.rows {
        groups.entry(line.group.clone()).or_default().push(line.clone());
    }
    let mut calls = Vec::new();
    for (group, lines) in groups {
        let kinds: BTreeSet<_> = lines.iter().map(|line| line.kind).collect();
        let (Some(kind), 1) = (kinds.first().copied(), kinds.len()) else {
            for line in &lines {
                intake.refuse(&line.row_id, Some("checkup_kind"), "CONTRADICTION");
            }
            continue;
        };
        let days = |lines: &[SessionLine]| Days {
            group: group.clone(),
            kind,
            sessions: lines.iter().map(|line| (line.row_id.clone(), session(line))).collect(),
        };
        calls.extend(lines.chunks(MOST_DAYS).map(days));
    }
    Batch { rows: Rows::Sessions(calls), repeated: BTreeSet::new() }
}

fn session(line: &SessionLine) -> Session {
    Session {
        session_id: line.session_id.clone(),
        date: line.date.to_string(),
        time: line.time.clone(),
        hall: line.hall.clone(),
        capacity: line.capacity,
    }
}

/// Sends them. A failure on the way is part of the result: groups that were taken stay.
pub(super) async fn send(access: &Access, dry_run: bool, calls: Vec<Days>) -> Sent {
    let mut sent = Sent::default();
    let outcome = async {
        let issuer = access.issuer().await?;
        for days in calls {
            put(issuer.gateway(), dry_run, days, &mut sent).await?;
        }
        Ok(())
    };
    let outcome: Result<(), Trouble> = outcome.await;
    sent.failure = outcome.err();
    sent
}

async fn put(gateway: &Gateway, dry_run: bool, days: Days, sent: &mut Sent) -> Result<(), Trouble> {
    let there = there(gateway, &days.group).await?;
    let mut results: Vec<RowResult> = days.sessions.iter().map(|day| days.result(day, &there)).collect();
    let is_new = results.iter().any(|result| result.outcome() != RowOutcome::Unchanged);
    if is_new && !dry_run {
        let request = PutSessionsRequest {
            idempotency_key: uuid(),
            group: days.group.clone(),
            kind: checkup_rows::kind(days.kind),
            sessions: days.sessions.iter().map(|(_, session)| session.clone()).collect(),
        };
        match gateway.call(&request, None).await {
            Ok(taken) => sent.proofs.push(Proof::new(&taken.proof, results.len())),
            Err(error) => {
                let why = error.refused().filter(|refused| is_about_the_rows(refused.reason));
                let Some(reason) = why.map(|refused| refused.reason) else { return Err(error.into()) };
                for result in &mut results {
                    result.outcome = RowOutcome::Rejected.into();
                    let field = "capacity".to_owned();
                    result.problems = vec![RowProblem { field, reason: reason.into(), warning: false }];
                }
            }
        }
    }
    sent.results.extend(results.into_iter().map(|result| (result.row_id.clone(), result)));
    Ok(())
}

/// Fewer places than families who have one. Anything else is not an officer's to correct.
fn is_about_the_rows(reason: Reason) -> bool {
    reason == Reason::StateNotAllowed
}

/// The group's days; none if there is no such group.
async fn there(gateway: &Gateway, group: &str) -> Result<Vec<SessionState>, Trouble> {
    let request = ListSessionsRequest { group: group.to_owned(), ..Default::default() };
    match gateway.call(&request, None).await {
        Ok(listed) => Ok(listed.response.sessions),
        Err(error) if error.refused().is_some_and(|refused| refused.reason == Reason::NotFound) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}

impl Days {
    fn result(&self, (row_id, wanted): &(String, Session), there: &[SessionState]) -> RowResult {
        let same_id = |state: &&SessionState| {
            state.session.as_ref().is_some_and(|session| session.session_id == wanted.session_id)
        };
        let outcome = match there.iter().find(same_id) {
            None => RowOutcome::Created,
            Some(known)
                if known.session.as_ref() == Some(wanted) && known.kind == checkup_rows::kind(self.kind) =>
            {
                RowOutcome::Unchanged
            }
            Some(_) => RowOutcome::Updated,
        };
        RowResult { row_id: row_id.clone(), outcome: outcome.into(), problems: Vec::new() }
    }
}

const MOST_DAYS: usize = 100;
