//! What people and programs see: a terminal obeys none of it.

use core::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::Value;
use smppkit_inspect::printable;

/// Rows under headings, each column as wide as it needs.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| short(&cell)).collect());
    }

    /// Its lines, or on stderr what there is none of.
    pub(super) fn say(&self, none: &str) {
        if self.rows.len() == 1 {
            eprintln!("{none}");
            return;
        }
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.rows.first().map_or(0, Vec::len)).map(width).collect();
        for row in &self.rows {
            let padded = row.iter().zip(&widths).fold(String::new(), |mut line, (cell, width)| {
                // Writing to a String cannot fail.
                let _ = write!(line, "{cell:<width$}  ");
                line
            });
            say(padded.trim_end());
        }
    }
}

/// A line on stdout. A reader that went away ends nothing.
pub(super) fn say(line: &str) {
    let _ = put(line);
}

/// A line on stdout, where it matters whether anybody reads it.
pub(super) fn put(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// An answer as it came, but for what a terminal would obey: in JSON that means the same.
pub(super) fn document(text: &str) -> String {
    let text = text.trim_end_matches(['\n', '\r']);
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        let shown = printable(character.encode_utf8(&mut [0; 4]));
        if matches!(character, '\n' | '\t') || shown.starts_with(character) {
            out.push(character);
        } else if character != '\r' {
            // Writing to a String cannot fail. All of them have four digits.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        }
        out
    })
}

/// A field of a document as a cell: texts without quotes, lists with commas, nothing as `-`.
pub(super) fn cell(of: &Value, name: &str) -> String {
    text(of.get(name).unwrap_or(&Value::Null))
}

/// A value as text for people.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => printable(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => printable(&other.to_string()),
    }
}

/// The entries of a list.
pub(super) fn items(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

/// The time of day, of a date with one.
pub(super) fn clock(of: &Value, name: &str) -> String {
    let whole = cell(of, name);
    whole.split_once('T').map_or(&*whole, |(_, time)| time.trim_end_matches('Z')).to_owned()
}

fn short(cell: &str) -> String {
    match cell.char_indices().nth(CELL) {
        None => cell.to_owned(),
        Some((at, _)) => format!("{}…", cell.get(..at).unwrap_or_default()),
    }
}

/// Characters of a cell: a table is for a glance, `--json` has all.
const CELL: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_means_the_same_and_holds_no_orders() {
        let value = json!({"text": "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}é\n"});
        let shown = document(&value.to_string());
        assert!(shown.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        assert_eq!(document("a\tb\r\n\u{1b}c\n"), "a\tb\n\\u001bc");
    }

    #[test]
    fn cells_are_short_and_have_no_orders() {
        assert_eq!(cell(&json!({"a": ["x\u{1b}", "y"]}), "a"), "x\\u{1b},y");
        assert_eq!(cell(&json!({"a": ""}), "a"), "-");
        assert_eq!(short(&"é".repeat(101)), format!("{}…", "é".repeat(100)));
    }
}
