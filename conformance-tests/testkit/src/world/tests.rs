use std::collections::BTreeSet;

use super::*;
use crate::directory::DirectoryItem;
use crate::pki::DevPki;

const NOW: i64 = 1_800_000_000; // 2027-01-15 in Tokyo

fn world() -> World {
    World::new(Date::constant(2027, 1, 15)).unwrap()
}

/// Check digit by weights 2 and 1 from the right with folded products, over the given body.
fn check_digit(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, digit)| {
            let product = u32::from(digit - b'0') * if position % 2 == 0 { 2 } else { 1 };
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

fn passes(number: &str) -> bool {
    let (body, check) = number.split_at(number.len() - 1);
    check_digit(body).to_string() == check
}

#[test]
fn payer_and_recipient_numbers_pass_their_check_digit() {
    let world = world();
    let payers = world.competences.iter().flat_map(|competence| competence.payer_numbers.iter().copied());
    let all: Vec<&str> = payers.collect();
    assert_eq!(all, [code::PAYER_52_TOKYO, code::PAYER_52_KANAGAWA, code::PAYER_88_HACHIOJI]);
    assert!(all.iter().all(|number| number.len() == 8 && passes(number)));
    for entitlement in &world.entitlements {
        assert!(passes(&entitlement.payer_number));
        assert!(passes(&entitlement.recipient_number) && entitlement.recipient_number.len() == 7);
    }
}

#[test]
fn institution_codes_pass_the_rule_of_tokyo_and_kanagawa() {
    for organization in world().organizations {
        if matches!(organization.kind, "clinic" | "pharmacy") {
            assert_eq!(organization.code.len(), 10);
            assert!(passes(&organization.code[3..]), "{}", organization.code);
        }
    }
}

#[test]
fn municipality_codes_pass_their_check_digit() {
    for organization in world().organizations {
        if matches!(organization.kind, "municipality" | "prefecture") {
            let digits: Vec<u32> = organization.code.bytes().map(|byte| u32::from(byte - b'0')).collect();
            let sum: u32 = (2..=6).rev().zip(&digits).map(|(weight, digit)| weight * digit).sum();
            assert_eq!((11 - sum % 11) % 10, digits[5], "{}", organization.code);
        }
    }
}

#[test]
fn every_reference_inside_the_world_resolves() {
    let world = world();
    let issuers: BTreeSet<String> = world.organizations.iter().map(Organization::short).collect();
    let names: BTreeSet<&str> = world.cards.iter().map(|card| card.name).collect();
    assert_eq!(names.len(), world.cards.len());
    let terminals: Vec<&str> =
        world.organizations.iter().flat_map(|organization| organization.terminals.iter().copied()).collect();
    assert_eq!(terminals.iter().collect::<BTreeSet<_>>().len(), terminals.len());

    assert!(world.competences.iter().all(|competence| issuers.contains(competence.issuer)));
    assert!(world.watermarks.iter().all(|watermark| issuers.contains(watermark.issuer)));
    assert!(world.residents.iter().all(|resident| issuers.contains(resident.issuer)));
    let known = |issuer: &str, key: &str| {
        world.residents.iter().any(|resident| resident.issuer == issuer && resident.resident_key == key)
    };
    assert!(world.entitlements.iter().all(|right| known(right.issuer, &right.resident_key)));
    assert!(world.relations.iter().all(|relation| {
        known(relation.issuer, relation.guardian_resident_key)
            && known(relation.issuer, relation.child_resident_key)
    }));
    for card in &world.cards {
        assert!(world.organization_of(card.visit.terminal).is_some());
        assert_eq!(world.residents_of(card.holder).next().is_none(), card.state == CardState::Unknown);
        if let CardState::Follows(old) = card.state {
            assert_eq!(world.card(old).unwrap().holder, card.holder);
        }
    }
}

#[test]
fn every_outcome_state_and_action_has_a_card() {
    let world = world();
    let words: BTreeSet<&str> = world.cards.iter().map(|card| card.expected.word()).collect();
    // UNCHANGED is the second call of any of these.
    let all = [
        "CARD_LIMITED",
        "ELIGIBLE",
        "IDENTITY_CONFLICT",
        "ISSUER_NOT_CONNECTED",
        "LAPSED",
        "NOT_CONSENTED",
        "NOT_LINKED",
        "NOT_YET_VALID",
        "NO_ENTITLEMENT",
        "SOURCE_STALE",
    ];
    assert_eq!(words, all.into());
    let actions: BTreeSet<&str> = world
        .cards
        .iter()
        .filter_map(|card| match card.expected {
            Expected::Result { action, .. } => Some(action),
            Expected::State(_) => None,
        })
        .collect();
    let all =
        ["APPLY_HERE", "ASK_ISSUER", "COLLECT_SHARE_THEN_REIMBURSE", "NOT_DESIGNATED_HERE", "USE_PAPER"];
    assert_eq!(actions, all.into());
}

#[test]
fn rights_are_what_their_scenario_says_on_any_day_of_the_year() {
    for offset in 0..366 {
        let today = Date::constant(2027, 4, 1).checked_add(offset.days()).unwrap();
        let world = World::new(today).unwrap();
        let right = |person: &str, law: &str| {
            let keys: Vec<&str> = world.residents_of(person).map(|resident| resident.resident_key).collect();
            let mut rights = world
                .entitlements
                .iter()
                .filter(|right| right.law_no == law && keys.contains(&right.resident_key.as_str()));
            let right = rights.next().unwrap();
            (right.valid_from.parse::<Date>().unwrap(), right.valid_to.parse::<Date>().unwrap())
        };
        for card in &world.cards {
            let Expected::Result { group, outcome, .. } = card.expected else { continue };
            let law = &group[..2];
            match outcome {
                "ELIGIBLE" | "SOURCE_STALE" => {
                    let (from, to) = right(card.visit.subject, law);
                    assert!(from <= today && today <= to, "{} on {today}", card.name);
                }
                "LAPSED" => assert!(right(card.visit.subject, law).1 < today),
                "NOT_YET_VALID" => {
                    let (from, to) = right(card.visit.subject, law);
                    assert!(today < from && from <= to);
                }
                _ => {}
            }
        }
        assert!(world.residents.iter().all(|resident| resident.birth_date < today));
    }
}

#[test]
fn maru_nyu_ends_on_31_march_before_school() {
    let end = |year, month, day| Days::before_school(Date::constant(year, month, day)).unwrap();
    assert_eq!(end(2021, 4, 1), Date::constant(2027, 3, 31), "born on 1 April: school at six");
    assert_eq!(end(2021, 4, 2), Date::constant(2028, 3, 31));
    assert_eq!(end(2021, 3, 31), Date::constant(2027, 3, 31));
    assert_eq!(end(2020, 12, 31), Date::constant(2027, 3, 31));
}

#[test]
fn the_people_are_marked_as_invented() {
    let world = world();
    assert!(world.residents.iter().all(|resident| resident.name.ends_with("〔架空〕")));
    let child = world.residents_of("child").next().unwrap();
    assert_eq!(child.birth_date.until((jiff::Unit::Year, world.today)).unwrap().get_years(), 3);
}

#[test]
fn cards_sign_and_the_directory_knows_those_it_should() {
    let world = world();
    let pki = DevPki::generate(NOW).unwrap();
    let wallet = world.issue_cards(&pki, NOW).unwrap();
    assert_eq!(wallet.cards.len(), world.cards.len());
    for (issued, card) in wallet.cards.iter().zip(&world.cards) {
        assert_eq!((issued.name, issued.card.kind()), (card.name, card.kind));
    }
    let linked = |name: &str| {
        let digest = wallet.cards.iter().find(|issued| issued.name == name).unwrap().digest;
        wallet
            .directory_items
            .iter()
            .filter(
                |item| matches!(item, DirectoryItem::Resident { credential, .. } if *credential == digest),
            )
            .count()
    };
    assert_eq!(linked("child"), 2, "two issuers know the child");
    assert_eq!(linked("grace"), 1);
    assert_eq!(linked("not-linked") + linked("renewed"), 0);
    let renewals =
        wallet.directory_items.iter().filter(|item| matches!(item, DirectoryItem::Renewal { .. })).count();
    assert_eq!(renewals, 1);
}
