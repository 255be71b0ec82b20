//! The auditor's chapter: who looked, proof that needs nobody's word, and what a theft leaves behind.

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{Timestamp, civil::Date, tz::Offset};
use pmh_audit::{Kind, registry, tree::leaf_hash};
use pmh_client::{Call as _, Gateway, LogReader, call::WhichLog, receipt::digest};
use pmh_domain::time::tokyo_minute;
use pmh_proto::{
    audit::{Entry, GetEntryRequest, Log, SearchEntriesRequest},
    common::Reason,
    eligibility::VerifyEligibilityRequest,
};

use super::{
    evidence::{Evidence, RESPONSE_CHANGED, judge},
    house::{House, Visit},
    stage::{Chapter, Phrase, Script, Shown, Stage, Stopped},
};
use crate::cli::output::{Language, table};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let language = stage.language();
    let visit = stage.play(&THE_DAY, accesses_of_the_day(house, language)).await?;
    stage.play(&ONE_ENTRY, one_entry(house, &visit)).await?;
    let evidence = stage.play(&PROVED, proved_by_another_process(house, &visit, language)).await?;
    stage.play(&CHANGED, changed_byte_found(house, &evidence, language)).await?;
    let refusal = stage.play(&STOLEN, stolen_token_refused(house, &visit)).await?;
    stage.play(&RECORDED, theft_is_recorded(house, refusal)).await?;
    stage.play(&ONLY_GROWN, log_only_grew(house, &visit)).await?;
    stage.play(&WATCHED, auditor_is_recorded(house)).await
}

async fn accesses_of_the_day(house: &House, language: Language) -> Result<(Visit, Shown)> {
    let visit = house.visit(&mut house.card("mother")?, &house.question("mother")?).await?;
    let entries = search(house, "").await?;
    ensure!(entries.iter().any(|entry| entry.index == visit.answer.proof.index), "the visit is missing");
    let subject = visit.subject().as_bytes();
    let told = entries.iter().any(|entry| entry.leaf.windows(subject.len()).any(|part| part == subject));
    ensure!(!told, "an entry says who the patient is");
    let shown = Shown::default()
        .table(table(&newest(&entries, language)?))
        .fact(
            format!(
                "今日の記録は{}件。最後の数件を表示。誰のことかは、どこにも書かれていない",
                entries.len()
            ),
            format!("{} entries today, the newest shown; none of them says about whom", entries.len()),
        )
        .field("entries", entries.len());
    Ok((visit, shown))
}

async fn one_entry(house: &House, visit: &Visit) -> Result<((), Shown)> {
    let proof = &visit.answer.proof;
    let request = GetEntryRequest { log: Log::Gateway.into(), index: proof.index };
    let read = house.gateway(AUDITOR).await?.call(&request, None).await?;
    let entry = read.response.entry.context("there is no entry")?;
    ensure!(
        leaf_hash(&entry.leaf) == proof.leaf_hash,
        "it is another entry than the hospital's receipt shows"
    );
    ensure!(entry.method == VerifyEligibilityRequest::NAME, "it records {}", entry.method);
    ensure!(read.proof.leaf.kind == Kind::AuditorQuery, "the reading itself was not recorded");
    let purpose = purpose(entry.purpose);
    let time = minute(&entry)?;
    let shown = Shown::default()
        .fact(
            format!(
                "{}番：{time}、{} が {} を実行。目的 {purpose}",
                entry.index, entry.requester, entry.method
            ),
            format!(
                "entry {}: {time}, {} called {}, purpose {purpose}",
                entry.index, entry.requester, entry.method
            ),
        )
        .fact(
            "病院が受け取った受領証と、1ビットも違わない同じ記録",
            "the very entry that the hospital's receipt shows, bit for bit",
        )
        .field("index", entry.index);
    Ok(((), shown))
}

