//! One group as it is kept: loaded whole, written by what happened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use pmh_domain::checkup::kind::CheckupKind;
use serde::{Deserialize, Serialize};

use super::{GroupKey, Happened, Places};
use crate::{
    Fault,
    db::Value,
    gateway::{format, parse},
    reader::signed,
    sequencer::Tx,
};

/// A day and hall, beside its places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// What is done there.
    pub kind: CheckupKind,
    /// Day.
    pub date: Date,
    /// `HH:MM` in Asia/Tokyo.
    pub time: String,
    /// Name of the hall.
    pub hall: String,
}

/// One group.
#[derive(Clone, Default)]
pub struct Group {
    /// By session id.
    pub sessions: BTreeMap<String, SessionInfo>,
    /// Who has what.
    pub places: Places,
    /// Resident → session and seat.
    seats: BTreeMap<String, (String, i64)>,
}

pmh_domain::withheld!(Group);

impl Tx {
    /// The whole group; `None` if it has no day.
    pub(super) async fn session_group(&mut self, key: &GroupKey) -> Result<Option<Group>, Fault> {
        const SESSIONS: &str = "SELECT session_id, capacity, body FROM checkup_session
             WHERE municipality = $1 AND group_id = $2";
        const SEATS: &str = "SELECT resident_key, session_id, seat FROM checkup_seat
             WHERE municipality = $1 AND group_id = $2";
        const WAITING: &str = "SELECT resident_key, session_id FROM checkup_waiting
             WHERE municipality = $1 AND group_id = $2 ORDER BY since_idx";
        let mut group = Group::default();
        for row in self.fetch(SEATS, key.values()).await? {
            group.seats.insert(row.text(0)?, (row.text(1)?, row.int(2)?));
        }
        let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in self.fetch(WAITING, key.values()).await? {
            waiting.entry(row.text(1)?).or_default().push(row.text(0)?);
        }
        for row in self.fetch(SESSIONS, key.values()).await? {
            let (session, capacity) = (row.text(0)?, row.int(1)?);
            let capacity = usize::try_from(capacity).map_err(|_| broken("capacity"))?;
            let placed = group.seats.iter().filter(|(_, (place, _))| *place == session);
            let placed: Vec<String> = placed.map(|(resident, _)| resident.clone()).collect();
            let waiting = waiting.remove(&session).unwrap_or_default();
            group.places.resume(session.clone(), capacity, placed, waiting);
            group.sessions.insert(session, parse(&row.text(2)?, "checkup_session")?);
        }
        Ok((!group.sessions.is_empty()).then_some(group))
    }

    /// Writes days that were opened or changed.
    pub(super) async fn write_sessions(
        &mut self,
        key: &GroupKey,
        opened: &[(String, u32, SessionInfo)],
    ) -> Result<(), Fault> {
        let entry = signed(self.next_index)?;
        let row = |(session, capacity, info): &(String, u32, SessionInfo)| {
            let own =
                [session.as_str().into(), i64::from(*capacity).into(), format(info)?.into(), entry.into()];
            Ok(key.values().into_iter().chain(own).collect())
        };
        let rows: Result<Vec<Vec<Value>>, Fault> = opened.iter().map(row).collect();
        self.connection.insert(PUT_SESSION, PUT_SESSION_TAIL, rows?).await.map(drop)
    }

    /// Writes what happened: seats are given up before any is taken.
    pub(super) async fn write_events(
        &mut self,
        key: &GroupKey,
        before: &Group,
        events: &[Happened],
    ) -> Result<(), Fault> {
        let moved = Moved::of(events);
        for person in &moved.seats {
            self.execute(LEAVE, key.and(person)).await?;
        }
        for person in &moved.waiting {
            self.execute(WAIT_NO_MORE, key.and(person)).await?;
        }
        let entry = signed(self.next_index)?;
        let mut seats = before.seats.clone();
        seats.retain(|person, _| !moved.seats.contains(person));
        let mut rows = Vec::new();
        for (person, session) in &moved.placed {
            let seat = free_seat(&seats, session);
            seats.insert(person.clone(), (session.clone(), seat));
            let own = [person.as_str().into(), session.as_str().into(), seat.into(), entry.into()];
            rows.push(key.values().into_iter().chain(own).collect());
        }
        self.connection.insert(TAKE, "", rows).await?;
        let waits = moved.waits.iter().map(|(person, session)| {
            let own = [person.as_str().into(), session.as_str().into(), entry.into()];
            key.values().into_iter().chain(own).collect()
        });
        self.connection.insert(WAIT, "", waits.collect()).await.map(drop)
    }
}

/// Events summed up: a person may leave and be placed more than once in one step.
#[derive(Default)]
struct Moved {
    /// Whose seat may change.
    seats: BTreeSet<String>,
    /// Whose waiting may change.
    waiting: BTreeSet<String>,
    /// Where each has a place in the end.
    placed: BTreeMap<String, String>,
    /// For what each waits in the end.
    waits: BTreeMap<String, String>,
}

impl Moved {
    fn of(events: &[Happened]) -> Self {
        let mut moved = Self::default();
        for event in events {
            match event {
                Happened::Placed(person, session) => {
                    moved.seats.insert(person.clone());
                    moved.waiting.insert(person.clone());
                    moved.waits.remove(person);
                    moved.placed.insert(person.clone(), session.clone());
                }
                Happened::Left(person, _) => {
                    moved.seats.insert(person.clone());
                    moved.placed.remove(person);
                }
                Happened::Waits(person, session) => {
                    moved.waiting.insert(person.clone());
                    moved.waits.insert(person.clone(), session.clone());
                }
                Happened::WaitsNoMore(person, _) => {
                    moved.waiting.insert(person.clone());
                    moved.waits.remove(person);
                }
            }
        }
        moved
    }
}

fn free_seat(seats: &BTreeMap<String, (String, i64)>, session: &str) -> i64 {
    let taken: BTreeSet<i64> =
        seats.values().filter(|(place, _)| place == session).map(|(_, seat)| *seat).collect();
    // So many are taken that one of the first so many and one is free.
    (1_i64..).take(taken.len() + 1).find(|seat| !taken.contains(seat)).unwrap_or(1)
}

fn broken(column: &'static str) -> Fault {
    Fault::Inconsistent { table: "checkup_session", column }
}

const PUT_SESSION: &str =
    "INSERT INTO checkup_session (municipality, group_id, session_id, capacity, body, entry_idx)";
const PUT_SESSION_TAIL: &str = "ON CONFLICT (municipality, group_id, session_id) DO UPDATE
     SET capacity = excluded.capacity, body = excluded.body, entry_idx = excluded.entry_idx";
const LEAVE: &str =
    "DELETE FROM checkup_seat WHERE municipality = $1 AND group_id = $2 AND resident_key = $3";
const WAIT_NO_MORE: &str =
    "DELETE FROM checkup_waiting WHERE municipality = $1 AND group_id = $2 AND resident_key = $3";
const TAKE: &str =
    "INSERT INTO checkup_seat (municipality, group_id, resident_key, session_id, seat, entry_idx)";
const WAIT: &str =
    "INSERT INTO checkup_waiting (municipality, group_id, resident_key, session_id, since_idx)";
