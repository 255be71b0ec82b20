//! What holds for every person, question and directory.

use std::collections::BTreeSet;

use jiff::Span;
use jiff::civil::Date;
use pmh_domain::eligibility::{
    Answer, AnswerState, Consent, GroupResult, LinkFacts, Outcome, Question, Rule, Segment, Tier, View,
    Watermark,
};
use pmh_domain::entitlement::{Area, Entitlement, HistoryKey, Validity};
use pmh_domain::resident::ResidentLink;
use pmh_domain::time::DateRange;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::world::{
    HACHIOJI, KAWASAKI, Known, MACHIDA, TOKYO, caller, child_scheme, directory, entitlement, groups, link,
    payer, question, watermark,
};

const START: Date = Date::constant(2026, 4, 1);
/// Issuer, law number, group, payer body.
const SCHEMES: [(&str, &str, &str, &str); 5] = [
    (TOKYO, "52", "52", "5213601"),
    (HACHIOJI, "88", "88-13", "8813824"),
    (MACHIDA, "88", "88-13", "8813801"),
    (MACHIDA, "21", "21", "2113601"),
    (KAWASAKI, "88", "88-14", "8814101"),
];
const LISTED: [&str; 5] = ["21", "52", "54", "88-13", "88-14"];

fn day(offset: i64) -> Date {
    START.saturating_add(Span::new().days(offset))
}

prop_compose! {
    fn any_entitlement()(
        scheme in select(SCHEMES.as_slice()), sub_key in 0..2_u8, history in 0..5_u8, deleted in prop::bool::weighted(0.15),
        from in -40..40_i64, length in prop::option::weighted(0.7, 0..40_i64), always in any::<bool>(),
        area in select(vec![Area::Anywhere, Area::Prefecture, Area::Municipality]),
        not_disclosed in prop::bool::weighted(0.1),
    ) -> Entitlement {
        let mut raw = child_scheme();
        raw.payer_number = payer(scheme.3);
        Entitlement {
            certification_sub_key: sub_key.to_string(),
            history_key: HistoryKey::parse(&history.to_string()).unwrap(),
            validity: Validity::new(day(from), length.map(|length| day(from + length))).unwrap(),
            always_reimbursement: always,
            deleted, area, not_disclosed,
            ..entitlement(&raw, scheme.0)
        }
    }
}

/// As the store would hold them: one content per history key.
fn any_entitlements() -> impl Strategy<Value = Vec<Entitlement>> {
    prop::collection::vec(any_entitlement(), 0..10).prop_map(|all| {
        let mut kept: Vec<Entitlement> = Vec::new();
        for one in all {
            if !kept.iter().any(|other| other.key() == one.key() && other.history_key == one.history_key) {
                kept.push(one);
            }
        }
        kept
    })
}

fn any_links(most_restricted: f64) -> impl Strategy<Value = Vec<LinkFacts>> {
    let one = (prop::option::weighted(0.3, -10..40_i64), prop::bool::weighted(most_restricted));
    (subsequence(vec![TOKYO, HACHIOJI, MACHIDA, KAWASAKI], 0..=4), prop::collection::vec(one, 4)).prop_map(
        |(issuers, details)| {
            let facts = |(issuer, (last, restricted)): (&str, (Option<i64>, bool))| LinkFacts {
                link: ResidentLink { last_day: last.map(day), ..link(issuer).link },
                restricted,
            };
            issuers.into_iter().zip(details).map(facts).collect()
        },
    )
}

fn any_watermarks() -> impl Strategy<Value = Vec<Watermark>> {
    let hours = prop::collection::vec(0..80_i64, SCHEMES.len());
    (subsequence(SCHEMES.to_vec(), 0..=SCHEMES.len()), hours).prop_map(|(schemes, hours)| {
        schemes.into_iter().zip(hours).map(|(scheme, hours)| watermark(scheme.0, scheme.1, hours)).collect()
    })
}

prop_compose! {
    fn any_known()(
        links in any_links(0.1), entitlements in any_entitlements(), watermarks in any_watermarks()
    ) -> Known {
        Known { links, entitlements, watermarks, directory: directory() }
    }
}

prop_compose! {
    fn any_question()(
        first in 0..30_i64, length in 0..30_i64,
        consent in prop::option::of(subsequence(LISTED.to_vec(), 0..=5)),
        filter in subsequence(vec!["21", "52", "88-13", "90-13"], 0..=4),
        prefecture in select(vec!["13", "14"]), tier in select(vec![Tier::Full, Tier::Full, Tier::Grace]),
        view in select(vec![View::Holder, View::Holder, View::OnBehalf]),
    ) -> Question {
        Question {
            period: DateRange::new(day(first), day(first + length)).unwrap(),
            consent: consent.map_or(Consent::All, |granted| Consent::Groups(groups(&granted))),
            groups: groups(&filter),
            caller: caller("medical", prefecture),
            tier, view,
            ..question()
        }
    }
}

