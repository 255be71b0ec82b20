//! The officer's chapter: a file as it was exported, what is wrong with it, and what the counter sees of it.

use anyhow::{Context as _, Result, ensure};
use jiff::{ToSpan as _, civil::Date};
use pmh_intake::{
    Intake, Mapping, Options, Severity,
    decode::Encoding,
    sample::{SampleRow, officer_export_cp932, three_bad_rows},
};
use pmh_proto::{
    common::{BulkHeader, BulkSummary, Sex},
    eligibility::{AdvanceWatermarkRequest, CounterAction, Outcome},
    resident::ResidentRow,
};
use pmh_testkit::world::code;
use serde_json::json;

use super::{
    house::{House, Visit},
    receptionist::answered,
    stage::{Chapter, Phrase, Script, Shown, Stage, Stopped},
};
use crate::{
    cli::{issuer::rows::right, output::Language},
    sandbox, system,
};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let language = stage.language();
    let export = stage.play(&AS_EXPORTED, as_exported(house)).await?;
    stage.play(&THREE_ROWS, three_rows_stop(&export, language)).await?;
    let corrected = stage.play(&TO_CORRECT, file_to_correct(house, &export)).await?;
    stage.play(&GOOD_ROWS, good_rows_are_sent(house, &export)).await?;
    let repaired = stage.play(&CORRECTED, corrected_and_sent(house, &corrected)).await?;
    stage.play(&RESENT, sent_again(house, &export, &repaired)).await?;
    stage.play(&WITHDRAWN, right_withdrawn(house)).await?;
    stage.play(&AFTERWARDS, what_the_counter_sees(house)).await
}

async fn as_exported(house: &House) -> Result<(Intake, Shown)> {
    let bytes = officer_export_cp932(&export(house.today())?);
    tokio::fs::write(house.file("export.csv"), &bytes).await?;
    let intake = read(&bytes)?;
    ensure!(intake.encoding == Encoding::Cp932, "the encoding was not recognized");
    ensure!(intake.dropped_columns == ["個人番号"], "the column of individual numbers was not dropped");
    let sent = serde_json::to_string(&intake.rows)?;
    ensure!(!sent.contains("****"), "a cell of the dropped column is among the rows to send");
    let shown = Shown::default()
        .fact("CP932と判定。5行", "recognized as CP932; 5 rows")
        .fact(
            "「個人番号」の列は、送信前にこの端末で空にした",
            "column 個人番号 (individual number) emptied on this machine, before anything is sent",
        )
        .fact(
            "「受付場所」の列は意味が不明なので送らない",
            "column 受付場所 means nothing to us and is not sent",
        )
        .field("dropped_columns", json!(intake.dropped_columns))
        .field("unknown_columns", json!(intake.unknown_columns));
    Ok((intake, shown))
}

#[expect(clippy::unused_async, reason = "the stage plays steps, and a step is a future")]
async fn three_rows_stop(intake: &Intake, language: Language) -> Result<((), Shown)> {
    ensure!(intake.refused() == 3, "{} rows were stopped", intake.refused());
    let errors = intake.reports.iter().flat_map(|report| &report.findings);
    let codes: Vec<&str> = errors
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.code.as_ref())
        .collect();
    ensure!(codes == ["LEADING_ZERO_LOST", "DATE_IMPOSSIBLE", "GAIJI"], "found {codes:?}");
    Ok(Shown::default().table(findings(intake, language)).field("codes", json!(codes)).only())
}

/// Line, column and code, and below them what to do.
fn findings(intake: &Intake, language: Language) -> Vec<String> {
    let words = language.pick(pmh_intake::Language::Ja, pmh_intake::Language::En);
    let errors = intake.reports.iter().flat_map(|report| {
        report
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(move |found| (report.line, found))
    });
    let described = errors.flat_map(|(line, found)| {
        let column = found.column.as_deref().unwrap_or_default();
        let place = language.pick(format!("{line}行目［{column}］"), format!("line {line} [{column}]"));
        [format!("{place} {}", found.code), format!("  {}", found.message(words))]
    });
    described.collect()
}

async fn file_to_correct(house: &House, intake: &Intake) -> Result<(Vec<u8>, Shown)> {
    let bytes = intake.corrected_file().context("nothing to correct")?;
    tokio::fs::write(house.file("export.corrected.csv"), &bytes).await?;
    let again = read(&bytes)?;
    ensure!(again.reports.len() == 3 && again.refused() == 3, "it does not hold the three rows");
    let text = Encoding::Cp932.decode(&bytes).context("it is not CP932")?;
    ensure!(text.starts_with("エラー内容,"), "no row says what to correct");
    ensure!(!text.contains("****"), "it holds the column of individual numbers");
    let shown = Shown::default().fact(
        "export.corrected.csv：止まった3行だけ。列も文字コードも元のまま、先頭の列に理由",
        "export.corrected.csv: the three rows, in the officer's own columns and encoding, each behind its reason",
    );
    Ok((bytes, shown))
}

