//! What can go wrong, by what the caller should do.

use std::{error, fmt, io, path::PathBuf};

/// Why the store did not do as asked. Nothing of the commit it answers is stored, unless said.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// No room on the disk. Refuse what was to be accepted; the next commit tries again by itself.
    Full,
    /// A write, sync or read failed. The commit's fate is unknown and the store takes no more:
    /// open it again, which reads back what is truly there.
    Io {
        /// The engine's words.
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// An earlier [`StoreError::Io`] or [`StoreError::Damaged`] stopped the store.
    Stopped,
    /// The file contradicts itself. Move it aside and restore a backup.
    Damaged {
        /// Where, as far as it is known.
        what: Box<str>,
    },
    /// Another process has the data directory.
    InUse {
        /// The lock.
        path: PathBuf,
    },
    /// The file is not a store of ours.
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// Made by a newer program.
    Newer {
        /// The file's schema version.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// A file or directory could not be made or opened.
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The writer's thread has ended.
    Closed,
}

impl StoreError {
    /// Whether the store itself is done for, not just this call.
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Full)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no space left for the message store"),
            Self::Io { source } => write!(f, "the message store could not read or write: {source}"),
            Self::Stopped => f.write_str("the message store stopped after an earlier error; open it again"),
            Self::Damaged { what } => write!(f, "the message store is damaged: {what}"),
            Self::InUse { path } => write!(f, "{} is held by another process", path.display()),
            Self::Foreign { path } => write!(f, "{} is not a message store", path.display()),
            Self::Newer { found, known } => {
                write!(f, "the message store has schema version {found}, newer than {known}")
            }
            Self::Path { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Closed => f.write_str("the message store is closed"),
        }
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source } => Some(&**source),
            Self::Path { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { what: error.to_string().into() }
            }
            _ if is_damage(&error) => Self::Damaged { what: error.to_string().into() },
            _ => Self::Io { source: Box::new(error) },
        }
    }
}

/// Whether it is a row that is wrong, not the reading of it.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}
