//! Entries whose display the law delays: shown as withheld to the person, and to nobody else as anything.

use super::signed;
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

struct Delay {
    index: u64,
    until_us: i64,
    ground: String,
}

impl GatewayStore {
    /// Delays the display of an entry until an instant, by a provision of law. The outcome is false if there is no such
    /// entry about a person. A delay can be changed, and lifted by an instant in the past.
    pub async fn put_access_delay<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        (index, until_us): (u64, i64),
        ground: String,
        conclude: impl FnMut(Concluding<'_, bool>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), Delay { index, until_us, ground }, conclude)
            .await
    }
}

impl Transaction for Delay {
    type Outcome = bool;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            let index = signed(self.index)?;
            let found = tx
                .fetch_one(
                    "SELECT 1 FROM audit_part p JOIN subject_key k ON k.key_id = p.key_id WHERE p.idx = $1",
                    vec![index.into()],
                )
                .await?;
            if found.is_none() {
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO access_delay (idx, until_us, ground) VALUES ($1, $2, $3)
                 ON CONFLICT (idx) DO UPDATE SET until_us = excluded.until_us, ground = excluded.ground",
                vec![index.into(), self.until_us.into(), self.ground.as_str().into()],
            )
            .await?;
            Ok(true)
        })
    }
}