async fn good_rows_are_sent(house: &House, intake: &Intake) -> Result<((), Shown)> {
    register(house).await?;
    let tried = push(house, intake, DryRun::Yes).await?;
    let kept = push(house, intake, DryRun::No).await?;
    let expected = BulkSummary { created: 2, ..BulkSummary::default() };
    ensure!(tried == expected, "the trial says {tried:?}");
    ensure!(kept == expected, "the gateway says {kept:?}");
    let shown = Shown::default()
        .fact(
            "試し送り：2行とも登録できる見込み（何も残さない）",
            "trial: both rows would be taken; nothing is kept",
        )
        .fact("本番：2行を新規登録。受領証を検証済み", "sent: 2 rows created; the receipt was checked")
        .field("rows", counted(&kept));
    Ok(shown.only())
}

/// The officer repairs the cells that were named and saves as UTF-8 this time.
async fn corrected_and_sent(house: &House, corrected: &[u8]) -> Result<(Intake, Shown)> {
    let text = Encoding::Cp932.decode(corrected).context("it is not CP932")?;
    let shortened = code::PAYER_88_HACHIOJI.get(1..).context("payer number")?;
    let repaired = text
        .replace(&format!(",{shortened},"), &format!(",{},", code::PAYER_88_HACHIOJI))
        .replace("2月29日", "2月28日")
        .replace('\u{E000}', "本");
    let intake = read(repaired.as_bytes())?;
    ensure!(intake.refused() == 0, "{} rows are still stopped", intake.refused());
    let summary = push(house, &intake, DryRun::No).await?;
    ensure!(summary == BulkSummary { created: 3, ..BulkSummary::default() }, "the gateway says {summary:?}");
    let shown = Shown::default()
        .fact("3行を新規登録。止まった行はもうない", "3 rows created; none is stopped any more")
        .field("rows", counted(&summary));
    Ok((intake, shown))
}

async fn sent_again(house: &House, export: &Intake, repaired: &Intake) -> Result<((), Shown)> {
    let mut total = push(house, export, DryRun::No).await?;
    total.unchanged += push(house, repaired, DryRun::No).await?.unchanged;
    ensure!(total == BulkSummary { unchanged: 5, ..BulkSummary::default() }, "the gateway says {total:?}");
    let shown = Shown::default()
        .fact("5行とも変更なし（UNCHANGED）", "all 5 rows UNCHANGED")
        .field("rows", counted(&total));
    Ok(shown.only())
}

async fn right_withdrawn(house: &House) -> Result<((), Shown)> {
    let before = at_the_counter(house).await?;
    before.claim("88-13", Outcome::Eligible, CounterAction::ApplyHere)?;
    let tombstone = SampleRow { history_key: LATER.to_owned(), deleted: true, ..granted(house.today())? };
    let intake = read(&officer_export_cp932(&[tombstone]))?;
    let summary = push(house, &intake, DryRun::No).await?;
    ensure!(summary == BulkSummary { updated: 1, ..BulkSummary::default() }, "the gateway says {summary:?}");
    let office = house.gateway(OFFICE).await?;
    let as_of = prost_types::Timestamp { seconds: system::now_s(), nanos: 0 };
    let request = AdvanceWatermarkRequest {
        idempotency_key: sandbox::uuid(),
        law_no: "88".to_owned(),
        as_of: Some(as_of),
    };
    office.call(&request, None).await?;
    let shown = answered(&before, CARD, Outcome::Eligible, CounterAction::ApplyHere)
        .fact(
            "取消しの行を1行送信（削除フラグ）。前の版は消さず、履歴に残る",
            "one row with the deletion flag sent; earlier versions stay as history",
        )
        .fact(
            "「88のデータはここまで揃った」と時点を更新",
            "the watermark says: my data for 88 is complete up to now",
        )
        .field("rows", counted(&summary));
    Ok(shown.only())
}

async fn what_the_counter_sees(house: &House) -> Result<((), Shown)> {
    let after = at_the_counter(house).await?;
    let result = after.claim("88-13", Outcome::NoEntitlement, CounterAction::UsePaper)?;
    ensure!(result.entitlements.is_empty(), "the withdrawn right is still shown");
    ensure!(result.as_of.is_some(), "the age of the data is missing");
    Ok(answered(&after, CARD, Outcome::NoEntitlement, CounterAction::UsePaper).only())
}

