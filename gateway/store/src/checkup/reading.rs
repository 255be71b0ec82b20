//! A person's records as they read now, whoever sent them.

use std::collections::BTreeMap;

use pmh_domain::{
    checkup::{
        record::Checkup,
        version::{Held, SourceVersion, Standing, read, standing},
    },
    organization::IssuerId,
};
use sha2::{Digest as _, Sha256};

use super::{counting, read::version, rows_and_batches};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, PersonLink, Recorded, Reply, StoreKeys, SubjectRef,
    db::Value,
    gateway::{NON_DISCLOSURE, PROTECTIVE, parse, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Whose checkups are read.
#[derive(Clone)]
pub enum CheckupsOf {
    /// The person behind a reference.
    Person(SubjectRef),
    /// An issuer's own resident.
    Resident(IssuerId, String),
}

/// What is kept of a person.
#[derive(Clone, Default)]
pub struct PersonCheckups {
    /// The reference that stands for all references of this person.
    pub survivor: SubjectRef,
    /// Issuers' links.
    pub links: Vec<PersonLink>,
    /// By day, sender and record id.
    pub records: Vec<KeptCheckup>,
}

/// A record as it reads now. No reader is shown it but through `Checkup::seen_by`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCheckup {
    /// Names the record for ever and says nothing of whose it is.
    pub checkup_id: [u8; 16],
    /// `<kind>:<code>`.
    pub sender: String,
    /// The version that counts.
    pub checkup: Checkup,
    /// There were earlier versions.
    pub amended: bool,
    /// A later version is quarantined.
    pub disputed: bool,
    /// Every version held, the oldest first.
    pub versions: Vec<(SourceVersion, Standing)>,
    /// Bytes of its text, so that a page can be bounded.
    pub size: usize,
}

impl GatewayStore {
    /// A person's records; `None` if an issuer has no resident by this key.
    pub async fn read_checkups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        of: CheckupsOf,
        conclude: impl FnMut(Concluding<'_, Option<PersonCheckups>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, Read { of }, conclude).await
    }
}

struct Read {
    of: CheckupsOf,
}

impl Transaction for Read {
    type Outcome = Option<PersonCheckups>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let reference = match &self.of {
                CheckupsOf::Person(reference) => Some(*reference),
                CheckupsOf::Resident(issuer, key) => tx.resident(&short(*issuer), key).await?,
            };
            match reference {
                Some(reference) => tx.person_checkups(reference).await.map(Some),
                None => Ok(None),
            }
        })
    }
}

/// The rows of one record: by whose checkup each says it is, and its content.
type Rows = Vec<Held<SubjectRef, String>>;

impl Tx {
    /// Of a person, by any of the references, whoever sent them.
    pub(crate) async fn person_checkups(&mut self, reference: SubjectRef) -> Result<PersonCheckups, Fault> {
        let mut person = PersonCheckups { survivor: reference, ..PersonCheckups::default() };
        let mut references = vec![reference];
        for row in self.fetch(GROUP, vec![reference.into()]).await? {
            person.survivor = row.array(1, "subject_alias")?;
            let other = row.array(0, "subject_alias")?;
            if other != reference {
                references.push(other);
            }
        }
        let keys: Vec<Value> = references.iter().map(Value::from).collect();
        for row in self.connection.fetch_in(LINKS, &[], keys.clone()).await? {
            let restriction = row.int(1)?;
            person.links.push(PersonLink {
                link: parse(&row.text(0)?, "resident_link")?,
                non_disclosure: restriction & NON_DISCLOSURE != 0,
                protective: restriction & PROTECTIVE != 0,
            });
        }
        for ((sender, record_id), rows) in self.records_of(keys).await? {
            let kept = kept(&self.keys, sender, &record_id, &rows, &references)?;
            person.records.extend(kept);
        }
        person.records.sort_by_key(|kept| kept.checkup.date);
        Ok(person)
    }

    /// All rows of each record decide: a later version may have moved it to another resident.
    async fn records_of(&mut self, keys: Vec<Value>) -> Result<BTreeMap<(String, String), Rows>, Fault> {
        const VERSIONS: &str = concat!(
            "SELECT r.sender, r.record_id, r.source_version, r.body, r.subject_ref FROM ",
            rows_and_batches!(),
            " WHERE ",
            counting!(),
            " AND (r.sender, r.record_id) IN (SELECT own.sender, own.record_id FROM checkup_row own
                                               WHERE own.subject_ref IN ({keys}))"
        );
        let mut records: BTreeMap<(String, String), Rows> = BTreeMap::new();
        for row in self.connection.fetch_in(VERSIONS, &[], keys).await? {
            records.entry((row.text(0)?, row.text(1)?)).or_default().push(Held {
                version: version(row.int(2)?)?,
                batch: row.array(4, "checkup_row")?,
                content: row.text(3)?,
            });
        }
        Ok(records)
    }
}

fn kept(
    keys: &StoreKeys,
    sender: String,
    record_id: &str,
    rows: &Rows,
    references: &[SubjectRef],
) -> Result<Option<KeptCheckup>, Fault> {
    let Some(reading) = read(rows).filter(|reading| references.contains(&reading.row.batch)) else {
        return Ok(None);
    };
    let mut versions: Vec<_> = rows.iter().map(|row| (row.version, standing(rows, row))).collect();
    versions.sort_by_key(|(version, _)| *version);
    versions.dedup();
    Ok(Some(KeptCheckup {
        checkup_id: keys.checkup_id(&sender, record_id),
        sender,
        checkup: parse(&reading.row.content, "checkup_row")?,
        amended: reading.amended,
        disputed: reading.disputed,
        versions,
        size: reading.row.content.len(),
    }))
}

impl StoreKeys {
    /// Keyed: record ids are guessed easily, and where a restricted person's record came from must not be.
    fn checkup_id(&self, sender: &str, record_id: &str) -> [u8; 16] {
        let named = Sha256::new_with_prefix("pmh-checkup-v1\n").chain_update(sender).chain_update("\n");
        let tag = self.subject_tag(&named.chain_update(record_id).finalize().into());
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(tag) {
            *to = from;
        }
        id
    }
}

const GROUP: &str = "SELECT one.subject_ref, asked.survivor FROM subject_alias asked
     JOIN subject_alias one ON one.survivor = asked.survivor WHERE asked.subject_ref = $1";
const LINKS: &str = "SELECT body, restriction FROM resident_link
     WHERE subject_ref IN ({keys}) ORDER BY issuer, resident_key";

macro_rules! silent {
    ($($name:ident)*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}
silent!(CheckupsOf PersonCheckups KeptCheckup);
