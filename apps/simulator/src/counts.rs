//! How many PDUs passed, by command, direction and status: counted in batches, read when asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use smppkit_wire::pdu::{PduDef, TABLE};

use smppkit_admin::record::{Direction, count};

/// Counts of one SMSC.
#[derive(Debug)]
pub(crate) struct Counts {
    /// By place in the PDU table, in and out; the last is for what is no PDU.
    pdus: Vec<[AtomicU64; 2]>,
    /// Responses that say no, by place in the table and status.
    refused: Mutex<HashMap<(usize, u32, Direction), u64>>,
}

impl Default for Counts {
    fn default() -> Self {
        let pdus = (0..=TABLE.len()).map(|_| <[AtomicU64; 2]>::default()).collect();
        Self { pdus, refused: Mutex::default() }
    }
}

impl Counts {
    /// Counts a batch, and says how many PDUs it has. `each` is told their command_id and command_status.
    pub(crate) fn add(&self, direction: Direction, octets: &[u8], mut each: impl FnMut(u32, u32)) -> u32 {
        // Nearly all batches are of one kind: one look-up, one addition.
        let mut last: Option<(u32, usize, u64)> = None;
        let mut seen = 0;
        let pdus = count(octets, |command_id, status| {
            seen += 1;
            each(command_id, status);
            match &mut last {
                Some((id, _, pdus)) if *id == command_id => *pdus += 1,
                _ => {
                    if let Some((_, at, pdus)) = last {
                        self.count(at, direction, pdus);
                    }
                    last = Some((command_id, place(command_id), 1));
                }
            }
            if status != 0 {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                // As many kinds as there are statuses; a peer that makes them up is not counted apart.
                let known = smppkit_wire::CommandStatus(status).name().map_or(u32::MAX, |_| status);
                *refused.entry((place(command_id), known, direction)).or_default() += 1;
            }
        });
        if let Some((_, at, pdus)) = last {
            self.count(at, direction, pdus);
        }
        if pdus > seen {
            self.count(TABLE.len(), direction, u64::from(pdus - seen));
        }
        pdus
    }

    /// How many PDUs passed of some kinds.
    pub(crate) fn sum(&self, direction: Direction, of: impl Fn(&PduDef) -> bool) -> u64 {
        let counted = TABLE.iter().zip(&self.pdus).filter(|(def, _)| of(def));
        let counter = |[came, went]: &[AtomicU64; 2]| {
            if direction == Direction::In { came } else { went }.load(Ordering::Relaxed)
        };
        counted.map(|(_, counters)| counter(counters)).sum()
    }

    fn count(&self, at: usize, direction: Direction, pdus: u64) {
        if let Some([came, went]) = self.pdus.get(at) {
            let counter = if direction == Direction::In { came } else { went };
            counter.fetch_add(pdus, Ordering::Relaxed);
        }
    }

    /// What there is: command, direction, how many.
    pub(crate) fn pdus(&self) -> impl Iterator<Item = (&'static str, Direction, u64)> {
        self.pdus.iter().enumerate().flat_map(|(at, [came, went])| {
            let name = TABLE.get(at).map_or("unknown", |def| def.name);
            [(Direction::In, came), (Direction::Out, went)]
                .into_iter()
                .map(move |(direction, counter)| (name, direction, counter.load(Ordering::Relaxed)))
                .filter(|(_, _, pdus)| *pdus > 0)
        })
    }

    /// Responses that say no: command, direction, status, how many.
    pub(crate) fn refused(&self) -> Vec<(&'static str, Direction, String, u64)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |(&(at, status, direction), pdus): (&(usize, u32, Direction), &u64)| {
            let status = smppkit_wire::CommandStatus(status);
            let status = status.name().map_or("other".to_owned(), str::to_owned);
            (TABLE.get(at).map_or("unknown", |def| def.name), direction, status, *pdus)
        };
        let mut all: Vec<_> = refused.iter().map(named).collect();
        all.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
        all
    }
}

fn place(command_id: u32) -> usize {
    TABLE.iter().position(|def| def.command_id == command_id).unwrap_or(TABLE.len())
}
