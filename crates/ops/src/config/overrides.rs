//! Variables of the environment that override a configuration.

use core::ops::Range;
use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, hide, is_secret};

/// One variable.
#[derive(Debug)]
pub(super) struct Override {
    name: String,
    value: String,
    /// The tables to go through, and the key.
    path: Vec<String>,
    /// What was wrong with the value as TOML, once it is taken for a string.
    rejected: Option<String>,
}

impl Override {
    /// Nothing where the name is not of the kind.
    pub(super) fn new(name: String, value: String) -> Result<Option<Self>, ConfigError> {
        let Some(keys) = name.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        let path: Vec<_> = keys.split("__").map(str::to_ascii_lowercase).collect();
        if path.iter().any(String::is_empty) {
            let message = "must read SMPPKIT__SECTION__KEY".to_owned();
            return Err(ConfigError::Variable { name, message });
        }
        Ok(Some(Self { name, value, path, rejected: None }))
    }

    /// Puts the value into a configuration, with this span.
    pub(super) fn apply<'a>(&'a self, root: &mut DeTable<'a>, span: Range<usize>) -> Result<(), ConfigError> {
        let Some((key, sections)) = self.path.split_last() else {
            return Ok(());
        };
        let mut table = root;
        for section in sections {
            let empty = || DeValue::Table(DeTable::new());
            table = match entry(table, section, span.clone(), empty).get_mut() {
                DeValue::Table(table) => table,
                _ => return Err(self.error(&format!("`{section}` is not a table"))),
            };
        }
        let value = self.value(&span);
        *entry(table, key, span, || DeValue::Boolean(false)) = value;
        Ok(())
    }

    /// From now on the value is a string, unless it was one already or can only have been meant as
    /// what it is.
    pub(super) fn fall_back(&mut self, message: &str) -> Result<(), ConfigError> {
        if let Some(first) = self.rejected.take() {
            return Err(self.error(&first));
        }
        let value = DeValue::parse(&self.value).map(Spanned::into_inner);
        if let Err(_) | Ok(DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_)) = value {
            return Err(self.error(message));
        }
        self.rejected = Some(message.to_owned());
        Ok(())
    }

    fn value(&self, span: &Range<usize>) -> Spanned<DeValue<'_>> {
        match DeValue::parse(&self.value) {
            Ok(value) if self.rejected.is_none() => respan(value.into_inner(), span),
            _ => Spanned::new(span.clone(), DeValue::String(Cow::Borrowed(&self.value))),
        }
    }

    fn error(&self, message: &str) -> ConfigError {
        let mut message = message.trim().replace('\n', ", ");
        if self.path.last().is_some_and(|key| is_secret(key)) {
            hide(&self.value, &mut message);
        }
        ConfigError::Variable { name: self.name.clone(), message }
    }
}

/// What the environment overrides.
pub(super) fn environment() -> Result<Vec<(String, String)>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let Ok(value) = value.into_string() else {
            return Err(ConfigError::Variable { name: name.to_owned(), message: "not UTF-8".to_owned() });
        };
        found.push((name.to_owned(), value));
    }
    // The environment has no order; with one, the same error is reported each time.
    found.sort();
    Ok(found)
}

/// The value of a key, made if it is not there. A variable cannot tell `-` from `_` nor the case, so
/// a key that is there is found without.
fn entry<'t, 'a>(
    table: &'t mut DeTable<'a>,
    key: &'a str,
    span: Range<usize>,
    make: impl FnOnce() -> DeValue<'a>,
) -> &'t mut Spanned<DeValue<'a>> {
    let same = |there: &str| there.replace('-', "_").eq_ignore_ascii_case(key);
    let there = table.keys().find(|there| same(there.get_ref())).cloned();
    let key = there.unwrap_or_else(|| Spanned::new(span.clone(), Cow::Borrowed(key)));
    table.entry(key).or_insert_with(|| Spanned::new(span, make()))
}

/// The value with this span, and all within.
fn respan<'a>(value: DeValue<'a>, span: &Range<usize>) -> Spanned<DeValue<'a>> {
    let value = match value {
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|item| respan(item.into_inner(), span)).collect())
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (Spanned<Cow<'a, str>>, Spanned<DeValue<'a>>)| {
                (Spanned::new(span.clone(), key.into_inner()), respan(value.into_inner(), span))
            };
            DeValue::Table(table.into_iter().map(entry).collect())
        }
        plain => plain,
    };
    Spanned::new(span.clone(), value)
}

const PREFIX: &str = "SMPPKIT__";
