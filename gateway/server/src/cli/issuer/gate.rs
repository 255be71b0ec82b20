//! Where a pushed batch of checkups stands, and what a dry run would change.

use pmh_proto::checkup::{BatchState, PushSummary, RowChange};
use serde::Serialize;

use super::diff::{Changed, Diffs};
use crate::cli::output::{Language, table};

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
    columns: &'a [Changed],
}

impl<'a> Gate<'a> {
    pub(super) fn new(gate: &'a PushSummary, changes: &'a [RowChange], diffs: &'a Diffs) -> Self {
        let words = gate.departures.iter().map(|text| Words { ja: &text.ja, en: &text.en });
        let changes = changes.iter().map(|change| Change {
            row_id: &change.row_id,
            fields: &change.fields,
            columns: diffs.get(&change.row_id).map_or(&[], Vec::as_slice),
        });
        Self {
            batch_state: gate.state().as_str_name().trim_start_matches("BATCH_STATE_"),
            departures: words.collect(),
            empty_columns: &gate.empty_columns,
            changes: changes.collect(),
        }
    }
}

/// Its rows count now, or would.
pub(super) fn counts(gate: &PushSummary) -> bool {
    gate.state() == BatchState::Accepted
}

/// A line for each column that would change; of rows whose values were not read back the fields alone.
fn changes_table(changes: &[RowChange], diffs: &Diffs, language: Language) -> Vec<String> {
    let cell = |value: &str| if value.is_empty() { "−".to_owned() } else { value.to_owned() };
    let heads = language.pick(["行", "項目", "今", "送信後"], ["row", "column", "now", "then"]);
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for change in changes {
        match diffs.get(&change.row_id) {
            Some(columns) => rows.extend(columns.iter().map(|changed| {
                vec![
                    change.row_id.clone(),
                    changed.column.clone(),
                    cell(&changed.before),
                    cell(&changed.after),
                ]
            })),
            None => rows.push(vec![
                change.row_id.clone(),
                change.fields.join(", "),
                "…".to_owned(),
                "…".to_owned(),
            ]),
        }
    }
    if rows.len() == 1 { Vec::new() } else { table(&rows) }
}

/// What the officer has to know or to do.
pub(super) fn lines(
    gate: &PushSummary,
    changes: &[RowChange],
    diffs: &Diffs,
    batch_id: &str,
    language: Language,
) -> Vec<String> {
    let mut lines = changes_table(changes, diffs, language);
    if !gate.empty_columns.is_empty() {
        let columns = gate.empty_columns.join(", ");
        lines.push(language.pick(
            format!("すべての行で空の項目: {columns}（比べる過去のデータがないため保留していません）"),
            format!("Empty in every row: {columns} (not held, because there is no history to compare with)"),
        ));
    }
    if gate.state() == BatchState::Abandoned {
        lines.push(language.pick(
            "7日以上終わらなかった送信のため、受け付けません。新しいバッチIDで全部を送り直してください。".to_owned(),
            "This batch was left open for seven days and is closed: send everything under a new batch id.".to_owned(),
        ));
    }
    if gate.state() == BatchState::Held {
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
