//! Example by example: every outcome, state, action and rule, and what a
//! restricted person's answer leaves out.

use std::collections::BTreeSet;

use jiff::civil::date;
use pmh_domain::codes::MunicipalityCode;
use pmh_domain::eligibility::{
    AnswerState, Caller, Chart, Consent, CounterAction, Outcome, Question, Rule, Tier, View, action_line,
    outcome_line, refusal_line, state_line,
};
use pmh_domain::entitlement::{
    Area, CareType, CertificateDetail, CopaymentUnit, RawCopaymentRule, RawDesignatedInstitution,
};
use pmh_domain::organization::OrganizationId;
use pmh_domain::resident::Sex;
use pmh_domain::time::DateRange;

use crate::world::{
    HACHIOJI, Known, MACHIDA, TOKYO, caller, child_scheme, chronic_scheme, entitlement, group, groups,
    institution, issuer, link, narrow, now, question, row, watermark,
};

/// One way to reach each rule: what is known, what is asked, and the rule of
/// the group looked at.
fn ways() -> Vec<(&'static str, Known, Question, Rule)> {
    let child = "88-13";
    let designated = vec![RawDesignatedInstitution {
        code: institution("medical", "13"),
        name: "指定の病院".to_owned(),
    }];
    let elsewhere = Question { caller: caller("medical", "14"), ..question() };
    let at = |municipality| Caller {
        municipality: MunicipalityCode::parse(municipality).ok(),
        ..caller("medical", "13")
    };
    let app = Caller { organization: OrganizationId::parse("app:boshi").unwrap(), municipality: None };
    let stale = |mut known: Known| {
        known.watermarks[0] = watermark(HACHIOJI, "88", 49);
        known
    };
    let unconnected = Known { watermarks: vec![watermark(TOKYO, "52", 3)], ..Known::child() };
    let none_registered = Known { entitlements: vec![], ..Known::child() };
    let mut psychiatric = Known::child();
    let mut raw = child_scheme();
    raw.payer_number = crate::world::payer("2113601");
    psychiatric.entitlements.push(entitlement(&raw, HACHIOJI));
    let inpatient = Question { care: Some(CareType::Inpatient), ..question() };
    vec![
        (child, Known::child(), question(), Rule::InForce),
        (
            child,
            Known::with_child_scheme(|raw| raw.always_reimbursement = true),
            question(),
            Rule::AlwaysReimbursed,
        ),
        (child, Known::with_child_scheme(narrow(Area::Prefecture)), elsewhere, Rule::OutsidePrefecture),
        (
            child,
            Known::with_child_scheme(narrow(Area::Municipality)),
            Question { caller: at("132098"), ..question() },
            Rule::OutsideMunicipality,
        ),
        (
            child,
            Known::with_child_scheme(narrow(Area::Municipality)),
            Question { caller: at("132012"), ..question() },
            Rule::InForce,
        ),
        (child, Known::with_child_scheme(narrow(Area::Municipality)), question(), Rule::MunicipalityUnknown),
        (
            child,
            Known::with_child_scheme(|raw| raw.valid_from = "2026-05-01".into()),
            question(),
            Rule::NotYetValid,
        ),
        (
            child,
            Known::with_child_scheme(|raw| raw.designated_institutions = designated),
            Question { caller: caller("pharmacy", "13"), ..question() },
            Rule::NotDesignated,
        ),
        ("21", psychiatric, inpatient, Rule::CareNotCovered),
        (child, Known::with_child_scheme(|raw| raw.valid_to = "2026-04-09".into()), question(), Rule::Lapsed),
        (child, stale(Known::child()), question(), Rule::StaleRightKnown),
        (child, stale(none_registered.clone()), question(), Rule::Stale),
        (child, unconnected, question(), Rule::NotConnected),
        (
            child,
            Known::child(),
            Question { consent: Consent::Groups(groups(&["52"])), ..question() },
            Rule::NotConsented,
        ),
        (child, Known::child(), Question { tier: Tier::Grace, ..question() }, Rule::CardLimited),
        (child, Known::child(), Question { tier: Tier::Tap, ..question() }, Rule::CardLimited),
        (child, none_registered, question(), Rule::NoneRegistered),
        ("88-14", Known::child(), question(), Rule::NoneLinked),
        (child, Known::child(), Question { caller: app, ..question() }, Rule::NoCounter),
    ]
}

