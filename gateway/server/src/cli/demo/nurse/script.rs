//! What is said about each step.

use super::super::stage::{Chapter, Phrase, Script};

/// 八王子市's terminal.
pub(super) const OFFICE: &str = "hachioji-1";
/// The nurse, by a name that only the municipality can resolve.
pub(super) const READER: &str = "nurse-7";

/// A clinic's terminal.
pub(super) const CLINIC: &str = "tokyo-clinic-1";

pub(super) const CHAPTER: Chapter = Chapter {
    name: "nurse",
    title: Phrase("三分でわかる母子保健の担当者", "Three minutes with the public health nurse"),
    opening: Phrase(
        "八王子市の保健師が、集団健診の結果を表計算ソフトから送り、産婦健診の点数に気付きます。人も番号も架空です。",
        "A public health nurse of Hachioji sends the results of a group checkup from a spreadsheet, and hears of a \
         score. Persons and numbers are invented.",
    ),
};

pub(super) const AS_EXPORTED: Script = Script {
    title: Phrase("健診の結果のファイル", "The file of results"),
    story: Phrase(
        "1歳6か月児健診の5人分を書き出しました。途中でExcelが一つの値を壊し、日付が一つあり得ません。",
        "Five children's checkups at 18 months were exported. Excel broke one value, and one date is impossible.",
    ),
    meaning: Phrase(
        "壊れた値を推測で直すことはありません。違う体重が成長曲線に載ることもありません。",
        "A broken value is never guessed, so no wrong weight appears on a growth chart.",
    ),
};

pub(super) const SOUND: Script = Script {
    title: Phrase("正しい三行を送る", "The three sound rows"),
    story: Phrase(
        "残りの三人分を試し送りし、それから本番で送ります。",
        "The other three are tried first (dry run), then sent.",
    ),
    meaning: Phrase(
        "二人分の確認を待たずに、三人の記録が届きます。",
        "Three records arrive without waiting for the other two.",
    ),
};

pub(super) const CORRECTED: Script = Script {
    title: Phrase("直して送る", "Corrected and sent"),
    story: Phrase(
        "紙の記録で確かめて二か所を直し、止まった行だけのファイルを送ります。",
        "Checked against the paper, two cells are corrected, and the file of stopped rows is sent.",
    ),
    meaning: Phrase(
        "直すのは名指しされた二か所だけです。ほかの行に触る必要はありません。",
        "Only the two cells that were named are touched.",
    ),
};

pub(super) const RESENT: Script = Script {
    title: Phrase("全部をもう一度送る", "All of it once more"),
    story: Phrase(
        "届いたか分からなくなったので、5人分をもう一度送ります。",
        "Not sure what arrived, the nurse sends all five again.",
    ),
    meaning: Phrase("同じ健診が二回あったことにはなりません。", "No checkup is counted twice."),
};

pub(super) const AMENDED_AND_UNDONE: Script = Script {
    title: Phrase("訂正と、その取り消し", "An amendment, taken back"),
    story: Phrase(
        "体重を訂正して送りましたが、別の子の値でした。送ったまとまりごと取り消します。",
        "A weight is amended, but the value was another child's. The batch is taken back.",
    ),
    meaning: Phrase(
        "間違えて送っても、送る前の状態に戻せます。後から届いた別の訂正は消しません。",
        "A wrong batch can be taken back to what was before it; a later amendment of others stays.",
    ),
};

pub(super) const NINE_POINTS: Script = Script {
    title: Phrase("EPDSが9点", "Nine points on the EPDS"),
    story: Phrase(
        "産婦健診の記録が届きます。エジンバラ産後うつ病質問票の合計が9点です。",
        "A postpartum visit arrives with a total of nine on the Edinburgh postnatal depression scale.",
    ),
    meaning: Phrase(
        "記録だけが残って誰にも知らされない、ということが起きません。差し迫った危険への対応は医療機関が行います。",
        "The record cannot be kept without the notice. An imminent danger stays the clinic's to act on.",
    ),
};

pub(super) const HEARD: Script = Script {
    title: Phrase("保健師が読む", "The nurse has read it"),
    story: Phrase(
        "プログラムが取りに来ただけでは読んだことになりません。保健師が自分の名で受け取ります。",
        "A program that fetches the list has read nothing. The nurse acknowledges the case herself.",
    ),
    meaning: Phrase(
        "誰が引き受けたかが記録に残り、読まれるまでは未読として残り続けます。",
        "Who took it on is in the log; until then it stays unread.",
    ),
};

pub(super) const AT_THE_CLINIC: Script = Script {
    title: Phrase("医療機関の記録が届く", "A clinic's record arrives"),
    story: Phrase(
        "母親が医療機関でカードを示します。医師は市町村から届いた健診を読み、今日の結果を登録します。",
        "The mother shows her card at a clinic. The doctor reads the visit that her municipality sent and writes \
         today's down.",
    ),
    meaning: Phrase(
        "結果はその日のうちに市町村へ届き、届いたことと読まれたことを、医療機関は電話をせずに別々に知ります。",
        "The municipality has it the same day; the clinic learns without a telephone call that it arrived, and apart from \
         that, that it was read.",
    ),
};
