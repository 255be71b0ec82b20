//! The anomaly gate: does a batch look like its sender's own?
//!
//! Kumamoto City's export once lost a column and every row was still well
//! formed. Rows one by one can't show that, their shape together can: how many
//! there are, how much of each column is missing, and how much of a column one
//! code takes. A batch that departs from the sender's history is held for a
//! person to confirm; nothing is refused and nothing is corrected.
//!
//! # How often an ordinary batch is held
//! Suppose a column's share is the same in every batch. The share in history is
//! widened until it errs with probability α/k at most (Hoeffding), k being the
//! number of comparisons, and a share is held against that only if chance
//! would give it with probability α/k at most (Chernoff). So an ordinary batch
//! is held for its shares with probability 2α at most, whatever its size. A
//! departure below [`MATERIAL`] is never held, however certain it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The shape of a batch: counts, and nothing about any person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchShape {
    rows: u32,
    filled: BTreeMap<String, u32>,
    codes: BTreeMap<String, BTreeMap<String, u32>>,
}

/// One cell of a row, as far as the shape needs it.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// Column or item code.
    pub column: &'a str,
    /// The value; empty: missing.
    pub value: &'a str,
    /// Whether values are counted one by one.
    pub counting: Counting,
}

/// Whether a column's values are counted one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Only whether there is one: measures, texts, keys.
    Presence,
    /// Each code apart: findings, dispositions, coded values.
    Codes,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It looks like the sender's earlier batches.
    Pass,
    /// Wait for a person's confirmation, for these reasons.
    Hold(Vec<Departure>),
    /// There is no history: the batch passes, unjudged, and these columns that
    /// the kind expects are wholly empty, for the officer to see.
    NotCompared(Vec<String>),
}

/// In what a batch departs. Shares are from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Departure {
    /// Far fewer or more rows than ever.
    Rows {
        /// In this batch.
        now: u32,
        /// Fewest before.
        fewest: u32,
        /// Most before.
        most: u32,
    },
    /// More of a column is missing.
    Missing {
        /// Which.
        column: String,
        /// Share missing now.
        now: f64,
        /// Share missing before.
        before: f64,
    },
    /// One code takes another share of a column.
    Code {
        /// Which column.
        column: String,
        /// Which code.
        code: String,
        /// Its share now.
        now: f64,
        /// Its share before.
        before: f64,
    },
}

/// A departure smaller than ten points of a hundred is no reason to stop an
/// office's work. Ours.
pub const MATERIAL: f64 = 0.10;
/// α: half of the bound on holding an ordinary batch for its shares. Ours.
pub const ALPHA: f64 = 1e-4;
/// Rows may be a third of the fewest or three times the most. Ours.
const ROW_FACTOR: u32 = 3;
/// Fewer batches say nothing about how their number of rows varies.
const ENOUGH_BATCHES: usize = 3;
/// Smaller batches have shares by chance, so they do not widen what is usual.
const ENOUGH_ROWS: u32 = 30;
/// Codes counted apart; a column with more of them is no coded column.
const MOST_CODES: usize = 64;

