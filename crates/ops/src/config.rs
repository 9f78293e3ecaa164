//! Configuration from a TOML file and the environment, with errors that point at the place.
//!
//! A variable `SMPPKIT__SECTION__KEY=value` overrides `key` in `[section]`. Its value is read as TOML
//! where it is TOML and fits, and as a string otherwise, so that quotes are seldom needed.

mod error;
mod overrides;

use core::ops::Range;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

pub use self::error::ConfigError;
use self::overrides::Override;

/// Reads a file, has the environment override it, and makes a configuration of it.
///
/// ```no_run
/// # fn main() -> Result<(), smppkit_ops::ConfigError> {
/// let config: smppkit_ops::AdminConfig = smppkit_ops::config::load("/etc/smppkit/admin.toml")?;
/// # Ok(())
/// # }
/// ```
pub fn load<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<T, ConfigError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let octets = read(path).map_err(|error| ConfigError::Read { file: name.clone(), error })?;
    let text = match String::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => return Err(not_utf8(&name, &error)),
    };
    parse_with(&text, &name, overrides::environment()?)
}

/// A step to a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into what has this key.
    Key(Cow<'static, str>),
    /// Into one of a list, from 0.
    At(usize),
}

impl From<&'static str> for Step {
    fn from(key: &'static str) -> Self {
        Self::Key(Cow::Borrowed(key))
    }
}

impl From<usize> for Step {
    fn from(at: usize) -> Self {
        Self::At(at)
    }
}

/// Blames a setting of a file that was read, or as much of the way to it as is written there.
pub fn blame(path: impl AsRef<Path>, way: &[Step], message: &str) -> ConfigError {
    let path = path.as_ref();
    let octets = read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&octets);
    let root = DeTable::parse(&text).ok();
    let span = root.as_ref().and_then(|root| span(root.get_ref(), way));
    ConfigError::text(&path.display().to_string(), &text, message, span)
}

/// Where the last step stands that is there.
fn span(root: &DeTable<'_>, way: &[Step]) -> Option<Range<usize>> {
    let (Step::Key(first), rest) = way.split_first()? else { return None };
    let mut found = root.get(&**first)?;
    for step in rest {
        let next = match (found.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(&**key),
            (DeValue::Array(all), Step::At(at)) => all.get(*at),
            _ => None,
        };
        let Some(next) = next else { break };
        found = next;
    }
    Some(found.span())
}

/// Makes a configuration of TOML; errors call it by `name`. The environment is left aside.
pub fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, ConfigError> {
    parse_with(text, name, [])
}

/// Makes a configuration of TOML and of variables (name and value) that override it.
///
/// Variables whose names do not begin with `SMPPKIT__` are left aside.
pub fn parse_with<T: DeserializeOwned>(
    text: &str,
    name: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let mut overrides = variables
        .into_iter()
        .filter_map(|(name, value)| Override::new(name, value).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    loop {
        let error = match attempt(text, name, &overrides)? {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let variable = error.span().and_then(|span| span.start.checked_sub(text.len() + 1));
        let Some(variable) = variable.and_then(|at| overrides.get_mut(at)) else {
            return Err(ConfigError::at(name, text, &error));
        };
        // A password of digits is TOML, too: what does not fit gets a second chance as a string.
        variable.fall_back(error.message())?;
    }
}

/// One reading with the overrides as they are now. Override `n` has the span that begins `n + 1`
/// octets behind the text, which is how an error tells where it comes from.
fn attempt<T: DeserializeOwned>(
    text: &str,
    name: &str,
    overrides: &[Override],
) -> Result<Result<T, toml::de::Error>, ConfigError> {
    let mut root = DeTable::parse(text).map_err(|error| ConfigError::at(name, text, &error))?;
    for (at, variable) in overrides.iter().enumerate() {
        let start = text.len() + 1 + at;
        variable.apply(root.get_mut(), start..start + 1)?;
    }
    Ok(T::deserialize(toml::de::Deserializer::from(root)))
}

/// The octets of a file, if it is no longer than a configuration may be.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(FILE_LIMIT_OCTETS + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > FILE_LIMIT_OCTETS {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 16 MiB"));
    }
    Ok(octets)
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> ConfigError {
    let start = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes());
    ConfigError::text(name, &text, "not UTF-8", Some(start..start + 1))
}

/// No configuration comes near; what is longer is another file, such as a capture.
const FILE_LIMIT_OCTETS: u64 = 16 << 20;

#[cfg(test)]
mod tests;
