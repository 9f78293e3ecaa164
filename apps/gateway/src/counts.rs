//! What passed, counted for metrics: of each account and of each connector.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[doc = $doc:literal])* $field:ident;)*) => {
        /// Counters of one account or connector.
        #[derive(Debug, Default)]
        pub(crate) struct Counts {
            $($(#[doc = $doc])* pub(crate) $field: AtomicU64,)*
        }

        impl Counts {
            /// Every counter with its name and what it counts.
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($field), concat!($($doc),*), self.$field.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

counts! {
    /// Messages taken and made durable.
    accepted;
    /// Messages refused.
    refused;
    /// Messages refused for going too fast.
    throttled;
    /// Requests sent: messages to a connector, receipts and messages to an account.
    sent;
    /// Requests that the other side took.
    taken;
    /// Requests that it refused, or did not answer.
    not_taken;
    /// Receipts that came.
    receipts;
    /// Receipts for messages that had ended.
    receipts_repeated;
    /// Receipts that belong to no message.
    receipts_unknown;
    /// Binds refused.
    binds_refused;
    /// Sessions that were bound.
    binds;
}

/// One more.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