fn listed(answer: &Answer) -> BTreeSet<String> {
    answer.results.iter().map(|row| row.group.to_string()).collect()
}

/// The outcome of one issuer's row on one day and the day a right begins next,
/// told again the slow way: by looking at every version and every day, with no
/// notion of rights, cuts or segments.
fn told_again(known: &Known, row: &GroupResult, day: Date, question: &Question) -> (Outcome, Option<Date>) {
    let issuer = row.issuer.unwrap();
    if known.directory.competent(row.group, issuer, day).is_none() {
        return (Outcome::NoEntitlement, None);
    }
    let Some(watermark) =
        known.watermarks.iter().find(|w| w.issuer == issuer && w.law_no == row.group.law_no())
    else {
        return (Outcome::IssuerNotConnected, None);
    };
    let last_day = known.links.iter().find(|l| l.link.issuer == issuer).unwrap().link.last_day;
    let of_row = |one: &&Entitlement| {
        one.issuer == issuer
            && one.group == row.group
            && (question.view == View::Holder || !one.not_disclosed)
    };
    let all: Vec<&Entitlement> = known.entitlements.iter().filter(of_row).collect();
    let alive = |one: &&&Entitlement| {
        !all.iter()
            .any(|other| other.key() == one.key() && other.deleted && other.history_key >= one.history_key)
    };
    let alive: Vec<&Entitlement> = all.iter().filter(alive).copied().collect();
    let end = |one: &Entitlement| one.validity.to().unwrap_or(Date::MAX).min(last_day.unwrap_or(Date::MAX));
    let counts_on = |day: Date| {
        alive
            .iter()
            .copied()
            .filter(move |one| one.validity.from() <= day && end(one) >= one.validity.from())
            .filter({
                let alive = &alive;
                move |one| {
                    !alive.iter().any(|other| {
                        other.key() == one.key()
                            && other.validity.from() <= day
                            && other.history_key > one.history_key
                    })
                }
            })
    };
    let in_force = |day: Date| counts_on(day).any(|one| end(one) >= day);
    let is_fresh = question.now.duration_since(watermark.as_of) <= jiff::SignedDuration::from_hours(48);
    let later = (1..200).map(|ahead| day.saturating_add(Span::new().days(ahead)));
    match (in_force(day), is_fresh) {
        (_, false) => (Outcome::SourceStale, None),
        (true, true) => (Outcome::Eligible, None),
        (false, true) => {
            let next = later.into_iter().find(|day| in_force(*day));
            let has_lapsed = counts_on(day).any(|one| end(one) < day);
            let outcome = match next {
                _ if has_lapsed => Outcome::Lapsed,
                Some(_) => Outcome::NotYetValid,
                None => Outcome::NoEntitlement,
            };
            (outcome, next)
        }
    }
}

/// What of a segment is a fact of the day, not of where the segment begins.
fn of_the_day(segment: &Segment) -> impl PartialEq + std::fmt::Debug + use<> {
    let rights: Vec<_> = segment
        .entitlements
        .iter()
        .map(|served| (served.payer_number, served.validity, served.rule, served.priority))
        .collect();
    (segment.outcome, segment.authoritative, segment.rule, segment.lapsed_on, segment.starts_on, rights)
}

fn days(range: DateRange) -> impl Iterator<Item = Date> {
    range.first().series(Span::new().days(1)).take_while(move |day| *day <= range.last())
}

/// Small unless `PMH_TEST_SCALE=full`.
fn scale() -> ProptestConfig {
    let is_full = std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full");
    ProptestConfig::with_cases(if is_full { 5_000 } else { 128 })
}

