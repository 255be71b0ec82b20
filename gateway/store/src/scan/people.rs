//! The index by person, which is no part of the tree: rows must point into the log, and forward.

use super::{LogDefect, Scan};
use crate::{
    Fault,
    reader::{signed, unsigned},
};

impl Scan {
    /// Reads the index by person. One long statement, so not for a scrubber.
    ///
    /// Rows may be erased, so gaps are no defect; that a chain has none is what its own parts prove to the person.
    pub async fn check_people(&mut self) -> Result<(), Fault> {
        let row = self
            .reader
            .fetch_one(
                "SELECT COUNT(*) FROM (
                    SELECT idx, seq, LAG(idx) OVER (PARTITION BY subject_tag ORDER BY seq) AS earlier FROM subject_ix
                 ) chained
                 WHERE idx < 0 OR seq < 1 OR earlier >= idx
                    OR idx >= (SELECT CASE WHEN size > $1 THEN size ELSE $1 END FROM log_head WHERE log_id = 1)",
                vec![signed(self.size)?.into()],
            )
            .await?;
        let wrong = row.map_or(Ok(0), |row| unsigned(row.int(0)?))?;
        if wrong > 0 {
            self.found(LogDefect::People(wrong));
        }
        Ok(())
    }
}
