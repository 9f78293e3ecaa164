//! The file that keeps them: replaced whole or not at all, for its owner only.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fmt, io::Read};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smppkit_route::Rule;
use smppkit_store::sync_directory;

use super::history::{Found, History, Stood, Subject, listed, named};
use super::{Kind, Routes};
use crate::settings::{AccountSettings, ConnectorSettings};

/// What was made over REST.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Kept {
    /// Grows by one with each change.
    pub(crate) revision: u64,
    /// By name, as they were given, passwords too.
    account: BTreeMap<String, Value>,
    connector: BTreeMap<String, Value>,
    route: Vec<Rule>,
    mo_route: Vec<Rule>,
    /// Changes of these and of the file's, none before it was kept.
    pub(super) history: History,
}

/// The file cannot be read or written.
#[derive(Debug)]
pub(crate) struct KeptError {
    path: PathBuf,
    source: io::Error,
}

impl Kept {
    /// Nothing, if there is no file.
    pub(super) fn read(dir: &Path) -> Result<Self, KeptError> {
        let path = dir.join(FILE);
        let mut text = String::new();
        let read = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => Err(error),
            Ok(file) => file.take(FILE_LIMIT_OCTETS).read_to_string(&mut text),
        };
        let parsed = read.and_then(|_| serde_json::from_str(&text).map_err(io::Error::from));
        parsed.map_err(|source| KeptError { path, source })
    }

    /// On disk when it returns: what was there before stays until all of this is.
    pub(super) fn write(&self, dir: &Path) -> Result<(), KeptError> {
        let (path, draft) = (dir.join(FILE), dir.join(format!("{FILE}.new")));
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        let written = text.and_then(|text| {
            // Left by a process that was killed.
            let _ = std::fs::remove_file(&draft);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            // Its name must outlive a power cut as well as its octets.
            sync_directory(dir)
        });
        written.map_err(|source| KeptError { path, source })
    }

    pub(crate) fn of(&mut self, kind: Kind) -> &mut BTreeMap<String, Value> {
        match kind {
            Kind::Account => &mut self.account,
            Kind::Connector => &mut self.connector,
        }
    }

    pub(crate) fn routes(&mut self, routes: Routes) -> &mut Vec<Rule> {
        match routes {
            Routes::Submitted => &mut self.route,
            Routes::Incoming => &mut self.mo_route,
        }
    }
}

impl Kept {
    /// What has become of it since.
    pub(super) fn since(&self, before: &Self) -> Vec<Found> {
        let mut found = Vec::new();
        for (subject, was, is) in [
            (Subject::Account, &before.account, &self.account),
            (Subject::Connector, &before.connector, &self.connector),
        ] {
            let differ = |one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>| {
                let differ = one.iter().filter(|(name, value)| other.get(*name) != Some(value));
                differ.map(|(name, value)| (name.clone(), stood(subject, value))).collect()
            };
            found.append(&mut named(subject, differ(was, is), differ(is, was)));
        }
        found.append(&mut listed(Subject::Route, &before.route, &self.route));
        found.append(&mut listed(Subject::MoRoute, &before.mo_route, &self.mo_route));
        found
    }
}

/// As it is shown: whole, and without its password.
fn stood(subject: Subject, kept: &Value) -> Stood<Option<Value>> {
    let whole = match subject {
        Subject::Account => AccountSettings::deserialize(kept).and_then(serde_json::to_value),
        _ => ConnectorSettings::deserialize(kept).and_then(serde_json::to_value),
    };
    // It was read before it was kept.
    Stood { settings: whole.unwrap_or_default(), secret: kept.get("password").cloned() }
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for KeptError {}

const FILE: &str = "entities.json";
/// A hundred thousand accounts have about 20 MiB.
const FILE_LIMIT_OCTETS: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_only_its_owner_can() {
        let dir = std::env::temp_dir().join(format!("smppkit-kept-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert_eq!(Kept::read(&dir).unwrap(), Kept::default());
        let mut kept = Kept { revision: 7, ..Kept::default() };
        kept.of(Kind::Account).insert("a".to_owned(), serde_json::json!({"system_id": "a"}));
        std::fs::write(dir.join("entities.json.new"), "half of it").unwrap();
        kept.write(&dir).unwrap();
        assert_eq!(Kept::read(&dir).unwrap(), kept);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // As it was written before changes were remembered.
        let old = r#"{"revision": 7, "account": {"a": {"system_id": "a"}}, "route": [], "mo_route": []}"#;
        std::fs::write(dir.join(FILE), old).unwrap();
        assert_eq!(Kept::read(&dir).unwrap(), kept);
        std::fs::write(dir.join(FILE), "{").unwrap();
        assert!(Kept::read(&dir).unwrap_err().to_string().contains("entities.json: "));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
