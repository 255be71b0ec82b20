//! The Merkle path as a picture: the entry below, its neighbours beside the way, the signed root above.

use maud::{Markup, html};
use pmh_audit::Hash;

use super::{
    proof::{Proof, Side},
    search::abbreviated,
    text::Text,
};

/// Inline SVG; a reader without eyes gets the sentence in `title` and the table beside it.
pub(super) fn drawing(proof: &Proof, text: &Text) -> Markup {
    let levels = proof.steps.len();
    let height = TOP + levels * STEP + BOX_HEIGHT + BELOW;
    let title = format!("{} {}. {}", text.entry, proof.index, text.proof_read);
    html! {
        svg.ladder role="img" aria-labelledby="ladder-title" viewBox=(format!("0 0 {WIDTH} {height}")) {
            title #ladder-title { (title) }
            @for (level, step) in proof.steps.iter().enumerate() {
                (joint(levels - level, step.side))
            }
            @for (level, step) in proof.steps.iter().enumerate() {
                @let row = levels - level;
                (node(place(step.side), row, "neighbour", text.neighbour, &step.sibling))
                @if row > 1 { (node(MIDDLE, row - 1, "computed", text.computed, &step.parent)) }
            }
            @if levels > 0 { (node(MIDDLE, 0, "root", text.top, proof.checkpoint.root())) }
            (node(MIDDLE, levels, "leaf", &format!("{} {}", text.this_entry, proof.index), &proof.leaf_hash))
        }
    }
}

/// The way from a row up to the next, and the neighbour's way to the same point.
fn joint(row: usize, side: Side) -> Markup {
    let (below, above) = (top_of(row), top_of(row - 1) + BOX_HEIGHT);
    let turn = usize::midpoint(below, above);
    let beside = place(side);
    html! {
        path.way d=(format!("M{MIDDLE} {below}V{above}")) {}
        path.beside d=(format!("M{beside} {below}V{turn}H{MIDDLE}")) {}
    }
}

fn node(x: usize, row: usize, class: &str, name: &str, hash: &Hash) -> Markup {
    let y = top_of(row);
    html! {
        g class={ "node " (class) } {
            rect x=(x - BOX_WIDTH / 2) y=(y) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="5" {}
            text.name x=(x) y=(y + 17) text-anchor="middle" { (name) }
            text.hash x=(x) y=(y + 34) text-anchor="middle" { (abbreviated(hash)) }
        }
    }
}

fn top_of(row: usize) -> usize {
    TOP + row * STEP
}

fn place(side: Side) -> usize {
    match side {
        Side::Left => MIDDLE - BESIDE,
        Side::Right => MIDDLE + BESIDE,
    }
}

const WIDTH: usize = 640;
const MIDDLE: usize = WIDTH / 2;
const BESIDE: usize = 215;
const BOX_WIDTH: usize = 170;
const BOX_HEIGHT: usize = 44;
const STEP: usize = 74;
const TOP: usize = 4;
const BELOW: usize = 4;