async fn at_the_counter(house: &House) -> Result<Visit> {
    house.visit(&mut house.card(CARD)?, &house.question(CARD)?.about(&["88-13"])).await
}

/// Two sound rows and three bad ones, with dates around today so that the demo does not grow old.
fn export(today: Date) -> Result<Vec<SampleRow>> {
    let dated = |row: SampleRow| Ok::<_, anyhow::Error>(SampleRow { valid_from: since(today)?, ..row });
    let [lost_zero, impossible_day, gaiji] = three_bad_rows(code::PAYER_88_HACHIOJI);
    let short_february =
        (1..=8).map(|years| today.year() + years).find(|year| year % 4 != 0).context("calendar")?;
    Ok(vec![
        granted(today)?,
        sound(today, NEWCOMERS[0], "見本　陽葵", "9000045")?,
        SampleRow { valid_to: until(today)?, ..dated(lost_zero)? },
        SampleRow {
            valid_to: format!("令和{}年2月29日", era(short_february)), ..dated(impossible_day)?
        },
        SampleRow { valid_to: until(today)?, ..dated(gaiji)? },
    ])
}

/// The right of the child whose card is presented at the counter.
fn granted(today: Date) -> Result<SampleRow> {
    sound(today, "H-0005", "架空　無", "9000003")
}

fn sound(today: Date, resident_key: &str, name: &str, recipient_number: &str) -> Result<SampleRow> {
    let row = SampleRow::sound(resident_key, name, code::PAYER_88_HACHIOJI, recipient_number);
    Ok(SampleRow { valid_from: since(today)?, valid_to: until(today)?, ..row })
}

fn since(today: Date) -> Result<String> {
    let day = today.checked_sub(60.days())?;
    Ok(format!("R{}.{}.{}", era(day.year()), day.month(), day.day()))
}

fn until(today: Date) -> Result<String> {
    let day = today.checked_add(300.days())?;
    Ok(format!("令和{}年{}月{}日", era(day.year()), day.month(), day.day()))
}

/// Year of 令和.
fn era(year: i16) -> i16 {
    year - 2018
}

/// The residents of the export whom the world does not know yet.
async fn register(house: &House) -> Result<()> {
    let birth_date = house.today().checked_sub(1500.days())?.to_string();
    let rows: Vec<ResidentRow> = NEWCOMERS
        .iter()
        .map(|key| ResidentRow {
            row_id: (*key).to_owned(),
            resident_key: (*key).to_owned(),
            birth_date: birth_date.clone(),
            sex: Sex::Female.into(),
            ..ResidentRow::default()
        })
        .collect();
    let summary = house.issuer(OFFICE).await?.put(&header(DryRun::No), rows, |_| {}).await?;
    ensure!(summary.created == 4, "the residents were not taken: {summary:?}");
    Ok(())
}

