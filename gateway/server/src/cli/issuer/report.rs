//! What the officer is told: before anything is sent, and about every row after it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pmh_audit::Verified;
use pmh_intake::decode::Encoding;
use pmh_intake::{Finding, Intake, Language as Words, RowReport, Severity, Verdict};
use pmh_proto::checkup::{PushSummary, RowChange};
use pmh_proto::common::{BulkHeader, RowOutcome, RowProblem, RowResult};
use serde::Serialize;

use super::diff::Diffs;
use super::gate;
use super::push::What;
use super::register::Register;
use crate::cli::counter::Trouble;
use crate::cli::output::{Language, table};

/// What came back.
#[derive(Default)]
pub(super) struct Sent {
    /// By row id.
    pub(super) results: BTreeMap<String, RowResult>,
    /// Rows that repeat an earlier one and were not sent.
    pub(super) repeated: BTreeSet<String>,
    /// One for each committed chunk.
    pub(super) proofs: Vec<Proof>,
    /// Of checkups: where the batch stands.
    pub(super) gate: Option<PushSummary>,
    /// Of a dry run of checkups: what updates would change.
    pub(super) changes: Vec<RowChange>,
    /// The same with values, as far as they were read back.
    pub(super) diffs: Diffs,
    /// Why not everything was answered.
    pub(super) failure: Option<Trouble>,
}

/// A chunk's receipt, which held.
#[derive(Serialize)]
pub(super) struct Proof {
    index: u64,
    tree_size: u64,
    origin: String,
    rows: usize,
    verified: bool,
}

impl Proof {
    /// Of a chunk with this number of rows.
    pub(super) fn new(proof: &Verified, rows: usize) -> Self {
        let checkpoint = &proof.checkpoint;
        let origin = checkpoint.origin().to_owned();
        Self { index: proof.index, tree_size: checkpoint.size(), origin, rows, verified: true }
    }
}

/// The report as JSON.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    /// Nothing was refused and everything was answered.
    pub(super) ok: bool,
    kind: &'static str,
    batch_id: &'a str,
    dry_run: bool,
    encoding: Encoding,
    dropped_columns: &'a [String],
    unknown_columns: &'a [String],
    summary: BTreeMap<&'static str, usize>,
    rows: Vec<Judged<'a>>,
    receipts: &'a [Proof],
    corrected: Option<&'a Path>,
    failure: Option<Failure>,
    /// Of doses: whether the register counts as complete, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) register: Option<Register>,
    #[serde(flatten)]
    batch: Option<gate::Gate<'a>>,
}

#[derive(Serialize)]
struct Judged<'a> {
    outcome: &'static str,
    #[serde(flatten)]
    report: &'a RowReport,
}

#[derive(Serialize)]
struct Failure {
    reason: String,
    message: String,
}

/// What was read, and above all what will not leave this machine.
pub(super) fn before_sending<R>(file: &Path, intake: &Intake<R>, language: Language) -> Vec<String> {
    let encoding = match intake.encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Cp932 => "CP932",
    };
    let (file, rows) = (file.display(), intake.reports.len());
    let mut lines = vec![
        language.pick(format!("{file}: {rows}行（{encoding}）"), format!("{file}: {rows} rows ({encoding})")),
    ];
    if !intake.dropped_columns.is_empty() {
        let columns = intake.dropped_columns.join(language.pick("、", ", "));
        lines.push(language.pick(
            format!("個人番号の列（{columns}）は、送信する前にこの端末で取り除きました。"),
            format!(
                "The column of individual numbers ({columns}) was dropped on this machine before sending."
            ),
        ));
    }
    if !intake.unknown_columns.is_empty() {
        let columns = intake.unknown_columns.join(language.pick("、", ", "));
        lines.push(language.pick(
            format!("項目名の意味が分からない列（{columns}）は送信しません。"),
            format!("Columns that mean nothing to us ({columns}) are not sent."),
        ));
    }
    lines
}

