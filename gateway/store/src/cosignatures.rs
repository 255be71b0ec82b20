//! What witnesses said about the trees of a log.

use pmh_audit::Hash;

use crate::{
    Attempt, Concluding, Conclusion, Fault, Reader, Reply,
    db::Value,
    reader::{signed, unsigned},
    sequencer::{BoxFuture, Handle, Lane, Transaction, Tx, WriteJob},
};

/// One witness's line about one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCosignature {
    /// Size of the tree.
    pub size: u64,
    /// Verifier key of the witness.
    pub witness: String,
    /// Signature line with its newline.
    pub line: String,
    /// By the witness's clock, seconds since 1970.
    pub time_s: u64,
}

/// A signed tree and who cosigned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedRoot {
    /// Size of the tree.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Lines, ordered by witness.
    pub lines: Vec<StoredCosignature>,
}

/// Writes down what witnesses answered.
#[derive(Clone)]
pub struct Cosigner {
    handle: Handle,
}

impl Cosigner {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// Keeps a verified line. The first line of a witness about a tree stays.
    pub async fn keep(&self, attempt: Attempt, cosignature: StoredCosignature) -> Result<(), Fault> {
        let conclude = |_: Concluding<'_, ()>| Conclusion::<()> { reply: Reply::Answer(vec![]), draft: None };
        let (job, answer) = WriteJob::new(attempt, None, Keep(cosignature), conclude);
        // A counter waits for nobody's witness.
        self.handle.submit(Lane::Bulk, Box::new(job)).await?;
        answer.await.map_err(|_| Fault::Unavailable("sequencer ended"))?.map(drop)
    }
}

struct Keep(StoredCosignature);

impl Transaction for Keep {
    type Outcome = ();
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async {
            let StoredCosignature { size, witness, line, time_s } = &self.0;
            tx.execute(
                "INSERT INTO log_cosig (size, witness, line, time_s) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (size, witness) DO NOTHING",
                vec![
                    signed(*size)?.into(),
                    witness.as_str().into(),
                    line.as_str().into(),
                    signed(*time_s)?.into(),
                ],
            )
            .await
            .map(drop)
        })
    }
}

impl Reader {
    /// The newest tree that a witness cosigned, and when; `None` if it never did.
    pub async fn newest_cosigned_by(&self, witness: &str) -> Result<Option<StoredCosignature>, Fault> {
        let row = self
            .fetch_one(
                "SELECT size, witness, line, time_s FROM log_cosig WHERE witness = $1 ORDER BY size DESC LIMIT 1",
                vec![witness.into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest tree of at least `least` entries that at least `quorum` of these witnesses cosigned, with their
    /// lines. Whoever is no witness any more counts no more.
    pub async fn newest_cosigned(
        &self,
        least: u64,
        witnesses: &[String],
        quorum: u32,
    ) -> Result<Option<CosignedRoot>, Fault> {
        if witnesses.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = (3..).take(witnesses.len()).map(|number| format!("${number}")).collect();
        let sql = format!(
            "SELECT newest.size, r.root FROM (
                 SELECT size FROM log_cosig WHERE size >= $1 AND witness IN ({})
                 GROUP BY size HAVING COUNT(*) >= $2 ORDER BY size DESC LIMIT 1
             ) newest JOIN log_root r ON r.size = newest.size",
            names.join(", ")
        );
        let mut values: Vec<Value> = vec![signed(least)?.into(), i64::from(quorum).into()];
        values.extend(witnesses.iter().map(|witness| witness.as_str().into()));
        let Some(row) = self.fetch_one(&sql, values).await? else { return Ok(None) };
        let (size, root) = (unsigned(row.int(0)?)?, row.array(1, "log_root")?);
        let mut lines = self.cosignatures(size).await?;
        lines.retain(|line| witnesses.contains(&line.witness));
        Ok(Some(CosignedRoot { size, root, lines }))
    }

    /// All lines about one tree.
    pub async fn cosignatures(&self, size: u64) -> Result<Vec<StoredCosignature>, Fault> {
        let rows = self
            .fetch(
                "SELECT size, witness, line, time_s FROM log_cosig WHERE size = $1 ORDER BY witness",
                vec![signed(size)?.into()],
            )
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &crate::db::Row) -> Result<StoredCosignature, Fault> {
    Ok(StoredCosignature {
        size: unsigned(row.int(0)?)?,
        witness: row.text(1)?,
        line: row.text(2)?,
        time_s: unsigned(row.int(3)?)?,
    })
}
