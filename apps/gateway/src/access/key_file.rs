//! The file that keeps the [`ServerKey`]: 64 hexadecimal digits in a line, for its owner only.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use smppkit_store::sync_directory;

use super::password::{Hex, ServerKey, from_hex};

/// Why there is no [`ServerKey`].
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Other users may read or change the file, so that the key is no secret.
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The system has no random octets.
    NoRandomness,
}

impl ServerKey {
    /// Reads `server.key` in a directory that is there, or makes one if it is not: whole or not at all,
    /// on disk when this returns, and readable by nobody else. Of two that make one at once, both get
    /// the same.
    pub fn load_or_create(dir: &Path) -> Result<Self, KeyFileError> {
        let path = dir.join(FILE);
        match File::open(&path) {
            Ok(file) => read(file, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(dir, &path),
            Err(source) => Err(KeyFileError::Io { path, source }),
        }
    }
}

fn read(file: File, path: &Path) -> Result<ServerKey, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    // Of what was opened: the name may mean another file by now.
    private(&file, path)?;
    let mut text = String::new();
    match file.take(FILE_LIMIT_OCTETS).read_to_string(&mut text) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(io(error)),
        _ => {}
    }
    let octets = from_hex(text.trim_end()).ok_or_else(|| KeyFileError::NoKey { path: path.to_owned() })?;
    Ok(ServerKey::new(&octets))
}

#[cfg(unix)]
fn private(file: &File, path: &Path) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 { Ok(()) } else { Err(KeyFileError::Open { path: path.to_owned(), mode }) }
}

/// Elsewhere the directory's access list decides.
#[cfg(not(unix))]
fn private(_: &File, _: &Path) -> Result<(), KeyFileError> {
    Ok(())
}

/// Writes it beside its place, then links it there: unlike a rename, a link does not replace the key
/// of another process that was faster, with which passwords may have been hashed already.
fn create(dir: &Path, path: &Path) -> Result<ServerKey, KeyFileError> {
    let random = SystemRandom::new();
    let (mut octets, mut name) = ([0; 32], [0; 8]);
    random.fill(&mut octets).map_err(|_| KeyFileError::NoRandomness)?;
    random.fill(&mut name).map_err(|_| KeyFileError::NoRandomness)?;
    let draft = dir.join(format!("{FILE}.{}.new", Hex(&name)));
    let linked = write(&draft, &octets).and_then(|()| std::fs::hard_link(&draft, path));
    // What cannot be removed is one of its owner's files that nobody asks for.
    let _ = std::fs::remove_file(&draft);
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    match linked {
        Ok(()) => {
            // The file's name must outlive a power cut as well as its octets.
            sync_directory(dir).map_err(io)?;
            Ok(ServerKey::new(&octets).just_made())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(File::open(path).map_err(io)?, path)
        }
        Err(error) => Err(io(error)),
    }
}

fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", Hex(octets))?;
    file.sync_all()
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, mode } => write!(
                f,
                "{path} may be read or changed by other users (mode {mode:04o}): make it its owner's only, \
                 with chmod 600 {path}, and change the passwords if somebody may have read it",
                path = path.display(),
            ),
            Self::NoKey { path } => write!(
                f,
                "{} does not hold 64 hexadecimal digits: restore it from a backup; if there is none, \
                 remove it, start again, and write all hmac-sha256 passwords anew",
                path.display()
            ),
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::NoRandomness => f.write_str("the system has no random octets for a server key"),
        }
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

const FILE: &str = "server.key";
/// More than a key has; what is longer is another file.
const FILE_LIMIT_OCTETS: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Secret;

    /// A directory of the test's own, gone when dropped.
    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("smppkit-gateway-key-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn file(&self) -> PathBuf {
            self.0.join(FILE)
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_made_once_and_then_read() {
        let dir = Dir::new("once");
        let first = ServerKey::load_or_create(&dir.0).unwrap();
        let second = ServerKey::load_or_create(&dir.0).unwrap();
        assert!(first.is_new() && !second.is_new());
        assert!(Secret::of(&first, b"a", b"b").matches(&second, b"a", b"b"));
        assert_eq!(dir.names(), [FILE], "nothing is left of the making");
        let other = Dir::new("other");
        let third = ServerKey::load_or_create(&other.0).unwrap();
        assert!(!Secret::of(&first, b"a", b"b").matches(&third, b"a", b"b"), "drawn at random");
    }

    #[test]
    fn makers_at_the_same_time_get_the_same_key() {
        let dir = Dir::new("race");
        let secrets: Vec<Secret> = std::thread::scope(|scope| {
            let makers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| ServerKey::load_or_create(&dir.0).unwrap())).collect();
            makers.into_iter().map(|maker| Secret::of(&maker.join().unwrap(), b"a", b"b")).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(dir.names(), [FILE]);
    }

    #[test]
    fn what_is_no_key_is_refused_and_left_alone() {
        let dir = Dir::new("nokey");
        ServerKey::load_or_create(&dir.0).unwrap();
        let good = std::fs::read(dir.file()).unwrap();
        for wrong in [&b""[..], b"hello", &good[..63], &[0xff; 64], &good.repeat(2)] {
            std::fs::write(dir.file(), wrong).unwrap();
            let error = ServerKey::load_or_create(&dir.0).unwrap_err();
            assert!(matches!(error, KeyFileError::NoKey { .. }), "{error}");
            assert_eq!(std::fs::read(dir.file()).unwrap(), wrong);
        }
        let missing = ServerKey::load_or_create(&dir.0.join("missing")).unwrap_err();
        assert!(missing.to_string().contains("missing"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt;
        let dir = Dir::new("mode");
        ServerKey::load_or_create(&dir.0).unwrap();
        let mode = |mode| std::fs::set_permissions(dir.file(), PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(std::fs::metadata(dir.file()).unwrap().permissions().mode() & 0o777, 0o600);
        for open in [0o604, 0o640, 0o644, 0o602] {
            mode(open);
            let error = ServerKey::load_or_create(&dir.0).unwrap_err().to_string();
            let path = dir.file().display().to_string();
            assert!(
                error.contains(&format!("chmod 600 {path}")) && error.contains(&format!("{open:o}")),
                "{error}"
            );
        }
        mode(0o400);
        assert!(ServerKey::load_or_create(&dir.0).is_ok());
    }
}
