//! A disk for tests that loses what was not synced: the message store is cut off at every write.
//!
//! [`Disk`] is a file system of SQLite's in memory, known to it as [`VFS`]. It writes down what is done
//! to it and when the test [marks](Disk::mark) something as acknowledged. [`Replay`] walks through
//! that [`Trace`] and says at each step what a power cut may leave: all that was synced, and of the
//! rest nothing, everything, or any sectors. The next [`Disk`] begins with it.
//!
//! The model: a sector of 512 octets is written whole or not at all and writing it harms no other; a
//! sync of one file says nothing of another one; a new file's name is durable with its first sync, a
//! deletion with the next sync of the directory; after a failed sync the octets are still shown and
//! are not written by a later one. That is what SQLite assumes of ext4 and its like, no more.
//!
//! For tests only: nothing depends on it.

mod disk;
mod files;
mod replay;
mod vfs;

pub use disk::{Disk, Fault, Op, Trace};
pub use replay::{Cut, Replay};
pub use vfs::VFS;
