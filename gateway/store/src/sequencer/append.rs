//! From drafts to leaves: chain, commitments, rows and the moved head.

use std::collections::HashMap;

use pmh_audit::{ChainBody, Hash, Leaf, Opening, Part, Salt, SubjectBody, tree::leaf_hash};

use super::{
    Head, Sequencer,
    batch::{StagedEntry, UNENCODABLE, signed},
    chains::Chain,
};
use crate::{Attempt, Draft, Fault, db::Script, gateway::Registry, seal::SealingKey};

impl Sequencer {
    /// Gives each draft its place in the log and writes everything down.
    pub(super) async fn append(
        &mut self,
        head: &mut Head,
        pending: Vec<(Attempt, Option<Draft>)>,
        registry: &Registry,
    ) -> Result<Vec<Option<StagedEntry>>, Fault> {
        let old_root = head.root;
        let old_size = head.frontier.size();
        self.load_guardians(&pending, old_size).await?;
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
        self.write(script, registry).await?;
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
                        subject: (!entry.chained.is_empty()).then_some(subject),
                    }
                })
            })
            .collect())
    }

    async fn write(&mut self, mut script: Script, registry: &Registry) -> Result<(), Fault> {
        if script.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.tx.begun, true) {
            script.begin_first();
        }
        let written = self.meanwhile(registry, async |connection| script.run(connection).await).await?;
        if written { Ok(()) } else { Err(Fault::HeadMoved) }
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
        let mut chained = Vec::new();
        if let Some(subject) = &draft.subject {
            let mut links = Vec::with_capacity(1);
            for (place, (audience, tag)) in self.places(index, subject)?.into_iter().enumerate() {
                let Some(chain) = chains.get_mut(&tag) else { continue };
                links.push(chain.link(audience)?);
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
        for (tag, _) in &chained {
            if let Some(chain) = chains.get_mut(tag) {
                chain.previous = hash;
            }
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
            for (tag, seq) in &entry.chained {
                index_rows.push(vec![tag.into(), signed(*seq)?.into(), index.into()]);
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
        for key in chains.filter(|chain| chain.key_is_new).filter_map(|chain| chain.key.as_ref()) {
            keys.push(vec![key.id.into(), key.wrap(&self.tx.keys)?.into()]);
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
             WHERE log_id = 1 AND size = ? AND root = ? RETURNING size",
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

/// An entry with its chain and bodies, before its path is known.
struct Built {
    event_id: [u8; 16],
    index: u64,
    leaf: Vec<u8>,
    hash: Hash,
    openings: [Opening; 4],
    /// Chains and the place in each; none if the entry is about nobody.
    chained: Vec<([u8; 32], u64)>,
    key: SealingKey,
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
