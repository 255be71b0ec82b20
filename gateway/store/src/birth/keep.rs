//! Writing down what was told.

use pmh_domain::handoff::{BirthOrder, ChildEvent, Children, HandoffId, NoticeId, Side};

use super::BirthChange;
use crate::{Fault, SubjectRef, db::Value, gateway::format, reader::signed, sequencer::Tx};

impl Tx {
    /// Keeps what was told of a mother's birth, each event once, and lets her handoffs enter it; `entered` is the side of the
    /// one whose own step this is. A birth that is known as another mother's is left alone.
    pub(crate) async fn keep_birth(
        &mut self,
        mother: SubjectRef,
        change: BirthChange,
        entered: Option<(HandoffId, Side)>,
    ) -> Result<(), Fault> {
        let references = self.references_of(mother).await?;
        let known = self.birth(change.birth).await?;
        if known.as_ref().is_some_and(|known| !references.contains(&known.mother)) {
            return Ok(());
        }
        let before = known.map(|known| known.events).unwrap_or_default();
        let new: Vec<ChildEvent> =
            change.events.iter().filter(|event| !before.contains(event)).cloned().collect();
        self.open_birth(mother, &change).await?;
        self.keep_children(&change).await?;
        self.keep_proposal(&change).await?;
        self.keep_events(change.birth, &new).await?;
        self.hush(change.birth, &Children::rebuild(before.iter().chain(&new))).await?;
        if let Some((child, resident)) = change.joins {
            self.join(&[child], &resident).await?;
        }
        self.echo(&references, change.birth, &new, entered).await
    }

    async fn open_birth(&mut self, mother: SubjectRef, change: &BirthChange) -> Result<(), Fault> {
        let (now, entry) = (self.now_us, signed(self.next_index)?);
        self.execute(
            "INSERT INTO birth (birth_id, mother_ref, home, teller, opened_us, told_us, entry_idx)
             VALUES ($1, $2, $3, $4, $5, $5, $6)
             ON CONFLICT (birth_id) DO UPDATE SET told_us = excluded.told_us, entry_idx = excluded.entry_idx",
            vec![
                change.birth.0.into(),
                mother.into(),
                change.home.as_str().into(),
                change.teller.as_str().into(),
                now.into(),
                entry.into(),
            ],
        )
        .await
        .map(drop)
    }

    async fn keep_children(&mut self, change: &BirthChange) -> Result<(), Fault> {
        let now = self.now_us;
        for (newborn, reference) in &change.newborns {
            let kept = self
                .execute(
                    "INSERT INTO birth_child (birth_id, child, child_ref, body, is_silent) VALUES ($1, $2, $3, $4, 0)
                     ON CONFLICT (birth_id, child) DO NOTHING",
                    vec![
                        change.birth.0.into(),
                        i64::from(newborn.notice.order.0).into(),
                        reference.into(),
                        format(newborn)?.into(),
                    ],
                )
                .await?;
            if kept == 1 {
                self.execute(
                    "INSERT INTO subject_alias (subject_ref, survivor, created_us) VALUES ($1, $1, $2)
                     ON CONFLICT (subject_ref) DO NOTHING",
                    vec![reference.into(), now.into()],
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn keep_proposal(&mut self, change: &BirthChange) -> Result<(), Fault> {
        if let Some(proposal) = &change.proposal {
            self.execute(
                "INSERT INTO birth_merge (birth_id, child, resident_key, asked) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (birth_id, child) DO UPDATE SET resident_key = excluded.resident_key, asked = excluded.asked",
                vec![
                    change.birth.0.into(),
                    i64::from(proposal.child.0).into(),
                    proposal.resident_key.as_str().into(),
                    format(&proposal.asked)?.into(),
                ],
            )
            .await?;
        }
        let merged = change.events.iter().filter_map(|event| match event {
            ChildEvent::Merged { child, .. } => Some(*child),
            _ => None,
        });
        for BirthOrder(child) in merged {
            self.execute(
                "DELETE FROM birth_merge WHERE birth_id = $1 AND child = $2",
                vec![change.birth.0.into(), i64::from(child).into()],
            )
            .await?;
        }
        Ok(())
    }

    async fn keep_events(&mut self, birth: NoticeId, events: &[ChildEvent]) -> Result<(), Fault> {
        let entry = signed(self.next_index)?;
        let rows: Result<Vec<Vec<Value>>, Fault> = (0..)
            .zip(events)
            .map(|(place, event)| {
                Ok(vec![birth.0.into(), entry.into(), place_value(place), format(event)?.into()])
            })
            .collect();
        self.connection
            .insert("INSERT INTO birth_event (birth_id, entry_idx, place, event)", "", rows?)
            .await
            .map(drop)
    }

    /// Whoever is lost is silent, and whoever is not speaks again.
    async fn hush(&mut self, birth: NoticeId, children: &Children) -> Result<(), Fault> {
        for (order, _) in children.all() {
            self.execute(
                "UPDATE birth_child SET is_silent = $1 WHERE birth_id = $2 AND child = $3",
                vec![children.is_lost(order).into(), birth.0.into(), i64::from(order.0).into()],
            )
            .await?;
        }
        Ok(())
    }
}

fn place_value(place: i64) -> Value {
    place.into()
}
