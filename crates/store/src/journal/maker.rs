//! Segments made before they are needed, beside what is written meanwhile.

use super::files::{Files, LogFile};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A thread that makes some segments, one after the other. Dropped, it leaves off.
pub(super) struct Maker {
    /// Goes first: nothing more is made for nobody.
    made: Option<Receiver<Arc<dyn LogFile>>>,
    thread: Option<JoinHandle<()>>,
    /// Segments that are not taken yet.
    left: usize,
    is_awaited: Arc<AtomicBool>,
}

impl Maker {
    /// None if the system has no thread for it.
    pub(super) fn start(files: Arc<dyn Files>, names: Vec<String>, length: u64) -> Option<Self> {
        let ((give, made), left) = (channel(), names.len());
        let is_awaited = Arc::new(AtomicBool::new(false));
        let awaited = Arc::clone(&is_awaited);
        let run = move || make_all(&*files, &names, length, &awaited, &give);
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(run).ok()?;
        Some(Self { made: Some(made), thread: Some(thread), left, is_awaited })
    }

    /// The next one, as far as it is made; none if it cannot be made, or there is none left.
    pub(super) fn take(&mut self) -> Option<Arc<dyn LogFile>> {
        let made = self.made.as_ref().filter(|_| self.left > 0)?;
        let file = made.try_recv().ok().or_else(|| {
            self.is_awaited.store(true, Ordering::Release);
            let file = made.recv().ok();
            self.is_awaited.store(false, Ordering::Release);
            file
        });
        self.left = if file.is_some() { self.left - 1 } else { 0 };
        file
    }

    /// Whether it makes no other.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.made = None;
        self.is_awaited.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // Whoever opens the directory next must not find it still writing.
            let _ = thread.join();
        }
    }
}

fn make_all(
    files: &dyn Files,
    names: &[String],
    length: u64,
    is_awaited: &AtomicBool,
    give: &Sender<Arc<dyn LogFile>>,
) {
    for name in names {
        // A full disk shows where somebody waits for it.
        let Ok(Some(file)) = files.open(name, true) else { return };
        let _ = fill(&*file, length, is_awaited);
        if give.send(file).is_err() {
            return;
        }
    }
}

/// Gives a file its blocks, bit by bit: what is synced meanwhile waits for no more than that. It ends early when
/// somebody waits: what is missing follows as it is needed.
fn fill(file: &dyn LogFile, length: u64, is_awaited: &AtomicBool) -> io::Result<()> {
    let (zeros, from) = (vec![0; PIECE], file.length()?);
    for at in (from..length).step_by(PIECE) {
        if is_awaited.load(Ordering::Acquire) {
            break;
        }
        file.write_at(at, &zeros)?;
        file.sync()?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

const PIECE: usize = 256 << 10;
const PAUSE: Duration = Duration::from_millis(1);
