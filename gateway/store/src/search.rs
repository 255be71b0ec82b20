//! Finding entries without reading the whole log.
//!
//! A page is a function of the log alone: filter, tree size, place and page size decide what is on it, however far
//! the index has come, so a past page never changes. The index only says which blocks need not be read.

mod filter;
mod index;
mod parts;
mod people;
mod person;

pub use filter::Filter;
pub use index::SearchIndex;
pub use person::{Asked, NewPersonSearch, PersonSearch};

use std::{collections::BTreeSet, ops::Range};

use pmh_audit::Leaf;

use crate::{
    Fault, Reader, StoredEntry,
    db::{Row, Value},
    reader::{signed, unsigned},
};
pub(crate) use filter::marks_of;
use index::BLOCK;
pub(crate) use parts::{OF_THE_LOG, Sealed};

/// Where a page begins and how far it may go.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    /// First index to look at.
    pub from: u64,
    /// One past the last.
    pub end: u64,
    /// Entries at most.
    pub limit: usize,
    /// Whether the reader may see what fits; asked after the filter.
    pub admits: &'a (dyn Fn(&Leaf) -> bool + Send + Sync),
}

/// What a page holds.
#[derive(Debug, Default)]
pub struct Hits {
    /// In the order of the log.
    pub entries: Vec<(StoredEntry, Leaf)>,
    /// Where the next page begins; the span's end after the last.
    pub next: u64,
}

impl Reader {
    /// Entries that fit. The index must have come to the span's end ([`Reader::search_backlog`]).
    pub async fn search(&self, filter: &Filter, span: &Span<'_>) -> Result<Hits, Fault> {
        let mut hits = Hits { next: span.from, ..Hits::default() };
        let indexed = span.end - span.end % BLOCK;
        let marks = filter.marks(&self.keys);
        if hits.next < indexed {
            if marks.is_empty() {
                self.search_blocks(filter, span, indexed, &mut hits).await?;
            } else {
                let rows = self.marked(&marks, hits.next..indexed).await?;
                let is_last = rows.len() < READ_A_PAGE;
                hits.take(filter, span, rows)?;
                if is_last && hits.entries.len() < span.limit {
                    hits.next = indexed;
                }
            }
        }
        if hits.next >= indexed && hits.next < span.end && hits.entries.len() < span.limit {
            let rows = self.rows(hits.next..span.end).await?;
            hits.take(filter, span, self.bearing(&marks, rows).await?)?;
            if hits.entries.len() < span.limit {
                hits.next = span.end;
            }
        }
        Ok(hits)
    }

    /// Those of the rows, ascending, that bear all of these marks: by their parts, or by what an erasure left of them.
    async fn bearing(&self, marks: &[String], rows: Vec<Candidate>) -> Result<Vec<Candidate>, Fault> {
        let (false, Some(last)) = (marks.is_empty(), rows.last()) else { return Ok(rows) };
        let (mut from, end) = (rows.first().map_or(0, |row| row.index), last.index + 1);
        let mut kept = BTreeSet::new();
        while from < end {
            let found = self.marked(marks, from..end).await?;
            from =
                if found.len() < READ_A_PAGE { end } else { found.last().map_or(end, |row| row.index + 1) };
            kept.extend(found.iter().map(|row| row.index));
        }
        let bears = |row: Candidate| {
            if kept.contains(&row.index) { Ok(Some(row)) } else { row.bears(marks, &self.keys) }
        };
        rows.into_iter().filter_map(|row| bears(row).transpose()).collect()
    }

    /// Full blocks in which all words occur, until the page is full or enough was read.
    async fn search_blocks(
        &self,
        filter: &Filter,
        span: &Span<'_>,
        indexed: u64,
        hits: &mut Hits,
    ) -> Result<(), Fault> {
        let words = filter.words();
        let blocks = self.blocks_with(&words, hits.next / BLOCK..indexed / BLOCK).await?;
        let is_last = blocks.len() < BLOCKS_A_PAGE;
        for block in blocks {
            let range = hits.next.max(block * BLOCK)..(block + 1) * BLOCK;
            let rows = self.leaves(range.clone()).await?;
            hits.take(filter, span, rows)?;
            if hits.entries.len() >= span.limit {
                return Ok(());
            }
            hits.next = range.end;
        }
        if is_last {
            hits.next = indexed;
        }
        Ok(())
    }

