//! A patient of 八王子市 whose every identifier is one of a kind, and everybody who deals with her. Invented.

use std::path::Path;

use http::StatusCode;
use pmh::sandbox::{log_keys, terminal, uuid};
use pmh_client::{Card, CardError, Gateway, Issuer, Presence, Presentation, Signed, Terminal};
use pmh_domain::codes::looks_like_individual_number;
use pmh_proto::audit::{
    ErasePersonRequest, PutLegalHoldRequest, QuestionAccessRequest, QuestionReason, ReleaseLegalHoldRequest,
    RequestPersonSearchRequest, ResidentName, erase_person_request, put_legal_hold_request,
    request_person_search_request,
};
use pmh_proto::common::{BulkHeader, Purpose, Sex};
use pmh_proto::eligibility::verify_eligibility_request::Service;
use pmh_proto::eligibility::{
    Area, CareType, Chart, CopaymentRule, CopaymentUnit, DesignatedInstitution, EntitlementRow, Outcome,
    VerifyEligibilityRequest,
};
use pmh_proto::resident::{LinkCredentialRequest, ProposeLinkRequest, ResidentRow};
use pmh_testkit::card::{FakeCard, terminal as reader};
use pmh_testkit::directory::{CredentialDigest, DirectoryItem};
use pmh_testkit::pki::{CardRequest, DAY, DevPki, Generation};
use pmh_testkit::sandbox::Sandbox;
use pmh_testkit::world::code;

use super::forms::Canary;
use crate::ops::console::{Browser, OWN};

/// Registers her, has her seen at a clinic, and lets others fail over her.
pub(super) async fn visit(dir: &Path) -> Vec<Canary> {
    let town = Town::load(dir);
    let mut canaries: Vec<Canary> = WRITTEN.iter().map(|(what, value)| Canary::new(what, value)).collect();
    town.register().await;
    let (mut linked, mut stranger) = (town.card(), town.card());
    for card in [&linked, &stranger] {
        canaries.extend(town.card_canaries(card));
    }
    town.link(&linked).await;
    town.fail_as_issuer(&mut canaries).await;

    let clinic = town.terminal("tokyo-clinic-1").await.with_operator(OPERATOR).unwrap();
    let presence = town.seen_at(&clinic, &mut linked).await;
    canaries.extend(presence_canaries(&presence));
    let other = town.terminal("tokyo-clinic-2").await;
    other.gateway().call(&question(), Some(presence.bearer())).await.map(drop).expect_err("a stolen token");
    clinic.gateway().call(&question(), Some(GARBAGE)).await.map(drop).expect_err("no token at all");
    let renewed = {
        let mut renewed = presence;
        clinic.renew(&mut renewed, None).await.unwrap();
        renewed
    };
    canaries.extend(presence_canaries(&renewed));
    clinic.end(&renewed).await.unwrap();
    clinic.verify(&renewed, &question()).await.map(drop).expect_err("she has left");

    let presence = present(&clinic, &mut stranger, town.now).await;
    canaries.extend(presence_canaries(&presence));
    clinic.verify(&presence, &question()).await.unwrap();
    for birth_date in [BIRTH_DATE, OTHER_BIRTH_DATE] {
        let proposal = ProposeLinkRequest {
            idempotency_key: uuid(),
            payer_number: code::PAYER_88_HACHIOJI.to_owned(),
            recipient_number: RECIPIENT.to_owned(),
            birth_date: birth_date.to_owned(),
        };
        let _ = clinic.call(&presence, &proposal).await;
    }
    canaries.extend(town.looks_herself_up(&mut linked).await);
    town.is_searched_for().await;
    town.is_looked_at_in_a_browser().await;
    town.is_held_and_erased().await;
    canaries
}

/// The sandbox and its authorities.
struct Town {
    dir: std::path::PathBuf,
    sandbox: Sandbox,
    pki: DevPki,
    now: i64,
}

impl Town {
    fn load(dir: &Path) -> Self {
        let sandbox = Sandbox::load(&dir.join(Sandbox::FILE)).unwrap();
        let pki = DevPki::load(&dir.join(&sandbox.pki)).unwrap();
        Self { dir: dir.to_owned(), sandbox, pki, now: now() }
    }

    async fn gateway(&self, terminal_id: &str) -> Gateway {
        terminal(&self.dir, &self.sandbox, terminal_id).await.unwrap().0
    }

    async fn terminal(&self, id: &str) -> Terminal {
        let gateway = self.gateway(id).await;
        let keys = log_keys(&self.sandbox).unwrap();
        Terminal::new(gateway.channel().clone(), gateway.identity().clone(), keys)
            .with_issuer(&self.sandbox.issuer)
    }

