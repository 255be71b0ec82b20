//! From drafts to leaves: chain, commitments, rows and the moved head.

use std::collections::HashMap;

use pmh_audit::{
    ChainBody, Hash, Leaf, Opening, Part, Salt, SubjectBody,
    part::{Audience, ChainLink},
    tree::leaf_hash,
};

use super::{
    Head, Sequencer,
    batch::{StagedEntry, UNENCODABLE, signed},
};
use crate::{
    Attempt, Draft, Fault,
    db::{Script, Value},
    seal::SealingKey,
};

impl Sequencer {
    /// Gives each draft its place in the log and writes everything down.
    pub(super) async fn append(
        &mut self,
        head: &mut Head,
        pending: Vec<(Attempt, Option<Draft>)>,
    ) -> Result<Vec<Option<StagedEntry>>, Fault> {
        let old_root = head.root;
        let old_size = head.frontier.size();
        let mut chains = self.load_chains(&pending).await?;
        let mut built: Vec<Option<Built>> = Vec::with_capacity(pending.len());
        let mut index = old_size;
        for (attempt, draft) in pending {
            let Some(draft) = draft else {
                built.push(None);
                continue;
            };
            built.push(Some(self.build(index, &attempt, draft, &mut chains)?));
            index += 1;
        }
        let hashes: Vec<Hash> = built.iter().flatten().map(|entry| entry.hash).collect();
        let mut paths = head.frontier.append(&hashes).into_iter();
        head.root = head.frontier.root();
        head.time_us = self.tx.now_us;
        let mut script = Script::default();
        self.write_entries(&mut script, &built)?;
        self.write_keys(&mut script, chains.values())?;
        self.known.keep_chains(chains.into_values().map(Chain::written));
        if head.frontier.size() > old_size || self.tx.registry != self.tx.stored_registry {
            self.move_head(&mut script, head, old_size, old_root)?;
        }
        if !script.run(&mut self.tx.connection).await? {
            return Err(Fault::HeadMoved);
        }
        Ok(built
            .into_iter()
            .map(|entry| {
                entry.map(|entry| {
                    let [subject, _, _, detail] = entry.openings;
                    StagedEntry {
                        event_id: entry.event_id,
                        index: entry.index,
                        leaf: entry.leaf,
                        path: paths.next().unwrap_or_default(),
                        detail,
                        subject: entry.chained.map(|_| subject),
                    }
                })
            })
            .collect())
    }

    /// Heads and keys of all persons of the batch, in one statement.
    async fn load_chains(
        &mut self,
        pending: &[(Attempt, Option<Draft>)],
    ) -> Result<HashMap<[u8; 32], Chain>, Fault> {
        let mut wanted: HashMap<[u8; 32], &Attempt> = HashMap::new();
        let mut chains = HashMap::with_capacity(pending.len());
        for (attempt, draft) in pending {
            if let Some(subject) = draft.as_ref().and_then(|draft| draft.subject.as_ref()) {
                let tag = self.tx.keys.subject_tag(&subject.reference);
                match self.known.take_chain(&tag) {
                    Some(chain) => drop(chains.insert(tag, chain)),
                    None if chains.contains_key(&tag) => {}
                    None => drop(wanted.entry(tag).or_insert(attempt)),
                }
            }
        }
        let tags = wanted.keys().map(Value::from).collect();
        for row in self.tx.connection.fetch_in(NEWEST_OF_CHAINS, &[], tags).await? {
            let tag: [u8; 32] = row.array(0, "subject_ix")?;
            let Some(attempt) = wanted.remove(&tag) else { continue };
            // A destroyed key means the person was erased; the chain goes on under a new key.
            let (key, key_is_new) = match (row.optional_bytes(3)?, row.optional_bytes(4)?) {
                (Some(id), Some(wrapped)) => {
                    let id = id.try_into().map_err(|_| WRONG_KEY_ID)?;
                    (SealingKey::unwrap(&self.tx.keys, id, &wrapped)?, false)
                }
                _ => (SealingKey::new(attempt.new_key_id, attempt.new_key), true),
            };
            let seq = u64::try_from(row.int(1)?)
                .map_err(|_| Fault::Inconsistent { table: "subject_ix", column: "seq" })?;
            chains.insert(tag, Chain { tag, seq, previous: row.array(2, "log_entry")?, key, key_is_new });
        }
        for (tag, attempt) in wanted {
            let key = SealingKey::new(attempt.new_key_id, attempt.new_key);
            chains.insert(tag, Chain { tag, seq: 0, previous: [0; 32], key, key_is_new: true });
        }
        Ok(chains)
    }

    fn build(
        &self,
        index: u64,
        attempt: &Attempt,
        draft: Draft,
        chains: &mut HashMap<[u8; 32], Chain>,
    ) -> Result<Built, Fault> {
        let mut subject_body = Vec::new();
        let mut chain_body = Vec::new();
        let mut key = SealingKey::of_log(&self.tx.keys);
        let tag = draft.subject.as_ref().map(|subject| self.tx.keys.subject_tag(&subject.reference));
        let mut chained = None;
        if let (Some(subject), Some(chain)) = (&draft.subject, tag.and_then(|tag| chains.get_mut(&tag))) {
            subject_body = SubjectBody::new(subject.sub.clone()).map_err(|_| UNENCODABLE)?.encode();
            chain_body = chain.link()?.encode();
            key = chain.key.clone();
            chained = Some((chain.tag, chain.seq));
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
            time_us: u64::try_from(self.tx.now_us).map_err(|_| UNENCODABLE)?,
            event_id: attempt.event_id,
            method: draft.method,
            purpose: draft.purpose,
            outcome: draft.outcome,
            categories: draft.categories,
            holder: draft.holder,
            requester: draft.requester,
            refs: draft.references,
            subject: c_subject,
            chain: c_chain,
            actor: c_actor,
            detail: c_detail,
        }
        .encode();
        let hash = leaf_hash(&leaf);
        if let Some(chain) = tag.and_then(|tag| chains.get_mut(&tag)) {
            chain.previous = hash;
        }
        Ok(Built { event_id: attempt.event_id, index, leaf, hash, openings, chained, key })
    }

