//! Of whom nothing may be said any more.

use std::collections::BTreeSet;

use crate::{Fault, SubjectRef, db::Value, sequencer::Tx};

impl Tx {
    /// Those of some references whose person is a lost child, under whichever reference.
    pub(crate) async fn silent_among(
        &mut self,
        people: Vec<SubjectRef>,
    ) -> Result<BTreeSet<SubjectRef>, Fault> {
        let keys: Vec<Value> = people.iter().map(Value::from).collect();
        let rows = self.connection.fetch_in(SILENT, &[], keys).await?;
        rows.iter().map(|row| row.array(0, "subject_alias")).collect()
    }
}

const SILENT: &str = "SELECT asked.subject_ref FROM subject_alias asked
     JOIN subject_alias one ON one.survivor = asked.survivor
     JOIN birth_child c ON c.child_ref = one.subject_ref
     WHERE c.is_silent = 1 AND asked.subject_ref IN ({keys})";
