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

    /// The same by an issuer's keys of its residents.
    pub(crate) async fn silent_residents(
        &mut self,
        issuer: &str,
        residents: Vec<Value>,
    ) -> Result<BTreeSet<String>, Fault> {
        let rows = self.connection.fetch_in(SILENT_RESIDENTS, &[issuer.into()], residents).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }
}

const SILENT: &str = "SELECT asked.subject_ref FROM subject_alias asked
     JOIN subject_alias one ON one.survivor = asked.survivor
     JOIN birth_child c ON c.child_ref = one.subject_ref
     WHERE c.is_silent = 1 AND asked.subject_ref IN ({keys})";

const SILENT_RESIDENTS: &str = "SELECT l.resident_key FROM resident_link l
     JOIN subject_alias asked ON asked.subject_ref = l.subject_ref
     JOIN subject_alias one ON one.survivor = asked.survivor
     JOIN birth_child c ON c.child_ref = one.subject_ref
     WHERE c.is_silent = 1 AND l.issuer = $1 AND l.resident_key IN ({keys})";
