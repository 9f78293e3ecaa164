//! How long messages waited for our answer: found out from the record, so that sessions measure nothing.

use smppkit_wire::Header;
use smppkit_wire::pdu::def_of;
use smppkit_wire::tlv::place;

use crate::Record;
use crate::record::{Answered, Direction};

/// What is read of the record, once a second.
#[derive(Debug, Default)]
pub(super) struct Answers {
    answered: Answered,
    next: u64,
}

/// PDUs looked at in a second; of more, the latest. They take some milliseconds.
const LOOKED_AT: u64 = 50_000;
/// PDUs taken out of the record at once.
const CHUNK: usize = 1_000;

impl Answers {
    /// The half and the 99th of a hundred of the times, in microseconds, that messages waited whose answers went out
    /// since the last look; nothing when there were none.
    pub(super) fn look(&mut self, record: &Record) -> (Option<u64>, Option<u64>) {
        let end = record.next();
        let mut times = Vec::new();
        let mut at = self.next.max(end.saturating_sub(LOOKED_AT));
        while at < end {
            let read = record.read(at, CHUNK);
            if read.entries.is_empty() {
                break;
            }
            at = read.next;
            for entry in &read.entries {
                let took = self.answered.see(entry);
                if entry.direction == Direction::Out && is_answer_to_message(&entry.octets) {
                    times.extend(took);
                }
            }
        }
        self.next = end.max(at);
        times.sort_unstable();
        let nth = |hundredth: usize| {
            let at = (times.len() * hundredth).div_ceil(100).saturating_sub(1);
            times.get(at).map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
        };
        (nth(50), nth(99))
    }
}

/// Whether it answers what brings a message or a broadcast.
fn is_answer_to_message(octets: &[u8]) -> bool {
    let request = |header: Header| def_of(header.command_id & !Header::RESPONSE_BIT);
    let header = Header::read(octets).filter(Header::is_response);
    header.and_then(request).is_some_and(|def| def.places & (place::SUB | place::BC) != 0)
}
