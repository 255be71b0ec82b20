//! From measured slices to medians and the line that is printed.

use serde::Serialize;

/// One server under load for some seconds.
#[derive(Debug)]
pub(crate) struct Slice {
    /// Seconds from the first call to the end of the last.
    pub(crate) seconds: f64,
    /// CPU of the server in that time, microseconds.
    pub(crate) cpu_us: u64,
    /// Of each call, microseconds, ascending.
    pub(crate) latencies: Vec<u32>,
    /// Of all answers together.
    pub(crate) answer_bytes: u64,
}

/// Medians over the slices of one kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Calls (or visits) a second.
    pub(crate) throughput: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    /// CPU of the server for each call, user and system.
    server_cpu_us: f64,
}

/// Beside the echo of the same run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Beside {
    #[serde(flatten)]
    figures: Figures,
    throughput_ratio: f64,
    cpu_ratio: f64,
    p99_ratio: f64,
}

/// The line.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) echo: Figures,
    /// With tokens at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gateway: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throughput_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ratio: Option<f64>,
    /// Every call with a token never seen before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_seen: Option<Beside>,
    /// Begin, complete, verify.
    pub(crate) visit: Beside,
    pub(crate) connections: usize,
    pub(crate) concurrency: usize,
    pub(crate) seconds: u64,
    pub(crate) rounds: u32,
    pub(crate) persons: usize,
    /// 0: as often as wanted.
    pub(crate) calls_per_token: u32,
    /// Whether the echo got the message without the token.
    pub(crate) bare_echo: bool,
    pub(crate) answer_bytes: u64,
    pub(crate) receipts_checked: usize,
}

/// The line about doses. Ratios are to `gateway`, the eligibility call of the same run.
#[derive(Debug, Serialize)]
pub(crate) struct DoseLine {
    pub(crate) echo: Figures,
    /// VerifyEligibility.
    pub(crate) gateway: Figures,
    /// EvaluateDose.
    pub(crate) evaluate: Beside,
    /// RecordDose without a reservation.
    pub(crate) record: Beside,
    pub(crate) connections: usize,
    pub(crate) concurrency: usize,
    pub(crate) seconds: u64,
    pub(crate) rounds: u32,
    pub(crate) persons: usize,
    pub(crate) receipts_checked: usize,
}

impl Slice {
    /// Calls a second.
    pub(crate) fn throughput(&self) -> f64 {
        count(self.latencies.len()) / self.seconds
    }

    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let rank = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(rank).map_or(0.0, |us| f64::from(*us) / 1000.0)
    }

    fn cpu_per_call(&self) -> f64 {
        let cpu = f64::from(u32::try_from(self.cpu_us).unwrap_or(u32::MAX));
        if self.latencies.is_empty() { 0.0 } else { cpu / count(self.latencies.len()) }
    }
}

impl Figures {
    pub(crate) fn of(slices: &[Slice]) -> Self {
        let of = |value: &dyn Fn(&Slice) -> f64| rounded(median(slices.iter().map(value).collect()));
        Self {
            throughput: of(&Slice::throughput),
            p50_ms: of(&|slice| slice.percentile_ms(50)),
            p90_ms: of(&|slice| slice.percentile_ms(90)),
            p99_ms: of(&|slice| slice.percentile_ms(99)),
            server_cpu_us: of(&Slice::cpu_per_call),
        }
    }

    pub(crate) fn beside(self, echo: Self) -> Beside {
        Beside {
            figures: self,
            throughput_ratio: rounded(self.throughput / echo.throughput),
            cpu_ratio: rounded(self.server_cpu_us / echo.server_cpu_us),
            p99_ratio: rounded(self.p99_ms / echo.p99_ms),
        }
    }
}

impl Beside {
    /// Throughput, CPU, 99th percentile: ours ÷ the echo's.
    pub(crate) fn ratios(&self) -> [f64; 3] {
        [self.throughput_ratio, self.cpu_ratio, self.p99_ratio]
    }
}

impl std::fmt::Display for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>8.0}/s  p50 {:>6.2} ms  p99 {:>6.2} ms  server CPU {:>6.1} us",
            self.throughput(),
            self.percentile_ms(50),
            self.percentile_ms(99),
            self.cpu_per_call(),
        )
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
}

pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn count(calls: usize) -> f64 {
    f64::from(u32::try_from(calls).unwrap_or(u32::MAX))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are chosen to be exact in binary")]
mod tests {
    use super::*;

    fn slice(calls: u32, seconds: f64) -> Slice {
        Slice {
            seconds,
            cpu_us: u64::from(calls) * 20,
            latencies: (1..=calls).map(|n| n * 1000).collect(),
            answer_bytes: 0,
        }
    }

    #[test]
    fn figures_are_medians_of_slices() {
        let figures = Figures::of(&[slice(100, 1.0), slice(100, 4.0), slice(100, 2.0)]);
        assert_eq!(figures.throughput, 50.0);
        assert_eq!((figures.p50_ms, figures.p90_ms, figures.p99_ms), (50.0, 90.0, 99.0));
        assert_eq!(figures.server_cpu_us, 20.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(vec![7.0]), 7.0);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn ratios_are_ours_by_the_echos() {
        let echo = Figures::of(&[slice(100, 1.0)]);
        let ours = Figures { server_cpu_us: 50.0, p99_ms: 198.0, ..Figures::of(&[slice(100, 4.0)]) };
        assert_eq!(ours.beside(echo).ratios(), [0.25, 2.5, 2.0]);
    }

    #[test]
    fn nothing_done_is_no_crash() {
        let idle = slice(0, 1.0);
        assert_eq!((idle.percentile_ms(99), idle.cpu_per_call(), idle.throughput()), (0.0, 0.0, 0.0));
    }
}
