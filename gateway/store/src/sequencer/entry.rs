//! From a draft to a leaf: its places in the chains, its commitments, and its parts as they are kept.

use pmh_audit::{ChainBody, Hash, Leaf, Opening, Part, Salt, SubjectBody, part::Audience, tree::leaf_hash};
use pmh_domain::time::tokyo_date;

use super::{
    batch::{UNENCODABLE, signed},
    known::Known,
};
use crate::{Attempt, Draft, EntrySubject, Fault, Role, StoreKeys, seal::SealingKey};

/// Writes entries down: under these keys, after what is known of the chains, at this time.
pub(super) struct Scribe<'a> {
    pub(super) role: Role,
    pub(super) keys: &'a StoreKeys,
    pub(super) known: &'a mut Known,
    pub(super) now_us: i64,
}

/// An entry before its path is known.
pub(super) struct Built {
    pub(super) event_id: [u8; 16],
    pub(super) index: u64,
    pub(super) time_us: i64,
    pub(super) leaf: Vec<u8>,
    pub(super) hash: Hash,
    pub(super) openings: [Opening; 4],
    /// Chains and the place in each; none if the entry is about nobody.
    pub(super) chained: Vec<([u8; 32], u64)>,
    /// Which key the parts are sealed with.
    pub(super) key_id: [u8; 16],
    pub(super) sealed: Vec<u8>,
}

/// Chains that an entry may take a place in, the person's own first.
type Places = Vec<(Audience, [u8; 32])>;

impl Scribe<'_> {
    /// The entry, unless something has to be read for it.
    pub(super) fn build_ahead(
        &mut self,
        index: u64,
        attempt: &Attempt,
        draft: &Draft,
    ) -> Result<Option<Built>, Fault> {
        let places = self.places(index, draft.subject.as_ref())?;
        let is_known = draft.subject.as_ref().is_none_or(|subject| self.knows(subject, &places));
        is_known.then(|| self.build_at(places, index, attempt, draft)).transpose()
    }

    /// The entry, once everything has been read.
    pub(super) fn build(&mut self, index: u64, attempt: &Attempt, draft: &Draft) -> Result<Built, Fault> {
        let places = self.places(index, draft.subject.as_ref())?;
        self.build_at(places, index, attempt, draft)
    }

    fn knows(&self, subject: &EntrySubject, places: &Places) -> bool {
        // That a further chain does not exist is remembered nowhere.
        subject.also.is_empty()
            && self.known.has_room()
            && (self.role == Role::Auth || self.known.knows_guardians(&subject.reference))
            && places.iter().all(|(_, tag)| self.known.knows_chain(tag))
    }

    fn places(&self, index: u64, subject: Option<&EntrySubject>) -> Result<Places, Fault> {
        let Some(subject) = subject else { return Ok(Places::new()) };
        let guardians = self.known.guardians(&subject.reference);
        let mut places = Vec::with_capacity(1 + subject.also.len() + guardians.len());
        let persons = std::iter::once(&subject.reference).chain(&subject.also);
        places.extend(persons.map(|reference| (Audience::Person, self.keys.subject_tag(reference))));
        if !guardians.is_empty() {
            let (index, today) = (signed(index)?, self.today());
            let taking = guardians.iter().filter(|guardian| guardian.takes(index, &today));
            places.extend(taking.map(|guardian| (Audience::Guardian, guardian.tag)));
        }
        Ok(places)
    }

    fn today(&self) -> String {
        let now = jiff::Timestamp::from_microsecond(self.now_us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        tokyo_date(now).to_string()
    }

    fn build_at(
        &mut self,
        places: Places,
        index: u64,
        attempt: &Attempt,
        draft: &Draft,
    ) -> Result<Built, Fault> {
        let mut subject_body = Vec::new();
        let mut chain_body = Vec::new();
        let mut key = SealingKey::of_log(self.keys);
        let mut chained = Vec::with_capacity(places.len());
        if let Some(subject) = &draft.subject {
            let mut links = Vec::with_capacity(places.len());
            for (place, (audience, tag)) in places.into_iter().enumerate() {
                let Some(chain) = self.known.chain(&tag) else { continue };
                links.push(chain.link(audience, tag)?);
                chained.push((tag, chain.seq));
                // The person's own chain is the first.
                if place == 0 {
                    key = chain.key.clone().ok_or(UNENCODABLE)?;
                }
            }
            subject_body = SubjectBody::new(subject.sub.clone()).map_err(|_| UNENCODABLE)?.encode();
            chain_body = ChainBody::new(links).map_err(|_| UNENCODABLE)?.encode();
        }
        let bodies = [subject_body, chain_body, draft.actor.encode(), draft.detail.encode()];
        let [subject, chain, actor, detail] = attempt.salts.map(Salt::new);
        let [subject_body, chain_body, actor_body, detail_body] = bodies;
        let openings = [
            Opening { salt: subject, body: subject_body },
            Opening { salt: chain, body: chain_body },
            Opening { salt: actor, body: actor_body },
            Opening { salt: detail, body: detail_body },
        ];
        let [c_subject, c_chain, c_actor, c_detail] = commitments(&openings);
        let leaf = Leaf {
            kind: draft.kind,
            time_us: u64::try_from(self.now_us).map_err(|_| UNENCODABLE)?,
            event_id: attempt.event_id,
            method: draft.method,
            purpose: draft.purpose,
            outcome: draft.outcome,
            categories: draft.categories,
            holder: draft.holder.clone(),
            requester: draft.requester.clone(),
            refs: draft.references.clone(),
            subject: c_subject,
            chain: c_chain,
            actor: c_actor,
            detail: c_detail,
        }
        .encode();
        let hash = leaf_hash(&leaf);
        for (tag, _) in &chained {
            if let Some(chain) = self.known.chain(tag) {
                chain.previous = hash;
            }
        }
        let sealed = key.seal_parts(index, &openings)?;
        let (event_id, time_us) = (attempt.event_id, self.now_us);
        Ok(Built { event_id, index, time_us, leaf, hash, openings, chained, key_id: key.id, sealed })
    }
}

fn commitments(openings: &[Opening; 4]) -> [Hash; 4] {
    let [subject, chain, actor, detail] = openings;
    [
        subject.commitment(Part::Subject),
        chain.commitment(Part::Chain),
        actor.commitment(Part::Actor),
        detail.commitment(Part::Detail),
    ]
}
