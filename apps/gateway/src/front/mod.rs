//! A session of an ESME: its bind, and where its requests go.

mod ancillary;
mod asker;
mod broadcast;
mod deliver;
mod submit;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;

use smppkit_admin::Party;
use smppkit_admin::record::{BoundAs, Place};
use smppkit_net::{Application, Asked, BindMode, Cut, Ended, Event, Link, Now};
use smppkit_session::BindRequest;
use smppkit_store::{Change, Claimed};
use smppkit_wire::{Body, CommandStatus, Version};
use tracing::{info, warn};

use crate::access::{Seat, Verdict};
use crate::counts::count;
use crate::hub::Hub;
use crate::note::{Ask, Note, Notes, Order};
use crate::outlet::Outlet;
use crate::plan::{Account, Plan};
use crate::sessions::{Listed, Side};
use crate::witness::Witness;

pub(crate) type FrontLink<'a> = Link<'a, Box<Claimed>>;

/// One session.
pub(crate) struct Front {
    hub: Arc<Hub>,
    notes: Arc<Notes>,
    bound: Option<Bound>,
    /// Messages of this batch, to be made durable together.
    accepts: Vec<Change>,
    asks: Vec<Ask>,
    /// Whose outcomes will come, in the order they were given to the store.
    pending: VecDeque<Vec<Ask>>,
    /// What came of deliveries.
    results: Vec<Change>,
    outlet: Option<Outlet>,
    witness: Witness,
}

/// What a bound session is.
struct Bound {
    plan: Arc<Plan>,
    account: Arc<Account>,
    version: Version,
    mode: BindMode,
    listed: Listed,
    _seat: Seat,
}

impl Front {
    pub(crate) fn new(hub: Arc<Hub>, tls: bool) -> Self {
        let witness = Witness::new(&hub, Place::Gateway, tls);
        Self {
            hub,
            notes: Arc::default(),
            bound: None,
            accepts: Vec::new(),
            asks: Vec::new(),
            pending: VecDeque::new(),
            results: Vec::new(),
            outlet: None,
            witness,
        }
    }

    fn bind(&mut self, link: &mut FrontLink<'_>, asked: Asked, request: &BindRequest) {
        let plan = self.hub.plan.load_full();
        let party = Arc::clone(self.witness.party(link.peer()));
        match self.admit(link, &plan, request, &party) {
            Ok(bound) => {
                let system_id = plan.settings.system_id.clone();
                info!(peer = %link.peer(), system_id = %bound.account.name, mode = %bound.mode,
                    version = %bound.version, "bound");
                count(&bound.account.live.counts.binds, 1);
                let window = bound.account.settings.window.max(1);
                link.session.set_send_window(window);
                link.accept_bind(asked, &system_id);
                if bound.mode.receives() {
                    self.outlet =
                        Some(Outlet::join(&bound.account.feed, &self.notes, (window, bound.version)));
                }
                self.bound = Some(bound);
            }
            Err(status) => {
                warn!(peer = %link.peer(), system_id = %request.system_id, mode = %request.mode, %status,
                    "bind refused");
                link.refuse_bind(asked, status);
            }
        }
    }

    /// Whether it may bind. Who does not know the password learns nothing else.
    fn admit(
        &self,
        link: &FrontLink<'_>,
        plan: &Arc<Plan>,
        request: &BindRequest,
        party: &Arc<Party>,
    ) -> Result<Bound, CommandStatus> {
        let (now, peer) = (link.now(), link.peer());
        let system_id = request.system_id.as_octets();
        let account = request.system_id.as_str().and_then(|name| plan.accounts.get(name));
        let known = account.map(|account| &account.secret);
        // Held until the outcome is known: binds side by side get no guess more.
        let mut lockout = self.hub.lockout();
        let is_locked = lockout.check(now.mono, peer.ip(), system_id) != Verdict::Allowed;
        // The same work whoever it is.
        let is_right = self.hub.key.admits(known, system_id, request.password.as_octets());
        let bears =
            |account: &Account| account.settings.certificate.as_ref().is_none_or(|name| link.bears(name));
        let allowed = account.filter(|account| {
            let settings = &account.settings;
            is_right
                && !is_locked
                && settings.enabled
                && settings.networks.allows(peer.ip())
                && bears(account)
        });
        let Some(account) = allowed else {
            if !is_locked && let Some(alarm) = lockout.failed(now.mono, peer.ip(), system_id) {
                warn!(peer = %peer.ip(), system_id = %request.system_id, ?alarm, "locked out");
            }
            if let Some(account) = account {
                count(&account.live.counts.binds_refused, 1);
            }
            return Err(CommandStatus::ESME_RBINDFAIL);
        };
        lockout.succeeded(now.mono, peer.ip(), system_id);
        drop(lockout);
        let version = link.session.version().min(version_of(request));
        if !account.settings.versions.contains(&version) {
            return Err(CommandStatus::ESME_RBINDFAIL);
        }
        let seat = account.live.seats.try_take(request.mode, &account.settings.binds).map_err(|full| {
            count(&account.live.counts.binds_refused, 1);
            warn!(system_id = %account.name, limit = full.limit, "no more sessions for this account");
            CommandStatus::ESME_RBINDFAIL
        })?;
        let side = Side::Account(account.name.clone());
        let bind = (request.mode, version);
        let bound = BoundAs { system_id: account.name.to_string(), mode: request.mode.name(), version };
        // A session is bound once.
        let _ = party.bound.set(bound);
        let listed = self.hub.sessions.enter(side, party, bind, now.unix_ms, &self.notes);
        Ok(Bound {
            plan: Arc::clone(plan),
            account: Arc::clone(account),
            version,
            mode: request.mode,
            listed,
            _seat: seat,
        })
    }