proptest! {
    #![proptest_config(scale())]

    #[test]
    fn listed_groups_depend_on_consent_and_directory_alone(
        known in any_known(), other in any_known(), question in any_question(),
    ) {
        let answers = [known.answer(&question), other.answer(&question)];
        let [one, two] = answers.map(|answer| (answer.state, listed(&answer)));
        if one.0 == AnswerState::Answered && two.0 == AnswerState::Answered {
            prop_assert_eq!(&one.1, &two.1);
        }
        for (state, listed) in [one, two] {
            if state == AnswerState::Answered && !question.groups.is_empty() {
                prop_assert!(listed.iter().eq(question.groups.iter().map(ToString::to_string).collect::<BTreeSet<_>>().iter()));
            }
        }
    }

    #[test]
    fn what_is_not_consented_looks_alike_for_everybody(known in any_known(), other in any_known(), question in any_question()) {
        let answers = [known.answer(&question), other.answer(&question)];
        let [one, two] = answers.each_ref().map(|answer| {
            answer.results.iter().filter(|row| !question.consent.covers(row.group)).cloned().collect::<Vec<_>>()
        });
        if answers.iter().all(|answer| answer.state == AnswerState::Answered) {
            prop_assert_eq!(one, two);
        }
        let closed = Question { consent: Consent::Groups(BTreeSet::new()), ..question.clone() };
        prop_assert_eq!(known.answer(&closed), other.answer(&closed));
        let limited = Question { tier: Tier::Tap, ..question };
        prop_assert_eq!(known.answer(&limited), other.answer(&limited));
    }

    #[test]
    fn segments_cover_the_period_exactly_and_are_maximal(known in any_known(), question in any_question()) {
        for row in known.answer(&question).results {
            let parts: Vec<&Segment> = row.segments().collect();
            prop_assert_eq!(parts[0].days.first(), question.period.first());
            prop_assert_eq!(parts[parts.len() - 1].days.last(), question.period.last());
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].days.last().tomorrow().unwrap(), pair[1].days.first());
                prop_assert!(of_the_day(pair[0]) != of_the_day(pair[1]));
            }
        }
    }

    #[test]
    fn segments_agree_with_single_days_and_with_the_slow_way(known in any_known(), question in any_question()) {
        let answer = known.answer(&question);
        for row in answer.results.iter().filter(|row| row.issuer.is_some()) {
            for segment in row.segments() {
                for day in days(segment.days) {
                    prop_assert_eq!((segment.outcome, segment.starts_on), told_again(&known, row, day, &question), "{} {}", row.group, day);
                    let single = known.answer(&Question { period: DateRange::day(day), ..question.clone() });
                    let same = single.results.iter().find(|one| one.group == row.group && one.issuer == row.issuer);
                    if let Some(same) = same {
                        prop_assert_eq!(of_the_day(segment), of_the_day(&same.first));
                    }
                }
            }
        }
    }

    #[test]
    fn authoritative_needs_a_link_and_a_fresh_source(known in any_known(), question in any_question()) {
        for row in known.answer(&question).results {
            for segment in row.segments() {
                let can_be = matches!(
                    segment.outcome,
                    Outcome::Eligible | Outcome::Lapsed | Outcome::NotYetValid | Outcome::NoEntitlement
                );
                prop_assert_eq!(segment.authoritative, can_be && segment.rule != Rule::NoneLinked);
                prop_assert!(!segment.authoritative || row.as_of.is_some());
                let is_closed = matches!(segment.outcome, Outcome::NotConsented | Outcome::CardLimited);
                prop_assert!(!is_closed || (row.issuer.is_none() && row.as_of.is_none() && segment.entitlements.is_empty()));
                prop_assert_eq!(segment.counter_action, segment.rule.action());
            }
        }
    }

    #[test]
    fn the_order_of_facts_does_not_matter(known in any_known(), question in any_question()) {
        let mut reversed = known.clone();
        reversed.links.reverse();
        reversed.entitlements.reverse();
        reversed.watermarks.reverse();
        prop_assert_eq!(known.answer(&question), reversed.answer(&question));
    }

    #[test]
    fn an_answer_sent_back_by_its_version_is_unchanged(known in any_known(), question in any_question()) {
        let answer = known.answer(&question);
        let again = known.answer(&Question { if_version: answer.version.clone(), ..question });
        match answer.state {
            AnswerState::Answered => prop_assert_eq!((again.state, again.version), (AnswerState::Unchanged, answer.version)),
            state => prop_assert_eq!(again.state, state),
        }
    }

    #[test]
    fn on_behalf_a_restricted_record_equals_absence(known in any_known(), question in any_question()) {
        let question = Question { view: View::OnBehalf, ..question };
        let is_restricted = known.links.iter().any(|link| link.restricted);
        let mut absent = known.clone();
        absent.entitlements.retain(|one| !one.not_disclosed && !is_restricted);
        if is_restricted {
            absent.links.clear();
        }
        prop_assert_eq!(known.answer(&question), absent.answer(&question));
    }
}

#[test]
fn the_strategies_reach_every_outcome() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..600 {
        let (known, question) = (any_known(), any_question()).new_tree(&mut runner).unwrap().current();
        let answer = known.answer(&question);
        seen.extend(answer.results.iter().flat_map(GroupResult::segments).map(|segment| segment.outcome));
    }
    assert!(seen.into_iter().eq(Outcome::ALL));
}