/// Enters the gateway's verdicts beside our own findings.
pub(super) fn judge<R>(intake: &mut Intake<R>, sent: &Sent) {
    for result in sent.results.values() {
        let problems: Vec<_> = result.problems.iter().filter(|problem| !problem.warning).collect();
        for problem in &problems {
            intake.refuse(&result.row_id, field(problem), reason(problem));
        }
        if problems.is_empty() && is_refusal(result.outcome()) {
            intake.refuse(&result.row_id, None, "VALUE");
        }
    }
    for report in &mut intake.reports {
        if let Some(result) = sent.results.get(&report.row_id) {
            report.findings.extend(result.problems.iter().filter(|problem| problem.warning).map(warning));
        }
    }
}

/// Rows worth a look, counts, and what to do next.
pub(super) fn after_sending<R>(
    document: &Document<'_>,
    intake: &Intake<R>,
    sent: &Sent,
    language: Language,
) -> Vec<String> {
    let mut lines = Vec::new();
    let findings = intake.table(language.pick(Words::Ja, Words::En), Severity::Warning);
    if findings.len() > 1 {
        lines.extend(table(&findings));
    }
    lines.push(summary_line(document, language));
    if let Some(gate) = &sent.gate {
        lines.extend(gate::lines(gate, &sent.changes, &sent.diffs, document.batch_id, language));
    }
    if !sent.proofs.is_empty() {
        let chunks = sent.proofs.len();
        lines.push(
            language.pick(
                format!("記録の証明: 確認済み（{chunks}件）"),
                format!("receipts: verified ({chunks})"),
            ),
        );
    }
    if let Some(file) = document.corrected {
        let (file, refused) = (file.display(), intake.refused());
        lines.push(language.pick(
            format!("修正が必要な{refused}行を書き出しました: {file}（直してそのまま送れます）"),
            format!("{refused} rows to correct were written to {file}; correct it and send it again."),
        ));
    }
    let unknown = |row: &RowReport| row.findings.iter().any(|finding| finding.code == "RESIDENT_UNKNOWN");
    if intake.reports.iter().any(unknown) {
        let hint = language.pick(
            "宛名番号がまだ登録されていません。先に住民を送ってください（pmh issuer push residents）。",
            "A resident is not registered yet: send the residents first (pmh issuer push residents).",
        );
        lines.push(hint.to_owned());
    }
    lines.extend(sent.failure.as_ref().map(|trouble| failure_line(trouble, language)));
    lines
}

fn failure_line(trouble: &Trouble, language: Language) -> String {
    let reason = trouble.reason();
    if trouble.may_pass_later() {
        return language.pick(
            format!("途中で止まりました（{reason}）。同じファイルをもう一度送ってください。受付済みの行は変わりません。"),
            format!("It stopped on the way ({reason}). Send the same file again: rows that were taken do not change."),
        );
    }
    language.pick(
        format!("ゲートウェイが受け付けませんでした（{reason}）。担当業者へ連絡してください。"),
        format!("The gateway refused ({reason}). Call your vendor."),
    )
}

fn summary_line(document: &Document<'_>, language: Language) -> String {
    let others = document.summary.keys().filter(|outcome| !ALWAYS_COUNTED.contains(outcome));
    let counts: Vec<String> = ALWAYS_COUNTED
        .iter()
        .chain(others)
        .filter_map(|outcome| {
            let count = document.summary.get(outcome)?;
            Some(format!("{} {count}", language.pick(outcome_ja(outcome), outcome)))
        })
        .collect();
    let dry = if document.dry_run {
        language.pick("（試行のため保存していません）", " (dry run: nothing was kept)")
    } else {
        ""
    };
    format!("{}{dry}", counts.join(language.pick("、", ", ")))
}