    async fn issuer(&self) -> Issuer {
        let gateway = self.gateway("hachioji-1").await;
        let keys = log_keys(&self.sandbox).unwrap();
        Issuer::new(gateway.channel().clone(), gateway.identity().clone(), keys)
    }

    fn card(&self) -> HeldCard {
        let born = BIRTH_DATE.parse().unwrap();
        let request = CardRequest::new(Generation::P384, born, self.now - 30 * DAY);
        HeldCard(FakeCard::issue(&self.pki, &request, PIN).unwrap())
    }

    fn digest(&self, card: &HeldCard) -> CredentialDigest {
        let ca = self.pki.card_ca_key_id(Generation::P384).unwrap();
        card.0.credential_digest(&ca).unwrap()
    }

    fn card_canaries(&self, card: &HeldCard) -> Vec<Canary> {
        vec![
            Canary::new("card's certificate", card.0.certificate()),
            Canary::new("card's serial number", card.0.serial().unwrap()),
            Canary::new("card's digest", self.digest(card).0),
        ]
    }

    async fn register(&self) {
        let issuer = self.issuer().await;
        let taken = issuer.put(&batch(), vec![resident()], |_| {}).await.unwrap();
        assert_eq!(taken.rejected + taken.quarantined, 0);
        let taken = issuer.put(&batch(), vec![right()], |_| {}).await.unwrap();
        assert_eq!(taken.rejected + taken.quarantined, 0);
    }

    async fn link(&self, card: &HeldCard) {
        let item = DirectoryItem::Resident {
            credential: self.digest(card),
            issuer: code::HACHIOJI.to_owned(),
            resident_key: RESIDENT_KEY.to_owned(),
        };
        let directory_batch =
            self.pki.directory().sign("directory.sandbox.pmh.example", "canary-batch", self.now, &[item]);
        let request = LinkCredentialRequest {
            idempotency_key: uuid(),
            resident_key: String::new(),
            directory_batch: directory_batch.unwrap(),
        };
        let linked = self.gateway("operator-1").await.call(&request, None).await.unwrap();
        assert_eq!(linked.response.linked, 1);
    }

    /// Rows that are refused or held apart, each for a value that must not be repeated.
    async fn fail_as_issuer(&self, canaries: &mut Vec<Canary>) {
        let issuer = self.issuer().await;
        let individual = individual_number();
        canaries.push(Canary::new("individual number", &individual));
        let residents = vec![
            ResidentRow { row_id: "2".to_owned(), birth_date: MISTYPED.to_owned(), ..resident() },
            ResidentRow { row_id: "3".to_owned(), resident_key: individual.clone(), ..resident() },
        ];
        let summary = issuer.put(&batch(), residents, |_| {}).await.unwrap();
        assert!(summary.rejected > 0 && summary.quarantined > 0);
        let rights = vec![
            EntitlementRow { row_id: "2".to_owned(), valid_from: MISTYPED.to_owned(), ..right() },
            EntitlementRow { row_id: "3".to_owned(), recipient_number: individual, ..right() },
            EntitlementRow { row_id: "4".to_owned(), resident_key: UNKNOWN_KEY.to_owned(), ..right() },
        ];
        let summary = issuer.put(&batch(), rights, |_| {}).await.unwrap();
        assert!(summary.rejected > 0 && summary.quarantined > 0);
    }

    /// Who looked at her data, and a question about it.
    async fn looks_herself_up(&self, card: &mut HeldCard) -> Vec<Canary> {
        let desk = self.terminal(APP).await;
        let presentation = Presentation::for_accesses("照会します。");
        let presence = desk.present(card, &presentation, self.now).await.unwrap();
        let listed = desk.gateway().my_accesses(&presence, &[]).await.unwrap();
        let question = QuestionAccessRequest {
            idempotency_key: uuid(),
            purpose: Purpose::Patrqt.into(),
            index: listed.accesses.first().unwrap().index,
            reason: QuestionReason::NotPresent.into(),
            text: QUESTION.to_owned(),
        };
        desk.call(&presence, &question).await.unwrap();
        presence_canaries(&presence)
    }

    /// An auditor names her as her issuer does.
    async fn is_searched_for(&self) {
        let request = RequestPersonSearchRequest {
            idempotency_key: uuid(),
            person: Some(request_person_search_request::Person::Resident(ResidentName {
                issuer: code::HACHIOJI.to_owned(),
                resident_key: RESIDENT_KEY.to_owned(),
            })),
            case_reference: "case-1".to_owned(),
            ground: "ground".to_owned(),
        };
        self.gateway("auditor-1").await.with_operator(AUDITOR).unwrap().call(&request, None).await.unwrap();
    }

