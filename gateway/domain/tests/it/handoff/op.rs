//! What may happen to two municipalities, and how often.

use std::collections::BTreeSet;

use pmh_domain::handoff::{BirthOrder, Category, Loss, Side};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::lies::{Lie, any_lie};
use super::model::Word;
use super::world::{DUTIES, FIRST, LAST};

#[derive(Debug, Clone)]
pub(super) enum Op {
    Days(i64),
    Confirm,
    Shorten(i64),
    Consent(BTreeSet<Category>),
    Unconsent(BTreeSet<Category>),
    HidePlace,
    Hide,
    Birth(u8, u8),
    Loss(Loss),
    Found(Loss),
    Merge(u8),
    Moved,
    Withdraw,
    Close,
    Say(Word),
    Read(Index),
    WrongCode,
    Arrive { at: Side, which: Index, again: bool },
    Vanish { at: Side, which: Index },
    Resend,
    Crash,
    Lie(Lie, Index),
}

/// Nothing, or straight to where duties have passed: a walk rarely finds it.
pub(super) fn any_beginning() -> impl Strategy<Value = Vec<Op>> {
    let straight = (some(&DUTIES), any::<Index>()).prop_map(|(duties, which)| {
        let arrive = |at| Op::Arrive { at, which, again: false };
        let accept = Op::Say(Word::Accept(duties));
        vec![arrive(Side::Stay), accept, arrive(Side::Home), Op::Days(FIRST), Op::Confirm, arrive(Side::Stay)]
    });
    prop_oneof![2 => Just(Vec::new()), 3 => straight]
}

pub(super) fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (1..4_i64).prop_map(Op::Days),
        12 => Just(Op::Confirm),
        4 => (FIRST - 2..LAST + 8).prop_map(Op::Shorten),
        2 => some(&Category::ALL).prop_map(Op::Consent),
        2 => some(&Category::ALL).prop_map(Op::Unconsent),
        1 => Just(Op::HidePlace),
        4 => (0..4_u8, 1..3_u8).prop_map(|(order, of)| Op::Birth(order, of)),
        2 => any_loss().prop_map(Op::Loss),
        1 => any_loss().prop_map(Op::Found),
        1 => (1..3_u8).prop_map(Op::Merge),
        1 => any_end(),
        3 => Just(Op::Close),
        22 => any_word().prop_map(Op::Say),
        6 => any::<Index>().prop_map(Op::Read),
        1 => Just(Op::WrongCode),
        20 => (any::<Index>(), prop::bool::weighted(0.3)).prop_map(|(which, again)| Op::Arrive { at: Side::Stay, which, again }),
        20 => (any::<Index>(), prop::bool::weighted(0.3)).prop_map(|(which, again)| Op::Arrive { at: Side::Home, which, again }),
        2 => any::<Index>().prop_map(|which| Op::Vanish { at: Side::Stay, which }),
        2 => any::<Index>().prop_map(|which| Op::Vanish { at: Side::Home, which }),
        4 => Just(Op::Resend),
        3 => Just(Op::Crash),
        5 => (any_lie(), any::<Index>()).prop_map(|(lie, which)| Op::Lie(lie, which)),
    ]
}

/// Rarely, for nothing happens afterwards.
fn any_end() -> impl Strategy<Value = Op> {
    prop_oneof![7 => Just(Op::Crash), 1 => Just(Op::Hide), 1 => Just(Op::Moved), 1 => Just(Op::Withdraw)]
}

fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        12 => some(&DUTIES).prop_map(Word::Accept),
        1 => Just(Word::Decline),
        9 => (FIRST..LAST + 20).prop_map(Word::Longer),
        3 => some(&DUTIES).prop_map(Word::Back),
        2 => some(&Category::ALL).prop_map(Word::Unconsent),
        3 => Just(Word::Return),
        8 => (select(DUTIES.to_vec()), any::<bool>()).prop_map(|(duty, urgent)| Word::Report(duty, urgent)),
        1 => prop_oneof![5 => Just(Word::Accept(DUTIES.into())), 1 => Just(Word::Silence)],
    ]
}

fn any_loss() -> impl Strategy<Value = Loss> {
    select(vec![Loss::Pregnancy, Loss::Child(BirthOrder(1)), Loss::Child(BirthOrder(2))])
}

fn some<T: Copy + Ord + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = BTreeSet<T>> + use<T> {
    subsequence(all.to_vec(), 1..=all.len()).prop_map(|some| some.into_iter().collect())
}
