//! A resident's records as they read now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use pmh_domain::{
    checkup::{
        record::Checkup,
        version::{Held, SourceVersion, read},
    },
    organization::IssuerId,
    resident::{ResidentLink, Sex},
};

use super::{counting, rows_and_batches};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Reader, Recorded, Reply, SubjectRef,
    db::Value,
    gateway::{parse, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A record as a reader sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCheckup {
    /// The version that counts.
    pub checkup: Checkup,
    /// There were earlier versions.
    pub amended: bool,
    /// A later version is quarantined.
    pub disputed: bool,
}

impl std::fmt::Debug for KeptCheckup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptCheckup(..)")
    }
}

/// What plausibility needs of a resident.
#[derive(Clone, Copy)]
pub struct KnownResident {
    /// Birth date.
    pub birth_date: Date,
    /// Sex.
    pub sex: Sex,
}

impl std::fmt::Debug for KnownResident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownResident(..)")
    }
}

impl Reader {
    /// An issuer's residents by their keys, for the rules to compare with. What is kept is decided on the links as of
    /// the commit.
    pub async fn known_residents(
        &self,
        issuer: IssuerId,
        keys: &[&str],
    ) -> Result<HashMap<String, KnownResident>, Fault> {
        let keys: BTreeSet<&str> = keys.iter().copied().collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let places: Vec<String> = (2..keys.len() + 2).map(|place| format!("${place}")).collect();
        let sql = format!(
            "SELECT resident_key, body FROM resident_link WHERE issuer = $1 AND resident_key IN ({})",
            places.join(", ")
        );
        let values = std::iter::once(short(issuer).into()).chain(keys.into_iter().map(Value::from));
        let rows = self.fetch(&sql, values.collect()).await?;
        rows.iter()
            .map(|row| {
                let link: ResidentLink = parse(&row.text(1)?, "resident_link")?;
                Ok((row.text(0)?, KnownResident { birth_date: link.birth_date, sex: link.sex }))
            })
            .collect()
    }
}

impl GatewayStore {
    /// A municipality's own records of its resident, by day and id; `None` if it has none by this key.
    pub async fn list_checkups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        issuer: IssuerId,
        resident_key: String,
        conclude: impl FnMut(Concluding<'_, Option<(SubjectRef, Vec<KeptCheckup>)>>) -> Conclusion<R>
        + Send
        + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, ReadBack { issuer, resident_key }, conclude).await
    }
}

struct ReadBack {
    issuer: IssuerId,
    resident_key: String,
}

/// A row of a record: whose it is, and its content.
type Version = Held<SubjectRef, String>;

impl Transaction for ReadBack {
    type Outcome = Option<(SubjectRef, Vec<KeptCheckup>)>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let issuer = short(self.issuer);
            let Some(subject) = tx.resident(&issuer, &self.resident_key).await? else { return Ok(None) };
            Ok(Some((subject, tx.kept_checkups(&issuer, subject).await?)))
        })
    }
}

impl Tx {
    /// A municipality's own records of a person, by day and id.
    pub(crate) async fn kept_checkups(
        &mut self,
        issuer: &str,
        subject: SubjectRef,
    ) -> Result<Vec<KeptCheckup>, Fault> {
        // A later version may have moved the record to another resident, so all rows of each record decide.
        const VERSIONS: &str = concat!(
            "SELECT r.record_id, r.source_version, r.body, r.subject_ref FROM ",
            rows_and_batches!(),
            " WHERE r.sender = $2 AND ",
            counting!(),
            " AND r.record_id IN (SELECT own.record_id FROM checkup_row own
                                  WHERE own.subject_ref = $1 AND own.sender = $2)"
        );
        let mut records: BTreeMap<String, Vec<Version>> = BTreeMap::new();
        for row in self.fetch(VERSIONS, vec![subject.into(), issuer.into()]).await? {
            records.entry(row.text(0)?).or_default().push(Held {
                version: version(row.int(1)?)?,
                batch: row.array(3, "checkup_row")?,
                content: row.text(2)?,
            });
        }
        let mut kept = Vec::new();
        for rows in records.values() {
            let Some(reading) = read(rows).filter(|reading| reading.row.batch == subject) else {
                continue;
            };
            kept.push(KeptCheckup {
                checkup: parse(&reading.row.content, "checkup_row")?,
                amended: reading.amended,
                disputed: reading.disputed,
            });
        }
        kept.sort_by_key(|kept| kept.checkup.date);
        Ok(kept)
    }
}

pub(super) fn version(number: i64) -> Result<SourceVersion, Fault> {
    SourceVersion::parse(&number.to_string())
        .map_err(|_| Fault::Inconsistent { table: "checkup_row", column: "source_version" })
}
