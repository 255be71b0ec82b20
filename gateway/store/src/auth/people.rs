//! Persons and which of them are one.

use std::collections::HashMap;

use super::{AuthStore, Person};
use crate::{
    Attempt, Conclusion, Fault, Recorded, Reply,
    sequencer::{BoxFuture, Transaction, Tx},
};

/// A person for an issuer's resident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minted {
    /// The person.
    pub person: Person,
    /// False if the same resident was minted before.
    pub new: bool,
}

struct Mint {
    /// Key of the resident and the bits to use if it is new.
    wanted: Vec<([u8; 32], Person)>,
}

impl AuthStore {
    /// Persons for residents, by a keyed hash of issuer and resident key; the
    /// same hash always finds the same person. No entry: nothing is disclosed,
    /// and the chunk that needs them is recorded in the gateway's log.
    pub async fn mint(
        &self,
        attempt: Attempt,
        wanted: Vec<([u8; 32], Person)>,
    ) -> Result<Vec<Minted>, Fault> {
        let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
        let recorded: Recorded<Reply<()>> = self
            .write(attempt, Mint { wanted }, move |concluding| {
                if let crate::Concluding::Fresh(minted) = concluding {
                    // The receiver lives until the write has been answered.
                    let _ = keep.send(minted);
                }
                Conclusion { reply: Reply::Answer(Vec::new()), draft: None }
            })
            .await?;
        drop(recorded);
        let mut last = None;
        while let Ok(minted) = kept.try_recv() {
            last = Some(minted);
        }
        last.ok_or(Fault::Unavailable("not decided"))
    }
}

impl Transaction for Mint {
    type Outcome = Vec<Minted>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let keys = self.wanted.iter().map(|(key, _)| key.into()).collect();
            let rows = tx
                .connection
                .fetch_in("SELECT mint_key, person FROM minted WHERE mint_key IN ({keys})", &[], keys)
                .await?;
            let mut known: HashMap<[u8; 32], Person> = HashMap::with_capacity(self.wanted.len());
            for row in rows {
                known.insert(row.array(0, "minted")?, row.array(1, "minted")?);
            }
            let mut minted = Vec::with_capacity(self.wanted.len());
            let (mut persons, mut keys) = (Vec::new(), Vec::new());
            for (key, fresh) in &self.wanted {
                let person = *known.entry(*key).or_insert_with(|| {
                    persons.push(vec![fresh.into(), tx.now_us.into()]);
                    keys.push(vec![key.into(), fresh.into()]);
                    *fresh
                });
                minted.push(Minted { person, new: person == *fresh });
            }
            tx.connection.insert("INSERT INTO person (person, created_us)", "", persons).await?;
            tx.connection.insert("INSERT INTO minted (mint_key, person)", "", keys).await?;
            Ok(minted)
        })
    }
}

impl Tx {
    pub(super) async fn add_person(&mut self, person: &Person) -> Result<(), Fault> {
        let now = self.now_us;
        self.execute(
            "INSERT INTO person (person, created_us) VALUES ($1, $2)",
            vec![person.into(), now.into()],
        )
        .await
        .map(drop)
    }

    /// The survivor of a person: itself, unless it turned out to be another.
    pub(super) async fn survivor(&mut self, person: Person) -> Result<Person, Fault> {
        let row = self
            .fetch_one("SELECT survivor FROM person_alias WHERE person = $1", vec![person.into()])
            .await?;
        Ok(row.map(|row| row.array(0, "person_alias")).transpose()?.unwrap_or(person))
    }

    /// Makes two persons one; the older survives. Aliases stay flat, so a
    /// lookup never follows more than one step. Gives the survivor.
    pub(super) async fn merge(&mut self, a: Person, b: Person) -> Result<Person, Fault> {
        let (a, b) = (self.survivor(a).await?, self.survivor(b).await?);
        if a == b {
            return Ok(a);
        }
        let (survivor, absorbed) =
            if self.created(a).await? <= self.created(b).await? { (a, b) } else { (b, a) };
        let now = self.now_us;
        self.execute(
            "UPDATE person_alias SET survivor = $1 WHERE survivor = $2",
            vec![survivor.into(), absorbed.into()],
        )
        .await?;
        self.execute(
            "INSERT INTO person_alias (person, survivor, created_us) VALUES ($1, $2, $3)",
            vec![absorbed.into(), survivor.into(), now.into()],
        )
        .await?;
        Ok(survivor)
    }

    pub(super) async fn created(&mut self, person: Person) -> Result<(bool, i64), Fault> {
        let row = self
            .fetch_one("SELECT created_us FROM person WHERE person = $1", vec![person.into()])
            .await?
            .ok_or(Fault::Inconsistent { table: "person", column: "person" })?;
        // A person known to an issuer outlives one only seen by a card, whichever came first:
        // its records are keyed by it.
        let minted =
            self.fetch_one("SELECT 1 FROM minted WHERE person = $1", vec![person.into()]).await?.is_some();
        Ok((!minted, row.int(0)?))
    }
}
