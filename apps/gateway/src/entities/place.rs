//! Where in the file of settings something is.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use toml::de::{DeTable, DeValue};
use utoipa::ToSchema;

use super::{Kind, Routes};

/// A place in the file of settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) file: String,
    /// The line, from 1; nothing where it cannot be found: the environment may have it.
    pub(crate) line: Option<usize>,
}

/// The lines of a file, as they were when it was read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    account: BTreeMap<String, usize>,
    connector: BTreeMap<String, usize>,
    route: Vec<usize>,
    mo_route: Vec<usize>,
}

impl Lines {
    pub(super) fn read(file: &Path) -> Self {
        Self::of(&std::fs::read_to_string(file).unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let Ok(root) = DeTable::parse(text) else { return Self::default() };
        // The n-th octet, in the lines that begin before it.
        let begins: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let line = |at: usize| begins.partition_point(|begin| *begin < at) + 1;
        let tables = |key: &str| match root.get_ref().get(key).map(toml::Spanned::get_ref) {
            Some(DeValue::Array(all)) => all.iter().collect(),
            _ => Vec::new(),
        };
        let names = |kind: Kind| {
            let named = tables(kind.name()).into_iter().filter_map(|one| {
                let DeValue::Table(table) = one.get_ref() else { return None };
                let name = table.get(kind.key())?;
                Some((name.get_ref().as_str()?.to_owned(), line(name.span().start)))
            });
            named.collect()
        };
        let lines = |key: &str| tables(key).into_iter().map(|one| line(one.span().start)).collect();
        Self {
            account: names(Kind::Account),
            connector: names(Kind::Connector),
            route: lines("route"),
            mo_route: lines("mo_route"),
        }
    }

    pub(super) fn of_named(&self, kind: Kind, name: &str) -> Option<usize> {
        match kind {
            Kind::Account => self.account.get(name).copied(),
            Kind::Connector => self.connector.get(name).copied(),
        }
    }

    /// Of the n-th route in the file, from 0.
    pub(super) fn of_route(&self, routes: Routes, at: usize) -> Option<usize> {
        match routes {
            Routes::Submitted => self.route.get(at).copied(),
            Routes::Incoming => self.mo_route.get(at).copied(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_where_its_name_or_the_route_stands() {
        let lines = Lines::of(
            "node = 1\n[[account]]\nsystem_id = \"a\"\n\n[[account]]\npassword = \"x\"\nsystem_id = \"b\"\n\
             [[route]]\nto = \"x\"\n\n[[route]]\nto = \"y\"\n",
        );
        assert_eq!(lines.of_named(Kind::Account, "a"), Some(3));
        assert_eq!(lines.of_named(Kind::Account, "b"), Some(7));
        assert_eq!(lines.of_named(Kind::Account, "c"), None);
        assert_eq!(lines.of_named(Kind::Connector, "a"), None);
        assert_eq!([0, 1, 2].map(|at| lines.of_route(Routes::Submitted, at)), [Some(8), Some(11), None]);
        assert_eq!(Lines::of("account = 7").of_named(Kind::Account, "a"), None);
        assert_eq!(Lines::of("account = [").of_named(Kind::Account, "a"), None);
    }
}