    /// The auditors' pages and tiles, and what somebody mistypes there.
    async fn is_looked_at_in_a_browser(&self) {
        let browser = Browser::at(&self.dir, &self.sandbox, Some("auditor:test-auditor"));
        for (address, status) in [
            ("/".to_owned(), StatusCode::OK),
            (format!("/search?case={CASE}"), StatusCode::OK),
            (format!("/search?from={MISTYPED}"), StatusCode::BAD_REQUEST),
            (format!("/search?holder={RESIDENT_KEY}"), StatusCode::BAD_REQUEST),
            ("/entry?index=0".to_owned(), StatusCode::OK),
            ("/checkpoints".to_owned(), StatusCode::OK),
            (format!("/activity?from={BIRTH_DATE}&to={BIRTH_DATE}"), StatusCode::OK),
            ("/checkpoint".to_owned(), StatusCode::OK),
            ("/auth/checkpoint".to_owned(), StatusCode::OK),
            (format!("/{RESIDENT_KEY}"), StatusCode::NOT_FOUND),
            (format!("/tile/0/{RECIPIENT}"), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(browser.get(&address).await.status, status, "{address}");
        }
        let form = format!("index=0&actor=1&detail=1&warrant={WARRANT}");
        assert_eq!(browser.post("/entry/parts", &OWN, &form).await.status, StatusCode::OK);
    }

    /// Her records are held, the hold is released, and two people erase what the logs say about her.
    async fn is_held_and_erased(&self) {
        let resident =
            ResidentName { issuer: code::HACHIOJI.to_owned(), resident_key: RESIDENT_KEY.to_owned() };
        let first = self.gateway("operator-1").await.with_operator(FIRST).unwrap();
        let second = self.gateway("operator-2").await.with_operator(SECOND).unwrap();
        let hold = PutLegalHoldRequest {
            idempotency_key: uuid(),
            what: Some(put_legal_hold_request::What::Resident(resident.clone())),
            case_reference: CASE.to_owned(),
            ground: GROUND.to_owned(),
        };
        let hold_id = first.call(&hold, None).await.unwrap().response.hold_id;
        let ask = ErasePersonRequest {
            idempotency_key: uuid(),
            what: Some(erase_person_request::What::Resident(resident)),
            case_reference: CASE.to_owned(),
            ground: GROUND.to_owned(),
        };
        let erasure_id = first.call(&ask, None).await.unwrap().response.erasure_id;
        let agree = || ErasePersonRequest {
            idempotency_key: uuid(),
            what: Some(erase_person_request::What::ErasureId(erasure_id.clone())),
            case_reference: CASE.to_owned(),
            ground: String::new(),
        };
        second.call(&agree(), None).await.map(drop).expect_err("she is held");
        let release =
            ReleaseLegalHoldRequest { idempotency_key: uuid(), hold_id, case_reference: CASE.to_owned() };
        first.call(&release, None).await.unwrap();
        let erased = second.call(&agree(), None).await.unwrap().response;
        assert!(erased.erased_entries > 0);
    }

    /// The clinic sees her right, canaries and all.
    async fn seen_at(&self, clinic: &Terminal, card: &mut HeldCard) -> Presence {
        let presence = present(clinic, card, self.now).await;
        let answer = clinic.verify(&presence, &question()).await.unwrap();
        let eligible =
            |result: &&pmh_proto::eligibility::EligibilityResult| result.outcome() == Outcome::Eligible;
        let result = answer
            .response
            .results
            .iter()
            .find(eligible)
            .unwrap_or_else(|| panic!("{:?}", answer.response.results));
        let contradicting = Chart { birth_date: OTHER_BIRTH_DATE.to_owned(), sex: Sex::Female.into() };
        let question = VerifyEligibilityRequest { chart: Some(contradicting), ..question() };
        clinic.verify(&presence, &question).await.unwrap();
        assert_eq!(result.entitlements[0].recipient_number, RECIPIENT);
        presence
    }
}

async fn present(clinic: &Terminal, card: &mut HeldCard, now: i64) -> Presence {
    let presentation = Presentation::for_eligibility("提供することに同意しますか。", &["*"]);
    clinic.present(card, &presentation, now).await.unwrap()
}

/// A token in whole and in its parts: a line may be cut anywhere.
fn presence_canaries(presence: &Presence) -> Vec<Canary> {
    let [_, payload, signature] = presence.bearer().split('.').collect::<Vec<_>>().try_into().unwrap();
    vec![
        Canary::new("token's claims", payload),
        Canary::new("token's signature", signature),
        Canary::new("pairwise subject", &presence.token.sub),
        Canary::random("handle of a presence", presence.handle.as_slice()),
    ]
}

fn question() -> VerifyEligibilityRequest {
    VerifyEligibilityRequest {
        service: Some(Service::Date(day(0).to_string())),
        care_type: CareType::Outpatient.into(),
        purpose: Purpose::Hpaymt.into(),
        chart: Some(Chart { birth_date: BIRTH_DATE.to_owned(), sex: Sex::Female.into() }),
        ..Default::default()
    }
}

fn resident() -> ResidentRow {
    ResidentRow {
        row_id: "1".to_owned(),
        resident_key: RESIDENT_KEY.to_owned(),
        birth_date: BIRTH_DATE.to_owned(),
        sex: Sex::Female.into(),
        ..Default::default()
    }
}

fn right() -> EntitlementRow {
    EntitlementRow {
        row_id: "1".to_owned(),
        resident_key: RESIDENT_KEY.to_owned(),
        certificate_type_id: "88MARUNYU".to_owned(),
        certification_name: NAME_OF_RIGHT.to_owned(),
        law_no: "88".to_owned(),
        payer_number: code::PAYER_88_HACHIOJI.to_owned(),
        recipient_number: RECIPIENT.to_owned(),
        valid_from: day(-200).to_string(),
        valid_to: day(530).to_string(),
        copayments: vec![CopaymentRule { unit: CopaymentUnit::RatePercent.into(), ..Default::default() }],
        designated_institutions: vec![DesignatedInstitution {
            code: code::TOKYO_CLINIC.to_owned(),
            name: INSTITUTION.to_owned(),
        }],
        area: Area::Prefecture.into(),
        history_key: "1".to_owned(),
        ..Default::default()
    }
}

/// Twelve digits that pass the check and are nobody's; made here, because no file may hold such a number.
fn individual_number() -> String {
    let numbers = (0..10).map(|last| format!("90071992547{last}"));
    numbers.into_iter().find(|number| looks_like_individual_number(number)).unwrap()
}

fn batch() -> BulkHeader {
    BulkHeader { batch_id: uuid(), dry_run: false }
}

#[expect(clippy::disallowed_methods, reason = "the sandbox lives in the machine's own time")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn day(days: i64) -> jiff::civil::Date {
    let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    let today = jiff::Timestamp::from_second(now()).unwrap().to_zoned(tokyo).date();
    today.checked_add(jiff::Span::new().days(days)).unwrap()
}

