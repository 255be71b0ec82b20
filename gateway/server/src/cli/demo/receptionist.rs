//! The receptionist's chapter: what stands on the counter's screen, and what it means for the people before it.

use anyhow::{Result, bail, ensure};
use pmh_client::{ConnectError, Endpoint, connect};
use pmh_proto::{
    eligibility::{AnswerState, CareType, CounterAction, Outcome},
    presence::Notice,
};
use pmh_testkit::{
    card::FakeCard,
    directory::{CredentialDigest, DirectoryItem},
    pki::{CardRequest, DAY, Generation},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    house::{House, Visit, action_word, same_person, word},
    screen::Screen,
    stage::{Chapter, Phrase, Script, Shown, Stage, Stopped},
};
use crate::{cli::card::HeldCard, system};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let first = stage.play(&AT_THE_HOSPITAL, at_the_hospital(house)).await?;
    stage.play(&NOT_DESIGNATED, not_designated(house)).await?;
    stage.play(&OUTSIDE_THE_PREFECTURE, outside_the_prefecture(house)).await?;
    stage.play(&LAPSED, lapsed_beside_valid_paper(house)).await?;
    stage.play(&REFUSED_CONSENT, consent_refused(house)).await?;
    let renewed = stage.play(&NEW_CARD, new_card_unknown(house)).await?;
    stage.play(&SAME_PERSON, same_person_again(house, renewed, &first)).await?;
    stage.play(&UNREACHABLE, gateway_unreachable(house)).await
}

async fn at_the_hospital(house: &House) -> Result<(Visit, Shown)> {
    let visit = house.visit(&mut house.card("mother")?, &house.question("mother")?).await?;
    visit.claim("52", Outcome::Eligible, CounterAction::ApplyHere)?;
    visit.claim("88-13", Outcome::Eligible, CounterAction::ApplyHere)?;
    let shown = answered(&visit, "mother", Outcome::Eligible, CounterAction::ApplyHere).fact(
        format!("2制度とも有効。照会の記録 {} 番、受領証を検証済み", visit.answer.proof.index),
        format!("both rights in force; entry {} of the log, receipt checked", visit.answer.proof.index),
    );
    Ok((visit, shown))
}

/// Asked about 52 alone, which the prescription names, and then about everything.
async fn not_designated(house: &House) -> Result<((), Shown)> {
    let question = house.question("mother")?.at("other-pharmacy-1", CareType::Pharmacy);
    let mut card = house.card("mother")?;
    let visit = house.visit(&mut card, &question.clone().about(&["52"])).await?;
    visit.claim("52", Outcome::Eligible, CounterAction::NotDesignatedHere)?;
    let both = house.visit(&mut card, &question).await?;
    both.claim("88-13", Outcome::Eligible, CounterAction::ApplyHere)?;
    let shown = answered(&visit, "mother", Outcome::Eligible, CounterAction::NotDesignatedHere).fact(
        "マル乳（88）は、この薬局でも適用できる",
        "the municipal scheme (88) applies at this pharmacy as well",
    );
    Ok(shown.only())
}

async fn outside_the_prefecture(house: &House) -> Result<((), Shown)> {
    let question = house.question("mother")?.at("kanagawa-clinic-1", CareType::Outpatient).about(&["88-13"]);
    let visit = house.visit(&mut house.card("mother")?, &question).await?;
    visit.claim("88-13", Outcome::Eligible, CounterAction::CollectShareThenReimburse)?;
    Ok(answered(&visit, "mother", Outcome::Eligible, CounterAction::CollectShareThenReimburse).only())
}

async fn lapsed_beside_valid_paper(house: &House) -> Result<((), Shown)> {
    let question = house.question("lapsed")?.about(&["88-13"]);
    let visit = house.visit(&mut house.card("lapsed")?, &question).await?;
    let result = visit.claim("88-13", Outcome::Lapsed, CounterAction::AskIssuer)?;
    ensure!(!result.lapsed_on.is_empty(), "the last day is missing");
    ensure!(result.as_of.is_some(), "the age of the data is missing");
    Ok(answered(&visit, "lapsed", Outcome::Lapsed, CounterAction::AskIssuer).only())
}

async fn consent_refused(house: &House) -> Result<((), Shown)> {
    let question = house.question("no-consent")?;
    let visit = house.visit(&mut house.card("no-consent")?, &question).await?;
    visit.claim("88-13", Outcome::NotConsented, CounterAction::UsePaper)?;
    let bare = visit.answer.response.results.iter().all(|result| {
        result.entitlements.is_empty() && !result.authoritative && result.outcome() == Outcome::NotConsented
    });
    ensure!(bare, "something was said without consent");
    Ok(answered(&visit, "no-consent", Outcome::NotConsented, CounterAction::UsePaper).only())
}

