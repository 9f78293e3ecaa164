//! What is done with a data directory while no gateway runs on it.

use std::path::Path;
use std::{fmt, io};

use smppkit_net::Now;
use smppkit_store::{Settings, Sqlite, Store as _, StoreError, Timestamp, Totals};

use crate::access::{KeyFileError, Secret, ServerKey};

/// A store that no gateway uses.
#[derive(Debug)]
pub struct Offline(Sqlite);

/// How much a store holds.
#[derive(Debug, Clone)]
pub struct Stats {
    /// Messages by what became of them.
    pub totals: Totals,
    /// Queues in which messages wait, and how many.
    pub queues: Vec<(Box<str>, u64)>,
    /// Of the file and of its log.
    pub octets: u64,
}

/// Why it could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum OfflineError {
    /// There is no store.
    NoStore(Box<Path>),
    /// The store.
    Store(StoreError),
    /// The server's key.
    Key(KeyFileError),
    /// The directory.
    Io(Box<Path>, io::Error),
    /// No password is so.
    Password(&'static str),
}

impl Offline {
    /// Opens the store of a directory, and holds its lock: a gateway that runs on it is an error.
    pub fn open(dir: &Path) -> Result<Self, OfflineError> {
        if !dir.join(FILE).is_file() {
            return Err(OfflineError::NoStore(dir.into()));
        }
        Ok(Self(Sqlite::open(dir, Timestamp(Now::read().unix_ms), Settings::default())?))
    }

    /// Reads everything and says what is wrong with it; nothing is wrong if the list is empty.
    pub fn check(&mut self) -> Result<Vec<Box<str>>, OfflineError> {
        let mut wrong = self.0.check()?;
        if !self.0.totals().is_conserved() {
            wrong.push("the counters do not add up: accepted is not what is open or has ended".into());
        }
        Ok(wrong)
    }

    /// Copies the store into a new file.
    pub fn backup(&mut self, to: &Path) -> Result<(), OfflineError> {
        if to.exists() {
            let there = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(OfflineError::Io(to.into(), there));
        }
        Ok(self.0.backup(to, &mut |_| {})?)
    }

    /// How much it holds.
    pub fn stats(&self) -> Stats {
        let store = &self.0;
        let queues = store.queues().into_iter().map(|queue| ((&*queue).into(), store.queued(&queue)));
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let octets = store.path().map_or(0, |path| {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            size(path) + size(Path::new(&log))
        });
        Stats { totals: store.totals(), queues: queues.collect(), octets }
    }
}

/// A password as the configuration may hold it, for the gateway that uses this data directory.
pub fn hash(dir: &Path, system_id: &str, password: &str) -> Result<Secret, OfflineError> {
    if system_id.is_empty() || system_id.len() > 15 {
        return Err(OfflineError::Password("a system_id has 1 to 15 octets"));
    }
    if password.is_empty() || password.len() > 8 || password.contains('\0') {
        return Err(OfflineError::Password("a password has 1 to 8 octets, none of them NUL"));
    }
    std::fs::create_dir_all(dir).map_err(|error| OfflineError::Io(dir.into(), error))?;
    let key = ServerKey::load_or_create(dir).map_err(OfflineError::Key)?;
    Ok(Secret::of(&key, system_id.as_bytes(), password.as_bytes()))
}

impl OfflineError {
    /// Whether what was given is wrong, rather than what is there.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NoStore(_) | Self::Password(_) | Self::Io(..))
    }
}

impl From<StoreError> for OfflineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for OfflineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore(dir) => write!(f, "there is no store in {}", dir.display()),
            Self::Store(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Password(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OfflineError {}

/// As the store calls it.
const FILE: &str = "messages.sqlite";
