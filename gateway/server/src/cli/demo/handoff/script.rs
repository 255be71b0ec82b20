//! What is said about each step.

use super::super::stage::{Chapter, Phrase, Script};

pub(super) const CHAPTER: Chapter = Chapter {
    name: "handoff",
    title: Phrase("三分でわかる里帰り出産", "Three minutes of a birth away from home"),
    opening: Phrase(
        "八王子市の妊婦（架空）が、町田市の実家で出産します。市ごとに別のゲートウェイ、別のデータベース、別の監査ログです。",
        "A mother of Hachioji (invented) gives birth at her parents' in Machida. Each city has a gateway, a database and \
         a log of its own.",
    ),
};

pub(super) const OFFERED: Script = Script {
    title: Phrase("提案。相手のゲートウェイは停止中", "Offered, while the other gateway is down"),
    story: Phrase(
        "八王子市が、産後ケアと相談を町田市にお願いします。町田市のゲートウェイは止まっていて、知らせは届きません。",
        "Hachioji offers postpartum care and consultation to Machida, whose gateway is down: the message is lost.",
    ),
    meaning: Phrase(
        "届かなかった知らせは、送り続けられます。それまで担当は八王子市のままです。",
        "What was lost is sent again until it is answered. Until then the duties stay with Hachioji.",
    ),
};

pub(super) const ARRIVED: Script = Script {
    title: Phrase("復旧して、届く", "It comes back, and the offer arrives"),
    story: Phrase("町田市のゲートウェイが起動します。", "Machida's gateway starts again."),
    meaning: Phrase(
        "町田市は、八王子市のログの署名を検証してから記録しました。二つの市は、本人の番号を共有しません。",
        "Machida verified Hachioji's log before it entered the offer. The two cities share no number of her.",
    ),
};

pub(super) const ACCEPTED: Script = Script {
    title: Phrase("町田市の窓口で", "At Machida's window"),
    story: Phrase(
        "本人がカードと受付コードを示し、町田市が受け入れます。その直後に八王子市のゲートウェイが落ちます。",
        "She shows her card and the code, and Machida accepts. At that moment Hachioji's gateway goes down.",
    ),
    meaning: Phrase(
        "応答した内容は消えません。八王子市は、起動し直してから受け入れを受け取りました。",
        "What was answered is kept. Hachioji had the accept once it was up again.",
    ),
};

pub(super) const CONFIRMED: Script = Script {
    title: Phrase("担当が移る", "The duties pass"),
    story: Phrase("八王子市が確定します。", "Hachioji confirms."),
    meaning: Phrase(
        "担当は、どの瞬間にも一つの市だけです。誰が担当かは、八王子市のログで決まります。",
        "Each duty has one holder at every instant, by Hachioji's log.",
    ),
};

pub(super) const BORN: Script = Script {
    title: Phrase("生まれた", "Born there"),
    story: Phrase(
        "町田市の産婦人科で出産。母がカードで同意し、医院が九項目を知らせます。",
        "She gives birth at a clinic in Machida. She agrees with her card, and the clinic tells the nine items.",
    ),
    meaning: Phrase(
        "八王子市は、その日のうちに新生児訪問の準備ができます。出生届は別に必要です。",
        "Hachioji can prepare the newborn's visit the same day. The filing at the family register is still due.",
    ),
};

pub(super) const UNWELL: Script = Script {
    title: Phrase("産後の訪問で、EPDS 9点", "Nine points on the EPDS"),
    story: Phrase(
        "町田市の保健師が結果を送ります。急ぐかどうかは、八王子市の基準でゲートウェイが決めます。",
        "Machida's nurse sends the result. Whether it is urgent is Hachioji's rule, applied by the gateway.",
    ),
    meaning: Phrase(
        "読まれない報告は、時間がたつと両市で催促されます。",
        "A report that nobody reads calls again on both sides as time passes.",
    ),
};

pub(super) const RETURNED: Script = Script {
    title: Phrase("お返しと終了", "Given back, and closed"),
    story: Phrase(
        "町田市がお返しし、八王子市が終了します。",
        "Machida gives everything back, and Hachioji closes.",
    ),
    meaning: Phrase(
        "お返しの後、町田市からは何も見えません。",
        "From the return on Machida sees nothing of her any more.",
    ),
};

pub(super) const PROVED: Script = Script {
    title: Phrase("一つのファイルで証明", "One file proves it"),
    story: Phrase(
        "両方の市が証拠のファイルを書き出し、二つのログの公開鍵だけで検証します。",
        "Each city writes its evidence file, and both are verified with the two logs' public keys alone.",
    ),
    meaning: Phrase(
        "償還の請求にも監査にも使えます。一バイト変えても、一つの手順を抜いても、見つかります。",
        "It serves the refund claim and the auditor. One byte changed or one step removed is found.",
    ),
};
