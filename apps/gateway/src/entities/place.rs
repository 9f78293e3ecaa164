//! Where in the file of settings something is.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Kind;

/// The file and the line; the file alone where the line cannot be found: the environment may have it.
pub(super) fn of(file: &Path, kind: Kind, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    match line(&text, kind, name) {
        Some(line) => format!("{}, line {line}", file.display()),
        None => file.display().to_string(),
    }
}

fn line(text: &str, kind: Kind, name: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let DeValue::Array(all) = root.get_ref().get(kind.name())?.get_ref() else { return None };
    let found = all.iter().find_map(|one| {
        let DeValue::Table(table) = one.get_ref() else { return None };
        let own = table.get(kind.key())?;
        (own.get_ref().as_str() == Some(name)).then(|| own.span().start)
    })?;
    Some(text.get(..found)?.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_where_its_name_stands() {
        let text =
            "node = 1\n[[account]]\nsystem_id = \"a\"\n\n[[account]]\npassword = \"x\"\nsystem_id = \"b\"\n";
        assert_eq!(line(text, Kind::Account, "a"), Some(3));
        assert_eq!(line(text, Kind::Account, "b"), Some(7));
        assert_eq!(line(text, Kind::Account, "c"), None);
        assert_eq!(line(text, Kind::Connector, "a"), None);
        assert_eq!(line("account = 7", Kind::Account, "a"), None);
    }
}
