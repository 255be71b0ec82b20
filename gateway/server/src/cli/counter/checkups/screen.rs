//! What doctor and nurse read: each checkup with its values, where the child stands, what visits say together.

use pmh_domain::checkup::item;
use pmh_domain::checkup::judgement::{Disposition, Finding};
use pmh_proto::checkup::{GrowthPosition, ItemEntry, NoGrowthPosition, ReadCheckup};

use super::super::screen::{indented, large, no_answer, said};
use super::super::trouble::Trouble;
use super::Read;
use crate::cli::issuer::checkup_rows;
use crate::cli::output::{Language, table};

/// The screen of an answer.
pub(super) fn of(read: &Read, language: Language) -> Vec<String> {
    let checkups: Vec<&ReadCheckup> = read.pages.iter().flat_map(|page| &page.response.checkups).collect();
    let count = checkups.len();
    let headline = language.pick(format!("健診の記録 {count}件"), format!("{count} checkups"));
    let instruction = language.pick(
        "共有された記録だけです。母子健康手帳も確かめてください。診断ではありません。",
        "Only what was shared: look at the handbook too. Not a diagnosis.",
    );
    let mut lines = large(&headline, instruction);
    for checkup in checkups {
        lines.push(String::new());
        lines.extend(of_one(checkup, language));
    }
    lines.push(String::new());
    let reference = read.pages.iter().find_map(|page| page.response.growth_reference.as_ref());
    lines.extend(reference.map(|known| {
        let name = language.pick(known.credit.as_str(), said(known.name.as_ref(), language));
        indented(format!("{name} ({} {})", known.id, known.fit))
    }));
    for page in &read.pages {
        let (index, size) = (page.proof.index, page.proof.checkpoint.size());
        lines.push(indented(language.pick(
            format!("記録の証明: 確認済み（番号{index}、全{size}件）"),
            format!("receipt: verified (entry {index} of {size})"),
        )));
    }
    lines
}

/// The screen when nobody knows.
pub(super) fn trouble(trouble: &Trouble, language: Language) -> Vec<String> {
    no_answer(
        trouble,
        language.pick("確認できません", "Not known"),
        language.pick(
            "健診の記録は、この画面では分かりません。母子健康手帳で確かめてください。",
            "This says nothing about any checkup: go by the handbook.",
        ),
    )
}

fn of_one(read: &ReadCheckup, language: Language) -> Vec<String> {
    let record = read.record.clone().unwrap_or_default();
    let raw = checkup_rows::raw(record.clone());
    let kind = raw.kind.map_or("", |kind| language.pick(kind.ja(), kind.en()));
    let marks = [
        (!record.gestation.is_empty(), record.gestation.as_str()),
        (read.amended, language.pick("訂正あり", "amended")),
        (read.disputed, language.pick("後の版を確認中", "a later version is in dispute")),
        (record.withdrawn, language.pick("取下げ", "withdrawn")),
    ];
    let marks: Vec<&str> = marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark)).collect();
    let judged = raw.disposition.map(|judged| judgement(judged, language)).unwrap_or_default();
    let title = format!("{} {kind} {judged} {}", record.date, marks.join(language.pick("、", ", ")));
    let mut lines = vec![indented(title.trim_end())];
    let rows: Vec<_> = record.items.iter().map(|entry| row(entry, &read.growth, language)).collect();
    lines.extend(table(&rows).into_iter().map(|row| indented(indented(row))));
    for scores in &raw.scores {
        let total = scores.total.map(|total| total.to_string()).unwrap_or_default();
        lines.push(indented(indented(format!("{} {total}", scores.instrument.name()))));
    }
    let alerts = read.alerts.iter().map(|alert| said(alert.text.as_ref(), language));
    lines.extend(alerts.map(|text| indented(format!("! {text}"))));
    lines
}

fn judgement(judged: Disposition, language: Language) -> String {
    language.pick(judged.ja(), judged.name()).to_owned()
}

fn row(entry: &ItemEntry, growth: &[GrowthPosition], language: Language) -> Vec<String> {
    let name = item::item(&entry.code)
        .map_or(entry.code.as_str(), |item| language.pick(item.name_ja.as_str(), item.name_en.as_str()));
    let found = Finding::ALL
        .into_iter()
        .find(|found| entry.finding().as_str_name().strip_prefix("FINDING_") == Some(found.name()));
    let value = format!("{} {}", entry.value, entry.unit);
    let placed = growth.iter().find(|position| position.item == entry.code);
    vec![
        name.to_owned(),
        value.trim().to_owned(),
        found.map_or("", |found| language.pick(found.ja(), found.name())).to_owned(),
        placed.map(|position| place(position, language)).unwrap_or_default(),
        entry.note.clone(),
    ]
}

fn place(position: &GrowthPosition, language: Language) -> String {
    if position.absent() != NoGrowthPosition::Unspecified {
        let reason = position.absent().as_str_name().trim_start_matches("NO_GROWTH_POSITION_");
        return language.pick(format!("位置なし [{reason}]"), format!("no position [{reason}]"));
    }
    let (percentile, z) = (position.percentile, position.z);
    language.pick(
        format!("{percentile:.1}パーセンタイル（z {z:+.2}）"),
        format!("percentile {percentile:.1} (z {z:+.2})"),
    )
}
