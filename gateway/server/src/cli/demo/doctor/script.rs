//! What is said about each step.

use super::super::stage::{Chapter, Phrase, Script};

/// A clinic in the baby's prefecture.
pub(super) const TOKYO: &str = "tokyo-clinic-1";
/// A clinic where the grandparents live.
pub(super) const KANAGAWA: &str = "kanagawa-clinic-1";
/// 八王子市's terminal.
pub(super) const OFFICE: &str = "hachioji-1";
/// Why a doctor goes on.
pub(super) const REASON: &str = "医師が必要と認めた";

pub(super) const CHAPTER: Chapter = Chapter {
    name: "doctor",
    title: Phrase("三分でわかる予防接種", "Three minutes in the consulting room"),
    opening: Phrase(
        "八王子市に住む架空の赤ちゃん（生後100日）。母と横浜へ里帰り中で、かかりつけは都内です。規則は出典付きのデータで、診療には使えません。",
        "An invented baby of 100 days, registered in Hachioji, staying with the grandparents in Yokohama; the family's \
         doctor is in Tokyo. The rules are data with sources, not for clinical use.",
    ),
};

pub(super) const AWAY: Script = Script {
    title: Phrase("里帰り先で、依頼書がない", "Away from home, without a letter"),
    story: Phrase(
        "横浜の医療機関でカードを置き、B型肝炎の1回目を予約しようとします。",
        "In Yokohama the card is presented, and the clinic wants to reserve the first hepatitis B dose.",
    ),
    meaning: Phrase(
        "接種の後で費用も救済も受けられないと知る、ということがなくなります。",
        "Nobody learns after the shot that neither the cost nor the relief is covered.",
    ),
};

pub(super) const LETTER: Script = Script {
    title: Phrase("依頼書が届く", "The letter arrives"),
    story: Phrase(
        "八王子市が予防接種依頼書を登録します。紙は要りません。横浜はもう一度確かめます。",
        "Hachioji registers its letter, without paper, and Yokohama checks again.",
    ),
    meaning: Phrase(
        "二週間前の申請も郵送もなしに、住所地の定期接種として受けられます。",
        "No application two weeks ahead, no post: it is a routine shot of the home municipality.",
    ),
};

pub(super) const SAME_SECOND: Script = Script {
    title: Phrase("同じ一秒に、二つの医療機関", "Two clinics at the same second"),
    story: Phrase(
        "連絡の行き違いで、都内と横浜が同時に同じ1回目を予約します。",
        "By a misunderstanding Tokyo and Yokohama reserve the same first dose at the same time.",
    ),
    meaning: Phrase(
        "二重接種は、起きてから見つかるのではなく、起きません。使われない予約は十分で消えます。",
        "A double dose is not found afterwards: it does not happen. An unused reservation ends after ten minutes.",
    ),
};

pub(super) const RECORDED: Script = Script {
    title: Phrase("接種して記録する", "Given and recorded"),
    story: Phrase(
        "予約した医療機関が接種し、ロット番号とともに記録します。",
        "The clinic that holds the number gives the shot and records it with its lot.",
    ),
    meaning: Phrase(
        "記録がそのまま請求です。予診票の郵送も請求書もありません。",
        "The record is the claim: no form is posted, no invoice written.",
    ),
};

pub(super) const INTERVAL: Script = Script {
    title: Phrase("間隔の間違い", "A wrong interval"),
    story: Phrase(
        "家族は二十日後に2回目を受けたいと言います。",
        "The family would like the second dose in twenty days.",
    ),
    meaning: Phrase(
        "間違い接種の半分は間隔です。数えるのは規則で、受付は日付を一つ伝えるだけです。",
        "Half of all vaccination errors are intervals. The rules count; the receptionist names one date.",
    ),
};

pub(super) const OVERRIDE: Script = Script {
    title: Phrase("医師が判断する", "The doctor decides"),
    story: Phrase(
        "ヒブの1回目は二十一日前です。通常は27日以上あけますが、医師が必要と認めれば20日以上でよいと定められています。",
        "The first Hib dose was 21 days ago. The rule asks for 27 clear days; a doctor who finds it necessary may take 20.",
    ),
    meaning: Phrase(
        "法令が医師に任せたところは医師が決め、誰がなぜ決めたかが残ります。任せていないところは通りません。",
        "Where the law leaves it to the doctor, the doctor decides and the log says why. Elsewhere nothing passes.",
    ),
};

pub(super) const LATE: Script = Script {
    title: Phrase("後から届いた、間違いの記録", "A late record, in error"),
    story: Phrase(
        "予約を取れなかった側は、回線が切れた間に紙で接種していました。後から記録します。",
        "The clinic without the number had given the shot on paper while its line was down, and records it later.",
    ),
    meaning: Phrase(
        "起きたことは拒まず記録します。回数には数えず、市は間違い報告に要るものを受け取ります。",
        "What happened is never refused. It counts in no series, and the city has what its error report needs.",
    ),
};

pub(super) const PROVED: Script = Script {
    title: Phrase("別のプロセスで検証する", "Verified by a separate process"),
    story: Phrase(
        "二つの記録の質問と回答を、pmh audit verify-receipt に渡します。",
        "Question and answer of both records go to a separate pmh audit verify-receipt.",
    ),
    meaning: Phrase(
        "どちらの医療機関も、何を見て何を記録したかを、何年後でも証明できます。",
        "Both clinics can prove years later what they were shown and what they recorded.",
    ),
};