    /// Follows a change of the settings: its account's, and where messages go.
    fn follow(&mut self) {
        let Some(bound) = &mut self.bound else { return };
        let plan = self.hub.plan.load();
        if Arc::ptr_eq(&bound.plan, &plan) {
            return;
        }
        // One that is there no more is unbound; what it was counts until then.
        if let Some(account) = plan.accounts.get(&*bound.account.name) {
            bound.account = Arc::clone(account);
            bound.plan = Arc::clone(&plan);
        }
    }

    fn request(&mut self, link: &mut FrontLink<'_>, asked: Asked, body: &Body) {
        self.follow();
        let Some(bound) = &self.bound else {
            return link.refuse(asked, CommandStatus::ESME_RINVBNDSTS);
        };
        bound.listed.card.received.fetch_add(1, Ordering::Relaxed);
        match body {
            Body::SubmitSm(_) | Body::DataSm(_) => self.submit(link, asked, body),
            Body::SubmitMulti(pdu) => self.submit_multi(link, asked, pdu),
            Body::QuerySm(pdu) => self.query(link, asked, pdu),
            Body::CancelSm(pdu) => self.cancel(link, asked, pdu),
            Body::ReplaceSm(pdu) => self.replace(link, asked, pdu),
            Body::BroadcastSm(pdu) => self.broadcast(link, asked, pdu),
            Body::QueryBroadcastSm(pdu) => self.query_broadcast(link, asked, pdu),
            Body::CancelBroadcastSm(pdu) => self.cancel_broadcast(link, asked, pdu),
            _ => link.refuse(asked, CommandStatus::ESME_RINVCMDID),
        }
    }

    fn note(&mut self, link: &mut FrontLink<'_>, note: Note) {
        match note {
            Note::Claimed(claimed) => match &mut self.outlet {
                Some(outlet) => outlet.take(claimed),
                None => debug_assert!(claimed.is_empty(), "only an outlet asks"),
            },
            Note::Taken(outcomes) => self.taken(link, outcomes),
            Note::Answer(asked, answer) => match *answer {
                Ok(body) => link.respond(asked, body),
                Err(status) => link.refuse(asked, status),
            },
            Note::Errand(_) | Note::Answers(_) | Note::Looked(_) | Note::Again(_) => {}
            Note::Order(Order::Unbind) => self.unbind(link),
            Note::Order(Order::Kick) => link.cut(Cut::Close),
        }
    }

    /// No more deliveries, and unbind once what is on its way is answered.
    fn unbind(&mut self, link: &mut FrontLink<'_>) {
        if let Some(outlet) = &mut self.outlet {
            outlet.close(&self.hub);
        }
        link.drain();
    }
}

/// What a bind names.
fn version_of(request: &BindRequest) -> Version {
    request.interface_version.unwrap_or_default().version()
}

impl Application for Front {
    type Token = Box<Claimed>;
    const WATCHES: bool = true;

    fn read(&mut self, now: Now, frames: &[u8]) {
        self.witness.read(now, frames);
    }

    fn leaving(&mut self, _: Now, octets: &[u8]) {
        self.witness.leaving(octets);
    }

    fn event(&mut self, link: &mut FrontLink<'_>, event: Event<Box<Claimed>>) {
        match event {
            Event::Request(asked, body) => self.request(link, asked, &body),
            Event::Bind(asked, request) => self.bind(link, asked, &request),
            Event::Response { token, status, .. } => self.delivered(link, &token, status),
            Event::Failed { token, failure } => self.not_delivered(link, *token, failure),
            Event::Unbinding => {
                if let Some(outlet) = &mut self.outlet {
                    outlet.close(&self.hub);
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut FrontLink<'_>, cx: &mut Context<'_>) {
        self.follow();
        for note in self.notes.take(cx) {
            self.note(link, note);
        }
        self.deliver(link);
        self.flush(link);
        let window = self.bound.as_ref().map_or(0, |bound| bound.account.settings.window);
        let (state, in_flight) = (link.session.state(), link.session.in_flight());
        self.witness.party(link.peer()).tell(state, window, in_flight);
    }

    fn ended(&mut self, ended: &Ended) {
        if let Some(bound) = &self.bound {
            info!(system_id = %bound.account.name, mode = %bound.mode, why = %ended, "session ended");
        }
    }
}

impl Drop for Front {
    /// However the session ended: what it was handed goes back, what it did is made durable.
    fn drop(&mut self) {
        if let Some(mut outlet) = self.outlet.take() {
            outlet.close(&self.hub);
            outlet.return_unanswered(&self.hub);
            for note in self.notes.last() {
                if let Note::Claimed(claimed) = note {
                    outlet.return_late(&self.hub, claimed);
                }
            }
        }
        self.hub.settle(None, std::mem::take(&mut self.results));
    }
}
