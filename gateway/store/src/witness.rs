//! A witness's memory: the largest tree that it cosigned of each log.

use pmh_audit::Hash;
use tokio::sync::Mutex;

use crate::{
    Fault, Location,
    db::{Connection, FileLock},
    reader::{signed, unsigned},
};

/// The database of a witness. Restoring an older one would let it cosign two histories: it must never be restored.
pub struct WitnessStore {
    connection: Mutex<Connection>,
    _lock: Option<FileLock>,
}

/// A tree: its size and root.
pub type TreeHead = (u64, Hash);

impl WitnessStore {
    /// Opens the database and makes its table; a second process on one SQLite file is refused.
    pub async fn open(location: &Location) -> Result<Self, Fault> {
        let lock = FileLock::take(location)?;
        let mut connection = Connection::open(location).await?;
        connection.migrate_witness().await?;
        Ok(Self { connection: Mutex::new(connection), _lock: lock })
    }

    /// The largest tree cosigned of a log; `None` if there is none yet.
    pub async fn head(&self, origin: &str) -> Result<Option<TreeHead>, Fault> {
        let sql = "SELECT size, root FROM witness_head WHERE origin = $1";
        let row = self.connection.lock().await.fetch_one(sql, vec![origin.into()]).await?;
        row.map(|row| Ok((unsigned(row.int(0)?)?, row.array(1, "witness_head")?))).transpose()
    }

    /// Moves from the tree that was judged to the next one. False if another request came first: then nothing may be
    /// signed. Once true is returned the new head survives a crash.
    pub async fn advance(&self, origin: &str, from: Option<TreeHead>, to: TreeHead) -> Result<bool, Fault> {
        let mut connection = self.connection.lock().await;
        let changed = match from {
            None => {
                let sql = "INSERT INTO witness_head (origin, size, root) VALUES ($1, $2, $3)
                           ON CONFLICT (origin) DO NOTHING";
                connection.execute(sql, vec![origin.into(), signed(to.0)?.into(), to.1.into()]).await?
            }
            Some(from) => {
                let sql = "UPDATE witness_head SET size = $1, root = $2
                           WHERE origin = $3 AND size = $4 AND root = $5 AND size <= $1";
                let values = vec![
                    signed(to.0)?.into(),
                    to.1.into(),
                    origin.into(),
                    signed(from.0)?.into(),
                    from.1.into(),
                ];
                connection.execute(sql, values).await?
            }
        };
        Ok(changed == 1)
    }
}