impl<'a> Document<'a> {
    /// After [`judge`].
    pub(super) fn new<R>(
        what: What,
        header: &'a BulkHeader,
        intake: &'a Intake<R>,
        sent: &'a Sent,
        corrected: Option<&'a Path>,
    ) -> Self {
        let judged = |report: &'a RowReport| Judged { outcome: outcome(report, sent), report };
        let rows: Vec<_> = intake.reports.iter().map(judged).collect();
        let mut summary: BTreeMap<_, usize> = ALWAYS_COUNTED.map(|outcome| (outcome, 0)).into();
        for row in &rows {
            *summary.entry(row.outcome).or_default() += 1;
        }
        Self {
            ok: intake.refused() == 0
                && sent.failure.is_none()
                && sent.gate.as_ref().is_none_or(gate::counts),
            kind: match what {
                What::Entitlements => "entitlements",
                What::Residents => "residents",
                What::Doses => "doses",
                What::Checkups => "checkups",
                What::Tickets => "tickets",
                What::Sessions => "sessions",
            },
            batch_id: &header.batch_id,
            dry_run: header.dry_run,
            encoding: intake.encoding,
            dropped_columns: &intake.dropped_columns,
            unknown_columns: &intake.unknown_columns,
            summary,
            rows,
            receipts: &sent.proofs,
            corrected,
            failure: sent
                .failure
                .as_ref()
                .map(|trouble| Failure { reason: trouble.reason().to_owned(), message: trouble.to_string() }),
            register: None,
            batch: sent.gate.as_ref().map(|gate| gate::Gate::new(gate, &sent.changes, &sent.diffs)),
        }
    }
}

/// The gateway's word for a row, or ours for one that it never saw.
fn outcome(report: &RowReport, sent: &Sent) -> &'static str {
    match sent.results.get(&report.row_id).map(RowResult::outcome) {
        Some(RowOutcome::Created) => "CREATED",
        Some(RowOutcome::Updated) => "UPDATED",
        Some(RowOutcome::Unchanged) => "UNCHANGED",
        Some(RowOutcome::Superseded) => "SUPERSEDED",
        Some(RowOutcome::Quarantined) => "QUARANTINED",
        Some(RowOutcome::Rejected | RowOutcome::Unspecified) => "REJECTED",
        None if sent.repeated.contains(&report.row_id) => "REPEATED",
        None if report.verdict == Verdict::Refused => "NOT_SENT",
        None => "NOT_ANSWERED",
    }
}

const ALWAYS_COUNTED: [&str; 7] =
    ["CREATED", "UPDATED", "UNCHANGED", "SUPERSEDED", "QUARANTINED", "REJECTED", "NOT_SENT"];

fn outcome_ja(outcome: &str) -> &str {
    match outcome {
        "CREATED" => "新規",
        "UPDATED" => "更新",
        "UNCHANGED" => "変更なし",
        "SUPERSEDED" => "過去の履歴",
        "QUARANTINED" => "隔離",
        "REJECTED" => "受付不可",
        "NOT_SENT" => "未送信（要修正）",
        "REPEATED" => "同じ人の行",
        "NOT_ANSWERED" => "結果不明",
        other => other,
    }
}

fn is_refusal(outcome: RowOutcome) -> bool {
    matches!(outcome, RowOutcome::Quarantined | RowOutcome::Rejected | RowOutcome::Unspecified)
}

fn field(problem: &RowProblem) -> Option<&str> {
    (!problem.field.is_empty()).then_some(problem.field.as_str())
}

fn reason(problem: &RowProblem) -> &'static str {
    let name = problem.reason().as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

/// The row was taken; the officer may want to look.
fn warning(problem: &RowProblem) -> Finding {
    let code = reason(problem);
    let (ja, en) = match code {
        "CHECK_DIGIT" => (
            "検証番号が合いません（行は受け付けます）。",
            "The check digit does not fit; the row is taken all the same.",
        ),
        "WIDTH" => (
            "桁数が通常と異なります（行は受け付けます）。",
            "The length is unusual; the row is taken all the same.",
        ),
        "UNKNOWN_CODE" => (
            "実施機関の登録にない番号です（行は受け付けます）。",
            "The number is not registered for the issuer; the row is taken all the same.",
        ),
        "DATE_OUT_OF_RANGE" => {
            ("期限なしを表す日付とみなします。", "The date is taken to mean that there is no end.")
        }
        _ => ("行は受け付けますが、確認をお勧めします。", "The row is taken, but worth a look."),
    };
    Finding {
        column: field(problem).map(str::to_owned),
        code: code.into(),
        severity: Severity::Warning,
        message_ja: ja.into(),
        message_en: en.into(),
    }
}
