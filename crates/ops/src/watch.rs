//! When to read the configuration again.

use core::hash::{Hash, Hasher};
use core::time::Duration;
use std::hash::DefaultHasher;
use std::io;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

/// Why to read it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The file holds something else than before.
    File,
    /// SIGHUP: someone asks for it, whether the file has changed or not.
    Signal,
}

/// Watches a file for changes, and the process for SIGHUP.
///
/// A change is reported once the file has been quiet for 200 ms, however it was made: written over,
/// renamed over, or by a link that points elsewhere, as Kubernetes does. Make it before the file is
/// read, or a change between the two goes unseen.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    /// None where the system has nothing that watches.
    _watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<()>,
    hangup: Hangup,
    /// What the file held when last looked at; none if it could not be read.
    seen: Option<u64>,
    /// When to look at the file, once something happened around it.
    look: Option<Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    /// By then at the latest.
    limit: Instant,
}

impl Watch {
    /// Begins to watch.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut watch = smppkit_ops::Watch::new("smppkit.toml")?;
    /// let mut config: smppkit_ops::AdminConfig = smppkit_ops::config::load("smppkit.toml")?;
    /// loop {
    ///     watch.next().await;
    ///     match smppkit_ops::config::load("smppkit.toml") {
    ///         Ok(new) => config = new,
    ///         Err(error) => eprintln!("{error}\nthe configuration stays as it was"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let hangup = Hangup::new()?;
        // One event says as much as many: what does not fit is not missed.
        let (sender, events) = mpsc::channel(1);
        let watcher = watcher(&path, sender)
            .inspect_err(
                |error| warn!(path = %path.display(), %error, "file is not watched; SIGHUP reloads it"),
            )
            .ok();
        let seen = fingerprint(&path);
        Ok(Self { path, _watcher: watcher, events, hangup, seen, look: None })
    }

    /// The next reason to reload. Dropping the future loses none.
    pub async fn next(&mut self) -> Reload {
        loop {
            let due = self.look.map_or_else(Instant::now, |look| look.at);
            tokio::select! {
                () = self.hangup.next() => {
                    // The caller reads the file now, whatever happened to it before.
                    self.look = None;
                    self.seen = fingerprint(&self.path);
                    return Reload::Signal;
                }
                () = tokio::time::sleep_until(due), if self.look.is_some() => {
                    self.look = None;
                    if self.has_changed() {
                        return Reload::File;
                    }
                }
                event = self.events.recv(), if !self.events.is_closed() => if event.is_some() {
                    self.postpone();
                },
            }
        }
    }

    fn postpone(&mut self) {
        let now = Instant::now();
        let limit = self.look.map_or(now + LIMIT, |look| look.limit);
        self.look = Some(Look { at: (now + QUIET).min(limit), limit });
    }

    /// Whether there is a file, and another one. While there is none, one is being written.
    fn has_changed(&mut self) -> bool {
        let now = fingerprint(&self.path);
        let changed = now.is_some() && now != self.seen;
        if changed {
            self.seen = now;
        }
        changed
    }
}

/// Watches the directory of the file, as a watch on a file ends when another is renamed over it, and
/// that of the file that a link points to.
fn watcher(path: &Path, sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| may_change(event.kind)) {
            let _ = sender.try_send(());
        }
    })?;
    let directory = directory(path);
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    if let Ok(target) = path.canonicalize()
        && let (Some(target), Ok(directory)) = (target.parent(), directory.canonicalize())
        && target != directory
    {
        watcher.watch(target, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Not reading: our own would be next.
fn may_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// What a file holds, in short. Times and inodes tell less: a copy keeps them, a touch changes them.
fn fingerprint(path: &Path) -> Option<u64> {
    let octets = crate::config::read(path).ok()?;
    let mut hasher = DefaultHasher::new();
    octets.hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(unix)]
#[derive(Debug)]
struct Hangup(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangup {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).map(Self)
    }

    async fn next(&mut self) {
        // None means that there is no more to come, which a signal never says.
        self.0.recv().await;
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        core::future::pending().await
    }
}

/// How long nothing must happen before the file is looked at: whoever writes it may not be done.
const QUIET: Duration = Duration::from_millis(200);

/// When it is looked at though there is no quiet, as in a directory that logs are written to.
const LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A directory of its own, removed in the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("smppkit-ops-watch-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn sees_file(watch: &mut Watch) -> bool {
        tokio::time::timeout(Duration::from_secs(5), watch.next()).await == Ok(Reload::File)
    }

    #[tokio::test]
    async fn a_file_renamed_over_is_seen_each_time() {
        let directory = Directory::new("rename");
        let path = directory.file("smppkit.toml", "a = 1");
        let mut watch = Watch::new(&path).unwrap();
        for text in ["a = 2", "a = 3"] {
            fs::rename(directory.file("new", text), &path).unwrap();
            let begun = Instant::now();
            assert!(sees_file(&mut watch).await, "{text}");
            assert!(begun.elapsed() < Duration::from_secs(3));
        }
    }

    #[tokio::test]
    async fn a_file_written_over_is_seen() {
        let directory = Directory::new("write");
        let path = directory.file("smppkit.toml", "a = 1");
        let mut watch = Watch::new(&path).unwrap();
        directory.file("smppkit.toml", "a = 2");
        assert!(sees_file(&mut watch).await);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_turned_elsewhere_is_seen() {
        let directory = Directory::new("link");
        for (version, text) in [("..1", "a = 1"), ("..2", "a = 2")] {
            fs::create_dir(directory.0.join(version)).unwrap();
            directory.file(&format!("{version}/smppkit.toml"), text);
        }
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, directory.0.join(name)).unwrap();
        link("..1", "..data");
        link("..data/smppkit.toml", "smppkit.toml");
        let mut watch = Watch::new(directory.0.join("smppkit.toml")).unwrap();
        link("..2", "..new");
        fs::rename(directory.0.join("..new"), directory.0.join("..data")).unwrap();
        assert!(sees_file(&mut watch).await);
    }

    #[tokio::test]
    async fn what_changes_nothing_is_not_reported() {
        let directory = Directory::new("same");
        let path = directory.file("smppkit.toml", "a = 1");
        let mut watch = Watch::new(&path).unwrap();
        directory.file("other.toml", "a = 1");
        directory.file("smppkit.toml", "a = 1");
        watch.postpone();
        let limit = watch.look.unwrap().limit;
        let reload = tokio::time::timeout_at(limit, watch.next()).await;
        assert!(reload.is_err(), "nothing has changed, but {reload:?}");
    }

    /// In a process of its own, as the other tests would get the signal, too.
    #[cfg(unix)]
    #[tokio::test]
    async fn sighup_is_delivered() {
        use std::process::{Command, Stdio, id};

        if std::env::var_os("SMPPKIT_OPS_TEST_CHILD").is_none() {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "watch::tests::sighup_is_delivered", "--quiet"]).stdout(Stdio::null());
            assert!(child.env("SMPPKIT_OPS_TEST_CHILD", "1").status().unwrap().success());
            return;
        }
        let directory = Directory::new("sighup");
        let path = directory.file("smppkit.toml", "a = 1");
        let mut watch = Watch::new(&path).unwrap();
        assert!(Command::new("kill").args(["-HUP", &id().to_string()]).status().unwrap().success());
        assert_eq!(tokio::time::timeout(Duration::from_secs(5), watch.next()).await, Ok(Reload::Signal));
    }
}
