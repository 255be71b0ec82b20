//! The entries of a batch: their rows, and the moved head.

use pmh_audit::Hash;

use super::{
    Head, Job, Sequencer,
    batch::{StagedEntry, signed},
    entry::Built,
    taken::Decided,
};
use crate::{
    Attempt, Fault,
    db::{Connection, Script},
    gateway::Registry,
    seal::SealingKey,
};

impl Sequencer {
    /// Gives each draft its place in the log and writes everything down.
    pub(super) async fn append(
        &mut self,
        head: &mut Head,
        jobs: &[Box<dyn Job>],
        decided: Vec<Option<Decided>>,
        registry: &Registry,
    ) -> Result<Vec<Option<StagedEntry>>, Fault> {
        let old_root = head.root;
        let old_size = head.frontier.size();
        self.load_guardians(&decided, old_size).await?;
        let new_keys = self.load_chains(jobs, &decided).await?;
        let mut built = self.build(jobs, decided, old_size)?;
        let hashes: Vec<Hash> = built.iter().flatten().map(|entry| entry.hash).collect();
        let mut paths = head.frontier.append(&hashes).into_iter();
        head.root = head.frontier.root();
        head.time_us = self.tx.now_us;
        let mut script = Script::default();
        self.write_entries(&mut script, &mut built)?;
        self.write_keys(&mut script, &new_keys)?;
        if head.frontier.size() > old_size || self.tx.registry != self.tx.stored_registry {
            self.move_head(&mut script, head, old_size, old_root)?;
        }
        self.write(script, registry, head.frontier.size()).await?;
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

    /// What was not built ahead. An entry that was, and now has another place, was built on a log that never came to be.
    fn build(
        &mut self,
        jobs: &[Box<dyn Job>],
        decided: Vec<Option<Decided>>,
        size: u64,
    ) -> Result<Vec<Option<Built>>, Fault> {
        let mut scribe = self.scribe();
        let mut index = size;
        let build = |(attempt, decided): (&Attempt, Option<Decided>)| {
            let Some(Decided { draft, built }) = decided else { return Ok(None) };
            let built = match built {
                Some(built) if built.index == index => built,
                Some(_) => return Err(Fault::HeadMoved),
                None => scribe.build(index, attempt, &draft)?,
            };
            index += 1;
            Ok(Some(built))
        };
        jobs.iter().map(|job| job.attempt()).zip(decided).map(build).collect()
    }

    async fn write(&mut self, mut script: Script, registry: &Registry, size: u64) -> Result<(), Fault> {
        if script.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.tx.begun, true) {
            script.begin_first();
        }
        let run = async |connection: &mut Connection| script.run(connection).await;
        let written = self.meanwhile(registry, size, run).await?;
        if written { Ok(()) } else { Err(Fault::HeadMoved) }
    }

    fn write_entries(&self, script: &mut Script, built: &mut [Option<Built>]) -> Result<(), Fault> {
        let mut entries = Vec::with_capacity(built.len());
        let mut events = Vec::new();
        let mut parts = Vec::with_capacity(built.len());
        let mut index_rows = Vec::with_capacity(built.len());
        for entry in built.iter_mut().flatten() {
            let index = signed(entry.index)?;
            entries.push(vec![index.into(), entry.leaf.clone().into(), entry.hash.into()]);
            // Asked only when the answer to a COMMIT was lost, which cannot happen to a file.
            if !self.tx.connection.is_sqlite() {
                events.push(vec![entry.event_id.into(), index.into()]);
            }
            for (tag, seq) in &entry.chained {
                index_rows.push(vec![tag.into(), signed(*seq)?.into(), index.into()]);
            }
            parts.push(vec![index.into(), entry.key_id.into(), std::mem::take(&mut entry.sealed).into()]);
        }
        script.insert("INSERT INTO log_entry (idx, leaf, leaf_hash)", entries);
        script.insert("INSERT INTO log_event (event_id, idx)", events);
        script.insert("INSERT INTO audit_part (idx, key_id, parts)", parts);
        script.insert("INSERT INTO subject_ix (subject_tag, seq, idx)", index_rows);
        Ok(())
    }

    fn write_keys(&self, script: &mut Script, keys: &[SealingKey]) -> Result<(), Fault> {
        let row = |key: &SealingKey| Ok(vec![key.id.into(), key.wrap(&self.tx.keys)?.into()]);
        let rows: Result<_, Fault> = keys.iter().map(row).collect();
        script.insert("INSERT INTO subject_key (key_id, wrapped_key)", rows?);
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
