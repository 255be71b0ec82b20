//! Every sentence of the console, in both languages. Names of the log's numbers are in `words`.

use super::language::Language;

macro_rules! texts {
    ($($name:ident $ja:literal $en:literal;)*) => {
        /// The sentences of one language.
        pub(super) struct Text {
            $(pub(super) $name: &'static str,)*
        }

        const JA: Text = Text { $($name: $ja,)* };
        const EN: Text = Text { $($name: $en,)* };
    };
}

impl Text {
    pub(super) fn of(language: Language) -> &'static Self {
        language.pick(&JA, &EN)
    }
}

texts! {
    console "閲覧記録の監査" "Audit of the access log";
    skip "本文へ移動" "Skip to the content";
    pages "ページ" "Pages";
    search "検索" "Search";
    checkpoints "チェックポイント" "Checkpoints";
    activity "機関別の件数" "Activity";
    other_language "English" "日本語";
    signed_in "接続中の機関" "Connected as";
    watched "検索と閲覧は、結果を表示する前にすべて記録されます。" "Every search and every entry you open is recorded before you see it.";

    search_title "閲覧記録を検索" "Search the log";
    search_lead "入力した条件をすべて満たす記録を表示します。日付は日本時間です。" "Entries that meet every condition you fill in. Days are days in Japan.";
    log "ログ" "Log";
    log_gateway "開示と登録" "Disclosures and writes";
    log_auth "カードの提示とトークン" "Card presentations and tokens";
    from "開始日" "From";
    to "終了日（当日を含む）" "To, that day included";
    requester "照会した機関" "Who asked";
    holder "情報の保有者" "Whose data";
    organization_hint "例：clinic:1310310243" "For example clinic:1310310243";
    holder_hint "例：municipality:132012" "For example municipality:132012";
    method "操作" "Method";
    purpose "利用目的" "Purpose";
    kind "種別" "Kind";
    category "記録の種類" "Class of record";
    outcome "結果" "Outcome";
    outcome_hint "拒否の理由または結果の番号" "Reason of a refusal, or a number";
    case "事案・令状の番号" "Case or warrant";
    break_glass "緊急開示のみ" "Emergency access only";
    any "すべて" "All";
    do_search "検索する" "Search";
    conditions "検索条件" "Conditions";

    results "検索結果" "Result";
    no_results "条件に合う記録はありません。" "No entry meets these conditions.";
    no_results_here "この範囲に該当する記録はありません。続きがあります。" "Nothing in this range; there is more.";
    index "番号" "No.";
    time "日時（日本）" "Time (Japan)";
    deed "内容" "What was done";
    records "記録の種類" "Records";
    outside "管轄外のため、番号とハッシュのみ" "Outside your jurisdiction: place and hash only";
    next_page "次のページ" "Next page";
    this_page "このページの固定リンク" "Permanent address of this page";
    this_page_why "記録が増えても内容は変わりません。" "It stays the same however the log grows.";
    none "なし" "none";
    none_or_several "なし・複数" "none or several";
    no_conditions "指定なし" "none";

    entry "記録" "Entry";
    previous "前の記録" "Previous entry";
    following "次の記録" "Next entry";
    fields "記録の内容" "What is recorded";
    leaf_hash "記録のハッシュ" "Hash of the entry";
    sealed "対象者・担当者・詳細は封印されています。令状があれば開示できます。" "Who it is about, who acted and what was said are sealed. A warrant opens them.";
    outside_lead "この記録は管轄外です。番号とハッシュだけを確認できます。" "This entry lies outside your jurisdiction. You see its place and its hash.";

    proof "収録の証明" "Proof that the log holds it";
    proved "証明されました" "Proved";
    not_proved "証明できません。表示された記録を信用しないでください。" "Not proved. Do not rely on what is shown.";
    proof_read "下の記録から始め、経路のハッシュと順に合わせると、署名されたツリーの頂点に一致します。" "Begin with the entry below and hash it together with each neighbour on the way: the result is the signed top of the tree.";
    top "署名された頂点" "Signed root";
    neighbour "隣のハッシュ" "Neighbour";
    computed "計算したハッシュ" "Computed";
    this_entry "この記録" "This entry";
    path_table "経路の全ハッシュ" "All hashes of the path";
    level "段" "Level";
    side "位置" "Side";
    left "左" "left";
    right "右" "right";
    hash "ハッシュ" "Hash";

    checkpoint "署名されたチェックポイント" "Signed checkpoint";
    cosignatures "第三者による連署" "Cosigned by";
    cosigned_none "この記録を含む連署はまだありません。" "No witness has cosigned a tree with this entry yet.";
    witness "証人" "Witness";
    cosigned_at "連署の日時（日本）" "Cosigned (Japan)";
    check_yourself "手元での検証" "Check it yourself";
    check_lead "次の証明を entry.tlog-proof として保存すると、この画面を信用せずに検証できます。公開鍵は別の経路で入手してください。" "Save the proof as entry.tlog-proof and verify it without trusting this page. Take the key from somewhere else.";
    proof_text "証明の全文（C2SP tlog-proof）" "The proof (C2SP tlog-proof)";

    open_title "封印の開示" "Open sealed parts";
    open_lead "開示は令状の番号とともに記録され、取り消せません。対象者本人の閲覧履歴にも表示される場合があります。" "Opening is recorded with the warrant and cannot be undone. The person may find it in their own list.";
    parts "開示する部分" "Parts";
    part_subject "対象者（照会した機関だけに通じる仮名）" "Subject: by the pseudonym that the requester knows";
    part_actor "担当者（端末・職員の仮名）" "Actor: terminal, member of staff by pseudonym";
    part_detail "詳細（要求と回答のハッシュ、結果）" "Detail: hashes of request and answer, outcomes";
    warrant "令状の番号" "Number of the warrant";
    warrant_hint "64文字まで。記録に封印されます。" "At most 64 characters; sealed into the record.";
    do_open "記録して開示する" "Record and open";
    opened "開示した内容" "Opened";
    opened_fits "開示した内容は記録のコミットメントと一致します。" "What was opened fits the entry's commitments.";
    opened_misfit "記録のコミットメントと一致しません。" "It does not fit the entry's commitment.";
    part_none "この記録にこの部分はありません。" "The entry has no such part.";
    part_erased "消去されています。" "It was erased.";

    checkpoints_title "チェックポイントと証人" "Checkpoints and witnesses";
    checkpoints_lead "ログの頂点に署名したものがチェックポイントです。証人は、ログが追記だけで成長したことを確かめて連署します。" "A checkpoint is the signed top of a log. Witnesses cosign it after checking that the log only grew.";
    newest "最新" "Newest";
    quorum_reached "必要な連署があります" "Cosigned by enough witnesses";
    quorum_missing "連署が足りません" "Not enough witnesses have cosigned";
    quorum_unset "必要数の定めはありません" "No number of witnesses is demanded";
    last_cosigned "最後に連署した件数" "Last cosigned size";
    age "経過" "Age";
    behind "未連署の件数" "Entries since";
    never "まだありません" "never";
    no_witnesses "証人は設定されていません。" "No witness is configured.";
    cosignature_count "連署の数" "Cosignatures";
    history "履歴" "History";
    history_lead "新しい順。各チェックポイントが次のものに含まれることを、このページを作る際に検証しました。" "Newest first. Each was checked, when this page was made, to be the beginning of the next.";
    history_broken "整合しないチェックポイントがあります。" "A checkpoint is not the beginning of the next.";
    size "件数" "Size";
    root "頂点のハッシュ" "Root";
    consistent "次との整合" "Leads to the next";
    verified "検証済み" "verified";
    failed "不一致" "does not fit";

    activity_title "機関別の件数" "Activity by organization";
    activity_lead "照会した機関ごとの、1日あたりの記録の件数です。" "Entries a day, by the organization that asked.";
    show "表示する" "Show";
    activity_empty "この期間に記録はありません。" "No entries in this period.";
    activity_cut "件数が多いため、期間の途中までを集計しました。期間を短くしてください。" "The period holds more than one view counts; this is its beginning. Choose a shorter one.";
    activity_outside "管轄外の記録" "Outside your jurisdiction";
    activity_table "数値の表" "The same in numbers";
    per_day_most "縦軸の最大" "Top of each scale";
    organization "機関" "Organization";
    total "合計" "Total";
    unnamed "機関の記載なし" "No organization";

    refused_title "表示できません" "This cannot be shown";
    reason "理由" "Reason";
    retry_after "再試行までの秒数" "Try again after seconds";
    request_id "問い合わせ番号" "Request id";
    wrong_fields "確認する項目" "Fields to correct";
    to_start "検索の画面へ" "To the search page";
    elsewhere_title "別のサイトから開かれました" "Opened from another site";
    elsewhere "この画面の表示は貴機関の名で記録されるため、別のサイトからの要求には応じません。必要な場合は検索の画面から操作してください。" "What is shown here is recorded under your organization's name, so requests from other sites are not followed. Begin at the search page.";
    no_such_page "このページはありません。" "There is no such page.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_languages_are_not_mixed_up() {
        assert_eq!((Text::of(Language::Ja).search, Text::of(Language::En).search), ("検索", "Search"));
    }
}