/// The mother's next card.
struct Renewed {
    card: HeldCard,
    digest: CredentialDigest,
}

/// Presented before anybody has announced it.
async fn new_card_unknown(house: &House) -> Result<(Renewed, Shown)> {
    let request = CardRequest::new(Generation::P384, house.part("mother")?.birth_date, system::now_s() - DAY);
    let (pki, pin) = (house.pki()?, &house.described("mother")?.pin);
    let card = FakeCard::issue(&pki, &request, pin)?;
    let digest = card.credential_digest(&pki.card_ca_key_id(Generation::P384)?)?;
    let mut renewed = Renewed { card: HeldCard::new(card, pin), digest };
    let mut question = house.question("mother")?;
    question.for_child = false;
    let visit = house.visit(&mut renewed.card, &question).await?;
    let state = visit.answer.response.state();
    ensure!(state == AnswerState::NotLinked, "answered {}", state.as_str_name());
    ensure!(visit.presence.notices.contains(&Notice::NewCredentialUnlinked), "the notice is missing");
    let shown = Shown::default()
        .screen(Screen::of(&visit.place, &visit.answer.response))
        .field("card", "mother (renewed)")
        .field("state", "NOT_LINKED");
    Ok((renewed, shown))
}

async fn same_person_again(house: &House, mut renewed: Renewed, first: &Visit) -> Result<((), Shown)> {
    let linked = tell_renewal(house, renewed.digest).await?;
    ensure!(linked == 1, "{linked} links were made");
    let visit = house.visit(&mut renewed.card, &house.question("mother")?).await?;
    visit.claim("52", Outcome::Eligible, CounterAction::ApplyHere)?;
    visit.claim("88-13", Outcome::Eligible, CounterAction::ApplyHere)?;
    same_person(visit.subject(), first.subject())?;
    ensure!(visit.presence.token.actor == first.presence.token.actor, "the guardian is another person");
    let shown = answered(&visit, "mother (renewed)", Outcome::Eligible, CounterAction::ApplyHere).fact(
        "母も子も、この病院では前のカードのときと同じ仮名のまま",
        "mother and child bear the same pseudonyms at this hospital as before",
    );
    Ok(shown.only())
}

/// What the credential directory sends: this certificate follows that one.
async fn tell_renewal(house: &House, new: CredentialDigest) -> Result<u32> {
    let ca = house.pki()?.card_ca_key_id(Generation::P384)?;
    let old = house.plastic("mother")?.credential_digest(&ca)?;
    house.tell_directory("demo-renewal", &[DirectoryItem::Renewal { old, new }]).await
}

async fn gateway_unreachable(house: &House) -> Result<((), Shown)> {
    let terminal = house.question("mother")?.terminal;
    let (chain, key) = house.terminal_files(&terminal)?;
    let (root, name) = house.trust()?;
    let endpoint = Endpoint::from_pem(closed_port().await?, name, &root, &chain, &key)?;
    match connect(&endpoint).await {
        Err(ConnectError::Unreachable(_)) => {}
        Err(other) => return Err(other.into()),
        Ok(_) => bail!("somebody answers at a closed port"),
    }
    let shown = Shown::default()
        .screen(Screen::without_answer(&house.place(&terminal), "UNREACHABLE"))
        .field("reason", "UNREACHABLE");
    Ok(shown.only())
}

/// An address where somebody listened a moment ago.
async fn closed_port() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?.to_string())
}

/// The screen of a visit, and what its JSON object says.
pub(super) fn answered(visit: &Visit, card: &str, outcome: Outcome, action: CounterAction) -> Shown {
    let results = visit.answer.response.results.iter().map(|result| {
        json!({
            "group": result.group,
            "issuer": result.issuer,
            "outcome": word(result.outcome()),
            "counter_action": action_word(result.counter_action()),
        })
    });
    Shown::default()
        .screen(Screen::of(&visit.place, &visit.answer.response))
        .field("card", card)
        .field("outcome", word(outcome))
        .field("counter_action", action_word(action))
        .field("results", results.collect::<Vec<Value>>())
}

const CHAPTER: Chapter = Chapter {
    name: "receptionist",
    title: Phrase("三分でわかる受付", "Three minutes at the counter"),
    opening: Phrase(
        "架空の母と三歳の子。子は東京都の小児慢性（52）と八王子市のマル乳（88）を持っています。\
         画面に出るのは、大きな一行と案内一つです。",
        "An invented mother and her three-year-old, who holds a prefectural (52) and a municipal right (88). \
         The screen shows one large line and one instruction.",
    ),
};

