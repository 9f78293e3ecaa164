//! The message centre itself: accounts, messages, what is due. Given the time, never asks for it.
//!
//! One lock guards it, taken for each event of a session and for what falls due. Nothing in here
//! waits, and the only allocation a plain submit_sm makes is the copy of its text.

mod ancillary;
mod broadcast;
mod deliver;
mod legacy;
mod message;
mod submit;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use deliver::Delivery;
pub(crate) use submit::Taken;

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering as Memory};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use smppkit_session::{Asked, BindMode, BindRequest};
use smppkit_wire::field::CStr;
use smppkit_wire::{Body, CommandStatus, Version};

use crate::config::Config;
use broadcast::Broadcasts;
use message::Message;
use table::{Table, TableLimits};

/// The message centre.
#[derive(Debug)]
pub(crate) struct Smsc {
    pub(crate) config: Arc<Config>,
    accounts: Vec<Account>,
    by_name: HashMap<CStr<16>, u32>,
    mo_numbers: Vec<CStr<65>>,
    messages: Table,
    broadcasts: Broadcasts,
    due: BinaryHeap<Reverse<Due>>,
    /// Beyond so many, those that mean nothing any more are looked for.
    due_limit: usize,
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
    receivers: Vec<Arc<Mailbox>>,
    /// In the order they were made, whatever was given back meanwhile.
    outbox: VecDeque<Box<Delivery>>,
    outbox_octets: usize,
    /// Whose turn it is to be woken.
    turn: usize,
}

/// A session's place here, while it is bound.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) account: u32,
    pub(crate) system_id: CStr<16>,
    pub(crate) mode: BindMode,
    pub(crate) version: Version,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// What the centre leaves for a session, and how it calls it.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Something is in here, or in the account's outbox.
    attention: AtomicBool,
    /// It has room and found nothing: it is to be woken.
    idle: AtomicBool,
    inside: Mutex<(Option<Waker>, Vec<HeldAnswer>)>,
}

/// The answer to a request that waited for its outcome.
#[derive(Debug)]
pub(crate) struct HeldAnswer {
    pub(crate) asked: Asked,
    pub(crate) status: CommandStatus,
    pub(crate) body: Body,
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
    /// A delivery that an ESME asked to repeat later.
    Retry(Box<Delivery>),
    /// A transaction's answer.
    Answer { number: u32, asked: Asked, mailbox: Arc<Mailbox>, data_sm: bool },
}

impl Smsc {
    /// `seed` decides the first message number; centres started at different times so give
    /// different ids.
    pub(crate) fn new(config: &Arc<Config>, seed: u32) -> Self {
        let mo_numbers = config.mo_numbers.iter().filter_map(|number| number.parse().ok()).collect();
        let messages = Table::new(
            seed,
            TableLimits { ring: config.messages, kept: config.pending, octets: config.message_octets },
        );
        let mut smsc = Self {
            accounts: Vec::new(),
            by_name: HashMap::new(),
            mo_numbers,
            messages,
            broadcasts: Broadcasts::default(),
            due: BinaryHeap::new(),
            due_limit: DUE_LIMIT,
            order: 0,
            timer: None,
            looks: Looks::default(),
            dropped: 0,
            config: Arc::clone(config),
        };
        for account in &config.accounts {
            if let Ok(system_id) = account.system_id.parse() {
                smsc.account(system_id);
            }
        }
        smsc
    }

    /// Lets an ESME bind, or not.
    pub(crate) fn bind(&mut self, request: &BindRequest, version: Version) -> Result<Bound, CommandStatus> {
        let listed = &self.config.accounts;
        if !listed.is_empty() {
            // Unknown id and wrong password get the same answer, after the same work.
            let matching = listed.iter().filter(|account| {
                let differing = differing(account.system_id.as_bytes(), request.system_id.as_octets())
                    | differing(account.password.as_bytes(), request.password.as_octets());
                differing == 0
            });
            if matching.count() == 0 {
                return Err(CommandStatus::ESME_RBINDFAIL);
            }
        }
        let account = self.account(request.system_id).ok_or(CommandStatus::ESME_RBINDFAIL)?;
        let limit = self.config.sessions_per_account;
        let Some(entry) = self.accounts.get_mut(account as usize).filter(|entry| entry.bound < limit) else {
            return Err(CommandStatus::ESME_RBINDFAIL);
        };
        entry.bound += 1;
        let mailbox = Arc::new(Mailbox::default());
        mailbox.attention.store(true, Memory::Release);
        if request.mode.receives() {
            entry.receivers.push(Arc::clone(&mailbox));
        }
        Ok(Bound { account, system_id: request.system_id, mode: request.mode, version, mailbox })
    }

    /// A session is gone.
    pub(crate) fn unbind(&mut self, bound: &Bound) {
        if let Some(account) = self.accounts.get_mut(bound.account as usize) {
            account.bound = account.bound.saturating_sub(1);
            account.receivers.retain(|mailbox| !Arc::ptr_eq(mailbox, &bound.mailbox));
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
        self.at(now_ms + deliver::RETRY_MS, What::Retry(delivery));
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
                What::Retry(delivery) => self.deliver(delivery),
                What::Answer { number, asked, mailbox, data_sm } => {
                    self.answer_transaction(now_ms, number, asked, mailbox, data_sm);
                }
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
            What::Retry(_) | What::Answer { .. } => true,
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
            while account.outbox.len() > limit || account.outbox_octets > self.config.message_octets {
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
            if let Some(mailbox) = self.receivers.get(at)
                && mailbox.idle.swap(false, Memory::AcqRel)
            {
                self.turn = at + 1;
                mailbox.call();
                return;
            }
        }
    }
}

impl Mailbox {
    /// Whether there is something to look after; then it must be looked after.
    pub(crate) fn needs_attention(&self, cx: &Context<'_>) -> bool {
        let mut inside = self.inside();
        if !inside.0.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inside.0 = Some(cx.waker().clone());
        }
        drop(inside);
        self.attention.swap(false, Memory::AcqRel)
    }

    /// Asks to be looked after again: there was no room for everything.
    pub(crate) fn come_back(&self) {
        self.attention.store(true, Memory::Release);
    }

    /// Answers that were held back and may go out now.
    pub(crate) fn held_answers(&self) -> Vec<HeldAnswer> {
        core::mem::take(&mut self.inside().1)
    }

    fn hold(&self, answer: HeldAnswer) {
        self.inside().1.push(answer);
        self.call();
    }

    fn call(&self) {
        self.attention.store(true, Memory::Release);
        if let Some(waker) = &self.inside().0 {
            waker.wake_by_ref();
        }
    }

    fn inside(&self) -> MutexGuard<'_, (Option<Waker>, Vec<HeldAnswer>)> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
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
