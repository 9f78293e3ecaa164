//! One SMSC of the process, and what all of them share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use smppkit_admin::record::Place;
use smppkit_admin::{Party, Record, Series, Watched};
use smppkit_net::Now;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::counts::Counts;
use crate::rules::{BadRule, Rule, Rules};
use crate::session::Card;
use crate::settings::{Settings, SmscSettings};
use crate::smsc::Smsc;
use crate::tell::Teller;

/// What all SMSCs share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) seed: u64,
    /// From the machine's clock to the one that is shown.
    clock_offset_ms: i64,
    pub(crate) teller: Teller,
    pub(crate) record: Arc<Record>,
    pub(crate) series: Arc<Series>,
    /// The settings as they were read last: dialects are looked up in them.
    pub(crate) settings: ArcSwap<Settings>,
    /// Where the SMSCs listen, by their names.
    pub(crate) addresses: OnceLock<Vec<(String, String)>>,
    sessions: Mutex<BTreeMap<u64, Arc<Card>>>,
    next_session: AtomicU64,
    stopping: watch::Sender<bool>,
}

/// One SMSC.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) settings: ArcSwap<SmscSettings>,
    pub(crate) rules: ArcSwap<Rules>,
    /// Counts the changes of both, so that sessions need not look at either for each PDU.
    changes: AtomicU64,
    pub(crate) counts: Counts,
    smsc: Mutex<Smsc>,
    /// Rules that came over REST: they are looked at before those of the file.
    added: Mutex<Vec<Rule>>,
    /// Bind requests so far.
    binds: AtomicU64,
    /// What the parts of the next long message share.
    reference: AtomicU16,
    /// Files of messages that may be sent at once.
    files: Arc<Semaphore>,
}

/// Files of messages that are sent at once.
const FILES: usize = 16;

impl Hub {
    pub(crate) fn new(settings: &Settings) -> Self {
        let now = Now::read();
        let now_ms = now.unix_ms;
        Self {
            seed: settings.seed.unwrap_or(now_ms.unsigned_abs()),
            clock_offset_ms: settings.clock.map_or(0, |clock| clock.0 - now_ms),
            teller: Teller::new(settings.show_messages),
            record: Arc::new(Record::new(
                if settings.admin.listen.is_some() { settings.record.octets.octets() } else { 0 },
                now.mono,
            )),
            series: Arc::new(Series::of_server(crate::series::KEYS)),
            settings: ArcSwap::from_pointee(settings.clone()),
            addresses: OnceLock::new(),
            sessions: Mutex::default(),
            next_session: AtomicU64::new(1),
            stopping: watch::Sender::new(false),
        }
    }

    /// Resolves when the simulator stops.
    pub(crate) async fn stopped(&self) {
        // The sender is here: it does not go away.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// What is watched over REST.
    pub(crate) fn watched(&self) -> Watched {
        Watched::new(Arc::clone(&self.record), Arc::clone(&self.series), self.stopping.subscribe())
    }

    /// Has all end that waits.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// The time that is shown, in milliseconds since 1970.
    pub(crate) fn unix_ms(&self, now: Now) -> i64 {
        now.unix_ms + self.clock_offset_ms
    }

    /// A card for a new session.
    pub(crate) fn open(&self, smsc: &Arc<str>, (peer, tls): (SocketAddr, bool), now: Now) -> Arc<Card> {
        let id = self.next_session.fetch_add(1, Ordering::Relaxed);
        let card =
            Arc::new(Card::new(Party::new(id, Place::Smsc(Arc::clone(smsc)), peer, tls), self.unix_ms(now)));
        self.sessions().insert(id, Arc::clone(&card));
        card
    }

    pub(crate) fn close(&self, card: &Card) {
        self.sessions().remove(&card.party.session);
    }

    /// All sessions there are, the oldest first.
    pub(crate) fn sessions(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Card>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    pub(crate) fn new(hub: &Arc<Hub>, settings: SmscSettings) -> Result<Self, BadRule> {
        let all = hub.settings.load();
        let rules = Rules::new(settings.rules(), |name| all.dialect(name), &Rules::default())?;
        let settings = Arc::new(settings);
        let dialect = all.dialect(&settings.dialect).unwrap_or_default();
        // Seconds in the upper half: a restarted simulator gives other ids than before, unless it is to
        // do the same again.
        let first = match all.seed {
            Some(seed) => (seed as u32) << 16 | 1,
            None => u32::try_from(Now::read().unix_ms / 1_000 % (1 << 16)).unwrap_or_default() << 16 | 1,
        };
        Ok(Self {
            name: settings.name.as_str().into(),
            hub: Arc::clone(hub),
            rules: ArcSwap::from_pointee(rules),
            changes: AtomicU64::new(1),
            counts: Counts::default(),
            smsc: Mutex::new(Smsc::new(&settings, dialect, first)),
            settings: ArcSwap::new(settings),
            added: Mutex::default(),
            binds: AtomicU64::new(0),
            reference: AtomicU16::new(1),
            files: Arc::new(Semaphore::new(FILES)),
        })
    }

    pub(crate) fn smsc(&self) -> MutexGuard<'_, Smsc> {
        // A session that panicked left the centre as it was between two events.
        self.smsc.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often settings or rules have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// How many bind requests came before.
    pub(crate) fn next_bind(&self) -> u64 {
        self.binds.fetch_add(1, Ordering::Relaxed)
    }

    /// What the parts of a long message share.
    pub(crate) fn next_reference(&self) -> u16 {
        self.reference.fetch_add(1, Ordering::Relaxed)
    }

    /// A turn to send a file of messages, kept as long as that takes.
    pub(crate) fn begin_file(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.files).try_acquire_owned().ok()
    }

    /// Takes other settings; on an error all stays as it was.
    pub(crate) fn configure(&self, settings: SmscSettings) -> Result<(), BadRule> {
        let added = self.added();
        let rules = added.iter().cloned().chain(settings.rules());
        let all = self.hub.settings.load();
        let rules = Rules::new(rules, |name| all.dialect(name), &self.rules.load())?;
        let settings = Arc::new(settings);
        let dialect = all.dialect(&settings.dialect).unwrap_or_default();
        self.smsc().configure(&settings, &dialect);
        self.settings.store(settings);
        self.rules.store(Arc::new(rules));
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Changes the rules that came over REST; on an error they stay as they were.
    pub(crate) fn change_rules<R>(&self, change: impl FnOnce(&mut Vec<Rule>) -> R) -> Result<R, BadRule> {
        let mut added = self.added();
        let mut changed = added.clone();
        let answer = change(&mut changed);
        let all = self.hub.settings.load();
        let settings = self.settings.load();
        let rules = changed.iter().cloned().chain(settings.rules());
        let rules = Rules::new(rules, |name| all.dialect(name), &self.rules.load())?;
        self.rules.store(Arc::new(rules));
        self.changes.fetch_add(1, Ordering::Release);
        *added = changed;
        Ok(answer)
    }

    /// The rules that came over REST.
    pub(crate) fn added(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets messages, and the rules that came over REST.
    pub(crate) fn reset(&self) {
        self.smsc().reset();
        self.added().clear();
        let all = self.hub.settings.load();
        // They were good when they were read; counts begin anew.
        if let Ok(rules) =
            Rules::new(self.settings.load().rules(), |name| all.dialect(name), &Rules::default())
        {
            self.rules.store(Arc::new(rules));
            self.changes.fetch_add(1, Ordering::Release);
        }
    }
}
