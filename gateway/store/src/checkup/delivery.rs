//! To whom an institution's record went, and when that municipality first read it.

use super::record::is_institution;
use crate::{Fault, db::Row, reader::signed, sequencer::Tx};

/// A version of an institution's record on its way to where the person lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDelivery {
    /// The institution's version.
    pub version: i64,
    /// `<kind>:<code>`; empty: nobody knew where the person lives.
    pub municipality: String,
    /// Who acts for the person stood at the counter.
    pub on_behalf: bool,
    /// Its scores ask that somebody hears at once.
    pub urgent: bool,
    /// When, microseconds.
    pub delivered_us: i64,
    /// When the municipality was first shown it, microseconds.
    pub read_us: Option<i64>,
    /// For each urgent case of the record at that municipality, when a person acknowledged it, microseconds.
    pub cases: Vec<Option<i64>>,
}

impl Tx {
    /// Deliveries of a record, the oldest version first; none of a municipality's own.
    pub(super) async fn deliveries(
        &mut self,
        sender: &str,
        record_id: &str,
    ) -> Result<Vec<KeptDelivery>, Fault> {
        const DELIVERIES: &str =
            "SELECT d.source_version, d.municipality, d.on_behalf, d.urgent, d.delivered_us,
                    d.read_us, COALESCE(u.read_us, -1) FROM checkup_delivery d
             LEFT JOIN checkup_urgent_sender s
                  ON s.municipality = d.municipality AND s.sender = d.sender AND s.record_id = d.record_id
             LEFT JOIN checkup_urgent u ON u.municipality = s.municipality AND u.case_id = s.case_id
             WHERE d.sender = $1 AND d.record_id = $2 ORDER BY d.source_version, u.case_id";
        if !is_institution(sender) {
            return Ok(Vec::new());
        }
        let mut found: Vec<KeptDelivery> = Vec::new();
        for row in self.fetch(DELIVERIES, vec![sender.into(), record_id.into()]).await? {
            let (next, read_us) = (delivery(&row)?, row.int(6)?);
            let case = (read_us != NO_CASE).then(|| some_time(read_us));
            match found.last_mut().filter(|known| known.version == next.version) {
                Some(known) => known.cases.extend(case),
                None => found.push(KeptDelivery { cases: case.into_iter().collect(), ..next }),
            }
        }
        Ok(found)
    }

    /// The municipality is shown a record up to a version. The first showing of each stays.
    pub(super) async fn shown_to(
        &mut self,
        municipality: &str,
        sender: &str,
        record_id: &str,
        version: i64,
    ) -> Result<(), Fault> {
        let (now, entry) = (self.now_us, signed(self.next_index)?);
        let sql = "UPDATE checkup_delivery SET read_us = $1, read_idx = $2
             WHERE sender = $3 AND record_id = $4 AND source_version <= $5 AND municipality = $6 AND read_us = 0";
        let values = vec![
            now.into(),
            entry.into(),
            sender.into(),
            record_id.into(),
            version.into(),
            municipality.into(),
        ];
        self.execute(sql, values).await.map(drop)
    }
}

fn delivery(row: &Row) -> Result<KeptDelivery, Fault> {
    Ok(KeptDelivery {
        version: row.int(0)?,
        municipality: row.text(1)?,
        on_behalf: row.int(2)? != 0,
        urgent: row.int(3)? != 0,
        delivered_us: row.int(4)?,
        read_us: some_time(row.int(5)?),
        cases: Vec::new(),
    })
}

const NO_CASE: i64 = -1;

/// 0 is never.
fn some_time(us: i64) -> Option<i64> {
    (us != 0).then_some(us)
}
