//! What the rules need beside a row.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use pmh_domain::{
    checkup::version::SourceVersion,
    organization::IssuerId,
    resident::{ResidentLink, Sex},
};

use crate::{
    Fault, Reader,
    db::Value,
    gateway::{parse, short},
};

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

pub(super) fn version(number: i64) -> Result<SourceVersion, Fault> {
    SourceVersion::parse(&number.to_string())
        .map_err(|_| Fault::Inconsistent { table: "checkup_row", column: "source_version" })
}
