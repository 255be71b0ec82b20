//! What is known about persons, loaded for a whole batch in two statements.

use std::collections::HashMap;

use pmh_domain::{entitlement::Entitlement, resident::ResidentLink};

use super::SubjectRef;
use crate::{Fault, db::Value, sequencer::Tx};

/// All that a decision about one person needs.
#[derive(Debug, Clone, Default)]
pub struct PersonFacts {
    /// Issuers' links, of all references that are this person.
    pub links: Vec<PersonLink>,
    /// All versions of all rights.
    pub entitlements: Vec<Entitlement>,
}

/// A link and what is withheld about it.
#[derive(Clone)]
pub struct PersonLink {
    /// The link.
    pub link: ResidentLink,
    /// 不開示.
    pub non_disclosure: bool,
    /// Protective.
    pub protective: bool,
}

impl std::fmt::Debug for PersonLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonLink(..)")
    }
}

impl PersonLink {
    fn of(body: &str, restriction: i64) -> Result<Self, Fault> {
        Ok(Self {
            link: parse(body, "resident_link")?,
            non_disclosure: restriction & NON_DISCLOSURE != 0,
            protective: restriction & PROTECTIVE != 0,
        })
    }
}

/// Restriction bits in `resident_link.restriction`.
pub(crate) const NON_DISCLOSURE: i64 = 1;
pub(crate) const PROTECTIVE: i64 = 2;

/// Facts of every person asked for; somebody unknown has none.
pub(crate) async fn load_people(
    tx: &mut Tx,
    people: Vec<SubjectRef>,
) -> Result<HashMap<SubjectRef, PersonFacts>, Fault> {
    let keys: Vec<Value> = people.iter().map(Value::from).collect();
    let mut facts: HashMap<SubjectRef, PersonFacts> = HashMap::with_capacity(people.len());
    let links = tx
        .connection
        .fetch_in(
            "SELECT asked.subject_ref, l.body, l.restriction
             FROM subject_alias asked
             JOIN subject_alias one ON one.survivor = asked.survivor
             JOIN resident_link l ON l.subject_ref = one.subject_ref
             WHERE asked.subject_ref IN ({keys})
             ORDER BY l.issuer, l.resident_key",
            &[],
            keys.clone(),
        )
        .await?;
    for row in links {
        let link = PersonLink::of(&row.text(1)?, row.int(2)?)?;
        facts.entry(row.array(0, "subject_alias")?).or_default().links.push(link);
    }
    let entitlements = tx
        .connection
        .fetch_in(
            "SELECT asked.subject_ref, e.body
             FROM subject_alias asked
             JOIN subject_alias one ON one.survivor = asked.survivor
             JOIN entitlement e ON e.subject_ref = one.subject_ref
             WHERE asked.subject_ref IN ({keys})
             ORDER BY e.entry_idx, e.entry_position",
            &[],
            keys,
        )
        .await?;
    for row in entitlements {
        let version = parse(&row.text(1)?, "entitlement")?;
        facts.entry(row.array(0, "subject_alias")?).or_default().entitlements.push(version);
    }
    Ok(facts)
}

impl Tx {
    /// Issuers' links of all these references.
    pub(crate) async fn links_of(&mut self, references: &[SubjectRef]) -> Result<Vec<PersonLink>, Fault> {
        let sql = "SELECT body, restriction FROM resident_link
             WHERE subject_ref IN ({keys}) ORDER BY issuer, resident_key";
        let rows = self.connection.fetch_in(sql, &[], references.iter().map(Value::from).collect()).await?;
        rows.iter().map(|row| PersonLink::of(&row.text(0)?, row.int(1)?)).collect()
    }
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(text: &str, table: &'static str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Inconsistent { table, column: "body" })
}

pub(crate) fn format(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Inconsistent { table: "body", column: "body" })
}
