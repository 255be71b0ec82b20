//! The directory: organizations, competences, watermarks. Small, read on every
//! call, so each replica keeps it in memory at the version that the log head states.

use std::collections::BTreeMap;

use pmh_domain::{
    codes::LawNumber,
    directory::{Competence, IssuerDirectory},
    organization::IssuerId,
};

use super::{GatewayStore, people};
use crate::{
    Attempt, Concluding, Conclusion, Fault, Idempotency, Recorded, Reply,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// `<kind>:<code>`.
    pub id: String,
    /// Name as published.
    pub name: String,
    /// May not connect now.
    pub suspended: bool,
    /// Microseconds.
    pub update_us: i64,
}

/// The directory at one version.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Raised by every change.
    pub version: i64,
    /// By `<kind>:<code>`.
    pub organizations: BTreeMap<String, Organization>,
    /// Who is competent for what.
    pub directory: IssuerDirectory,
    /// As-of instants, microseconds.
    pub watermarks: BTreeMap<(IssuerId, LawNumber), i64>,
}

/// A change of the directory.
#[derive(Debug, Clone)]
pub enum RegistryChange {
    /// Enrol or rename.
    PutOrganization {
        /// `<kind>:<code>`.
        id: String,
        /// Name.
        name: String,
    },
    /// Suspend or resume. The outcome is `None` if it is not enrolled.
    Suspend {
        /// `<kind>:<code>`.
        id: String,
        /// Which of both.
        suspended: bool,
    },
    /// Declare a competence.
    PutCompetence(Box<Competence>),
    /// Advance a watermark. The outcome is `None` if it would move back.
    AdvanceWatermark {
        /// Issuer.
        issuer: IssuerId,
        /// 法別番号.
        law_no: LawNumber,
        /// Microseconds.
        as_of_us: i64,
    },
}

impl GatewayStore {
    /// Changes the directory. The outcome tells the time of the change, or
    /// `None` if the change does not apply.
    pub async fn change_registry<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        change: RegistryChange,
        conclude: impl FnMut(Concluding<'_, Option<i64>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, idempotency, change, conclude).await
    }
}

impl Registry {
    pub(crate) async fn load(tx: &mut Tx) -> Result<Self, Fault> {
        let mut registry = Self { version: tx.registry, ..Self::default() };
        for row in
            tx.fetch("SELECT organization, name, suspended, update_us FROM organization", vec![]).await?
        {
            let id = row.text(0)?;
            let organization = Organization {
                id: id.clone(),
                name: row.text(1)?,
                suspended: row.flag(2)?,
                update_us: row.int(3)?,
            };
            registry.organizations.insert(id, organization);
        }
        let mut competences: Vec<Competence> = Vec::new();
        for row in tx.fetch("SELECT body FROM competence", vec![]).await? {
            competences.push(people::parse(&row.text(0)?, "competence")?);
        }
        registry.directory = IssuerDirectory::new(competences);
        for row in tx.fetch("SELECT issuer, law_no, as_of_us FROM watermark", vec![]).await? {
            let issuer = IssuerId::parse(&row.text(0)?)
                .map_err(|_| Fault::Inconsistent { table: "watermark", column: "issuer" })?;
            let law_no = LawNumber::parse(&row.text(1)?)
                .map_err(|_| Fault::Inconsistent { table: "watermark", column: "law_no" })?;
            registry.watermarks.insert((issuer, law_no), row.int(2)?);
        }
        Ok(registry)
    }
}

impl Transaction for RegistryChange {
    type Outcome = Option<i64>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<i64>, Fault>> {
        Box::pin(async move {
            let now = tx.now_us;
            let changed = match self {
                Self::PutOrganization { id, name } => {
                    tx.execute(
                        "INSERT INTO organization (organization, name, suspended, update_us) VALUES ($1, $2, 0, $3)
                         ON CONFLICT (organization) DO UPDATE
                         SET name = excluded.name, update_us = excluded.update_us",
                        vec![id.as_str().into(), name.as_str().into(), now.into()],
                    )
                    .await?
                }
                Self::Suspend { id, suspended } => {
                    tx.execute(
                        "UPDATE organization SET suspended = $1, update_us = $2 WHERE organization = $3",
                        vec![(*suspended).into(), now.into(), id.as_str().into()],
                    )
                    .await?
                }
                Self::PutCompetence(competence) => {
                    tx.execute(
                        "INSERT INTO competence (issuer, law_no, since, body) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (issuer, law_no, since) DO UPDATE SET body = excluded.body",
                        vec![
                            short(competence.issuer).into(),
                            competence.law_no().to_string().into(),
                            competence.interval.from().to_string().into(),
                            people::format(competence)?.into(),
                        ],
                    )
                    .await?
                }
                Self::AdvanceWatermark { issuer, law_no, as_of_us } => {
                    tx.execute(
                        "INSERT INTO watermark (issuer, law_no, as_of_us) VALUES ($1, $2, $3)
                         ON CONFLICT (issuer, law_no) DO UPDATE SET as_of_us = excluded.as_of_us
                         WHERE watermark.as_of_us <= excluded.as_of_us",
                        vec![short(*issuer).into(), law_no.to_string().into(), (*as_of_us).into()],
                    )
                    .await?
                }
            };
            if changed == 0 {
                return Ok(None);
            }
            tx.registry_changed();
            Ok(Some(now))
        })
    }
}

/// `<kind>:<code>` of an issuer.
pub(crate) fn short(issuer: IssuerId) -> String {
    issuer.organization().to_string()
}