#[test]
fn every_rule_outcome_and_action_is_reached_and_has_its_own_words() {
    let (mut rules, mut outcomes, mut actions, mut lines) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (looked_at, known, question, rule) in ways() {
        let answer = known.answer(&question);
        let first = &row(&answer, looked_at).first;
        assert_eq!(first.rule, rule, "{looked_at}");
        assert_eq!(first.counter_action, rule.action());
        rules.insert(first.rule);
        outcomes.insert(first.outcome);
        actions.insert(first.counter_action);
        lines.insert((first.rule, first.instruction.ja.clone()));
        assert!(!first.instruction.ja.contains('{') && !first.instruction.en.contains('{'));
    }
    assert!(rules.into_iter().eq(Rule::ALL));
    assert!(outcomes.into_iter().eq(Outcome::ALL));
    assert!(actions.into_iter().eq(CounterAction::ALL));
    assert_eq!(lines.len(), Rule::ALL.len());
}

#[test]
fn every_state_is_reached() {
    let child = Known::child();
    let first = child.answer(&question());
    assert_eq!(first.state, AnswerState::Answered);
    let unchanged = child.answer(&Question { if_version: first.version.clone(), ..question() });
    assert_eq!((unchanged.state, unchanged.results.len()), (AnswerState::Unchanged, 0));
    assert_eq!(unchanged.version, first.version);
    let nobody = Known::nobody().answer(&question());
    assert_eq!((nobody.state, nobody.results.len()), (AnswerState::NotLinked, 0));
    for chart in [
        Chart { birth_date: Some(date(2023, 2, 2)), sex: Sex::Unknown },
        Chart { birth_date: None, sex: Sex::Male },
    ] {
        let conflict = child.answer(&Question { chart, ..question() });
        assert_eq!((conflict.state, conflict.results.len()), (AnswerState::IdentityConflict, 0));
        assert_eq!(conflict.version, None);
    }
    let right = Chart { birth_date: Some(date(2023, 2, 1)), sex: Sex::Female };
    assert_eq!(child.answer(&Question { chart: right, ..question() }).state, AnswerState::Answered);
}

#[test]
fn all_names_and_lines_differ() {
    let distinct = |texts: Vec<std::borrow::Cow<'static, str>>| {
        let count = texts.len();
        assert_eq!(texts.into_iter().collect::<BTreeSet<_>>().len(), count);
    };
    distinct(Outcome::ALL.iter().map(|one| outcome_line(*one).ja).collect());
    distinct(Outcome::ALL.iter().map(|one| one.name().into()).collect());
    distinct(AnswerState::ALL.iter().map(|one| state_line(*one).ja).collect());
    distinct(CounterAction::ALL.iter().map(|one| action_line(*one).ja).collect());
    distinct(Rule::ALL.iter().map(|one| one.name().into()).collect());
}

/// The child of the demo: a prefectural right, a municipal one, and groups in
/// which nothing is known, all in one answer.
#[test]
fn one_child_holds_several_things_at_once() {
    let answer = Known::with_child_scheme(|raw| raw.valid_to = "2026-03-31".into()).answer(&question());
    let listed: Vec<String> = answer.results.iter().map(|row| row.group.to_string()).collect();
    assert_eq!(listed, ["21", "52", "54", "88-13", "88-14"]);
    let chronic = &row(&answer, "52").first;
    assert_eq!((chronic.outcome, chronic.authoritative), (Outcome::Eligible, true));
    assert_eq!(chronic.entitlements[0].days_to_expiry, Some(173));
    assert_eq!(chronic.entitlements[0].priority_basis.to_string(), "UNVERIFIED");
    let child = &row(&answer, "88-13").first;
    assert_eq!((child.outcome, child.lapsed_on), (Outcome::Lapsed, Some(date(2026, 3, 31))));
    assert!(child.instruction.ja.contains("2026-03-31") && child.instruction.ja.contains("紙の受給者証"));
    let elsewhere = row(&answer, "88-14");
    assert_eq!((elsewhere.issuer, elsewhere.first.authoritative), (None, false));
    assert_eq!(answer.summary.action, Some(CounterAction::ApplyHere));
    assert!(answer.summary.receptionist.ja.contains("ほかの制度"));
    assert!(answer.summary.vendor.ja.contains("authoritative=false"));
}