const AT_THE_HOSPITAL: Script = Script {
    title: Phrase("病院で、母のカードを置く", "At the hospital, with the mother's card"),
    story: Phrase(
        "子どもの受診です。母が自分のカードを置き、暗証番号を入れ、二つの制度の提供に同意します。",
        "The child is the patient. The mother puts her own card on the reader, enters her PIN and consents to \
         both schemes.",
    ),
    meaning: Phrase(
        "受付は番号を書き写さず、二つの公費をそのまま適用できます。紙の医療証を二枚探す必要もありません。",
        "The receptionist copies no number and applies both; the mother need not look for two certificates.",
    ),
};

const NOT_DESIGNATED: Script = Script {
    title: Phrase("指定外の薬局", "A pharmacy that is not designated"),
    story: Phrase(
        "帰りの薬局で、処方せんにある小児慢性（52）を確かめます。この薬局は受給者証の指定に入っていません。",
        "On the way home the pharmacy checks scheme 52, which the prescription names. The certificate does not \
         designate this pharmacy.",
    ),
    meaning: Phrase(
        "「資格なし」ではありません。52をここで使えないだけだと分かり、母は指定の薬局へ行くか、指定の追加を相談できます。",
        "Nobody says \"no right\": only that 52 is not used here. The mother can go to a designated pharmacy or \
         have this one added.",
    ),
};

const OUTSIDE_THE_PREFECTURE: Script = Script {
    title: Phrase("旅先、都外の病院", "A hospital outside the prefecture"),
    story: Phrase(
        "横浜で発熱しました。マル乳（88）が窓口で使えるのは都内だけです。",
        "A fever in Yokohama. The municipal scheme (88) is applied at counters inside Tokyo only.",
    ),
    meaning: Phrase(
        "母は今日いったん支払い、領収書で後から払い戻しを受けます。受付は制度を知らなくても案内できます。",
        "The mother pays today and is reimbursed with the receipt. The receptionist need not know the scheme to \
         say so.",
    ),
};

const LAPSED: Script = Script {
    title: Phrase("登録は期限切れ、紙は期限内", "A lapsed record beside a valid paper"),
    story: Phrase(
        "別の子（架空）です。登録では三十日前に終わった資格ですが、家族の手元の医療証はまだ期限内です。",
        "Another invented child. The registered right ended 30 days ago; the family holds a paper certificate that \
         is still valid.",
    ),
    meaning: Phrase(
        "更新の登録が遅れているだけかもしれません。終了日とデータの時点が見えるので、受付は紙を断らずに済みます。",
        "A renewal may simply be on its way. With the last day and the age of the data in view, nobody turns the \
         paper away.",
    ),
};

const REFUSED_CONSENT: Script = Script {
    title: Phrase("同意しない人", "Consent refused"),
    story: Phrase(
        "患者が情報の提供を断りました。理由は聞きません。",
        "The patient says no to sharing. Nobody asks why.",
    ),
    meaning: Phrase(
        "資格のある人にもない人にも同じ画面が出るので、何も漏れません。カルテの公費もそのままです。",
        "The screen is the same for people with and without a right, so nothing leaks, and the chart stays as it is.",
    ),
};

const NEW_CARD: Script = Script {
    title: Phrase("更新したばかりのカード", "A card renewed yesterday"),
    story: Phrase(
        "母のカードが新しくなりました。証明書が変わり、まだどの自治体の登録とも結び付いていません。",
        "The mother has a new card. Its certificate is new, and no issuer has linked it yet.",
    ),
    meaning: Phrase(
        "「資格がない」ではなく「まだ結び付いていない」と分かります。今日は紙で受け付けます。",
        "It reads \"not linked yet\", not \"no right\". Today the paper counts.",
    ),
};

const SAME_PERSON: Script = Script {
    title: Phrase("同じ人に戻る", "The same person again"),
    story: Phrase(
        "電子証明書の対応台帳から、署名付きの知らせが届きました。新しい証明書は前のものの続きです。母がもう一度カードを置きます。",
        "The credential directory's signed notice arrives: the new certificate follows the old one. The mother \
         presents her card again.",
    ),
    meaning: Phrase(
        "同じ母、同じ子、同じ資格です。家族も受付も、何も登録し直していません。",
        "Same mother, same child, same rights. Neither the family nor the counter registered anything again.",
    ),
};

const UNREACHABLE: Script = Script {
    title: Phrase("確認システムに届かない", "The gateway cannot be reached"),
    story: Phrase(
        "回線が切れました。端末は、誰も待ち受けていないポートへ接続します。",
        "The line is down: the terminal connects to a port where nobody listens.",
    ),
    meaning: Phrase(
        "誰の側の問題か、資格とは関係がないこと、紙が使えることが一度に分かり、患者を帰さずに済みます。",
        "Whose side it is on, that it says nothing about the right, and that paper counts: nobody is sent home.",
    ),
};