async fn proved_by_another_process(
    house: &House,
    visit: &Visit,
    language: Language,
) -> Result<(Evidence, Shown)> {
    let evidence = Evidence::of(visit);
    let file = evidence.save(house.file("evidence.json")).await?;
    let verdict = judge(&file, &house.keys().gateway, language).await?;
    ensure!(verdict.code == Some(0), "the other process says: {}", verdict.said.join(" / "));
    let shown = Shown::default()
        .table(verdict.said)
        .fact(
            "別のプロセスが、ファイル1つとログの公開鍵だけで検証（接続なし）",
            "another process verified it with one file and the log's public key, without any connection",
        )
        .field("exit_code", 0);
    Ok((evidence, shown))
}

/// One digit of the recipient number, as somebody with access to the stored answer could change it.
async fn changed_byte_found(house: &House, evidence: &Evidence, language: Language) -> Result<((), Shown)> {
    let (changed, position) = evidence.with_changed_digit(RECIPIENT)?;
    let file = changed.save(house.file("changed.json")).await?;
    let verdict = judge(&file, &house.keys().gateway, language).await?;
    let named = verdict.said.iter().any(|said| said.contains(RESPONSE_CHANGED));
    ensure!(verdict.code == Some(1) && named, "the other process says: {}", verdict.said.join(" / "));
    let shown = Shown::default()
        .table(verdict.said)
        .fact(
            format!("{}バイト中{position}番目の1バイトを変更 → 回答が記録と違う、と指摘", changed.len()),
            format!("byte {position} of {} changed: the answer is named as what differs", changed.len()),
        )
        .field("exit_code", 1)
        .field("named", RESPONSE_CHANGED);
    Ok(shown.only())
}

/// Hands on the index of the refusal's entry, as its receipt proves it.
async fn stolen_token_refused(house: &House, visit: &Visit) -> Result<(u64, Shown)> {
    let thief = house.gateway(OTHER_TERMINAL).await?;
    let Err(error) = thief.call(&visit.request, Some(visit.presence.bearer())).await else {
        bail!("the stolen token opened the record");
    };
    let refused = error.refused().context("it was no refusal of the gateway")?;
    ensure!(refused.reason == Reason::TokenBinding, "refused for {}", refused.name());
    let proof = refused.verify(
        &house.keys().gateway,
        thief.identity().organization(),
        VerifyEligibilityRequest::method(),
        digest(&visit.request),
        Some(visit.subject()),
    )?;
    let shown = Shown::default()
        .fact(
            "隣の端末が受け取ったのは、拒否（TOKEN_BINDING）とその受領証だけ",
            "all that the other terminal got: a refusal (TOKEN_BINDING) and its receipt",
        )
        .field("reason", refused.name());
    Ok((proof.index, shown))
}

async fn theft_is_recorded(house: &House, index: u64) -> Result<((), Shown)> {
    let entries = search(house, "").await?;
    let entry = entries.iter().find(|entry| entry.index == index).context("the attempt is not in the log")?;
    ensure!(Kind::from(u8::try_from(entry.kind)?) == Kind::Refusal, "it is recorded as something else");
    ensure!(entry.outcome == Reason::TokenBinding as u32, "its reason is another");
    let shown = Shown::default()
        .fact(
            format!(
                "{}番：{}、{} の試みを拒否として記録。受領証を検証済み",
                entry.index,
                minute(entry)?,
                entry.requester
            ),
            format!(
                "entry {}: {}, attempt by {}, recorded as a refusal; its receipt was checked",
                entry.index,
                minute(entry)?,
                entry.requester
            ),
        )
        .field("index", entry.index)
        .field("reason", "TOKEN_BINDING");
    Ok(shown.only())
}

async fn log_only_grew(house: &House, visit: &Visit) -> Result<((), Shown)> {
    let log = LogReader::new(house.gateway(AUDITOR).await?, WhichLog::Gateway);
    let old = &visit.answer.proof.checkpoint;
    let newest = log.newest().await?;
    ensure!(newest.size() > old.size(), "nothing was added");
    log.prove_growth(old, &newest).await?;
    log.prove_entry(&visit.answer.proof.leaf_hash, visit.answer.proof.index, &newest).await?;
    let shown = Shown::default()
        .fact(
            format!(
                "{}件の時点の署名と{}件の時点の署名：書き足しだけで、書き換えも削除もない",
                old.size(),
                newest.size()
            ),
            format!(
                "signed at {} entries and at {}: only added to, nothing rewritten or removed",
                old.size(),
                newest.size()
            ),
        )
        .field("old_size", old.size())
        .field("new_size", newest.size());
    Ok(shown.only())
}