#[test]
fn no_entitlement_never_says_no_right() {
    let answer = Known { entitlements: vec![], ..Known::child() }.answer(&question());
    let line = &row(&answer, "88-13").first.instruction;
    assert!(line.ja.contains("2026-04-10 07:00時点") && line.ja.contains("さかのぼって"));
    for text in [&line.ja, &outcome_line(Outcome::NoEntitlement).ja] {
        assert!(!text.contains("資格はありません") && !text.contains("資格なし"));
    }
    assert!(!line.en.to_lowercase().contains("no right"));
}

#[test]
fn a_filter_lists_exactly_what_was_asked() {
    let asked = Question { groups: groups(&["88-13", "90-13", "54"]), ..question() };
    let answer = Known::child().answer(&asked);
    let listed: Vec<String> = answer.results.iter().map(|row| row.group.to_string()).collect();
    assert_eq!(listed, ["54", "88-13", "90-13"]);
    let unknown = &row(&answer, "90-13").first;
    assert_eq!((unknown.outcome, unknown.authoritative), (Outcome::NoEntitlement, false));
}

/// A right that ends the day before the third birthday's month ends, a renewal
/// that begins after a gap, and a competence that ends: all in one period.
#[test]
fn a_period_is_answered_in_parts() {
    let mut known = Known::with_child_scheme(|raw| raw.valid_to = "2026-04-14".into());
    let mut renewed = child_scheme();
    renewed.history_key = "2".into();
    renewed.valid_from = "2026-04-20".into();
    renewed.valid_to = "2026-12-31".into();
    known.entitlements.push(entitlement(&renewed, HACHIOJI));
    let period = DateRange::new(date(2026, 4, 10), date(2026, 4, 30)).unwrap();
    let answer = known.answer(&Question { period, ..question() });
    let parts: Vec<_> = row(&answer, "88-13")
        .segments()
        .map(|part| (part.days.first(), part.days.last(), part.outcome, part.starts_on))
        .collect();
    assert_eq!(
        parts,
        [
            (date(2026, 4, 10), date(2026, 4, 14), Outcome::Eligible, None),
            (date(2026, 4, 15), date(2026, 4, 19), Outcome::Lapsed, Some(date(2026, 4, 20))),
            (date(2026, 4, 20), date(2026, 4, 30), Outcome::Eligible, None),
        ]
    );
}

#[test]
fn the_next_of_several_coming_rights_is_named() {
    let mut known = Known::with_child_scheme(|raw| raw.valid_from = "2026-09-01".into());
    let mut sooner = child_scheme();
    sooner.history_key = "0".into();
    sooner.valid_from = "2026-06-01".into();
    sooner.valid_to = "2026-07-31".into();
    known.entitlements.push(entitlement(&sooner, HACHIOJI));
    let answer = known.answer(&question());
    let first = &row(&answer, "88-13").first;
    assert_eq!((first.outcome, first.starts_on), (Outcome::NotYetValid, Some(date(2026, 6, 1))));
    assert_eq!((first.authoritative, first.entitlements.len()), (true, 1));
    assert!(first.instruction.ja.contains("2026-06-01"));
}

#[test]
fn a_right_ends_with_the_residence_it_rests_on() {
    let mut known = Known::child();
    known.links[1].link.last_day = Some(date(2026, 4, 5));
    let answer = known.answer(&question());
    let child = &row(&answer, "88-13").first;
    assert_eq!((child.outcome, child.lapsed_on), (Outcome::Lapsed, Some(date(2026, 4, 5))));
    assert_eq!(row(&answer, "52").first.outcome, Outcome::Eligible);
}

