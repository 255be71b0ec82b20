//! What a mother said of herself at her children's checkups: found by the key that the sender has of her.

use std::collections::BTreeMap;

use pmh_domain::checkup::{record::Checkup, version::Held};

use super::{
    counting,
    read::version,
    reading::{KeptCheckup, Rows, kept},
    rows_and_batches,
};
use crate::{Fault, PersonLink, gateway::short, sequencer::Tx};

impl Tx {
    /// Notes which records name a mother. Noted once, it only finds them: the rows held decide.
    pub(super) async fn note_mothers<'a>(
        &mut self,
        sender: &str,
        checkups: impl Iterator<Item = &'a Checkup>,
    ) -> Result<(), Fault> {
        let named = checkups.filter_map(|checkup| {
            let key = checkup.mother_key.as_ref()?;
            Some(vec![sender.into(), key.as_str().into(), checkup.record_id.as_str().into()])
        });
        let head = "INSERT INTO checkup_mother (sender, mother_key, record_id)";
        let tail = "ON CONFLICT (sender, mother_key, record_id) DO NOTHING";
        self.connection.insert(head, tail, named.collect()).await.map(drop)
    }

    /// Records of children that name the person behind these links as the mother. One of a child under a restriction is
    /// left out: that there was a checkup, and where, would say too much (design.md §2, P5).
    pub(super) async fn at_childrens(&mut self, links: &[PersonLink]) -> Result<Vec<KeptCheckup>, Fault> {
        const NAMED: &str = "SELECT record_id FROM checkup_mother WHERE sender = $1 AND mother_key = $2";
        let mut found = Vec::new();
        for link in links.iter().map(|known| &known.link) {
            let (sender, key) = (short(link.issuer), link.resident_key.as_str());
            let rows = self.fetch(NAMED, vec![sender.as_str().into(), key.into()]).await?;
            let records = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
            for (record_id, rows) in self.named_records(&sender, records).await? {
                let Some((child, kept)) = kept(&self.keys, sender.clone(), &record_id, &rows)? else {
                    continue;
                };
                let is_hers = kept.checkup.mother_key.as_ref().is_some_and(|named| named.as_str() == key);
                if is_hers && !self.is_restricted(child).await? {
                    found.push(kept);
                }
            }
        }
        Ok(found)
    }

    async fn named_records(
        &mut self,
        sender: &str,
        records: Vec<String>,
    ) -> Result<BTreeMap<String, Rows>, Fault> {
        const VERSIONS: &str = concat!(
            "SELECT r.record_id, r.source_version, r.body, r.subject_ref FROM ",
            rows_and_batches!(),
            " WHERE r.sender = $1 AND ",
            counting!(),
            " AND r.record_id IN ({keys})"
        );
        let keys = records.into_iter().map(Into::into).collect();
        let mut found: BTreeMap<String, Rows> = BTreeMap::new();
        for row in self.connection.fetch_in(VERSIONS, &[sender.into()], keys).await? {
            found.entry(row.text(0)?).or_default().push(Held {
                version: version(row.int(1)?)?,
                batch: row.array(3, "checkup_row")?,
                content: row.text(2)?,
            });
        }
        Ok(found)
    }
}
