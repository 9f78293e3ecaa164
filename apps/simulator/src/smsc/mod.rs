//! The message centre itself: accounts, messages, what is due. Given the time, never asks for it.
//!
//! One lock guards it, taken for each event of a session and for what falls due. Nothing in here
//! waits, and the only allocation a plain submit_sm makes is the copy of its text.

mod ancillary;
mod broadcast;
mod deliver;
mod legacy;
mod mailbox;
mod message;
mod submit;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use broadcast::{Broadcast, NotCancelled};
pub(crate) use deliver::Delivery;
pub(crate) use mailbox::{HeldAnswer, Mailbox, Order};
pub(crate) use message::Message;
pub(crate) use submit::{Plan, Taken};

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering as Memory;
use std::task::{Context, Waker};
use std::time::Instant;

use smppkit_session::{Asked, BindMode, BindRequest, Rate};
use smppkit_wire::field::CStr;
use smppkit_wire::{CommandStatus, Version};

use crate::dialect::Dialect;
use crate::rules::Verdict;
use crate::settings::SmscSettings;
use broadcast::Broadcasts;
use table::{Table, TableLimits};

/// The message centre.
#[derive(Debug)]
pub(crate) struct Smsc {
    pub(crate) config: Arc<SmscSettings>,
    /// Every dialect that a message was taken in, by the number that the message keeps. The first is the SMSC's own.
    dialects: Vec<Arc<Dialect>>,
    accounts: Vec<Account>,
    by_name: HashMap<CStr<16>, u32>,
    mo_numbers: Vec<CStr<65>>,
    messages: Table,
    broadcasts: Broadcasts,
    due: BinaryHeap<Reverse<Due>>,
    /// Beyond so many, those that mean nothing any more are looked for.
    due_limit: usize,
    /// The form of messages for which no rule asks for another.
    own_form: u16,
    /// Whether that form answers with an id at once, as nearly all do.
    own_is_plain: bool,
    order: u64,
    /// Woken when something falls due earlier than before.
    timer: Option<Waker>,
    looks: Looks,
    /// Receipts and messages that no session took and that had to be dropped.
    pub(crate) dropped: u64,
}

/// Accounts that bind themselves into being, when any credentials do, are bounded.
const ACCOUNTS_LIMIT: usize = 100_000;

/// Fewer things to do than these are not worth a look through all of them.
const DUE_LIMIT: usize = 4_096;

/// One ESME, with all its sessions.
#[derive(Debug)]
struct Account {
    system_id: CStr<16>,
    bound: usize,
    /// Sessions that can be sent messages to.
    receivers: Vec<Receiver>,
    /// In the order they were made, whatever was given back meanwhile.
    outbox: VecDeque<Box<Delivery>>,
    outbox_octets: usize,
    /// Whose turn it is to be woken.
    turn: usize,
    /// Binds so far.
    binds: u64,
    /// What is left of its throughput.
    rate: Option<Rate>,
}

/// A session that can be sent messages to.
#[derive(Debug)]
struct Receiver {
    mailbox: Arc<Mailbox>,
    /// The numbers it said it serves, as a regular expression (SMPP 5.0, 4.7.3.1).
    address_range: CStr<41>,
}

/// A session's place here, while it is bound.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) account: u32,
    pub(crate) system_id: CStr<16>,
    pub(crate) mode: BindMode,
    pub(crate) version: Version,
    pub(crate) mailbox: Arc<Mailbox>,
    /// How many binds its account had before.
    pub(crate) nth: u64,
    /// Deliveries that may wait for their answers, where the account has a number of its own.
    pub(crate) window: Option<u32>,
    /// Requests that may wait for ours.
    pub(crate) submit_window: Option<u32>,
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) bound: usize,
    pub(crate) messages: usize,
    /// Deliveries that wait for a session.
    pub(crate) waiting: usize,
    pub(crate) dropped: u64,
}

/// Something that happens at a time.
#[derive(Debug)]
struct Due {
    at_ms: i64,
    order: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// An intermediate notification for a message.
    Intermediate(u32),
    /// A message reaches its end, unless that has moved.
    End(u32),
    /// A delivery that is not for now: an ESME asked to repeat it, or it is late on purpose.
    Deliver(Box<Delivery>),
    /// A transaction's answer.
    Answer { number: u32, asked: Asked, mailbox: Arc<Mailbox>, data_sm: bool, verdict: Option<Verdict> },
    /// An answer that is held back.
    Held(Arc<Mailbox>, Box<HeldAnswer>),
}

