//! What is said about each step.

use super::super::stage::{Chapter, Phrase, Script};

/// On the telephone, before the card signs.
pub(super) const CONSENT: &str = "健診の予約と問診票への回答に、このカードを使います。";

pub(super) const CHAPTER: Chapter = Chapter {
    name: "family",
    title: Phrase("三分でわかる集団健診の家族", "Three minutes with a family before a group checkup"),
    opening: Phrase(
        "八王子市の3歳児健診を前に、母親が自宅のスマートフォンで日を替え、問診票に答えます。人は架空です。",
        "Before a checkup at three years in Hachioji a mother changes the day and answers the questionnaire at home. \
         Persons are invented.",
    ),
};

pub(super) const MOVED: Script = Script {
    title: Phrase("日を替える", "Another day"),
    story: Phrase(
        "火曜の予約を土曜に替えたいのですが、土曜は満員です。",
        "She has a place on Tuesday and would rather come on Saturday, which is full.",
    ),
    meaning: Phrase(
        "替える途中で席を失うことも、同じ席が二家族に渡ることもありません。電話も要りません。",
        "No place is lost on the way and none is given twice; nobody has to telephone.",
    ),
};

pub(super) const ANSWERED: Script = Script {
    title: Phrase("自宅で答える", "Answered at home"),
    story: Phrase(
        "子どものことは子どもの保護者として、自分のことは自分として答えます。",
        "About the child she answers as its guardian, about herself as herself.",
    ),
    meaning: Phrase(
        "家庭のことを正直に書いても、同じ子の保護者であるパートナーの画面には出ません。",
        "What she says of her home is in no view of a partner who is the child's guardian too.",
    ),
};

pub(super) const CHECKED_IN: Script = Script {
    title: Phrase("受付", "At the door"),
    story: Phrase(
        "会場で受付をすると問診票が締め切られ、保健師に気になる回答が示されます。",
        "At the hall the questionnaire is closed, and the nurse is shown what to look at.",
    ),
    meaning: Phrase(
        "限られた時間を、話したいことのある家族に使えます。診断ではありません。",
        "The nurse's minutes go to those who have something to say. None of it is a diagnosis.",
    ),
};
