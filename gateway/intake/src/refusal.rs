//! The gateway's own reasons for refusing a sent row, in the officer's words.

/// Japanese and English sentence for a row reason of the wire contract. A reason that a newer gateway knows and
/// we do not still reaches the officer by its name, in the finding's code.
pub(crate) fn words(reason: &str) -> (&'static str, &'static str) {
    TABLE.iter().find(|(name, ..)| *name == reason).map_or(
        ("ゲートウェイが受け付けませんでした。", "The gateway refused the row."),
        |(_, ja, en)| (ja, en),
    )
}

const TABLE: [(&str, &str, &str); 33] = [
    ("REQUIRED", "必須の項目が空です。", "A required field is empty."),
    ("WIDTH", "長さが合いません。", "The value has the wrong length."),
    ("CHARACTERS", "使えない文字があります。", "The value holds characters that are not allowed."),
    (
        "CHECK_DIGIT",
        "検証番号（末尾の桁）が合いません。番号の写し間違いがないか確かめてください。",
        "The check digit does not fit.",
    ),
    ("UNKNOWN_CODE", "登録されていないコードです。", "The register does not know the code."),
    (
        "CODE_NOT_CURRENT",
        "その日には使われていないコードです（廃止または新設前）。",
        "The code exists, but not on that date.",
    ),
    ("DATE", "日付として読めません。", "The value is not a calendar date."),
    ("INTERVAL_REVERSED", "終了が開始より前です。", "The end lies before the start."),
    (
        "DATE_OUT_OF_RANGE",
        "日付が将来すぎるか、離れすぎています。",
        "The date is in the future or too far away.",
    ),
    ("DUPLICATE_ROW", "同じものが2回あります。", "The same thing was sent twice."),
    (
        "HISTORY_KEY_CONFLICT",
        "同じ履歴キーで内容の異なる登録がすでにあります。新しい履歴キーを付けてください。",
        "The same history key was sent before with other content.",
    ),
    (
        "ISSUER_MISMATCH",
        "この制度の実施機関として登録されていません。",
        "The issuer is not competent for the scheme.",
    ),
    (
        "VALUE",
        "使えない値か、ほかの項目と合わない値です。",
        "The value is not allowed here or contradicts another.",
    ),
    (
        "RESIDENT_UNKNOWN",
        "この宛名番号の住民がまだ登録されていません。先に住民を送ってください。",
        "No resident is registered under this key; send the residents first.",
    ),
    (
        "INDIVIDUAL_NUMBER_FORBIDDEN",
        "個人番号の可能性がある12桁の値です。個人番号は登録できません。",
        "The value looks like an individual number.",
    ),
    ("UNKNOWN_ITEM", "登録にない項目です。", "There is no such item, question or form."),
    ("OTHER_KIND", "この種別の健診にはない項目です。", "The item does not belong to this kind of checkup."),
    ("UNIT", "単位が項目と合いません。", "The unit is not the item's."),
    ("METHOD", "この項目にはない測定方法です。", "The item is not measured by this method."),
    ("IMPOSSIBLE", "ありえない値です。", "No person measures that."),
    ("IMPLAUSIBLE", "まれな値です。入力を確かめてください。", "The value is possible but rare."),
    ("CONTRADICTION", "ほかの項目と矛盾しています。", "The value contradicts another."),
    ("TOTAL_MISMATCH", "合計が各項目の和と合いません。", "The total is not the sum of the answers."),
    ("INCOMPLETE", "足りない回答があります。", "Answers are missing."),
    (
        "WITHHELD",
        "交換の対象外とされている情報です。送れません。",
        "The exchange does not carry this information.",
    ),
    ("AGE", "この健診の対象の年齢ではありません。", "The day lies outside the age of this checkup."),
    (
        "VERSION_DISPUTED",
        "同じ版番号で内容の異なる記録があります。どちらも使われません。版番号を上げて送り直してください。",
        "The same version was sent with other content; neither counts until a higher version comes.",
    ),
    (
        "BATCH_CLOSED",
        "この送信は終了しています。新しい送信で送ってください。",
        "The batch was closed before this row came.",
    ),
    (
        "TICKET_NUMBER_TAKEN",
        "この番号の受診券は別の方に発行されています。",
        "The ticket's number is another resident's.",
    ),
    (
        "TICKET_CLOSED",
        "使用済みまたは無効の受診券です。変更できません。",
        "The ticket was used or voided and stays as it is.",
    ),
    (
        "TICKETS_EXHAUSTED",
        "この妊娠に交付できる受診券の枚数を超えています。",
        "The pregnancy has as many tickets as the rule gives it.",
    ),
    (
        "TICKET_HOLDER_UNKNOWN",
        "この受診券番号と生年月日では登録できません。受診券の記載を確かめるか、カードを提示してもらい記録してください。",
        "This ticket and birth date name nobody here. Look at the paper again, or record the checkup with the card.",
    ),
    (
        "STATE_NOT_ALLOWED",
        "すでに予約している人数より定員を少なくできません。同じグループの行はどれも登録していません。",
        "More families have a place than that; no day of the group was changed.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_a_row_has_its_words() {
        for (name, ja, en) in TABLE {
            assert_eq!(words(name), (ja, en));
            assert!(ja.ends_with('。') && en.is_ascii() && !encoding_rs::SHIFT_JIS.encode(ja).2, "{name}");
        }
        assert_ne!(words("SOMETHING_NEW").0, "");
    }
}