#[test]
fn a_withdrawn_right_is_gone_and_a_stale_source_never_says_eligible() {
    let mut known = Known::child();
    let mut withdrawn = child_scheme();
    withdrawn.history_key = "2".into();
    withdrawn.deleted = true;
    known.entitlements.push(entitlement(&withdrawn, HACHIOJI));
    assert_eq!(row(&known.answer(&question()), "88-13").first.outcome, Outcome::NoEntitlement);
    for (hours, outcome) in
        [(48, Outcome::Eligible), (49, Outcome::SourceStale), (10_000, Outcome::SourceStale)]
    {
        let mut known = Known::child();
        known.watermarks[0] = watermark(HACHIOJI, "88", hours);
        let first = row(&known.answer(&question()), "88-13").first.clone();
        assert_eq!((first.outcome, first.entitlements.len()), (outcome, 1));
        assert_eq!(first.authoritative, outcome == Outcome::Eligible);
    }
}

#[test]
fn two_certificates_of_one_group_are_both_given_and_the_better_leads() {
    let mut known = Known::with_child_scheme(|raw| raw.always_reimbursement = true);
    let mut second = child_scheme();
    second.certification_sub_key = "2".into();
    known.entitlements.push(entitlement(&second, HACHIOJI));
    let first = row(&known.answer(&question()), "88-13").first.clone();
    let rules: Vec<Rule> = first.entitlements.iter().map(|served| served.rule).collect();
    assert_eq!((first.rule, rules), (Rule::InForce, vec![Rule::InForce, Rule::AlwaysReimbursed]));
}

#[test]
fn two_issuers_of_one_group_have_a_row_each() {
    let mut known = Known::child();
    known.links.push(link(MACHIDA));
    known.watermarks.push(watermark(MACHIDA, "88", 1));
    let answer = known.answer(&question());
    let rows: Vec<_> = answer.results.iter().filter(|row| row.group == group("88-13")).collect();
    let seen: Vec<_> = rows.iter().map(|row| (row.issuer, row.first.outcome)).collect();
    assert_eq!(
        seen,
        [(Some(issuer(HACHIOJI)), Outcome::Eligible), (Some(issuer(MACHIDA)), Outcome::NoEntitlement)]
    );
}

#[test]
fn copayment_rules_are_those_of_the_care_asked_for() {
    let rule = |care, amount| RawCopaymentRule {
        care,
        unit: Some(CopaymentUnit::YenPerVisit),
        amount,
        per_institution: true,
    };
    let known = Known::with_child_scheme(|raw| {
        raw.copayments =
            vec![rule(Some(CareType::Outpatient), 200), rule(Some(CareType::Inpatient), 0), rule(None, 500)];
    });
    let amounts = |care| {
        let answer = known.answer(&Question { care, ..question() });
        let served = &row(&answer, "88-13").first.entitlements[0];
        served.copayments.iter().map(|rule| rule.amount).collect::<Vec<_>>()
    };
    assert_eq!(amounts(None), [200, 0, 500]);
    assert_eq!(amounts(Some(CareType::Outpatient)), [200, 500]);
    assert_eq!(amounts(Some(CareType::Pharmacy)), [500]);
}

#[test]
fn a_restricted_persons_answer_has_the_numbers_and_no_place() {
    let hospital = institution("medical", "13");
    let betray = |raw: &mut pmh_domain::entitlement::RawEntitlement| {
        raw.area = Area::Municipality;
        raw.details =
            vec![CertificateDetail { label: "住所".into(), value: "八王子市〔架空〕1-1".into() }];
        raw.designated_institutions = vec![
            RawDesignatedInstitution { code: hospital.clone(), name: "こちら".into() },
            RawDesignatedInstitution {
                code: institution("pharmacy", "13"), name: "八王子の薬局".into()
            },
        ];
    };
    let mut by_link = Known::with_child_scheme(betray);
    by_link.links[0].restricted = true;
    let by_flag = Known::with_child_scheme(|raw| {
        betray(raw);
        raw.not_disclosed = true;
    });
    for known in [by_link, by_flag] {
        let answer = known.answer(&question());
        let row = row(&answer, "88-13");
        assert_eq!((row.issuer, row.issuer_name()), (None, None));
        let served = &row.first.entitlements[0];
        assert_eq!(served.payer_number.unwrap().as_str(), "88138243");
        assert_eq!(served.recipient_number.as_ref().unwrap().as_str(), "1234566");
        assert_eq!((served.area, served.details.len()), (None, 0));
        assert_eq!(served.designated_institutions.len(), 1);
        let text = format!("{}{row:?}", serde_json::to_string(row).unwrap());
        for betrayal in ["八王子", "132012", "薬局"] {
            assert!(!text.contains(betrayal), "{betrayal} in {text}");
        }
    }
}

