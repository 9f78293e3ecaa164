//! Octets in a ring: the oldest make room for the newest.

/// So many octets at most. Memory is used only for what was ever filled.
#[derive(Debug)]
pub(super) struct Ring {
    octets: Vec<u8>,
    /// Where the oldest stands.
    start: usize,
    len: usize,
    limit: usize,
}

impl Ring {
    pub(super) const fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), start: 0, len: 0, limit }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has_room(&self, octets: usize) -> bool {
        self.len + octets <= self.limit
    }

    /// Takes octets for which there is room.
    pub(super) fn push(&mut self, octets: &[u8]) {
        let mut end = self.start + self.len;
        if self.octets.len() < self.limit && end + octets.len() > self.octets.len() && self.start == 0 {
            // It has not been full yet: it grows, by doubling, to its limit.
            let wanted = (end + octets.len()).max(self.octets.len() * 2).min(self.limit);
            self.octets.resize(wanted.max(4096).min(self.limit), 0);
        }
        if self.octets.len() < self.limit && end + octets.len() > self.octets.len() {
            self.octets.resize(self.limit, 0);
        }
        end %= self.octets.len().max(1);
        let first = octets.len().min(self.octets.len() - end);
        let (front, back) = octets.split_at(first);
        if let Some(room) = self.octets.get_mut(end..end + front.len()) {
            room.copy_from_slice(front);
        }
        if let Some(room) = self.octets.get_mut(..back.len()) {
            room.copy_from_slice(back);
        }
        self.len += octets.len();
    }

    /// Forgets the oldest.
    pub(super) fn forget(&mut self, octets: usize) {
        let octets = octets.min(self.len);
        self.len -= octets;
        self.start = (self.start + octets) % self.octets.len().max(1);
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.len) = (0, 0);
    }

    /// Octets that stand so far behind the oldest.
    pub(super) fn copy(&self, at: usize, octets: usize) -> Vec<u8> {
        let from = (self.start + at) % self.octets.len().max(1);
        let first = octets.min(self.octets.len().saturating_sub(from));
        let mut copy = Vec::with_capacity(octets);
        copy.extend_from_slice(self.octets.get(from..from + first).unwrap_or_default());
        copy.extend_from_slice(self.octets.get(..octets - first).unwrap_or_default());
        copy
    }
}