struct HeldCard(FakeCard);

impl Card for HeldCard {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        let presented = reader::present(&mut self.0, to_be_signed, PIN)
            .map_err(|error| CardError::Unreadable(Box::new(error)))?;
        Ok(Signed { certificate_der: presented.certificate_der, signature: presented.signature })
    }
}

/// What people write about her, or get wrong.
const WRITTEN: &[(&str, &str)] = &[
    ("resident key", RESIDENT_KEY),
    ("unknown resident key", UNKNOWN_KEY),
    ("birth date", BIRTH_DATE),
    ("other birth date", OTHER_BIRTH_DATE),
    ("mistyped date", MISTYPED),
    ("recipient number", RECIPIENT),
    ("name of a right", NAME_OF_RIGHT),
    ("name of an institution", INSTITUTION),
    ("garbage token", GARBAGE),
    ("operator's pseudonym", OPERATOR),
    ("auditor's pseudonym", AUDITOR),
    ("words of a question", QUESTION),
    ("case", CASE),
    ("warrant", WARRANT),
    ("ground of an erasure", GROUND),
    ("first operator's pseudonym", FIRST),
    ("second operator's pseudonym", SECOND),
];

const RESIDENT_KEY: &str = "CANARY-KEY-4711";
const UNKNOWN_KEY: &str = "CANARY-KEY-0815";
const BIRTH_DATE: &str = "1931-02-17";
const OTHER_BIRTH_DATE: &str = "1931-07-12";
const MISTYPED: &str = "1931-02-71";
const RECIPIENT: &str = "CANARY-4711";
const NAME_OF_RIGHT: &str = "カナリア医療証";
const INSTITUTION: &str = "カナリア診療所";
const GARBAGE: &str = "canary.garbage.token";
const OPERATOR: &str = "canary-operator-4711";
const AUDITOR: &str = "canary-auditor-4711";
const QUESTION: &str = "カナリアの質問です。";
const CASE: &str = "CANARY-CASE-4711";
const WARRANT: &str = "CANARY-WARRANT-4711";
const GROUND: &str = "カナリアの理由";
const FIRST: &str = "canary-first-4711";
const SECOND: &str = "canary-second-4711";
const APP: &str = "app-1";
const PIN: &str = "1234";