#[test]
fn on_behalf_of_a_restricted_person_there_is_nobody() {
    let mut restricted = Known::child();
    restricted.links[1].restricted = true;
    let on_behalf = Question { view: View::OnBehalf, ..question() };
    assert_eq!(restricted.answer(&on_behalf), Known::nobody().answer(&on_behalf));
    assert_eq!(restricted.answer(&question()).state, AnswerState::Answered);
    let flagged = Known::with_child_scheme(|raw| raw.not_disclosed = true);
    let mut without = Known::child();
    without.entitlements.remove(0);
    assert_eq!(flagged.answer(&on_behalf), without.answer(&on_behalf));
}

#[test]
fn the_version_follows_what_is_seen_and_nothing_else() {
    let version = |known: &Known, question: &Question| known.answer(question).version.unwrap();
    let consent = Consent::Groups(groups(&["52"]));
    let only_52 = Question { consent, ..question() };
    let base = version(&Known::child(), &only_52);
    assert_eq!(base.len(), 22);
    let hidden = Known::with_child_scheme(|raw| raw.valid_to = "2026-03-31".into());
    assert_eq!(version(&hidden, &only_52), base);
    let mut moved = Known::child();
    moved.watermarks[2] = watermark(TOKYO, "52", 2);
    let mut corrected = Known::child();
    let mut raw = chronic_scheme();
    raw.recipient_number = "7654321".into();
    corrected.entitlements[1] = entitlement(&raw, TOKYO);
    let salted = Question { version_salt: b"p1_other".to_vec(), ..only_52.clone() };
    let elsewhere = Question { caller: caller("pharmacy", "13"), ..only_52.clone() };
    let tomorrow = Question { period: DateRange::day(date(2026, 4, 11)), ..only_52.clone() };
    let others = [
        version(&moved, &only_52),
        version(&corrected, &only_52),
        version(&Known::child(), &salted),
        version(&Known::child(), &elsewhere),
        version(&Known::child(), &tomorrow),
        version(&Known::child(), &question()),
        base,
    ];
    assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len());
}

#[test]
fn every_refusal_says_whose_side_it_is_on_and_that_paper_counts() {
    let reasons = [
        "CARD_CERT_EXPIRED",
        "CONSENT_REQUIRED",
        "TOKEN_EXPIRED",
        "ORG_IDENTITY_MISSING",
        "UNREACHABLE",
        "AUDIT_UNAVAILABLE",
        "a reason of a later version",
    ];
    let lines: BTreeSet<_> = reasons.iter().map(|reason| refusal_line(reason).ja).collect();
    assert_eq!(lines.len(), 6, "unknown reasons share the gateway's line");
    for line in reasons.map(refusal_line) {
        assert!(
            line.ja.contains("受給資格の有無を示すものではありません") && line.ja.contains("紙の受給者証")
        );
        assert!(line.en.contains("says nothing about the right") && line.en.contains("paper"));
        assert!(line.ja.contains("側") || line.ja.contains("同意") || line.ja.contains("通信"));
    }
}

#[test]
fn a_watermark_ahead_of_the_clock_is_fresh() {
    let mut known = Known::child();
    known.watermarks[0] = watermark(HACHIOJI, "88", -1);
    assert!(known.watermarks[0].as_of > now());
    assert_eq!(row(&known.answer(&question()), "88-13").first.outcome, Outcome::Eligible);
}
