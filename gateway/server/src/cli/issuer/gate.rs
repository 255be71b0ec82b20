//! Where a pushed batch of checkups stands, and what a dry run would change.

use pmh_proto::checkup::{BatchState, PushSummary, RowChange};
use serde::Serialize;

use crate::cli::output::Language;

/// The part of the report that only batches of checkups have.
#[derive(Serialize)]
pub(super) struct Gate<'a> {
    batch_state: &'static str,
    departures: Vec<Words<'a>>,
    empty_columns: &'a [String],
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Words<'a> {
    ja: &'a str,
    en: &'a str,
}

#[derive(Serialize)]
struct Change<'a> {
    row_id: &'a str,
    fields: &'a [String],
}

impl<'a> Gate<'a> {
    pub(super) fn new(gate: &'a PushSummary, changes: &'a [RowChange]) -> Self {
        let words = gate.departures.iter().map(|text| Words { ja: &text.ja, en: &text.en });
        let changes = changes.iter().map(|change| Change { row_id: &change.row_id, fields: &change.fields });
        Self {
            batch_state: gate.state().as_str_name().trim_start_matches("BATCH_STATE_"),
            departures: words.collect(),
            empty_columns: &gate.empty_columns,
            changes: changes.collect(),
        }
    }
}

pub(super) fn is_held(gate: &PushSummary) -> bool {
    gate.state() == BatchState::Held
}

/// What the officer has to know or to do.
pub(super) fn lines(
    gate: &PushSummary,
    changes: &[RowChange],
    batch_id: &str,
    language: Language,
) -> Vec<String> {
    let fields = |change: &RowChange| format!("{}: {}", change.row_id, change.fields.join(", "));
    let mut lines: Vec<String> = changes.iter().map(fields).collect();
    if !gate.empty_columns.is_empty() {
        let columns = gate.empty_columns.join(", ");
        lines.push(language.pick(
            format!("すべての行で空の項目: {columns}（比べる過去のデータがないため保留していません）"),
            format!("Empty in every row: {columns} (not held, because there is no history to compare with)"),
        ));
    }
    if is_held(gate) {
        lines.push(language.pick(
            "これまでのデータと様子が違うため、保留しています。".to_owned(),
            "The batch departs from your earlier ones and is held.".to_owned(),
        ));
        lines.extend(gate.departures.iter().map(|text| format!("  {}", language.pick(&text.ja, &text.en))));
        lines.push(language.pick(
            format!("正しければ: pmh municipality checkups confirm {batch_id}　誤りなら: pmh municipality checkups undo {batch_id}"),
            format!("If it is right: pmh municipality checkups confirm {batch_id}; if not: pmh municipality checkups undo {batch_id}"),
        ));
    }
    lines
}