impl Smsc {
    /// `seed` decides the first message number; centres started at different times so give
    /// different ids.
    pub(crate) fn new(config: &Arc<SmscSettings>, dialect: Arc<Dialect>, seed: u32) -> Self {
        let messages = Table::new(seed, Self::limits(config));
        let mut smsc = Self {
            dialects: vec![dialect],
            accounts: Vec::new(),
            by_name: HashMap::new(),
            mo_numbers: Vec::new(),
            messages,
            broadcasts: Broadcasts::default(),
            due: BinaryHeap::new(),
            due_limit: DUE_LIMIT,
            own_form: 0,
            own_is_plain: false,
            order: 0,
            timer: None,
            looks: Looks::default(),
            dropped: 0,
            config: Arc::clone(config),
        };
        smsc.apply(config);
        smsc
    }

    /// Takes other settings. What is bound stays bound, what was taken keeps its course.
    pub(crate) fn configure(&mut self, config: &Arc<SmscSettings>, dialect: &Arc<Dialect>) {
        self.config = Arc::clone(config);
        self.messages.set_limits(Self::limits(config));
        // Messages that are under way keep theirs by its number.
        self.own_form = self.form(dialect);
        self.apply(config);
    }

    /// Forgets all messages and what was to come of them; sessions and accounts stay.
    pub(crate) fn reset(&mut self) {
        let next = self.messages.next();
        self.messages = Table::new(next, Self::limits(&self.config));
        self.broadcasts = Broadcasts::default();
        // Answers are owed all the same.
        self.due.retain(|Reverse(due)| matches!(due.what, What::Held(..)));
        for account in &mut self.accounts {
            account.outbox.clear();
            account.outbox_octets = 0;
        }
        self.dropped = 0;
    }

    fn limits(config: &SmscSettings) -> TableLimits {
        TableLimits { ring: config.messages, kept: config.pending, octets: config.message_octets.octets() }
    }

    fn apply(&mut self, config: &SmscSettings) {
        let timing = &self.dialect(self.own_form).timing;
        self.own_is_plain = !timing.early && !timing.first_part_only;
        self.mo_numbers = config.mo_numbers.iter().filter_map(|number| number.parse().ok()).collect();
        for listed in &config.account {
            if let Ok(system_id) = listed.system_id.parse()
                && let Some(number) = self.account(system_id)
                && let Some(account) = self.accounts.get_mut(number as usize)
            {
                account.rate = listed.throughput.map(Rate::per_second);
            }
        }
    }

    /// The number under which messages keep a dialect.
    pub(crate) fn form(&mut self, dialect: &Arc<Dialect>) -> u16 {
        let known =
            self.dialects.iter().position(|known| Arc::ptr_eq(known, dialect) || **known == **dialect);
        let at = known.unwrap_or_else(|| {
            self.dialects.push(Arc::clone(dialect));
            self.dialects.len() - 1
        });
        // Each comes from a configuration; thousands of reloads would have to bring a new one each.
        u16::try_from(at).unwrap_or_default()
    }

    fn dialect(&self, form: u16) -> &Dialect {
        self.dialects
            .get(usize::from(form))
            .or_else(|| self.dialects.first())
            .expect("there is the SMSC's own from the beginning")
    }

    /// Lets an ESME bind, or not.
    pub(crate) fn bind(
        &mut self,
        request: &BindRequest,
        version: Version,
        mailbox: &Arc<Mailbox>,
    ) -> Result<Bound, CommandStatus> {
        let listed = &self.config.account;
        let mut own = None;
        if !listed.is_empty() {
            // Unknown id and wrong password get the same answer, after the same work.
            for account in listed {
                let differing = differing(account.system_id.as_bytes(), request.system_id.as_octets())
                    | differing(account.password.as_bytes(), request.password.as_octets());
                if differing == 0 {
                    own = Some(account);
                }
            }
            let Some(account) = own else {
                return Err(CommandStatus::ESME_RBINDFAIL);
            };
            let may = account.bind_modes.iter().any(|mode| mode.is(request.mode));
            if !may || !account.versions.contains(&version) {
                return Err(CommandStatus::ESME_RBINDFAIL);
            }
        }
        let limit = own.and_then(|own| own.sessions).unwrap_or(self.config.sessions_per_account);
        let (window, submit_window) = own.map_or((None, None), |own| (own.window, own.submit_window));
        let account = self.account(request.system_id).ok_or(CommandStatus::ESME_RBINDFAIL)?;
        let Some(entry) = self.accounts.get_mut(account as usize).filter(|entry| entry.bound < limit) else {
            return Err(CommandStatus::ESME_RBINDFAIL);
        };
        entry.bound += 1;
        let nth = entry.binds;
        entry.binds += 1;
        mailbox.attention.store(true, Memory::Release);
        if request.mode.receives() {
            let address_range = request.address_range;
            entry.receivers.push(Receiver { mailbox: Arc::clone(mailbox), address_range });
        }
        Ok(Bound {
            account,
            system_id: request.system_id,
            mode: request.mode,
            version,
            mailbox: Arc::clone(mailbox),
            nth,
            window,
            submit_window,
        })
    }

