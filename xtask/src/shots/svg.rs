//! A terminal window as SVG: text that can be selected, on a grid of cells of one size.
//!
//! Fonts differ from machine to machine, and so do the widths of their characters. So each run of text says where it
//! begins and how long it is, and a run ends at a change of look, at a gap between columns and around wide characters:
//! columns stay aligned whatever the font.

use std::fmt::{self, Write as _};

use super::ansi::{Cell, Look};
use super::palette;

/// A window with its rows of text, none longer than `columns`.
pub(super) struct Window<'a> {
    pub(super) title: &'a str,
    pub(super) columns: usize,
    pub(super) rows: &'a [Vec<Cell>],
}

impl Window<'_> {
    pub(super) fn svg(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("writing to a String cannot fail");
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let (width, height) = (2 * MARGIN + wide(self.columns) / 10, TOP + self.rows.len() * LINE + BOTTOM);
        writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">"#
        )?;
        let title = escaped(self.title);
        writeln!(out, "<title>{title}</title>")?;
        writeln!(out, "<style>text{{font:{SIZE}px {FONTS};white-space:pre}}</style>")?;
        frame(out, width, height)?;
        let middle = width / 2;
        let grey = palette::TITLE;
        writeln!(out, r#"<text x="{middle}" y="23" text-anchor="middle" fill="{grey}">{title}</text>"#)?;
        let own = palette::text(Look::default());
        writeln!(out, r#"<g fill="{own}" xml:space="preserve">"#)?;
        for (number, row) in self.rows.iter().enumerate() {
            let top = TOP + number * LINE;
            let runs = runs(row);
            for run in &runs {
                run.background(out, top)?;
            }
            if !runs.is_empty() {
                write!(out, r#"<text y="{}">"#, top + BASELINE)?;
                for run in &runs {
                    run.text(out)?;
                }
                writeln!(out, "</text>")?;
            }
        }
        writeln!(out, "</g>\n</svg>")
    }
}

/// The window itself: its paper, its title bar, its three lights.
fn frame(out: &mut String, width: usize, height: usize) -> fmt::Result {
    let (paper, bar, edge) = (palette::PAPER, palette::BAR, palette::EDGE);
    let (right, bottom) = (width - 1, height - 1);
    writeln!(
        out,
        r#"<rect x=".5" y=".5" width="{right}" height="{bottom}" rx="9.5" fill="{paper}" stroke="{edge}"/>"#
    )?;
    writeln!(
        out,
        r#"<path d="M1 {BAR}V10a9 9 0 0 1 9-9H{}a9 9 0 0 1 9 9V{BAR}z" fill="{bar}"/>"#,
        width - 10
    )?;
    writeln!(out, r#"<path d="M1 {BAR}.5H{right}" stroke="{edge}"/>"#)?;
    for (number, light) in palette::LIGHTS.iter().enumerate() {
        writeln!(out, r#"<circle cx="{}" cy="18" r="6" fill="{light}"/>"#, 22 + number * 20)?;
    }
    Ok(())
}

/// Text of one look, without a gap inside.
struct Run {
    text: String,
    look: Look,
    /// Its first column.
    at: usize,
    columns: usize,
}

impl Run {
    fn background(&self, out: &mut String, top: usize) -> fmt::Result {
        let Some(colour) = palette::background(self.look) else {
            return Ok(());
        };
        let (x, width) = (tenths(MARGIN * 10 + wide(self.at)), tenths(wide(self.columns)));
        writeln!(out, r#"<rect x="{x}" y="{top}" width="{width}" height="{LINE}" fill="{colour}"/>"#)
    }

    fn text(&self, out: &mut String) -> fmt::Result {
        let (x, length) = (tenths(MARGIN * 10 + wide(self.at)), tenths(wide(self.columns)));
        write!(out, r#"<tspan x="{x}" textLength="{length}""#)?;
        let colour = palette::text(self.look);
        if colour != palette::text(Look::default()) {
            write!(out, r#" fill="{colour}""#)?;
        }
        for (given, attribute) in [
            (self.look.bold, r#" font-weight="bold""#),
            (self.look.italic, r#" font-style="italic""#),
            (self.look.underlined, r#" text-decoration="underline""#),
        ] {
            out.push_str(if given { attribute } else { "" });
        }
        write!(out, ">{}</tspan>", escaped(&self.text))
    }
}

fn runs(row: &[Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    let mut wide_before = false;
    for cell in row {
        let columns = cell.columns();
        let joins = runs.last().is_some_and(|run| {
            let gap = cell.character != ' ' && (run.text.ends_with("  ") || run.text.trim().is_empty());
            run.look == cell.look && !gap && columns < 2 && (columns == 0 || !wide_before)
        });
        if !joins {
            runs.push(Run { text: String::new(), look: cell.look, at: column, columns: 0 });
        }
        if let Some(run) = runs.last_mut() {
            run.text.push(cell.character);
            run.columns += columns;
        }
        column += columns;
        wide_before = columns == 2 || columns == 0 && wide_before;
    }
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Tenths of a pixel that columns take.
fn wide(columns: usize) -> usize {
    columns * CELL_TENTHS
}

/// Tenths of a pixel as SVG has them.
fn tenths(tenths: usize) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

const FONTS: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
/// Pixels, as all that follows.
const SIZE: usize = 14;
/// A column is 8.4 wide: three fifths of the size, as in most of the fonts.
const CELL_TENTHS: usize = 84;
const LINE: usize = 20;
/// From a row's top to the feet of its letters.
const BASELINE: usize = 15;
const MARGIN: usize = 20;
/// Height of the title bar.
const BAR: usize = 36;
const TOP: usize = BAR + 14;
const BOTTOM: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::ansi::parse;
    use super::*;

    fn texts(line: &str) -> Vec<(usize, usize, String)> {
        runs(&parse(line)).into_iter().map(|run| (run.at, run.columns, run.text)).collect()
    }

    fn svg(line: &str) -> String {
        Window { title: "a < b", columns: 40, rows: &[parse(line)] }.svg()
    }

    #[test]
    fn runs_end_at_gaps_and_changes_of_look() {
        let run = |at, columns, text: &str| (at, columns, text.to_owned());
        assert_eq!(texts("a b  c"), [run(0, 5, "a b  "), run(5, 1, "c")]);
        assert_eq!(texts("  a"), [run(0, 2, "  "), run(2, 1, "a")]);
        assert_eq!(texts("a\x1b[1mb\x1b[0mc"), [run(0, 1, "a"), run(1, 1, "b"), run(2, 1, "c")]);
    }

    #[test]
    fn wide_characters_stand_alone_with_what_modifies_them() {
        let run = |at, columns, text: &str| (at, columns, text.to_owned());
        assert_eq!(texts("a👋b"), [run(0, 1, "a"), run(1, 2, "👋"), run(3, 1, "b")]);
        assert_eq!(texts("👋\u{FE0F}b"), [run(0, 2, "👋\u{FE0F}"), run(2, 1, "b")]);
        assert_eq!(texts("e\u{301}b"), [run(0, 2, "e\u{301}b")]);
    }

    #[test]
    fn markup_in_texts_is_escaped() {
        let svg = svg("<b a=\"1\"> & </b>");
        assert!(svg.contains("&lt;b a=&quot;1&quot;&gt; &amp; &lt;/b&gt;"), "{svg}");
        assert!(svg.contains("<title>a &lt; b</title>"), "{svg}");
    }

    #[test]
    fn positions_follow_the_grid() {
        let svg = svg("ab  \x1b[1;41mc");
        assert!(svg.contains(r#"<tspan x="20" textLength="33.6">ab  </tspan>"#), "{svg}");
        assert!(svg.contains(r#"<tspan x="53.6" textLength="8.4" font-weight="bold">c</tspan>"#), "{svg}");
        assert!(svg.contains(r#"<rect x="53.6" y="50" width="8.4" height="20""#), "{svg}");
    }

    #[test]
    fn a_window_is_as_large_as_its_text() {
        assert!(svg("x").contains(r#"width="376" height="86" viewBox="0 0 376 86""#));
    }
}
