//! Group checkups: days with places, and moving between them.
//!
//! Whoever asks for another day keeps the place they have until the new one is
//! theirs; otherwise a full day would cost them both.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The days of one group checkup. `S` names a day and hall, `P` a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions<S: Ord, P: Ord> {
    sessions: BTreeMap<S, Session<P>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Session<P: Ord> {
    capacity: usize,
    places: BTreeSet<P>,
    waiting: VecDeque<P>,
}

/// What happened, in order; a waiting family that gets a place is told by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<S, P> {
    /// The person has a place.
    Placed(P, S),
    /// The person's place is free again.
    Left(P, S),
    /// The person waits; they keep any other place meanwhile.
    Waits(P, S),
    /// The person no longer waits.
    WaitsNoMore(P, S),
}

/// Why nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SessionRefusal {
    /// There is no such day.
    #[error("there is no such session")]
    Unknown,
    /// More families have a place than that.
    #[error("more families have a place than that")]
    BelowTaken,
    /// The day has passed.
    #[error("the day has passed")]
    Over,
}

impl<S: Ord + Clone, P: Ord + Clone> Sessions<S, P> {
    /// No days.
    pub fn new() -> Self {
        Self { sessions: BTreeMap::new() }
    }

    /// A day as it was left: who has a place and, longest first, who waits.
    pub fn resume(
        &mut self,
        session: S,
        capacity: usize,
        places: impl IntoIterator<Item = P>,
        waiting: impl IntoIterator<Item = P>,
    ) {
        let places = places.into_iter().collect();
        self.sessions.insert(session, Session { capacity, places, waiting: waiting.into_iter().collect() });
    }

    /// Opens a day, or changes how many places it has; new places go to those
    /// who wait. Errors: more places are taken than that.
    pub fn open(&mut self, session: S, capacity: usize) -> Result<Vec<Event<S, P>>, SessionRefusal> {
        let entry = self.sessions.entry(session.clone());
        let known =
            entry.or_insert_with(|| Session { capacity, places: BTreeSet::new(), waiting: VecDeque::new() });
        if known.places.len() > capacity {
            return Err(SessionRefusal::BelowTaken);
        }
        known.capacity = capacity;
        let mut events = Vec::new();
        self.fill(session, &mut events);
        Ok(events)
    }

    /// Books a place or moves to another day: at once if one is free, else the
    /// person waits for it. To ask for what one has or waits for changes
    /// nothing, but whoever holds a place there waits nowhere else any more.
    /// Errors: no such day.
    pub fn request(&mut self, person: &P, session: &S) -> Result<Vec<Event<S, P>>, SessionRefusal> {
        let wanted = self.sessions.get(session).ok_or(SessionRefusal::Unknown)?;
        if wanted.waiting.contains(person) {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        let holds = wanted.places.contains(person);
        let is_free = wanted.has_place();
        self.stop_waiting(person, &mut events);
        if holds {
            return Ok(events);
        }
        if is_free {
            self.place(person, session, &mut events);
        } else if let Some(wanted) = self.sessions.get_mut(session) {
            wanted.waiting.push_back(person.clone());
            events.push(Event::Waits(person.clone(), session.clone()));
        }
        Ok(events)
    }

    /// Gives up place and waiting alike. Nothing happens to whoever has none.
    pub fn cancel(&mut self, person: &P) -> Vec<Event<S, P>> {
        let mut events = Vec::new();
        self.stop_waiting(person, &mut events);
        if let Some(freed) = self.leave(person, &mut events) {
            self.fill(freed, &mut events);
        }
        events
    }

    /// The day on which a person has a place.
    pub fn place_of(&self, person: &P) -> Option<&S> {
        self.sessions.iter().find(|(_, session)| session.places.contains(person)).map(|(id, _)| id)
    }

    /// The day for which a person waits, and how many wait before them.
    pub fn waiting_of(&self, person: &P) -> Option<(&S, usize)> {
        let before = |session: &Session<P>| session.waiting.iter().position(|other| other == person);
        self.sessions.iter().find_map(|(id, session)| Some((id, before(session)?)))
    }

    /// Who has a place on a day, and who waits for one, longest first.
    pub fn people(&self, session: &S) -> Option<(impl Iterator<Item = &P>, impl Iterator<Item = &P>)> {
        self.sessions.get(session).map(|session| (session.places.iter(), session.waiting.iter()))
    }

    /// Places taken and places there are.
    pub fn taken(&self, session: &S) -> Option<(usize, usize)> {
        self.sessions.get(session).map(|session| (session.places.len(), session.capacity))
    }

    /// Gives the person a place that is free, and theirs to whoever waits for it.
    fn place(&mut self, person: &P, session: &S, events: &mut Vec<Event<S, P>>) {
        let freed = self.leave(person, events);
        if let Some(wanted) = self.sessions.get_mut(session) {
            wanted.places.insert(person.clone());
            events.push(Event::Placed(person.clone(), session.clone()));
        }
        if let Some(freed) = freed {
            self.fill(freed, events);
        }
    }

    /// Fills free places from the waiting list. Each who moves up frees a place
    /// elsewhere, so days are looked at until none is left; every step takes
    /// somebody off a list, so it ends.
    fn fill(&mut self, session: S, events: &mut Vec<Event<S, P>>) {
        let mut open = VecDeque::from([session]);
        while let Some(id) = open.pop_front() {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if !session.has_place() {
                continue;
            }
            let Some(person) = session.waiting.pop_front() else { continue };
            let freed = self.leave(&person, events);
            if let Some(session) = self.sessions.get_mut(&id) {
                session.places.insert(person.clone());
            }
            events.push(Event::Placed(person, id.clone()));
            open.push_back(id);
            open.extend(freed);
        }
    }

    fn leave(&mut self, person: &P, events: &mut Vec<Event<S, P>>) -> Option<S> {
        let id = self.place_of(person)?.clone();
        self.sessions.get_mut(&id)?.places.remove(person);
        events.push(Event::Left(person.clone(), id.clone()));
        Some(id)
    }

    fn stop_waiting(&mut self, person: &P, events: &mut Vec<Event<S, P>>) {
        let Some(id) = self.waiting_of(person).map(|(id, _)| id.clone()) else { return };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.waiting.retain(|other| other != person);
            events.push(Event::WaitsNoMore(person.clone(), id));
        }
    }
}

impl<P: Ord> Session<P> {
    fn has_place(&self) -> bool {
        self.places.len() < self.capacity
    }
}
