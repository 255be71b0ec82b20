//! One batch through one stream, and what it cost the server.

use std::fmt;

use anyhow::{Result, ensure};
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::transport::Channel;

use crate::call;
use crate::child::{Memory, Server};

/// What came back.
pub(super) struct Answer {
    /// Rows that it answers.
    pub(super) rows: usize,
}

/// A whole batch, streamed.
#[derive(Debug, Default)]
pub(super) struct Streamed {
    rows: usize,
    seconds: f64,
    cpu_us: u64,
    /// Of the server, once so many rows were answered.
    pub(super) memory: Vec<(usize, Memory)>,
}

/// Sends all messages and reads all answers; the clock stops at the end of the stream.
pub(super) async fn stream(
    channel: &Channel,
    path: &'static str,
    batch: &[Bytes],
    server: &Server,
    mut read: impl FnMut(Bytes) -> Result<Answer>,
) -> Result<Streamed> {
    server.forget_peak();
    let mut streamed = Streamed::default();
    let (cpu, began) = (server.cpu_us()?, Instant::now());
    let mut answers = call::bidirectional(channel, path, batch.to_vec()).await?;
    let mut marks = marks(batch.len() - 1).into_iter().peekable();
    while let Some(answer) = answers.message().await? {
        streamed.rows += read(answer)?.rows;
        while marks.next_if(|mark| *mark <= streamed.rows).is_some() {
            streamed.memory.push((streamed.rows, server.memory()?));
        }
    }
    streamed.seconds = began.elapsed().as_secs_f64();
    streamed.cpu_us = server.cpu_us()? - cpu;
    ensure!(streamed.rows + 1 >= batch.len(), "only {} rows were answered", streamed.rows);
    Ok(streamed)
}

/// A tenth, the half, and all.
fn marks(rows: usize) -> [usize; 3] {
    [rows / 10, rows / 2, rows]
}

impl Streamed {
    /// Several batches as one.
    pub(super) fn together(parts: &[Self]) -> Self {
        Self {
            rows: parts.iter().map(|part| part.rows).sum(),
            seconds: parts.iter().map(|part| part.seconds).sum(),
            cpu_us: parts.iter().map(|part| part.cpu_us).sum(),
            memory: Vec::new(),
        }
    }

    pub(super) fn rows_per_s(&self) -> f64 {
        count(self.rows) / self.seconds
    }

    pub(super) fn cpu_us_per_row(&self) -> f64 {
        f64::from(u32::try_from(self.cpu_us).unwrap_or(u32::MAX)) / count(self.rows)
    }
}

impl fmt::Display for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8.0} rows/s  {:>7.1} µs of the server's CPU a row",
            self.rows_per_s(),
            self.cpu_us_per_row()
        )?;
        for (rows, memory) in &self.memory {
            write!(f, "  {} MiB at {rows}", memory.peak_kib / 1024)?;
        }
        Ok(())
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_all_rows_and_all_time_together() {
        let part = |rows, seconds, cpu_us| Streamed { rows, seconds, cpu_us, memory: Vec::new() };
        let both = Streamed::together(&[part(100, 1.0, 500), part(300, 3.0, 1500)]);
        assert_eq!((both.rows_per_s(), both.cpu_us_per_row()), (100.0, 5.0));
        assert_eq!(marks(50_000), [5_000, 25_000, 50_000]);
    }
}
