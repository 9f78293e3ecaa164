//! What an ESME knows of its messages.

use std::collections::HashMap;
use std::time::Instant;

use smppkit_wire::{Body, CommandStatus};

use super::{Told, outcome, told};

/// What one or several sessions of an ESME know of their messages.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The id of each message that was acknowledged.
    pub(crate) acked: HashMap<u64, String>,
    pub(crate) refused: Vec<(u64, CommandStatus)>,
    /// Sent, and then the session ended.
    pub(crate) unanswered: Vec<u64>,
    pub(crate) came: Vec<Body>,
    /// When the last one came.
    pub(crate) came_at: Option<Instant>,
    /// Requests of the gateway that stood unanswered at once.
    pub(crate) most_waiting: usize,
}

impl Ledger {
    /// All receipts that came.
    #[track_caller]
    pub(crate) fn receipts(&self) -> Vec<Told> {
        self.came.iter().filter_map(told).collect()
    }

    /// Each acknowledged message has its receipt, and each receipt tells its message's own outcome.
    /// Gives the number of those that came again.
    #[track_caller]
    pub(crate) fn check_receipts(&self) -> usize {
        let numbers: HashMap<&str, u64> =
            self.acked.iter().map(|(number, id)| (id.as_str(), *number)).collect();
        assert_eq!(numbers.len(), self.acked.len(), "an id was given twice");
        let mut came: HashMap<u64, usize> = HashMap::new();
        let (mut wrong, mut strange) = (Vec::new(), 0);
        for told in self.receipts() {
            let Some(number) = numbers.get(told.id.as_str()).copied() else {
                // Of a message whose response was lost with its session.
                strange += 1;
                continue;
            };
            *came.entry(number).or_default() += 1;
            let says = (told.state, told.err, told.number.unwrap_or(number));
            let (state, err) = outcome(number);
            if says != (state, err, number) {
                wrong.push((number, says));
            }
        }
        assert!(wrong.is_empty(), "{} tell another's outcome, as {:?}", wrong.len(), wrong.first());
        assert!(strange <= self.unanswered.len(), "{strange} receipts have ids that nobody was told");
        let mut missing: Vec<u64> =
            self.acked.keys().copied().filter(|number| !came.contains_key(number)).collect();
        missing.sort_unstable();
        assert!(missing.is_empty(), "{} have no receipt, as {:?}", missing.len(), missing.get(..5));
        came.values().map(|count| count - 1).sum()
    }
}
