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

use super::{KeptDelivery, counting, read::version, rows_and_batches};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, PersonLink, Recorded, Reply, StoreKeys, SubjectRef,
    db::Value,
    gateway::{parse, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Whose checkups are read.
#[derive(Clone)]
pub enum CheckupsOf {
    /// The person behind a reference.
    Person(SubjectRef),
    /// The same, who reads about herself: with what she answered at her children's checkups.
    Oneself(SubjectRef),
    /// An issuer's own resident.
    Resident(IssuerId, String),
    /// Whose record it is that an institution, `<kind>:<code>`, keeps under its own id.
    Recorded(String, String),
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
    /// Records of children that name the person as their mother, by day; only where they were asked for.
    pub at_childrens: Vec<KeptCheckup>,
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
    /// Of an institution's record, by version, to whom it went.
    pub deliveries: Vec<KeptDelivery>,
}

impl GatewayStore {
    /// A person's records; `None` if an issuer has no resident by this key.
    pub async fn read_checkups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        of: CheckupsOf,
        conclude: impl FnMut(Concluding<'_, Option<PersonCheckups>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, Read { of, shown: None }, conclude).await
    }

    /// The same for an issuer about its own resident. Institutions' records that `shown` names count as read by it from
    /// this entry on.
    pub async fn show_checkups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        (issuer, key): (IssuerId, String),
        shown: impl Fn(&PersonCheckups) -> Vec<[u8; 16]> + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, Option<PersonCheckups>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let shown: Option<Shown> = Some((short(issuer), Box::new(shown)));
        let read = Read { of: CheckupsOf::Resident(issuer, key), shown };
        self.write(Lane::Interactive, attempt, None, read, conclude).await
    }
}

/// Who is shown records, and which of them.
type Shown = (String, Box<dyn Fn(&PersonCheckups) -> Vec<[u8; 16]> + Send + Sync>);

struct Read {
    of: CheckupsOf,
    shown: Option<Shown>,
}

impl Transaction for Read {
    type Outcome = Option<PersonCheckups>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let reference = match &self.of {
                CheckupsOf::Person(reference) | CheckupsOf::Oneself(reference) => Some(*reference),
                CheckupsOf::Resident(issuer, key) => tx.resident(&short(*issuer), key).await?,
                CheckupsOf::Recorded(sender, record_id) => tx.recorded_subject(sender, record_id).await?,
            };
            let Some(reference) = reference else { return Ok(None) };
            let mut person = tx.person_checkups(reference).await?;
            if let CheckupsOf::Oneself(_) = self.of {
                person.at_childrens = tx.at_childrens(&person.links).await?;
                person.at_childrens.sort_by_key(|kept| kept.checkup.date);
            }
            if let Some((municipality, shown)) = &self.shown {
                let shown = shown(&person);
                for kept in person.records.iter().filter(|kept| shown.contains(&kept.checkup_id)) {
                    tx.note_shown(municipality, kept).await?;
                }
            }
            Ok(Some(person))
        })
    }
}

/// The rows of one record: by whose checkup each says it is, and its content.
pub(super) type Rows = Vec<Held<SubjectRef, String>>;

impl Tx {
    /// Of a person, by any of the references, whoever sent them.
    pub(crate) async fn person_checkups(&mut self, reference: SubjectRef) -> Result<PersonCheckups, Fault> {
        let (survivor, references) = self.person_of(reference).await?;
        let links = self.links_of(&references).await?;
        let mut person = PersonCheckups { survivor, links, ..PersonCheckups::default() };
        for ((sender, record_id), rows) in
            self.records_of(references.iter().map(Value::from).collect()).await?
        {
            let Some((subject, mut kept)) = kept(&self.keys, sender, &record_id, &rows)? else { continue };
            if references.contains(&subject) {
                kept.deliveries = self.deliveries(&kept.sender, &record_id).await?;
                person.records.push(kept);
            }
        }
        person.records.sort_by_key(|kept| kept.checkup.date);
        Ok(person)
    }

    /// The reference that stands for all of a person's, and all of them.
    pub(super) async fn person_of(
        &mut self,
        reference: SubjectRef,
    ) -> Result<(SubjectRef, Vec<SubjectRef>), Fault> {
        let (mut survivor, mut references) = (reference, vec![reference]);
        for row in self.fetch(GROUP, vec![reference.into()]).await? {
            survivor = row.array(1, "subject_alias")?;
            let other = row.array(0, "subject_alias")?;
            if other != reference {
                references.push(other);
            }
        }
        Ok((survivor, references))
    }

    async fn note_shown(&mut self, municipality: &str, kept: &KeptCheckup) -> Result<(), Fault> {
        if kept.deliveries.is_empty() {
            return Ok(());
        }
        let version = kept.checkup.source_version.number();
        self.shown_to(municipality, &kept.sender, &kept.checkup.record_id, version).await
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

/// Whose record it is now, and how it reads.
pub(super) fn kept(
    keys: &StoreKeys,
    sender: String,
    record_id: &str,
    rows: &Rows,
) -> Result<Option<(SubjectRef, KeptCheckup)>, Fault> {
    let Some(reading) = read(rows) else { return Ok(None) };
    let mut versions: Vec<_> = rows.iter().map(|row| (row.version, standing(rows, row))).collect();
    versions.sort_by_key(|(version, _)| *version);
    versions.dedup();
    let kept = KeptCheckup {
        checkup_id: keys.checkup_id(&sender, record_id),
        sender,
        checkup: parse(&reading.row.content, "checkup_row")?,
        amended: reading.amended,
        disputed: reading.disputed,
        versions,
        size: reading.row.content.len(),
        deliveries: Vec::new(),
    };
    Ok(Some((reading.row.batch, kept)))
}

impl StoreKeys {
    /// Keyed: record ids are guessed easily, and where a restricted person's record came from must not be.
    pub(super) fn checkup_id(&self, sender: &str, record_id: &str) -> [u8; 16] {
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
pmh_domain::withheld!(CheckupsOf, PersonCheckups, KeptCheckup);