    /// First index of a log of this size at or after an instant; the size if there is none. Time never decreases
    /// along the log, so a period is a range of indexes.
    pub async fn first_at(&self, time_us: i64, size: u64) -> Result<u64, Fault> {
        let time_us = u64::try_from(time_us).unwrap_or(0);
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low.midpoint(high);
            let rows = self.leaves(middle..middle + 1).await?;
            let is_before =
                rows.first().map(Candidate::leaf).transpose()?.is_some_and(|leaf| leaf.time_us < time_us);
            (low, high) = if is_before { (middle + 1, high) } else { (low, middle) };
        }
        Ok(low)
    }

    /// Entries of a range, for a filter that needs no mark.
    async fn leaves(&self, range: Range<u64>) -> Result<Vec<Candidate>, Fault> {
        let rows = self
            .fetch(
                "SELECT idx, leaf FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx",
                vec![signed(range.start)?.into(), signed(range.end)?.into()],
            )
            .await?;
        whole(&range, rows.len())?;
        rows.iter().map(Candidate::read_leaf).collect()
    }

    /// Entries of a range, with what opens them.
    async fn rows(&self, range: Range<u64>) -> Result<Vec<Candidate>, Fault> {
        let rows = self
            .fetch(
                "SELECT e.idx, e.leaf, p.key_id, p.parts, k.wrapped_key FROM log_entry e
                 LEFT JOIN audit_part p ON p.idx = e.idx
                 LEFT JOIN subject_key k ON k.key_id = p.key_id
                 WHERE e.idx >= $1 AND e.idx < $2 ORDER BY e.idx",
                vec![signed(range.start)?.into(), signed(range.end)?.into()],
            )
            .await?;
        whole(&range, rows.len())?;
        rows.iter().map(Candidate::read).collect()
    }

    /// Indexed entries that bear all marks.
    async fn marked(&self, marks: &[String], range: Range<u64>) -> Result<Vec<Candidate>, Fault> {
        let (first, last) = (marks.first(), marks.last());
        let mark = |mark: Option<&String>| Value::from(mark.map_or("", String::as_str));
        let rows = self
            .fetch(
                "SELECT idx, leaf FROM log_entry WHERE idx IN
                 (SELECT idx FROM search_mark WHERE mark IN ($1, $2) AND idx >= $3 AND idx < $4
                  GROUP BY idx HAVING COUNT(*) = $5 ORDER BY idx LIMIT $6)
                 ORDER BY idx",
                vec![
                    mark(first),
                    mark(last),
                    signed(range.start)?.into(),
                    signed(range.end)?.into(),
                    count(marks.len()).into(),
                    count(READ_A_PAGE).into(),
                ],
            )
            .await?;
        rows.iter().map(Candidate::read_leaf).collect()
    }
}

impl Hits {
    /// Goes through rows in their order until the page is full.
    fn take(&mut self, filter: &Filter, span: &Span<'_>, rows: Vec<Candidate>) -> Result<(), Fault> {
        for row in rows {
            if self.entries.len() >= span.limit {
                return Ok(());
            }
            self.next = row.index + 1;
            let leaf = row.leaf()?;
            if filter.fits(&leaf) && (span.admits)(&leaf) {
                self.entries.push((StoredEntry { index: row.index, leaf: row.bytes }, leaf));
            }
        }
        Ok(())
    }
}

/// An entry that may fit.
struct Candidate {
    index: u64,
    bytes: Vec<u8>,
    sealed: Sealed,
}

impl Candidate {
    /// From index, leaf, and the three columns of [`Sealed`].
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self { index: unsigned(row.int(0)?)?, bytes: row.bytes(1)?, sealed: Sealed::read(row, 2)? })
    }

    /// From index and leaf.
    fn read_leaf(row: &Row) -> Result<Self, Fault> {
        Ok(Self { index: unsigned(row.int(0)?)?, bytes: row.bytes(1)?, sealed: Sealed::default() })
    }

    fn leaf(&self) -> Result<Leaf, Fault> {
        Leaf::decode(&self.bytes).map_err(|_| Fault::Inconsistent { table: "log_entry", column: "leaf" })
    }

    /// Itself, if it bears all of these marks.
    fn bears(self, marks: &[String], keys: &crate::StoreKeys) -> Result<Option<Self>, Fault> {
        if marks.is_empty() {
            return Ok(Some(self));
        }
        let own = marks_of(keys, &self.leaf()?, self.sealed.open(keys, self.index)?.as_deref());
        Ok(marks.iter().all(|mark| own.contains(mark)).then_some(self))
    }
}

/// A log with a gap is no log.
fn whole(range: &Range<u64>, found: usize) -> Result<(), Fault> {
    if found as u64 == range.end.saturating_sub(range.start) {
        return Ok(());
    }
    Err(Fault::Inconsistent { table: "log_entry", column: "idx" })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Full blocks read for one page at most. Counts only blocks that hold all words, which the log alone decides.
const BLOCKS_A_PAGE: usize = 64;
/// Marked entries, or entries about one person, read for one page at most.
const READ_A_PAGE: usize = 4096;
