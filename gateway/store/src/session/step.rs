//! One step of one group: loaded, changed by the rules, written.

use jiff::civil::Date;
use pmh_domain::{checkup::session::SessionRefusal, organization::IssuerId};

use super::{Group, Happened, SessionInfo};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply, SubjectRef,
    db::Value,
    gateway::short,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Which group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupKey {
    /// Whose.
    pub municipality: IssuerId,
    /// The municipality's own id.
    pub group: String,
}

/// For whom a step is.
#[derive(Clone)]
pub enum Whose {
    /// Nobody in particular: the municipality looks or opens days.
    Nobody,
    /// The municipality's resident behind a reference.
    Person(SubjectRef),
    /// The same in a guardian's or an app's view, in which a restricted person is nobody (design.md §2, P5 and P16).
    OnBehalf(SubjectRef),
    /// The municipality's resident by its key.
    Resident(String),
}

/// What is wanted.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// To see.
    Look,
    /// Days to open or change: id, places, what is told of them.
    Open(Vec<(String, u32, SessionInfo)>),
    /// A place in this session, if its day has not passed by the day told.
    Place(String, Date),
    /// To give up place and waiting.
    Cancel,
}

/// A step that was done.
#[derive(Clone)]
pub struct GroupStep {
    /// The group as it stands now.
    pub group: Group,
    /// The person the step is for, with the municipality's key.
    pub whose: Option<(SubjectRef, String)>,
    /// Whether where that person lives is withheld.
    pub restricted: bool,
    /// What happened, in order.
    pub events: Vec<Happened>,
    /// Index and time of the step, microseconds.
    pub at: (u64, i64),
}

/// Done, refused by the rules, or nobody and nothing there (`None`).
type Outcome = Option<Result<GroupStep, SessionRefusal>>;

pmh_domain::withheld!(Whose, GroupStep);

impl GatewayStore {
    /// Does what is wanted in a group. `None`: no such group, or the person is no resident there.
    pub async fn group_step<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        key: GroupKey,
        whose: Whose,
        wanted: Wanted,
        conclude: impl FnMut(Concluding<'_, Option<Result<GroupStep, SessionRefusal>>>) -> Conclusion<R>
        + Send
        + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, idempotency, Step { key, whose, wanted }, conclude).await
    }
}

struct Step {
    key: GroupKey,
    whose: Whose,
    wanted: Wanted,
}

impl Transaction for Step {
    type Outcome = Outcome;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(async move {
            let whose = match &self.whose {
                Whose::Nobody => None,
                whose => match tx.resident_of(self.key.municipality, whose).await? {
                    Some(found) => Some(found),
                    None => return Ok(None),
                },
            };
            let before = match (tx.session_group(&self.key).await?, &self.wanted) {
                (Some(group), _) => group,
                (None, Wanted::Open(_)) => Group::default(),
                (None, _) => return Ok(None),
            };
            let mut group = before.clone();
            let mut events = tx.give_up_of_the_lost(&self.key, &mut group).await?;
            let person = whose.as_ref().map_or("", |(_, key)| key.as_str());
            match self.wanted.apply(&mut group, person) {
                Ok(done) => events.extend(done),
                Err(refusal) => return Ok(Some(Err(refusal))),
            }
            if let Wanted::Open(opened) = &self.wanted {
                tx.write_sessions(&self.key, opened).await?;
            }
            tx.write_events(&self.key, &before, &events).await?;
            let restricted = match &whose {
                Some((subject, _)) => tx.is_restricted(*subject).await?,
                None => false,
            };
            Ok(Some(Ok(GroupStep { group, whose, restricted, events, at: (tx.next_index, tx.now_us) })))
        })
    }
}

impl Wanted {
    fn apply(&self, group: &mut Group, person: &str) -> Result<Vec<Happened>, SessionRefusal> {
        let person = person.to_owned();
        match self {
            Self::Look => Ok(Vec::new()),
            Self::Place(session, today) => {
                if group.sessions.get(session).is_some_and(|info| info.date < *today) {
                    return Err(SessionRefusal::Over);
                }
                group.places.request(&person, session)
            }
            Self::Cancel => Ok(group.places.cancel(&person)),
            Self::Open(opened) => {
                let mut events = Vec::new();
                for (session, capacity, info) in opened {
                    let capacity = usize::try_from(*capacity).unwrap_or(usize::MAX);
                    events.extend(group.places.open(session.clone(), capacity)?);
                    group.sessions.insert(session.clone(), info.clone());
                }
                Ok(events)
            }
        }
    }
}

impl GroupKey {
    pub(super) fn values(&self) -> Vec<Value> {
        vec![short(self.municipality).into(), self.group.as_str().into()]
    }

    pub(super) fn and(&self, person: &str) -> Vec<Value> {
        let mut values = self.values();
        values.push(person.into());
        values
    }
}

impl Tx {
    /// A lost child's place goes to whoever waits, and nobody is told whose it was.
    async fn give_up_of_the_lost(
        &mut self,
        key: &GroupKey,
        group: &mut Group,
    ) -> Result<Vec<Happened>, Fault> {
        let people = group.sessions.keys().filter_map(|session| group.places.people(session));
        let people = people.flat_map(|(placed, waiting)| placed.chain(waiting));
        let people = people.map(|person| person.as_str().into()).collect();
        let lost = self.silent_residents(&short(key.municipality), people).await?;
        Ok(lost.iter().flat_map(|person| group.places.cancel(person)).collect())
    }

    /// The municipality's resident whom a step is for, with its key.
    pub(crate) async fn resident_of(
        &mut self,
        municipality: IssuerId,
        whose: &Whose,
    ) -> Result<Option<(SubjectRef, String)>, Fault> {
        const LINKS: &str =
            "SELECT resident_key FROM resident_link WHERE issuer = $1 AND subject_ref IN ({keys})";
        let issuer = short(municipality);
        match whose {
            Whose::Nobody => Ok(None),
            Whose::Resident(resident) => {
                Ok(self.resident(&issuer, resident).await?.map(|subject| (subject, resident.clone())))
            }
            Whose::OnBehalf(subject) if self.is_restricted(*subject).await? => Ok(None),
            Whose::Person(subject) | Whose::OnBehalf(subject) => {
                let references = self.references_of(*subject).await?.into_iter().map(Value::from).collect();
                let rows = self.connection.fetch_in(LINKS, &[issuer.into()], references).await?;
                let keys: Result<Vec<String>, Fault> = rows.iter().map(|row| row.text(0)).collect();
                Ok(keys?.into_iter().min().map(|key| (*subject, key)))
            }
        }
    }
}
