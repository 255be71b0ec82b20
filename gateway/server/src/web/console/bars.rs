//! Entries a day as a row of bars. The same numbers stand in a table below; the picture alone says nothing new.

use maud::{Markup, html};

/// One row: a bar a day, all rows of a page on the scale of `most`. `title` is what a reader without eyes gets.
pub(super) fn bars(counts: &[u64], most: u64, title: &str) -> Markup {
    let width = counts.len() * PITCH;
    html! {
        svg.bars role="img" aria-label=(title) viewBox=(format!("0 0 {width} {}", HEIGHT + 1))
            preserveAspectRatio="none" {
            path.base d=(format!("M0 {HEIGHT}.5H{width}")) {}
            @for (day, count) in counts.iter().enumerate() {
                @let height = height_of(*count, most);
                @if height > 0 {
                    rect x=(day * PITCH + GAP) y=(HEIGHT - height) width=(PITCH - 2 * GAP) height=(height) {}
                }
            }
        }
    }
}

/// At least a visible line for a day that has any.
fn height_of(count: u64, most: u64) -> usize {
    let scaled = (count * HEIGHT as u64).checked_div(most).unwrap_or_default();
    let least = u64::from(count > 0) * 2;
    usize::try_from(scaled.max(least)).unwrap_or(HEIGHT).min(HEIGHT)
}

const HEIGHT: usize = 40;
const PITCH: usize = 16;
const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_keep_to_their_scale_and_one_is_not_nothing() {
        assert_eq!([height_of(0, 900), height_of(1, 900), height_of(900, 900)], [0, 2, HEIGHT]);
        assert_eq!(height_of(0, 0), 0);
        let drawn = bars(&[0, 3, 1], 3, "clinic:1").into_string();
        assert_eq!(drawn.matches("<rect").count(), 2);
    }
}