    /// Whether an account may send so many messages now.
    pub(crate) fn may_submit(&mut self, now: Instant, from: &Bound, messages: u32) -> bool {
        let account = self.accounts.get_mut(from.account as usize);
        account.and_then(|account| account.rate.as_mut()).is_none_or(|rate| rate.take(now, messages))
    }

    /// Holds an answer back.
    pub(crate) fn hold(&mut self, at_ms: i64, mailbox: &Arc<Mailbox>, answer: HeldAnswer) {
        self.at(at_ms, What::Held(Arc::clone(mailbox), Box::new(answer)));
    }

    /// A session is gone.
    pub(crate) fn unbind(&mut self, bound: &Bound) {
        if let Some(account) = self.accounts.get_mut(bound.account as usize) {
            account.bound = account.bound.saturating_sub(1);
            account.receivers.retain(|receiver| !Arc::ptr_eq(&receiver.mailbox, &bound.mailbox));
            account.wake_one();
        }
    }

    /// The next delivery for a session that has room; `None` leaves it waiting to be woken.
    pub(crate) fn next_delivery(&mut self, bound: &Bound) -> Option<Box<Delivery>> {
        let account = self.accounts.get_mut(bound.account as usize)?;
        let delivery = account.take();
        bound.mailbox.idle.store(delivery.is_none(), Memory::Release);
        delivery
    }

    /// Gives back a delivery that got no answer, or could not be sent.
    pub(crate) fn give_back(&mut self, delivery: Box<Delivery>) {
        if let Some(account) = self.accounts.get_mut(delivery.account as usize) {
            account.put_back(delivery);
            account.wake_one();
        }
    }

    /// Delivers again after some time, as the ESME asked.
    pub(crate) fn retry(&mut self, now_ms: i64, delivery: Box<Delivery>) {
        self.at(now_ms + deliver::RETRY_MS, What::Deliver(delivery));
    }

    /// The latest messages with the accounts that sent them, the oldest first.
    pub(crate) fn latest(&self, limit: usize) -> Vec<(Arc<str>, Message)> {
        let mut names: HashMap<u32, Arc<str>> = HashMap::new();
        let named = |message: &Message| {
            let name = names.entry(message.account).or_insert_with(|| self.system_id(message.account).into());
            (Arc::clone(name), message.clone())
        };
        let mut latest: Vec<_> = self.messages.latest().take(limit).map(named).collect();
        latest.reverse();
        latest
    }

    /// An account's name.
    pub(crate) fn system_id(&self, account: u32) -> String {
        self.accounts.get(account as usize).map(|account| account.system_id.to_text()).unwrap_or_default()
    }

    /// How much there is of everything.
    pub(crate) fn load(&self) -> Load {
        Load {
            bound: self.accounts.iter().map(|account| account.bound).sum(),
            messages: self.messages.len(),
            waiting: self.accounts.iter().map(|account| account.outbox.len()).sum(),
            dropped: self.dropped,
        }
    }

    /// Delivers at a time.
    pub(crate) fn deliver_at(&mut self, at_ms: i64, delivery: Box<Delivery>) {
        self.at(at_ms, What::Deliver(delivery));
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.due.peek().map(|Reverse(due)| due.at_ms)
    }

    /// Whether all messages may be looked through now; each look costs its size.
    fn may_look(&mut self, now_ms: i64) -> Result<(), CommandStatus> {
        let messages = self.messages.len();
        if self.looks.may(now_ms, messages) { Ok(()) } else { Err(CommandStatus::ESME_RTHROTTLED) }
    }

    /// Does all that is due. Registers who is to be woken when that changes.
    pub(crate) fn run_due(&mut self, now_ms: i64, cx: &Context<'_>) {
        self.timer = Some(cx.waker().clone());
        while let Some(Reverse(due)) = self.due.peek() {
            if due.at_ms > now_ms {
                return;
            }
            let Some(Reverse(due)) = self.due.pop() else { return };
            match due.what {
                What::Intermediate(number) => self.intermediate(due.at_ms, number),
                What::End(number) => self.message_ends(now_ms, number),
                What::Deliver(delivery) => self.deliver(delivery),
                What::Answer { number, asked, mailbox, data_sm, verdict } => {
                    self.answer_transaction(now_ms, number, asked, mailbox, data_sm, verdict);
                }
                What::Held(mailbox, answer) => mailbox.hold(*answer),
            }
        }
    }