impl BatchShape {
    /// Counts one row. Memory does not grow with the number of rows.
    pub fn add_row<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) {
        self.rows = self.rows.saturating_add(1);
        for cell in cells.into_iter().filter(|cell| !cell.value.is_empty()) {
            count(&mut self.filled, cell.column);
            if cell.counting == Counting::Codes {
                let codes = self.codes.entry(cell.column.to_owned()).or_default();
                if codes.len() < MOST_CODES || codes.contains_key(cell.value) {
                    count(codes, cell.value);
                }
            }
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// A column that never appears is missing in every row.
    fn missing(&self, column: &str) -> u32 {
        self.rows.saturating_sub(self.filled.get(column).copied().unwrap_or_default())
    }

    fn of_code(&self, column: &str, code: &str) -> u32 {
        self.codes.get(column).and_then(|codes| codes.get(code)).copied().unwrap_or_default()
    }
}

/// Compares a batch with the sender's earlier accepted batches of the same
/// kind. `expected` names the columns that a complete batch has; they are
/// looked at only where there is no history.
pub fn judge(batch: &BatchShape, history: &[BatchShape], expected: &[&str]) -> Verdict {
    if history.iter().all(|earlier| earlier.rows == 0) {
        let empty = expected.iter().filter(|column| batch.rows > 0 && batch.missing(column) == batch.rows);
        return Verdict::NotCompared(empty.map(|column| (*column).to_owned()).collect());
    }
    let departures: Vec<Departure> =
        rows_departure(batch, history).into_iter().chain(share_departures(batch, history)).collect();
    if departures.is_empty() { Verdict::Pass } else { Verdict::Hold(departures) }
}

fn rows_departure(batch: &BatchShape, history: &[BatchShape]) -> Option<Departure> {
    let (fewest, most) =
        (history.iter().map(BatchShape::rows).min()?, history.iter().map(BatchShape::rows).max()?);
    let is_usual = fewest / ROW_FACTOR <= batch.rows && batch.rows <= most.saturating_mul(ROW_FACTOR);
    (history.len() >= ENOUGH_BATCHES && !is_usual).then_some(Departure::Rows {
        now: batch.rows,
        fewest,
        most,
    })
}

fn share_departures(batch: &BatchShape, history: &[BatchShape]) -> Vec<Departure> {
    let columns: BTreeSet<&String> = history.iter().flat_map(|earlier| earlier.filled.keys()).collect();
    let codes: BTreeSet<(&String, &String)> = history.iter().chain([batch]).flat_map(every_code).collect();
    let comparisons = u32::try_from(columns.len() + 2 * codes.len()).unwrap_or(u32::MAX).max(1);
    let doubt = (f64::from(comparisons) / ALPHA).ln();

    let mut departures = Vec::new();
    for column in columns {
        let usual = Usual::of(history, doubt, |shape| shape.missing(column));
        let now = share(batch.missing(column), batch.rows);
        if usual.is_exceeded(now, batch.rows, doubt) {
            departures.push(Departure::Missing { column: column.clone(), now, before: usual.pooled });
        }
    }
    for (column, code) in codes.into_iter().filter(|(column, _)| !is_new(history, column)) {
        let usual = Usual::of(history, doubt, |shape| shape.of_code(column, code));
        let now = share(batch.of_code(column, code), batch.rows);
        // A missing column was named already; its codes did not change, they went with it.
        let is_gone = batch.missing(column) == batch.rows;
        if !is_gone && (usual.is_exceeded(now, batch.rows, doubt) || usual.is_missed(now, batch.rows, doubt))
        {
            let (column, code) = (column.clone(), code.clone());
            departures.push(Departure::Code { column, code, now, before: usual.pooled });
        }
    }
    departures
}

fn every_code(shape: &BatchShape) -> impl Iterator<Item = (&String, &String)> {
    shape.codes.iter().flat_map(|(column, codes)| codes.keys().map(move |code| (column, code)))
}

fn is_new(history: &[BatchShape], column: &str) -> bool {
    !history.iter().any(|earlier| earlier.filled.contains_key(column))
}

/// What share is usual, as far as history can tell.
struct Usual {
    low: f64,
    pooled: f64,
    high: f64,
}

impl Usual {
    fn of(history: &[BatchShape], doubt: f64, count: impl Fn(&BatchShape) -> u32) -> Self {
        let total = |part: &dyn Fn(&BatchShape) -> u32| {
            history.iter().fold(0_u32, |sum, b| sum.saturating_add(part(b)))
        };
        let rows = total(&BatchShape::rows);
        let pooled = share(total(&count), rows);
        let radius = (doubt / (2.0 * f64::from(rows.max(1)))).sqrt();
        // Batches differ for reasons that are no chance (a dentist's day); what was accepted once is usual.
        let large = history.iter().filter(|earlier| earlier.rows >= ENOUGH_ROWS);
        let shares = large.map(|earlier| share(count(earlier), earlier.rows));
        let (low, high) =
            shares.fold((pooled, pooled), |(low, high), share| (share.min(low), share.max(high)));
        Self { low: low.min(pooled - radius).max(0.0), pooled, high: high.max(pooled + radius).min(1.0) }
    }

    fn is_exceeded(&self, now: f64, rows: u32, doubt: f64) -> bool {
        now - self.high >= MATERIAL && f64::from(rows) * divergence(now, self.high) >= doubt
    }

    fn is_missed(&self, now: f64, rows: u32, doubt: f64) -> bool {
        self.low - now >= MATERIAL && f64::from(rows) * divergence(now, self.low) >= doubt
    }
}

/// Kullback–Leibler divergence of two coins: a share `now` or further away is
/// seen among n rows with probability exp(−n·D) at most.
fn divergence(now: f64, usual: f64) -> f64 {
    let part = |now: f64, usual: f64| if now == 0.0 { 0.0 } else { now * (now / usual).ln() };
    part(now, usual) + part(1.0 - now, 1.0 - usual)
}

fn share(part: u32, rows: u32) -> f64 {
    f64::from(part) / f64::from(rows.max(1))
}

fn count(counts: &mut BTreeMap<String, u32>, key: &str) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_add(1);
    } else {
        counts.insert(key.to_owned(), 1);
    }
}

impl Departure {
    /// The reason in Japanese.
    pub fn ja(&self) -> String {
        match self {
            Self::Rows { now, fewest, most } => {
                format!("件数が{now}件です（これまでは{fewest}〜{most}件）")
            }
            Self::Missing { column, now, before } => {
                format!("「{column}」の空欄が{}%です（これまでは{}%）", percent(*now), percent(*before))
            }
            Self::Code { column, code, now, before } => {
                format!(
                    "「{column}」に占める「{code}」が{}%です（これまでは{}%）",
                    percent(*now),
                    percent(*before)
                )
            }
        }
    }

    /// The reason in English.
    pub fn en(&self) -> String {
        match self {
            Self::Rows { now, fewest, most } => format!("{now} rows, where there were {fewest} to {most}"),
            Self::Missing { column, now, before } => {
                format!("{column}: {}% missing, where it was {}%", percent(*now), percent(*before))
            }
            Self::Code { column, code, now, before } => {
                format!("{column}: {}% are {code}, where it was {}%", percent(*now), percent(*before))
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}
