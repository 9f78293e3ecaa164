//! Sessions of browsers: in memory only, so that a restart ends them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};

use super::Role;

/// Who is signed in, by the digest of the id: memory that leaks lets nobody in.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<[u8; 32], Session>);

#[derive(Debug)]
struct Session {
    role: Role,
    csrf: String,
    began: Instant,
    used: Instant,
}

impl Sessions {
    /// Where there are as many as may be, the one longest unused ends.
    pub(super) fn begin(&mut self, id: &str, role: Role, csrf: &str, now: Instant) {
        self.0.retain(|_, session| session.is_good(now));
        if self.0.len() >= LIMIT {
            let oldest = self.0.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.map(|key| self.0.remove(&key));
        }
        self.0.insert(key(id), Session { role, csrf: csrf.to_owned(), began: now, used: now });
    }

    /// Role and CSRF token; the session is used with that.
    pub(super) fn find(&mut self, id: &str, now: Instant) -> Option<(Role, &str)> {
        let session = self.0.get_mut(&key(id)).filter(|session| session.is_good(now))?;
        session.used = now;
        Some((session.role, &session.csrf))
    }

    pub(super) fn end(&mut self, id: &str) {
        self.0.remove(&key(id));
    }
}

impl Session {
    fn is_good(&self, now: Instant) -> bool {
        now.duration_since(self.used) < IDLE && now.duration_since(self.began) < LIFE
    }
}

fn key(id: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, id.as_bytes()).as_ref());
    key
}

/// Sessions at a time: more than a team has browsers.
const LIMIT: usize = 256;
/// A working day.
const IDLE: Duration = Duration::from_secs(12 * 3_600);
/// A stolen cookie is worth nothing after that.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_ends_after_twelve_hours_and_any_after_seven_days() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        sessions.begin("a", Role::Viewer, "x", start);
        sessions.begin("b", Role::Admin, "y", start);
        let mut now = start;
        for _ in 0..14 {
            assert_eq!(sessions.find("a", now), Some((Role::Viewer, "x")));
            now += Duration::from_secs(12 * 3_600 - 1);
        }
        assert!(sessions.find("a", now).is_some(), "14 s before its end");
        assert_eq!(sessions.find("b", now), None);
        assert_eq!(sessions.find("a", start + LIFE), None);
    }

    #[test]
    fn the_one_longest_unused_makes_room() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        for number in 0..LIMIT {
            sessions.begin(&number.to_string(), Role::Admin, "x", start);
        }
        let now = start + Duration::from_secs(1);
        for number in (0..LIMIT).filter(|number| *number != 7) {
            assert!(sessions.find(&number.to_string(), now).is_some());
        }
        sessions.begin("new", Role::Admin, "x", now);
        assert_eq!((sessions.0.len(), sessions.find("7", now)), (LIMIT, None));
        sessions.end("new");
        assert_eq!(sessions.find("new", now), None);
    }
}
