//! Profiles: connections by name, in a TOML file.
//!
//! ```toml
//! [production]
//! url = "ssmpp://app@smsc.example.org:3550"
//! password_file = "/etc/smppkit/production.password"
//! from = "Example"
//! protocol = "3.4"
//! ```

use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One connection of the file. What is not there is as without a profile; flags go first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// smpp://system_id:password@host:port, or ssmpp:// for TLS.
    pub url: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Sender of messages.
    pub from: Option<String>,
    /// Version to declare: "3.3", "3.4" or "5.0".
    pub protocol: Option<String>,
    /// system_type of the bind.
    pub system_type: Option<String>,
    /// address_range of the bind.
    pub address_range: Option<String>,
    /// Time to connect and bind.
    pub bind_timeout: Option<String>,
    /// Time for the MC to answer.
    pub response_timeout: Option<String>,
    /// Roots to believe, as PEM.
    pub tls_ca: Option<PathBuf>,
    /// Certificate chain to show, as PEM.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, as PEM.
    pub tls_key: Option<PathBuf>,
    /// With TLS, take any certificate.
    #[serde(default)]
    pub any_certificate: bool,
}

/// Why a profile cannot be had.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// No file could be read.
    Unreadable(PathBuf, String),
    /// The file is wrong somewhere.
    Wrong {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The file has no profile of this name.
    Unknown {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// The names it has.
        known: Vec<String>,
    },
    /// There is no home directory to look in.
    NoPlace,
}

impl Profile {
    /// Reads the profile of a name; without a file, from the default one.
    pub fn read(name: &str, file: Option<&Path>) -> Result<Self, ProfileError> {
        let path = file.map(Path::to_owned).or_else(default_file).ok_or(ProfileError::NoPlace)?;
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ProfileError::Unreadable(path.clone(), error.to_string()))?;
        Self::parse(name, &text, &path)
    }

    /// All of the file is checked: a slip in another profile is found before it is needed.
    fn parse(name: &str, text: &str, path: &Path) -> Result<Self, ProfileError> {
        let read: Result<BTreeMap<String, Self>, toml::de::Error> = toml::from_str(text);
        let mut profiles = read.map_err(|error| {
            // Its own words quote the line, which may hold a password.
            let (line, column) = place(text, error.span().map_or(0, |span| span.start));
            ProfileError::Wrong { path: path.to_owned(), line, column, message: error.message().to_owned() }
        })?;
        let known = || profiles.keys().cloned().collect();
        let unknown = ProfileError::Unknown { name: name.to_owned(), path: path.to_owned(), known: known() };
        profiles.remove(name).ok_or(unknown)
    }
}

/// `$XDG_CONFIG_HOME/smppkit/profiles.toml`, else below `~/.config`.
fn default_file() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = given("XDG_CONFIG_HOME").or_else(|| Some(given("HOME")?.join(".config")))?;
    Some(config.join("smppkit").join("profiles.toml"))
}

/// Line and column of an octet, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line_at = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before.get(line_at..).unwrap_or_default().chars().count() + 1)
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, why) => write!(f, "cannot read {}: {why}", path.display()),
            Self::Wrong { path, line, column, message } => {
                write!(f, "{}: line {line}, column {column}: {message}", path.display())
            }
            Self::Unknown { name, path, known } if known.is_empty() => {
                write!(f, "{} has no profile {name:?}, nor any other", path.display())
            }
            Self::Unknown { name, path, known } => {
                write!(f, "{} has no profile {name:?}; it has {}", path.display(), known.join(", "))
            }
            Self::NoPlace => {
                f.write_str("there is no home directory to look for profiles in: use --profiles")
            }
        }
    }
}

impl std::error::Error for ProfileError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Profile, ProfileError> {
        Profile::parse("a", text, Path::new("profiles.toml"))
    }

    #[test]
    fn keys_are_the_words_of_the_specification() {
        let profile = parse("[a]\nurl = \"smpp://h\"\nsystem_type = \"VMA\"\n[b]\nfrom = \"x\"").unwrap();
        assert_eq!(profile.url.as_deref(), Some("smpp://h"));
        assert_eq!(profile.system_type.as_deref(), Some("VMA"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_without_its_value() {
        let error = parse("[a]\nurl = \"smpp://h\"\n\n  passwort = \"geheim\"\n").unwrap_err().to_string();
        assert!(error.contains("profiles.toml: line 4, column 3: unknown field `passwort`"), "{error}");
        assert!(!error.contains("geheim"), "{error}");
    }

    #[test]
    fn an_unknown_name_comes_with_the_known_ones() {
        let error = parse("[b]\n[c]\n").unwrap_err().to_string();
        assert_eq!(error, "profiles.toml has no profile \"a\"; it has b, c");
    }
}
