//! A session of ours at a connector: its bind, what it sends, and the receipts and messages that come.

mod incoming;
mod send;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::time::{Duration, Instant};

use smppkit_admin::record::{BoundAs, Place};
use smppkit_net::{Application, Asked, Bind, BindMode, Cut, Ended, Event, Link, Now};
use smppkit_relay::Notice;
use smppkit_store::{Change, Claimed, MessageId};
use smppkit_wire::{Body, CommandStatus};
use tracing::{info, warn};

use crate::counts::count;
use crate::errand::Errand;
use crate::hub::Hub;
use crate::note::{Note, Notes, Order};
use crate::outlet::Outlet;
use crate::plan;
use crate::sessions::{Listed, Side};
use crate::witness::Witness;

pub(crate) use incoming::Why;

pub(crate) type UpstreamLink<'a> = Link<'a, Box<Sent>>;

/// One session.
pub(crate) struct Session {
    hub: Arc<Hub>,
    upstream: Arc<plan::Upstream>,
    mode: BindMode,
    notes: Arc<Notes>,
    is_asked: bool,
    /// What its bind was answered, if it was refused.
    refused: Option<CommandStatus>,
    bound: Option<Listed>,
    outlet: Option<Outlet>,
    /// They go before all messages.
    errands: VecDeque<Errand>,
    /// What came of messages, in this batch.
    results: Vec<Change>,
    /// Messages whose pieces ended, in this batch.
    wholes: Vec<MessageId>,
    /// Receipts of this batch.
    receipts: Vec<Receipt>,
    /// A batch was handed over while it was not known how ids are written: what comes now waits for what it
    /// comes to, or an end could overtake a state on the way.
    is_looking: bool,
    /// Messages of this batch.
    messages: Vec<(Asked, Change)>,
    /// Receipts that came before it was known how ids are written: until then they are not answered.
    held: Vec<Held>,
    /// As told to the plan.
    in_flight: u32,
    witness: Witness,
}

/// What goes out with a request.
#[derive(Debug)]
pub(crate) enum Sent {
    Message(Sending),
    Errand(Errand),
}

/// A message on its way, and whether its receipt will come.
#[derive(Debug)]
pub(crate) struct Sending {
    claimed: Claimed,
    receipt: bool,
    others: Vec<Box<str>>,
    /// The message that it is a piece of.
    whole: Option<MessageId>,
}

/// A receipt that is looked at again.
struct Held {
    receipt: Receipt,
    until: Instant,
    /// Or when it is known how ids are written.
    for_ids: bool,
}

/// A receipt that came, until it is answered.
#[derive(Debug)]
pub(crate) struct Receipt {
    asked: Asked,
    notice: Notice,
    body: Body,
    came: Instant,
    /// Until it is looked at again.
    wait: Duration,
    /// It is settled as well as it can be now.
    force: bool,
    /// It has shown how ids are written; once is enough.
    has_hinted: bool,
    /// How often its message got its id in the same moment.
    known: u8,
}

impl Receipt {
    fn new(asked: Asked, notice: Notice, body: Body, came: Instant) -> Self {
        Self { asked, notice, body, came, wait: Duration::ZERO, force: false, has_hinted: false, known: 0 }
    }
}

impl Session {
    pub(crate) fn new(hub: Arc<Hub>, upstream: Arc<plan::Upstream>, mode: BindMode) -> Self {
        let place = Place::Connector(Arc::clone(&upstream.name));
        let witness = Witness::new(&hub, place, upstream.settings.tls.is_some());
        Self {
            hub,
            upstream,
            mode,
            notes: Arc::default(),
            is_asked: false,
            refused: None,
            bound: None,
            outlet: None,
            errands: VecDeque::new(),
            results: Vec::new(),
            wholes: Vec::new(),
            receipts: Vec::new(),
            is_looking: false,
            messages: Vec::new(),
            held: Vec::new(),
            in_flight: 0,
            witness,
        }
    }

    fn bind(&mut self, link: &mut UpstreamLink<'_>) {
        self.is_asked = true;
        let settings = &self.upstream.settings;
        // Checked with the settings: they are short enough.
        let bind = Bind {
            system_type: settings.system_type.parse().unwrap_or_default(),
            ..Bind::new(&settings.system_id, &settings.password.0).unwrap_or_default()
        };
        let mode = self.mode;
        let (session, out, now) = link.parts();
        if session.bind(now.mono, mode, &bind, out).is_err() {
            link.cut(Cut::Close);
        }
    }

    fn bound(&mut self, link: &mut UpstreamLink<'_>, mode: BindMode, version: smppkit_wire::Version) {
        let party = Arc::clone(self.witness.party(link.peer()));
        let name = &self.upstream.name;
        let system_id = self.upstream.settings.system_id.clone();
        // A session is bound once.
        let _ = party.bound.set(BoundAs { system_id, mode: mode.name(), version });
        count(&self.upstream.live.counts.binds, 1);
        *self.upstream.live.trouble() = None;
        let side = Side::Connector(name.clone());
        let now_ms = link.now().unix_ms;
        self.bound = Some(self.hub.sessions.enter(side, &party, (mode, version), now_ms, &self.notes));
        if mode != BindMode::Receiver {
            self.upstream.live.senders.fetch_add(1, Ordering::Relaxed);
            let outlet =
                Outlet::join(&self.upstream.feed, &self.notes, (self.upstream.settings.window, version));
            self.outlet = Some(outlet);
        }
        // Whoever reads this may send: all is ready.
        info!(connector = %self.upstream.name, peer = %link.peer(), %mode, %version, "bound");
    }