async fn auditor_is_recorded(house: &House) -> Result<((), Shown)> {
    let own = search(house, AUDITOR_ORGANIZATION).await?;
    let queries = own.iter().filter(|entry| entry.requester == AUDITOR_ORGANIZATION).count();
    ensure!(queries == own.len() && queries >= 3, "{queries} of the auditor's queries are in the log");
    let all = own.iter().all(|entry| entry.kind == u32::from(u8::from(Kind::AuditorQuery)));
    ensure!(all, "a query is recorded as something else");
    let shown = Shown::default()
        .fact(
            format!("監査人自身の閲覧も{queries}件、同じ記録に残っている"),
            format!("{queries} queries of the auditor stand in the same log"),
        )
        .field("entries", queries);
    Ok(shown.only())
}

/// Today's entries of the gateway log; of one requester, or of all.
async fn search(house: &House, requester: &str) -> Result<Vec<Entry>> {
    let gateway: Gateway = house.gateway(AUDITOR).await?;
    let mut request = SearchEntriesRequest {
        log: Log::Gateway.into(),
        from: Some(midnight(house.today())?),
        requester: requester.to_owned(),
        page_size: 256,
        ..SearchEntriesRequest::default()
    };
    let mut entries = Vec::new();
    loop {
        let page = gateway.call(&request, None).await?.response;
        entries.extend(page.entries);
        if page.next_page_token.is_empty() {
            return Ok(entries);
        }
        request.page_token = page.next_page_token;
    }
}

fn midnight(day: Date) -> Result<prost_types::Timestamp> {
    let instant = Offset::constant(9).to_timestamp(day.at(0, 0, 0, 0))?;
    Ok(prost_types::Timestamp { seconds: instant.as_second(), nanos: 0 })
}

fn newest(entries: &[Entry], language: Language) -> Result<Vec<Vec<String>>> {
    let recent = entries.get(entries.len().saturating_sub(NEWEST)..).unwrap_or_default();
    let titles =
        language.pick(["番号", "時刻", "組織", "操作", "目的"], ["no.", "time", "who", "what", "purpose"]);
    let rows = recent.iter().map(|entry| {
        let (index, who, what) = (entry.index.to_string(), entry.requester.clone(), entry.method.clone());
        Ok(vec![index, minute(entry)?, who, what, purpose(entry.purpose).to_owned()])
    });
    std::iter::once(Ok(titles.map(str::to_owned).to_vec())).chain(rows).collect()
}

fn minute(entry: &Entry) -> Result<String> {
    let time = entry.time.as_ref().context("an entry without time")?;
    Ok(tokyo_minute(Timestamp::new(time.seconds, time.nanos)?))
}

fn purpose(number: u32) -> &'static str {
    u16::try_from(number).ok().and_then(|number| registry::Purpose(number).name()).unwrap_or("-")
}

/// The auditor's terminal.
const AUDITOR: &str = "auditor-1";
/// The auditor in the log.
const AUDITOR_ORGANIZATION: &str = "auditor:test-auditor";
/// The terminal on the next desk of the same hospital.
const OTHER_TERMINAL: &str = "tokyo-clinic-2";
/// The child's invented recipient number for 88.
const RECIPIENT: &str = "0000018";
/// Entries shown of a day.
const NEWEST: usize = 6;

const CHAPTER: Chapter = Chapter {
    name: "auditor",
    title: Phrase("三分でわかる監査", "Three minutes over the log"),
    opening: Phrase(
        "病院で一件の照会がありました。監査人（架空）は、ゲートウェイを信用せずに確かめます。",
        "A hospital has made a query. The auditor (invented) checks it without taking the gateway's word.",
    ),
};

