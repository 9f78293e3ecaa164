//! Lines cut to the picture's width.

use super::ansi::Cell;

/// `line` in rows of at most `columns`. Rows after the first are indented by `hang` columns.
///
/// Breaks behind a space or a comma where one stands in a row's last half, else wherever the row ends.
pub(super) fn wrap(line: Vec<Cell>, columns: usize, hang: usize) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut rest = line;
    while rows.is_empty() || !rest.is_empty() {
        let by = if rows.is_empty() { 0 } else { hang };
        let after = rest.split_off(row_end(&rest, columns - by));
        rows.push(indented(rest, by));
        rest = after.into_iter().skip_while(|cell| cell.character == ' ').collect();
    }
    rows
}

/// Where the row ends that `cells` begin with.
fn row_end(cells: &[Cell], columns: usize) -> usize {
    let fits = fitting(cells, columns);
    if fits == cells.len() {
        return fits;
    }
    let good = |at: &usize| matches!(cells[at - 1].character, ' ' | ',');
    // Something must go into each row, lest there be no end of them.
    (fits / 2 + 1..=fits).rev().find(good).unwrap_or(fits).max(1)
}

/// How many cells have room.
fn fitting(cells: &[Cell], columns: usize) -> usize {
    let mut used = 0;
    let over = cells.iter().position(|cell| {
        used += cell.columns();
        used > columns
    });
    over.unwrap_or(cells.len())
}

fn indented(mut row: Vec<Cell>, by: usize) -> Vec<Cell> {
    while row.last().is_some_and(|cell| cell.character == ' ') {
        row.pop();
    }
    let space = Cell { character: ' ', look: super::ansi::Look::default() };
    row.splice(0..0, std::iter::repeat_n(space, by));
    row
}

#[cfg(test)]
mod tests {
    use super::super::ansi::parse;
    use super::*;

    fn wrapped(line: &str, columns: usize, hang: usize) -> Vec<String> {
        let rows = wrap(parse(line), columns, hang);
        rows.iter().map(|row| row.iter().map(|cell| cell.character).collect()).collect()
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(wrapped("  one two", 9, 4), ["  one two"]);
        assert_eq!(wrapped("", 9, 4), [""]);
    }

    #[test]
    fn lines_break_behind_words_and_hang() {
        assert_eq!(wrapped("one two three four", 10, 2), ["one two", "  three", "  four"]);
        assert_eq!(wrapped("[1,22,333,4444]", 10, 0), ["[1,22,333,", "4444]"]);
    }

    #[test]
    fn long_words_break_where_the_row_ends() {
        assert_eq!(wrapped("a 0123456789abcdef", 8, 1), ["a 012345", " 6789abc", " def"]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(wrapped("👋👋👋", 5, 0), ["👋👋", "👋"]);
        assert_eq!(wrapped("👋👋", 1, 0), ["👋", "👋"]);
    }
}