/// Sends what may be sent. The client refuses a chunk whose receipt does not hold.
async fn push(house: &House, intake: &Intake, dry_run: DryRun) -> Result<BulkSummary> {
    let rows: Vec<_> = intake.rows.iter().map(right).collect();
    let (issuer, header) = (house.issuer(OFFICE).await?, header(dry_run));
    Ok(Box::pin(issuer.put(&header, rows, |_| {})).await?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DryRun {
    Yes,
    No,
}

fn header(dry_run: DryRun) -> BulkHeader {
    BulkHeader { batch_id: sandbox::uuid(), dry_run: dry_run == DryRun::Yes }
}

fn read(bytes: &[u8]) -> Result<Intake> {
    pmh_intake::read(bytes, &Mapping::default(), &Options::default()).context("the file cannot be read")
}

/// Rows by outcome, for a program.
pub(super) fn counted(summary: &BulkSummary) -> serde_json::Value {
    json!({
        "created": summary.created,
        "updated": summary.updated,
        "unchanged": summary.unchanged,
        "superseded": summary.superseded,
        "quarantined": summary.quarantined,
        "rejected": summary.rejected,
    })
}

/// 八王子市's terminal.
const OFFICE: &str = "hachioji-1";
/// A resident for whom the world has no right.
const CARD: &str = "none";
/// Keys of the sample's residents.
const NEWCOMERS: [&str; 4] = ["0000000101", "0000000901", "0000000902", "0000000903"];
/// A history key after the sample's.
const LATER: &str = "20260401002";

const CHAPTER: Chapter = Chapter {
    name: "officer",
    title: Phrase("三分でわかる自治体の担当者", "Three minutes in the municipal office"),
    opening: Phrase(
        "八王子市の医療費助成の担当者が、基幹システムから書き出した資格のファイルを送ります。氏名も番号も架空です。",
        "An officer of Hachioji sends a file of rights as the city's system exported it. Names and numbers are \
         invented.",
    ),
};

const AS_EXPORTED: Script = Script {
    title: Phrase("書き出したままのファイル", "The file as exported"),
    story: Phrase(
        "担当者は書き出したCSVをExcelで一度保存し直しました。文字コードはCP932で、個人番号の列も残っています。",
        "The officer opened the CSV in Excel and saved it. It is CP932, and a column of individual numbers was \
         left in.",
    ),
    meaning: Phrase(
        "列の消し忘れは事故になりません。個人番号は端末から一歩も出ません。",
        "A column left in by mistake is no incident: individual numbers never leave the officer's machine.",
    ),
};

const THREE_ROWS: Script = Script {
    title: Phrase("三行が止まる", "Three rows stop"),
    story: Phrase(
        "読めない値は推測せず、行と列と理由を示します。値そのものは報告に載せません。",
        "What cannot be read is not guessed: line, column and reason are named, and the value itself is not repeated.",
    ),
    meaning: Phrase(
        "消えた数字を補えばたいていは当たりますが、外れた一件の請求は別の自治体へ行きます。だから補いません。",
        "Putting a lost digit back is usually right; where it is not, the claim goes to the wrong payer.",
    ),
};

const TO_CORRECT: Script = Script {
    title: Phrase("直すためのファイル", "A file to correct"),
    story: Phrase(
        "止まった行だけを、担当者が見慣れた形のまま書き出します。",
        "The stopped rows alone are written out, in the form the officer knows.",
    ),
    meaning: Phrase(
        "担当者は理由を読んでその場所を直し、同じように送るだけです。業者への問い合わせは要りません。",
        "The officer reads the reason, corrects that cell and sends the file the same way. No call to the vendor.",
    ),
};

const GOOD_ROWS: Script = Script {
    title: Phrase("残りの二行は待たせない", "The two sound rows do not wait"),
    story: Phrase(
        "問題のない二行を、まず試し送りし、それから本番で送ります。",
        "The two sound rows are tried first (dry run), then sent.",
    ),
    meaning: Phrase(
        "三人分の修正を待つあいだも、ほかの二人の子どもは今日から窓口で使えます。",
        "While three rows are being corrected, two other children are served from today.",
    ),
};

const CORRECTED: Script = Script {
    title: Phrase("直して送る", "Corrected and sent"),
    story: Phrase(
        "担当者は三か所を直し、今度はUTF-8で保存して送ります。",
        "The officer corrects three cells, saves as UTF-8 this time, and sends.",
    ),
    meaning: Phrase(
        "文字コードが変わっても、エラー内容の列が付いたままでも、そのまま受け取られます。",
        "Another encoding, and the column of explanations still in it: it is taken as it is.",
    ),
};

const RESENT: Script = Script {
    title: Phrase("もう一度送っても何も変わらない", "Sent again, nothing changes"),
    story: Phrase(
        "届いたか不安なので、担当者は全部をもう一度送ります。",
        "Not sure whether everything arrived, the officer sends it all again.",
    ),
    meaning: Phrase(
        "途中で切れたときの正しい操作は「もう一度送る」だけです。二重登録は起きません。",
        "After a broken line the right thing to do is to send again. Nothing is registered twice.",
    ),
};

const WITHDRAWN: Script = Script {
    title: Phrase("資格の取消し", "A right is withdrawn"),
    story: Phrase(
        "先ほど登録した子は、今日の窓口で公費を使えています。その資格が取り消され、担当者が削除フラグの行を送ります。",
        "The child registered above is served at the counter today. Then the right is withdrawn, and the officer \
         sends a row with the deletion flag.",
    ),
    meaning: Phrase(
        "担当者は一行送るだけで、病院に電話を回す必要がありません。",
        "The officer sends one row and telephones no hospital.",
    ),
};

const AFTERWARDS: Script = Script {
    title: Phrase("次の受診で見えるもの", "What the counter sees next"),
    story: Phrase(
        "同じ子が同じ病院でもう一度カードを置きます。",
        "The same child presents the card at the same hospital again.",
    ),
    meaning: Phrase(
        "「資格なし」とは書きません。その時点で登録がないこと、申請中や転入直後もあり得ることが受付に伝わります。",
        "It does not say \"no right\", but that none was registered as of when: an application may be under way.",
    ),
};