    fn note(&mut self, link: &mut UpstreamLink<'_>, note: Note) {
        match note {
            Note::Claimed(claimed) => match &mut self.outlet {
                Some(outlet) => outlet.take(claimed),
                None => debug_assert!(claimed.is_empty(), "only an outlet asks"),
            },
            Note::Errand(errand) => self.errands.push_back(*errand),
            Note::Answers(answers) => {
                for (asked, status) in answers {
                    incoming::answer(link, asked, status);
                }
            }
            Note::Looked(answers) => {
                self.is_looking = false;
                for (asked, status) in answers {
                    incoming::answer(link, asked, status);
                }
            }
            Note::Again(receipts) => self.again(link, receipts),
            Note::Order(Order::Unbind) => {
                self.close_outlet();
                link.drain();
            }
            Note::Order(Order::Kick) => link.cut(Cut::Close),
            Note::Taken(_) | Note::Answer(..) => {}
        }
    }

    fn close_outlet(&mut self) {
        if let Some(outlet) = &mut self.outlet {
            outlet.close(&self.hub);
        }
        // Whose senders wait: they are told.
        self.errands.clear();
    }

    fn flush(&mut self, link: &mut UpstreamLink<'_>) {
        self.hub.settle(Some(Arc::clone(&self.upstream)), std::mem::take(&mut self.results));
        self.hub.look_at_wholes(std::mem::take(&mut self.wholes));
        self.flush_receipts(link);
        self.flush_messages(link);
    }

    /// Tells the plan how many requests are on their way, for routes that look at it.
    fn tell_in_flight(&mut self, in_flight: u32) {
        let told = &self.upstream.live.in_flight;
        if in_flight > self.in_flight {
            told.fetch_add(in_flight - self.in_flight, Ordering::Relaxed);
        } else {
            told.fetch_sub(self.in_flight - in_flight, Ordering::Relaxed);
        }
        self.in_flight = in_flight;
    }
}

impl Application for Session {
    type Token = Box<Sent>;
    const KEEPS_BODIES: bool = true;
    const WATCHES: bool = true;

    fn read(&mut self, now: Now, frames: &[u8]) {
        self.witness.read(now, frames);
    }

    fn leaving(&mut self, _: Now, octets: &[u8]) {
        self.witness.leaving(octets);
    }

    fn event(&mut self, link: &mut UpstreamLink<'_>, event: Event<Box<Sent>>) {
        match event {
            Event::Request(asked, body) => self.incoming(link, asked, body),
            Event::Response { token, status, body, .. } => match *token {
                Sent::Message(sending) => self.answered(link, sending, status, &body),
                Sent::Errand(errand) => errand.answered(status, body),
            },
            Event::Failed { token, failure } => match *token {
                Sent::Message(sending) => self.not_answered(link, sending, failure),
                // Dropped, it tells so.
                Sent::Errand(_) => {}
            },
            Event::Bound { mode, version, .. } => self.bound(link, mode, version),
            Event::BindRefused(status) => {
                warn!(connector = %self.upstream.name, %status, "bind refused");
                count(&self.upstream.live.counts.binds_refused, 1);
                self.refused = Some(status);
                link.cut(Cut::Close);
            }
            Event::Unbinding => self.close_outlet(),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut UpstreamLink<'_>, cx: &mut Context<'_>) {
        if !self.is_asked {
            self.bind(link);
        }
        for note in self.notes.take(cx) {
            self.note(link, note);
        }
        self.send(link);
        self.look_at_held(link);
        self.flush(link);
        let window = self.upstream.settings.window;
        let (state, in_flight) = (link.session.state(), link.session.in_flight());
        self.witness.party(link.peer()).tell(state, window, in_flight);
    }

    fn deadline(&self) -> Option<Instant> {
        self.held.iter().map(|held| held.until).min()
    }

    fn ended(&mut self, ended: &Ended) {
        let name = &self.upstream.name;
        warn!(connector = %name, mode = %self.mode, was_bound = self.bound.is_some(), why = %ended, "session ended");
        let why = match self.refused {
            Some(status) => format!("bind refused: {status}"),
            None if self.bound.is_some() => format!("session ended: {ended}"),
            None => format!("ended before it was bound: {ended}"),
        };
        self.upstream.live.failed(why, self.hub.now().unix_ms);
    }
}

impl Drop for Session {
    /// However the session ended: what it was handed goes back, what it did is made durable.
    fn drop(&mut self) {
        if let Some(mut outlet) = self.outlet.take() {
            self.upstream.live.sender_left(self.hub.now().unix_ms);
            outlet.close(&self.hub);
            for note in self.notes.last() {
                if let Note::Claimed(claimed) = note {
                    outlet.return_late(&self.hub, claimed);
                }
            }
        }
        self.tell_in_flight(0);
        self.hub.settle(Some(Arc::clone(&self.upstream)), std::mem::take(&mut self.results));
    }
}

/// What a message is refused with that we cannot take now: the message centre tries again.
const LATER: CommandStatus = CommandStatus::ESME_RX_T_APPN;
