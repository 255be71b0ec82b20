//! What a municipality is told of its residents' births.

use super::{StoredBirth, load};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply,
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A page of a municipality's births.
#[derive(Clone, Default)]
pub struct BirthPage {
    /// In the order of what was told last.
    pub births: Vec<ListedBirth>,
    /// Where to go on.
    pub next: u64,
    /// There are more.
    pub has_more: bool,
}

/// A birth with the reader's name of the mother.
#[derive(Clone)]
pub struct ListedBirth {
    /// The birth.
    pub birth: StoredBirth,
    /// The municipality's own key of the mother; empty if it has none any more.
    pub mother_key: String,
}

pmh_domain::withheld!(BirthPage, ListedBirth);

impl GatewayStore {
    /// Births of a municipality's residents after a place. Those told before anybody knew where the mother lives, and whom it
    /// has linked since, take their place here.
    pub async fn list_births<R: Send + 'static>(
        &self,
        attempt: Attempt,
        municipality: String,
        after: u64,
        conclude: impl FnMut(Concluding<'_, BirthPage>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, List { municipality, after }, conclude).await
    }
}

struct List {
    municipality: String,
    after: u64,
}

impl Transaction for List {
    type Outcome = BirthPage;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<BirthPage, Fault>> {
        Box::pin(async move {
            let (home, entry) = (self.municipality.as_str(), signed(tx.next_index)?);
            tx.execute(ADOPT, vec![home.into(), entry.into()]).await?;
            // No log is that long: whoever asks for more has heard everything.
            let after = signed(self.after).unwrap_or(i64::MAX);
            let rows =
                tx.fetch(TOLD, vec![home.into(), after.into(), signed(PAGE as u64 + 1)?.into()]).await?;
            let mut births = Vec::with_capacity(rows.len());
            for row in &rows {
                births.push(ListedBirth { birth: load::birth(row)?, mother_key: row.text(6)? });
            }
            // What was adopted together has one place, so a page ends between places.
            let has_more = births.len() > PAGE;
            let cut = births.last().filter(|_| has_more).map(|last| last.birth.index);
            births.retain(|listed| Some(listed.birth.index) != cut);
            for listed in &mut births {
                listed.birth = tx.filled(listed.birth.clone()).await?;
            }
            let next = births.last().map_or(self.after, |last| last.birth.index);
            Ok(BirthPage { births, next, has_more })
        })
    }
}

/// Few births wait for a municipality, so they come first.
const ADOPT: &str = "UPDATE birth SET home = $1, entry_idx = $2 WHERE birth_id IN (
       SELECT b.birth_id FROM birth b
       JOIN subject_alias asked ON asked.subject_ref = b.mother_ref
       JOIN subject_alias one ON one.survivor = asked.survivor
       JOIN resident_link l ON l.subject_ref = one.subject_ref
       WHERE b.home = '' AND l.issuer = $1 ORDER BY b.entry_idx LIMIT 100)";
const TOLD: &str = "SELECT b.birth_id, b.mother_ref, b.home, b.opened_us, b.told_us, b.entry_idx, COALESCE(
       (SELECT MIN(l.resident_key) FROM subject_alias asked JOIN subject_alias one ON one.survivor = asked.survivor
        JOIN resident_link l ON l.subject_ref = one.subject_ref
        WHERE asked.subject_ref = b.mother_ref AND l.issuer = b.home), '')
     FROM birth b WHERE b.home = $1 AND b.entry_idx > $2 ORDER BY b.entry_idx LIMIT $3";

const PAGE: usize = 100;
