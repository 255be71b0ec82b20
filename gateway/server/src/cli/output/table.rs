//! Columns that stay straight when half of the characters are two cells wide.

use unicode_width::UnicodeWidthStr as _;

/// Lines of a table, the first row being the titles. Cells are padded, the last of a row is not.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    rows.iter().map(|row| written(row, &widths)).collect()
}

fn written(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + GAP));
    }
    line.truncate(line.trim_end().len());
    line
}

const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_cells() {
        let rows =
            [vec!["制度", "a"], vec!["52", "b"]].map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(table(&rows), ["制度  a", "52    b"]);
    }

    #[test]
    fn short_rows_and_none_are_fine() {
        assert!(table(&[]).is_empty());
        assert_eq!(table(&[vec![], vec!["x".to_owned()]]), ["", "x"]);
    }
}
