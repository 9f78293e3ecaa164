//! Tables for spreadsheets and scripts (RFC 4180).

/// A line of a table. A cell that a spreadsheet would take for a formula, a number with a plus before
/// it among them, gets an apostrophe in front, which makes it a text there.
pub(super) fn line(out: &mut String, cells: impl IntoIterator<Item = impl AsRef<str>>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(out, cell.as_ref());
    }
    out.push_str("\r\n");
}

fn push(out: &mut String, cell: &str) {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    let is_plain = !cell.contains(['"', ',', '\r', '\n', '\t']);
    if is_plain {
        out.push_str(guard);
        out.push_str(cell);
        return;
    }
    out.push('"');
    out.push_str(guard);
    for character in cell.chars() {
        if character == '"' {
            out.push('"');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formula_is_one() {
        let mut out = String::new();
        line(&mut out, ["a", "b,c", "say \"x\"", "=1+1", "+4477", "-1", "@SUM(A1)", "\t=1", "", "=a,b"]);
        let expected = "a,\"b,c\",\"say \"\"x\"\"\",'=1+1,'+4477,'-1,'@SUM(A1),\"'\t=1\",,\"'=a,b\"\r\n";
        assert_eq!(out, expected);
    }
}