const THE_DAY: Script = Script {
    title: Phrase("今日の照会", "The day's accesses"),
    story: Phrase(
        "監査人は、誰が、いつ、何を、何の目的でしたかの一覧を見ます。",
        "The auditor lists who did what, when and for which purpose.",
    ),
    meaning: Phrase(
        "監査のために患者の名前を知る必要はありません。回答は、記録されるまで一つも外に出ていません。",
        "Nobody has to learn a patient's name to audit. No answer left before its entry was written.",
    ),
};

const ONE_ENTRY: Script = Script {
    title: Phrase("一件を開く", "One entry"),
    story: Phrase(
        "病院の照会を一件選び、病院の手元の受領証と突き合わせます。",
        "The auditor opens the hospital's query and holds it against the receipt that the hospital kept.",
    ),
    meaning: Phrase(
        "病院の言い分とゲートウェイの言い分は、食い違えばすぐに分かります。",
        "If the hospital and the gateway told different stories, it would show here.",
    ),
};

const PROVED: Script = Script {
    title: Phrase("別のプロセスで検証する", "Verified by a separate process"),
    story: Phrase(
        "質問と回答を一つのファイルにし、別に起動した pmh audit verify-receipt に渡します。",
        "Question and answer go into a file, and a separate pmh audit verify-receipt is started on it.",
    ),
    meaning: Phrase(
        "何年か後に、ゲートウェイが無くなっていても、病院は何を見たかを証明できます。",
        "Years later, with the gateway gone, the hospital can still prove what it was shown.",
    ),
};

const CHANGED: Script = Script {
    title: Phrase("一バイト変えると", "One byte changed"),
    story: Phrase(
        "保存された回答のうち、受給者番号の一桁だけを誰かが書き換えました。",
        "Somebody changes a single digit of the recipient number in the stored answer.",
    ),
    meaning: Phrase(
        "書き換えは見つかり、質問ではなく回答が違うことまで示されます。後からの言い逃れはできません。",
        "The change is found, and named: the answer differs, not the question. Nobody can talk it away later.",
    ),
};

const STOLEN: Script = Script {
    title: Phrase("盗まれたトークン", "A stolen token"),
    story: Phrase(
        "隣の席の端末が、患者のトークンを写し取って同じ照会を試みます。",
        "The terminal on the next desk has copied the patient's token and tries the same query.",
    ),
    meaning: Phrase(
        "トークンは受け取った端末でしか使えません。同じ病院の隣の席でも、患者がカードを置かなければ何も見えません。",
        "A token works only at the terminal that received it. Without the card even the next desk sees nothing.",
    ),
};

const RECORDED: Script = Script {
    title: Phrase("試みも残る", "The attempt is on record"),
    story: Phrase(
        "監査人は、その拒否を記録の中に探します。",
        "The auditor looks for that refusal in the log.",
    ),
    meaning: Phrase(
        "何も見せなかったことも記録です。患者には、試みがあったことまで説明できます。",
        "That nothing was shown is on record too: the patient can be told of the attempt.",
    ),
};

const ONLY_GROWN: Script = Script {
    title: Phrase("記録は伸びただけ", "The log has only grown"),
    story: Phrase(
        "監査人は、照会のときに署名された時点と今の時点を結ぶ証明を求めます。",
        "The auditor asks for the proof that joins the checkpoint signed then with the newest one.",
    ),
    meaning: Phrase(
        "過去の記録を差し替えれば、運用者のしたことでも必ず見つかります。",
        "Whoever rewrites the past is found out, the operator included.",
    ),
};

const WATCHED: Script = Script {
    title: Phrase("見る人も見られる", "The watcher is watched"),
    story: Phrase(
        "最後に、監査人は自分自身の名前で記録を引きます。",
        "Last, the auditor searches the log for the auditor.",
    ),
    meaning: Phrase(
        "記録を見る権限も、誰の目も届かない権限ではありません。",
        "The right to read the log is no right to read it unseen.",
    ),
};
