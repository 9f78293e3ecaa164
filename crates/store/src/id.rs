//! Message ids: ordered by time, unique over nodes, fit for a signed 64-bit column.

use crate::message::Timestamp;
use std::fmt;

/// Names one message for ever: 41 bits of milliseconds since 2024, 10 of node, 12 of sequence.
///
/// Never negative as a signed 64-bit number, so every engine can hold it as a plain integer key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId(u64);

impl MessageId {
    /// Sorts before every id that is ever given out.
    pub const ZERO: Self = Self(0);
    /// Sorts after every id.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// None if the top bit is set: such a number was never an id.
    pub fn from_u64(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The number to show, log and put into a protocol's message_id.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// The next number: what is newer than an id begins there.
    pub(crate) fn following(self) -> Self {
        Self(self.0.saturating_add(1).min(Self::MAX.0))
    }

    /// When it was made, by the clock of its node.
    pub fn made_at(self) -> Timestamp {
        Timestamp((self.0 >> TIME_SHIFT).cast_signed() + EPOCH_MS)
    }

    /// Who made it.
    pub fn node(self) -> NodeId {
        NodeId(((self.0 >> SEQUENCE_BITS) & NODE_MASK) as u16)
    }

    /// The smallest id of a moment, on any node.
    pub fn first_at(at: Timestamp) -> Self {
        let ms = (at.0 - EPOCH_MS).clamp(0, TIME_MAX);
        Self(ms.cast_unsigned() << TIME_SHIFT)
    }

    pub(crate) fn to_sql(self) -> i64 {
        self.0.cast_signed()
    }

    pub(crate) fn from_sql(number: i64) -> Self {
        Self(number.cast_unsigned() & Self::MAX.0)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One process that makes ids; no two that share a store, or ever will, may have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NodeId(u16);

impl NodeId {
    /// None above 1023.
    pub fn new(number: u16) -> Option<Self> {
        (u64::from(number) <= NODE_MASK).then_some(Self(number))
    }
}

/// Gives out ids, each larger than the one before, whatever the clock does.
#[derive(Clone, Debug)]
pub struct MessageIds {
    node: NodeId,
    /// Milliseconds and sequence in one number, as in the id without its node.
    last: u64,
}

impl MessageIds {
    /// Begins after `last`: give it [`crate::Store::last_id`], so that a clock set back between two
    /// runs cannot repeat an id.
    pub fn after(node: NodeId, last: MessageId) -> Self {
        let ms = last.0 >> TIME_SHIFT;
        Self { node, last: (ms << SEQUENCE_BITS) | (last.0 & SEQUENCE_MASK) }
    }

    /// The next id. More than 4,096 in one millisecond borrow from the next one.
    pub fn next(&mut self, now: Timestamp) -> MessageId {
        let ms = (now.0 - EPOCH_MS).clamp(0, TIME_MAX).cast_unsigned();
        self.last = (self.last + 1).max(ms << SEQUENCE_BITS);
        let (ms, sequence) = (self.last >> SEQUENCE_BITS, self.last & SEQUENCE_MASK);
        MessageId((ms << TIME_SHIFT) | (u64::from(self.node.0) << SEQUENCE_BITS) | sequence)
    }
}

const SEQUENCE_BITS: u32 = 12;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;
const NODE_MASK: u64 = (1 << 10) - 1;
const TIME_SHIFT: u32 = 22;
const TIME_MAX: i64 = (1 << 41) - 1;
/// 2024-01-01T00:00:00Z: 41 bits last until 2093.
const EPOCH_MS: i64 = 1_704_067_200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_when_the_clock_stands_or_goes_back() {
        let now = Timestamp(1_800_000_000_000);
        let mut ids = MessageIds::after(NodeId::new(7).unwrap(), MessageId::ZERO);
        let mut last = MessageId::ZERO;
        for step in 0..20_000 {
            let id = ids.next(Timestamp(now.0 - step));
            assert!(id > last && id.node() == NodeId(7));
            last = id;
        }
        assert!(last.made_at().0 - now.0 < 10, "4,096 ids a millisecond, then the next");
        let again = MessageIds::after(NodeId(7), last).next(Timestamp(now.0 - 86_400_000));
        assert!(again > last, "a restart with the clock set back");
    }

    #[test]
    fn an_id_says_its_moment_and_fits_a_signed_column() {
        let now = Timestamp(1_800_000_000_123);
        let id = MessageIds::after(NodeId(1023), MessageId::ZERO).next(now);
        assert_eq!(id.made_at(), now);
        assert!(MessageId::first_at(now) <= id && id < MessageId::first_at(Timestamp(now.0 + 1)));
        assert_eq!(MessageId::from_sql(id.to_sql()), id);
        assert_eq!(MessageId::from_u64(1 << 63), None);
        assert_eq!(NodeId::new(1024), None);
    }
}
