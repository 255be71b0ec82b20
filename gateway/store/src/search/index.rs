//! The index behind the log: which words occur in which block, which entries bear which marks.

use std::{collections::BTreeSet, ops::Range};

use super::{
    BLOCKS_A_PAGE, count,
    filter::{EVERY_BLOCK, marks_of, words_of},
};
use crate::{
    Attempt, AuthStore, Conclusion, Fault, GatewayStore, Reader, Recorded, Reply,
    db::Value,
    reader::{signed, unsigned},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Rows for blocks that are not indexed yet. Derived from the log, so writing them twice changes nothing.
#[derive(Debug, Default)]
pub struct SearchIndex {
    words: BTreeSet<(String, u64)>,
    marks: BTreeSet<(String, u64)>,
}

impl Reader {
    /// The next rows to write for a log of this size; `None` once every full block is indexed.
    pub async fn search_backlog(&self, size: u64) -> Result<Option<SearchIndex>, Fault> {
        let from = self.indexed_blocks().await?;
        let until = (size / BLOCK).min(from + BLOCKS_A_STEP);
        if from >= until {
            return Ok(None);
        }
        let mut index = SearchIndex::default();
        for block in from..until {
            for row in self.rows(block * BLOCK..(block + 1) * BLOCK).await? {
                let leaf = row.leaf()?;
                index.words.extend(words_of(&leaf).into_iter().map(|word| (word, block)));
                let openings = row.sealed.open(&self.keys, row.index)?;
                let marks = marks_of(&self.keys, &leaf, openings.as_deref());
                index.marks.extend(marks.into_iter().map(|mark| (mark, row.index)));
            }
        }
        Ok(Some(index))
    }

    async fn indexed_blocks(&self) -> Result<u64, Fault> {
        let row = self
            .fetch_one(
                "SELECT COALESCE(MAX(block) + 1, 0) FROM search_block WHERE word = $1",
                vec![EVERY_BLOCK.into()],
            )
            .await?;
        row.map_or(Ok(0), |row| unsigned(row.int(0)?))
    }

    /// The first blocks of a range in which all of up to eight words occur.
    pub(super) async fn blocks_with(&self, words: &[String], range: Range<u64>) -> Result<Vec<u64>, Fault> {
        // A filter of more words finds more blocks than it needs, and tests their entries all the same.
        let words = words.get(..WORDS).unwrap_or(words);
        let mut found = Vec::new();
        let mut from = range.start;
        while from < range.end && found.len() < BLOCKS_A_PAGE {
            let until = range.end.min(from + WINDOW);
            // A word that stands twice in the list still counts once.
            let padded = words.iter().cycle().take(WORDS);
            let mut values: Vec<Value> = padded.map(|word| word.as_str().into()).collect();
            values.extend([signed(from)?.into(), signed(until)?.into(), count(words.len()).into()]);
            values.push(count(BLOCKS_A_PAGE - found.len()).into());
            let rows = self.fetch(BLOCKS_WITH_ALL, values).await?;
            for row in rows {
                found.push(unsigned(row.int(0)?)?);
            }
            from = until;
        }
        Ok(found)
    }
}

impl GatewayStore {
    /// Writes index rows. No entry: nothing is disclosed, and they say nothing that the log does not.
    pub async fn index_search(&self, attempt: Attempt, index: SearchIndex) -> Result<(), Fault> {
        let written = self.write(Lane::Bulk, attempt, None, index, |_| nothing()).await?;
        drop::<Recorded<Reply<()>>>(written);
        Ok(())
    }
}

impl AuthStore {
    /// Writes index rows. No entry: nothing is disclosed, and they say nothing that the log does not.
    pub async fn index_search(&self, attempt: Attempt, index: SearchIndex) -> Result<(), Fault> {
        let written = self.write(attempt, index, |_| nothing()).await?;
        drop::<Recorded<Reply<()>>>(written);
        Ok(())
    }
}

fn nothing() -> Conclusion<()> {
    Conclusion { reply: Reply::Answer(Vec::new()), draft: None }
}

impl Transaction for SearchIndex {
    type Outcome = ();
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (words, marks) = (rows(&self.words)?, rows(&self.marks)?);
            let connection = &mut tx.connection;
            connection.insert("INSERT INTO search_mark (mark, idx)", ONCE, marks).await?;
            connection.insert("INSERT INTO search_block (word, block)", ONCE, words).await?;
            Ok(())
        })
    }
}

fn rows(pairs: &BTreeSet<(String, u64)>) -> Result<Vec<Vec<Value>>, Fault> {
    pairs.iter().map(|(text, number)| Ok(vec![text.as_str().into(), signed(*number)?.into()])).collect()
}

const ONCE: &str = "ON CONFLICT DO NOTHING";
const BLOCKS_WITH_ALL: &str = "SELECT block FROM search_block
     WHERE word IN ($1, $2, $3, $4, $5, $6, $7, $8) AND block >= $9 AND block < $10
     GROUP BY block HAVING COUNT(*) = $11 ORDER BY block LIMIT $12";
/// As many as a filter can have: every block, six fields, one category.
const WORDS: usize = 8;
/// Entries of a block.
pub(super) const BLOCK: u64 = 256;
/// Blocks indexed by one write: some hundred rows, so that nobody waits long behind it.
const BLOCKS_A_STEP: u64 = 8;
/// Blocks looked at by one statement.
const WINDOW: u64 = 4096;
