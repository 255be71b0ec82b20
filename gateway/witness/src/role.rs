//! The witness: judge, write down, only then sign.

use std::{collections::BTreeMap, sync::Arc};

use pmh_audit::{Checkpoint, VerifierKey, note::CosigningKey, witness::AddCheckpoint};
use pmh_store::WitnessStore;

use crate::judge::{Refusal, judge};

/// Seconds since 1970 UTC, from the program's clock.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Cosigns the logs it knows.
pub struct Witness {
    key: CosigningKey,
    logs: BTreeMap<String, VerifierKey>,
    memory: WitnessStore,
    clock: Clock,
}

impl Witness {
    /// A witness of these logs; a log is known by the name of its key, which is its origin.
    pub fn new(
        key: CosigningKey,
        logs: impl IntoIterator<Item = VerifierKey>,
        memory: WitnessStore,
        clock: Clock,
    ) -> Self {
        let logs = logs.into_iter().map(|log| (log.name().to_owned(), log)).collect();
        Self { key, logs, memory, clock }
    }

    /// Verifier key that others put into their policies.
    pub fn key(&self) -> &CosigningKey {
        &self.key
    }

    /// The body of an `add-checkpoint` request becomes a signature line. When it returns one, the tree it speaks of
    /// survives a crash of the witness; of two requests racing, one is told the size of the other.
    pub async fn add_checkpoint(&self, body: &[u8]) -> Result<String, Refusal> {
        let request = AddCheckpoint::decode(body).map_err(|_| Refusal::Malformed)?;
        let (origin, _) = request.note().split_once('\n').ok_or(Refusal::Malformed)?;
        let log = self.logs.get(origin).ok_or(Refusal::UnknownLog)?;
        let next = Checkpoint::open(request.note().as_bytes(), log).map_err(|_| Refusal::Unsigned)?;
        loop {
            let known = self.memory.head(origin).await.map_err(|_| Refusal::Memory)?;
            judge(known, &request, &next)?;
            let to = (next.size(), *next.root());
            if self.memory.advance(origin, known, to).await.map_err(|_| Refusal::Memory)? {
                break;
            }
        }
        self.key.cosign(&next.text(), (self.clock)()).map_err(|_| Refusal::Memory)
    }
}