    fn write_entries(&self, script: &mut Script, built: &[Option<Built>]) -> Result<(), Fault> {
        let mut entries = Vec::with_capacity(built.len());
        let mut events = Vec::new();
        let mut parts = Vec::with_capacity(built.len());
        let mut index_rows = Vec::with_capacity(built.len());
        for entry in built.iter().flatten() {
            let index = signed(entry.index)?;
            entries.push(vec![index.into(), entry.leaf.clone().into(), entry.hash.into()]);
            // Asked only when the answer to a COMMIT was lost, which cannot happen to a file.
            if !self.tx.connection.is_sqlite() {
                events.push(vec![entry.event_id.into(), index.into()]);
            }
            if let Some((tag, seq)) = entry.chained {
                index_rows.push(vec![tag.into(), signed(seq)?.into(), index.into()]);
            }
            let sealed = entry.key.seal_parts(entry.index, &entry.openings)?;
            parts.push(vec![index.into(), entry.key.id.into(), sealed.into()]);
        }
        script.insert("INSERT INTO log_entry (idx, leaf, leaf_hash)", entries);
        script.insert("INSERT INTO log_event (event_id, idx)", events);
        script.insert("INSERT INTO audit_part (idx, key_id, parts)", parts);
        script.insert("INSERT INTO subject_ix (subject_tag, seq, idx)", index_rows);
        Ok(())
    }

    fn write_keys<'a>(
        &self,
        script: &mut Script,
        chains: impl Iterator<Item = &'a Chain>,
    ) -> Result<(), Fault> {
        let mut keys = Vec::new();
        for chain in chains.filter(|chain| chain.key_is_new) {
            keys.push(vec![chain.key.id.into(), chain.key.wrap(&self.tx.keys)?.into()]);
        }
        script.insert("INSERT INTO subject_key (key_id, wrapped_key)", keys);
        Ok(())
    }

    /// Moves the head. The condition is the fence: it must hit exactly one row.
    fn move_head(
        &self,
        script: &mut Script,
        head: &Head,
        old_size: u64,
        old_root: Hash,
    ) -> Result<(), Fault> {
        let size = signed(head.frontier.size())?;
        if head.frontier.size() > old_size {
            script.insert(
                "INSERT INTO log_root (size, root, time_us)",
                vec![vec![size.into(), head.root.into(), head.time_us.into()]],
            );
        }
        script.update_one(
            "UPDATE log_head SET size = ?, root = ?, frontier = ?, time_us = ?, registry = ?
             WHERE log_id = 1 AND size = ? AND root = ?",
            vec![
                size.into(),
                head.root.into(),
                head.frontier.to_bytes().into(),
                head.time_us.into(),
                self.tx.registry.into(),
                signed(old_size)?.into(),
                old_root.into(),
            ],
        );
        Ok(())
    }
}

/// The newest entry of each person's chain, and the key that seals it.
const NEWEST_OF_CHAINS: &str = "WITH wanted (tag) AS (VALUES {rows})
     SELECT x.subject_tag, x.seq, e.leaf_hash, p.key_id, k.wrapped_key
     FROM wanted
     JOIN subject_ix x ON x.subject_tag = wanted.tag
      AND x.seq = (SELECT MAX(n.seq) FROM subject_ix n WHERE n.subject_tag = wanted.tag)
     JOIN log_entry e ON e.idx = x.idx
     LEFT JOIN audit_part p ON p.idx = x.idx
     LEFT JOIN subject_key k ON k.key_id = p.key_id";

const WRONG_KEY_ID: Fault = Fault::Inconsistent { table: "audit_part", column: "key_id" };

/// An entry with its chain and bodies, before its path is known.
struct Built {
    event_id: [u8; 16],
    index: u64,
    leaf: Vec<u8>,
    hash: Hash,
    openings: [Opening; 4],
    /// Chain and sequence, if the entry is about a person.
    chained: Option<([u8; 32], u64)>,
    key: SealingKey,
}

/// A person's chain while the batch grows it.
pub(super) struct Chain {
    pub(super) tag: [u8; 32],
    seq: u64,
    previous: Hash,
    key: SealingKey,
    key_is_new: bool,
}

impl Chain {
    /// The same once its head and key are in the database.
    fn written(self) -> Self {
        Self { key_is_new: false, ..self }
    }

    /// The next link of the person's own chain.
    fn link(&mut self) -> Result<ChainBody, Fault> {
        let link = if self.seq == 0 {
            ChainLink::first(Audience::Person, self.tag)
        } else {
            ChainLink::after(Audience::Person, self.tag, self.seq + 1, self.previous)
                .map_err(|_| UNENCODABLE)?
        };
        self.seq += 1;
        ChainBody::new(vec![link]).map_err(|_| UNENCODABLE)
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
