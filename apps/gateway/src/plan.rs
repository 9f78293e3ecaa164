//! The settings, made ready: what sessions look at.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use smppkit_net::Now;
use smppkit_relay::{Learnt, RetryPolicy};
use smppkit_route::{Choice, Facts, Hours, NoRoute, Table, Targets};
use smppkit_store::Place;

use crate::access::{Rate, Seats, Secret, ServerKey};
use crate::counts::Counts;
use crate::entities::Routes;
use crate::feed::Feed;
use crate::settings::{AccountSettings, ConnectorSettings, Settings};
use crate::taken::Taken;

/// One state of the settings.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) accounts: HashMap<Box<str>, Arc<Account>>,
    pub(crate) connectors: BTreeMap<Arc<str>, Arc<Upstream>>,
    pub(crate) routes: Table,
    pub(crate) mo_routes: Table,
    /// How often each of them was taken.
    taken: [Taken; 2],
    pub(crate) retry: RetryPolicy,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: Arc<str>,
    pub(crate) settings: AccountSettings,
    pub(crate) secret: Secret,
    /// The queue of what is for it.
    pub(crate) feed: Arc<Feed>,
    pub(crate) live: Arc<AccountLive>,
}

/// What of an account outlives a change of its settings.
#[derive(Debug)]
pub(crate) struct AccountLive {
    pub(crate) rate: Rate,
    pub(crate) seats: Seats,
    pub(crate) counts: Counts,
}

/// One connector.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) name: Arc<str>,
    pub(crate) settings: ConnectorSettings,
    /// The queue of what is for it.
    pub(crate) feed: Arc<Feed>,
    pub(crate) live: Arc<UpstreamLive>,
}

/// What of a connector outlives a change of its settings.
#[derive(Debug)]
pub(crate) struct UpstreamLive {
    pub(crate) rate: Arc<Rate>,
    learnt: Mutex<Learnt>,
    pub(crate) counts: Counts,
    /// Sessions that send.
    pub(crate) senders: AtomicU32,
    /// Requests on their way.
    pub(crate) in_flight: AtomicU32,
    /// Errands under way.
    pub(crate) errands: AtomicU32,
    /// When it is sent to; always if there are none.
    hours: ArcSwapOption<Hours>,
    /// Since when nobody sends, in milliseconds since 1970; looked at while nobody does.
    down_since_ms: AtomicI64,
    /// How far its queue was looked through for what can go another way.
    looked_up_to: Mutex<Option<Place>>,
    trouble: Mutex<Option<Trouble>>,
}

/// Why a connector is not bound, or not as often as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) why: String,
    /// In milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// When it is tried next.
    pub(crate) next_ms: Option<i64>,
}

/// What plans are made from besides settings: what lives on from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    accounts: HashMap<Arc<str>, Arc<AccountLive>>,
    upstreams: HashMap<Arc<str>, Arc<UpstreamLive>>,
    feeds: HashMap<Arc<str>, Arc<Feed>>,
    taken: [Taken; 2],
}

/// What is for an account waits here.
pub(crate) fn esme_queue(account: &str) -> Arc<str> {
    format!("{ESME}{account}").into()
}

/// Where messages that were cut wait for their pieces; nothing is claimed from it.
pub(crate) fn whole_queue() -> Arc<str> {
    "cut:".into()
}

/// No connector's name has a colon.
const ESME: &str = "esme:";

impl Plan {
    /// Makes settings ready, or says what cannot be.
    pub(crate) fn new(
        settings: Settings,
        lives: &mut Lives,
        key: &ServerKey,
        now: Now,
    ) -> Result<Self, String> {
        settings.check().map_err(|wrong| wrong.to_string())?;
        let routes = Table::new(settings.route.clone()).map_err(|error| error.to_string())?;
        let mo_routes = Table::new(settings.mo_route.clone()).map_err(|error| error.to_string())?;
        // Before anything is changed that lives on: a wrong route changes nothing.
        let known: HashSet<&str> = settings.connector.iter().map(|connector| &*connector.name).collect();
        if let Some((rule, target)) = routes.targets().find(|(_, target)| !known.contains(target)) {
            return Err(format!("route {rule:?} leads to {target:?}, which is no connector"));
        }
        let known: HashSet<&str> = settings.account.iter().map(|account| &*account.system_id).collect();
        if let Some((rule, target)) = mo_routes.targets().find(|(_, target)| !known.contains(target)) {
            return Err(format!("mo_route {rule:?} leads to {target:?}, which is no account"));
        }
        let mut accounts = HashMap::new();
        for account in &settings.account {
            accounts.insert(account.system_id.as_str().into(), Arc::new(lives.account(account, key, now)));
        }
        let mut connectors = BTreeMap::new();
        for connector in &settings.connector {
            let upstream = lives.upstream(connector, now);
            connectors.insert(upstream.name.clone(), Arc::new(upstream));
        }
        let [submitted, incoming] = &lives.taken;
        lives.taken = [Taken::of(&settings.route, submitted), Taken::of(&settings.mo_route, incoming)];
        let (retry, taken) = (settings.retry.policy(), lives.taken.clone());
        Ok(Self { settings, accounts, connectors, routes, mo_routes, taken, retry })
    }
}

impl Plan {
    /// Where a message goes at a moment, in milliseconds since 1970; it is counted for its route.
    pub(crate) fn choose(
        &self,
        routes: Routes,
        facts: &Facts<'_>,
        now_ms: i64,
        dice: u64,
    ) -> Result<Choice<'_>, NoRoute<'_>> {
        let table = match routes {
            Routes::Submitted => &self.routes,
            Routes::Incoming => &self.mo_routes,
        };
        let chosen = table.choose(facts, &self.at(now_ms), dice);
        self.taken(routes).count(&chosen);
        chosen
    }