    fn at(&mut self, at_ms: i64, what: What) {
        let earlier = self.next_due().is_none_or(|next| at_ms < next);
        self.order += 1;
        self.due.push(Reverse(Due { at_ms, order: self.order, what }));
        if self.due.len() > self.due_limit {
            self.forget_stale();
        }
        if earlier && let Some(timer) = self.timer.take() {
            timer.wake();
        }
    }

    /// Forgets what falls due for nobody. replace_sm and cancel_sm leave behind what was due before
    /// them, and a peer may send a million of them for messages of next year.
    fn forget_stale(&mut self) {
        let messages = &self.messages;
        // A message that is being taken has its dues before its place in the table.
        let lives = |number: u32, holds: fn(&Message) -> bool| {
            number == messages.next() || messages.get(number).is_some_and(holds)
        };
        let mut due = core::mem::take(&mut self.due).into_vec();
        due.sort_unstable_by_key(|Reverse(due)| (due.at_ms, due.order));
        // The first look at a message leads to the next, so one is enough for each.
        let mut seen = HashSet::new();
        due.retain(|Reverse(due)| match &due.what {
            What::End(number) => lives(*number, |message| message.pending) && seen.insert(*number),
            What::Intermediate(number) => lives(*number, |message| message.decided.is_none()),
            What::Deliver(_) | What::Answer { .. } | What::Held(..) => true,
        });
        self.due_limit = DUE_LIMIT.max(due.len() * 2);
        self.due = due.into();
    }

    /// Puts a delivery into its account's outbox.
    fn deliver(&mut self, mut delivery: Box<Delivery>) {
        self.order += 1;
        delivery.order = self.order;
        let limit = self.config.outbox;
        if let Some(account) = self.accounts.get_mut(delivery.account as usize) {
            account.outbox_octets += delivery.octets();
            account.outbox.push_back(delivery);
            while account.outbox.len() > limit || account.outbox_octets > self.config.message_octets.octets()
            {
                account.take();
                self.dropped += 1;
            }
            account.wake_one();
        }
    }

    fn account(&mut self, system_id: CStr<16>) -> Option<u32> {
        if let Some(&account) = self.by_name.get(&system_id) {
            return Some(account);
        }
        if self.accounts.len() >= ACCOUNTS_LIMIT {
            return None;
        }
        let number = self.accounts.len() as u32;
        self.accounts.push(Account {
            system_id,
            bound: 0,
            receivers: Vec::new(),
            outbox: VecDeque::new(),
            outbox_octets: 0,
            turn: 0,
            binds: 0,
            rate: None,
        });
        self.by_name.insert(system_id, number);
        Some(number)
    }
}

/// Messages that operations without an index have looked through: a few sessions that ask for
/// nothing else must not stop all others.
#[derive(Debug, Default)]
struct Looks {
    credit: i64,
    at_ms: i64,
}

impl Looks {
    /// Messages looked through in a second, about 80 ms of one core.
    const A_SECOND: i64 = 2_000_000;

    /// Whether so many more may be looked through now.
    fn may(&mut self, now_ms: i64, messages: usize) -> bool {
        let earned = now_ms.saturating_sub(self.at_ms).clamp(0, 1_000) * (Self::A_SECOND / 1_000);
        self.at_ms = now_ms;
        self.credit = (self.credit + earned).min(Self::A_SECOND);
        if self.credit <= 0 {
            return false;
        }
        self.credit -= i64::try_from(messages).unwrap_or(i64::MAX);
        true
    }
}

impl Account {
    fn take(&mut self) -> Option<Box<Delivery>> {
        let delivery = self.outbox.pop_front()?;
        self.outbox_octets -= delivery.octets();
        Some(delivery)
    }

    /// To where it stood: what a session gives back must not overtake, nor be overtaken.
    fn put_back(&mut self, delivery: Box<Delivery>) {
        let at = self.outbox.partition_point(|waiting| waiting.order < delivery.order);
        self.outbox_octets += delivery.octets();
        self.outbox.insert(at, delivery);
    }

    /// Calls one session that waits for something to deliver, each in its turn.
    fn wake_one(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        let sessions = self.receivers.len();
        for step in 0..sessions {
            let at = (self.turn + step) % sessions;
            if let Some(Receiver { mailbox, .. }) = self.receivers.get(at)
                && mailbox.idle.swap(false, Memory::AcqRel)
            {
                self.turn = at + 1;
                mailbox.call();
                return;
            }
        }
    }
}

/// The bits in which two strings differ, in time that depends on their lengths only.
fn differing(a: &[u8], b: &[u8]) -> usize {
    let bits = a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a ^ b));
    usize::from(bits) | (a.len() ^ b.len())
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_ms, self.order).cmp(&(other.at_ms, other.order))
    }
}