    pub(crate) const fn taken(&self, routes: Routes) -> &Taken {
        let [submitted, incoming] = &self.taken;
        match routes {
            Routes::Submitted => submitted,
            Routes::Incoming => incoming,
        }
    }

    /// How connectors are at a moment, in milliseconds since 1970.
    pub(crate) const fn at(&self, now_ms: i64) -> Standing<'_> {
        Standing { plan: self, now_ms }
    }
}

/// How connectors are, for the routes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'a> {
    plan: &'a Plan,
    now_ms: i64,
}

impl Targets for Standing<'_> {
    fn exists(&self, name: &str) -> bool {
        self.plan.connectors.contains_key(name) || self.plan.accounts.contains_key(name)
    }

    fn is_up(&self, name: &str) -> bool {
        match self.plan.connectors.get(name) {
            Some(upstream) => upstream.settings.enabled && upstream.live.sends(self.now_ms),
            // What is for an account waits for it.
            None => self.plan.accounts.contains_key(name),
        }
    }

    fn has_room(&self, name: &str) -> bool {
        let Some(upstream) = self.plan.connectors.get(name) else { return true };
        let window = upstream.settings.window * upstream.live.senders.load(Ordering::Relaxed);
        upstream.live.in_flight.load(Ordering::Relaxed) < window
    }

    fn load(&self, name: &str) -> u32 {
        self.plan.connectors.get(name).map_or(0, |upstream| upstream.live.in_flight.load(Ordering::Relaxed))
    }
}

impl UpstreamLive {
    pub(crate) fn is_up(&self) -> bool {
        self.senders.load(Ordering::Relaxed) > 0
    }

    /// Whether it is within its hours.
    pub(crate) fn is_open(&self, now_ms: i64) -> bool {
        self.hours.load().as_ref().is_none_or(|hours| hours.is_open(now_ms))
    }

    /// When its hours begin or end next, if they do.
    pub(crate) fn next_change(&self, now_ms: i64) -> Option<i64> {
        self.hours.load().as_ref().and_then(|hours| hours.next_change(now_ms))
    }

    /// Whether messages are sent there.
    pub(crate) fn sends(&self, now_ms: i64) -> bool {
        self.is_up() && self.is_open(now_ms)
    }

    /// A session that sent is gone.
    pub(crate) fn sender_left(&self, now_ms: i64) {
        self.down_since_ms.store(now_ms, Ordering::Relaxed);
        self.senders.fetch_sub(1, Ordering::Relaxed);
    }

    /// How long nobody has sent, in milliseconds; 0 while somebody does.
    pub(crate) fn down_ms(&self, now_ms: i64) -> i64 {
        if self.is_up() { 0 } else { now_ms - self.down_since_ms.load(Ordering::Relaxed) }
    }

    pub(crate) fn looked_up_to(&self) -> MutexGuard<'_, Option<Place>> {
        self.looked_up_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went wrong last with its sessions; nothing since one was bound.
    pub(crate) fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something did.
    pub(crate) fn failed(&self, why: String, at_ms: i64) {
        *self.trouble() = Some(Trouble { why, at_ms, next_ms: None });
    }

    pub(crate) fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lives {
    /// The feed of a queue, whoever it is of.
    pub(crate) fn feed(&mut self, queue: &Arc<str>) -> Arc<Feed> {
        let feed = self.feeds.entry(queue.clone()).or_insert_with(|| Arc::new(Feed::new(queue.clone())));
        Arc::clone(feed)
    }

    /// All feeds.
    pub(crate) fn feeds(&self) -> Vec<Arc<Feed>> {
        self.feeds.values().cloned().collect()
    }

    fn account(&mut self, settings: &AccountSettings, key: &ServerKey, now: Now) -> Account {
        let name: Arc<str> = settings.system_id.as_str().into();
        let live = self.accounts.entry(name.clone()).or_insert_with(|| {
            let rate = Rate::new(settings.throughput, None, now.mono);
            Arc::new(AccountLive { rate, seats: Seats::default(), counts: Counts::default() })
        });
        live.rate.set(now.mono, settings.throughput, None);
        let live = Arc::clone(live);
        Account {
            secret: settings.password.secret(key, name.as_bytes()),
            feed: self.feed(&esme_queue(&name)),
            settings: settings.clone(),
            name,
            live,
        }
    }

    fn upstream(&mut self, settings: &ConnectorSettings, now: Now) -> Upstream {
        let name: Arc<str> = settings.name.as_str().into();
        let live = self.upstreams.entry(name.clone()).or_insert_with(|| {
            Arc::new(UpstreamLive {
                rate: Arc::new(Rate::new(settings.throughput, None, now.mono)),
                learnt: Mutex::default(),
                counts: Counts::default(),
                senders: AtomicU32::new(0),
                in_flight: AtomicU32::new(0),
                errands: AtomicU32::new(0),
                hours: ArcSwapOption::empty(),
                down_since_ms: AtomicI64::new(now.unix_ms),
                looked_up_to: Mutex::default(),
                trouble: Mutex::default(),
            })
        });
        live.rate.set(now.mono, settings.throughput, None);
        if let Some(form) = settings.ids.form() {
            *live.learnt() = Learnt::fixed(form);
        }
        // Checked with the settings.
        let hours = settings.open_hours().ok().flatten().map(Arc::new);
        live.hours.store(hours.clone());
        let live = Arc::clone(live);
        let feed = self.feed(&name);
        feed.set_hours(hours);
        feed.set_rate(settings.throughput.is_some().then(|| Arc::clone(&live.rate)));
        Upstream { feed, settings: settings.clone(), name, live }
    }
}
