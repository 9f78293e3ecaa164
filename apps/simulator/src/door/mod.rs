//! One session of the simulator: from the wire to the message centre and back.
//!
//! Without a rule for a PDU nothing is looked at twice. With one, the rule's verdict goes along: it may
//! refuse the request before the centre sees it, change what becomes of the message, and spoil the
//! answer on its way out.

mod deliveries;
mod faults;

use std::sync::Arc;
use std::task::Context;

use smppkit_admin::record::{BoundAs, Direction};
use smppkit_net::{Application, Arriving, Ended, Link, Now};
use smppkit_session::{Asked, BindRequest, Event};
use smppkit_wire::field::CStr;
use smppkit_wire::pdu::table::{
    CancelBroadcastSmResp, CancelSmResp, DataSmResp, Outbind, ReplaceSmResp, SubmitMulti, SubmitSm,
    SubmitSmResp,
};
use smppkit_wire::{Body, CommandStatus, Frame, Tlvs};
use tracing::{info, warn};

use self::faults::{emit, meet};
use crate::node::Node;
use crate::outbind::{Failure, Outcome};
use crate::rules::{Asker, Chance, Rules, Verdict};
use crate::session::Card;
use crate::settings::SmscSettings;
use crate::smsc::{Bound, Delivery, HeldAnswer, Plan, Taken};

/// The application behind one connection.
#[derive(Debug)]
pub(crate) struct Door {
    node: Arc<Node>,
    /// The node's, as they were at its last change.
    settings: Arc<SmscSettings>,
    rules: Arc<Rules>,
    changes: u64,
    /// Set with the first event: then the peer is known.
    card: Option<Arc<Card>>,
    bound: Option<Bound>,
    /// What rules draw from.
    chance: Chance,
    /// Sent first on a connection that we opened.
    outbind: Option<Outbind>,
    /// Whoever asked for it waits for what comes of it.
    outcome: Option<Outcome>,
    /// Whether TLS is spoken.
    tls: bool,
}

type DoorLink<'a> = Link<'a, Box<Delivery>>;

/// What a request is answered with: a body, later, or a status that refuses.
type Answer = Result<Option<Body>, CommandStatus>;

impl Door {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        let chance = Chance::of_session(node.hub.seed, &[], 0);
        let (settings, rules) = (node.settings.load_full(), node.rules.load_full());
        Self {
            settings,
            rules,
            changes: node.changes(),
            node,
            card: None,
            bound: None,
            chance,
            outbind: None,
            outcome: None,
            tls: false,
        }
    }

    pub(crate) fn with_tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    pub(crate) fn with_outbind(mut self, outbind: Outbind) -> Self {
        self.outbind = Some(outbind);
        self
    }

    /// Tells what comes of it.
    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    fn came_of(&mut self, what: Result<Arc<Card>, Failure>) {
        if let Some(outcome) = self.outcome.take() {
            // Whoever waited may have gone.
            let _ = outcome.send(what);
        }
    }

    fn now_ms(&self, link: &DoorLink<'_>) -> i64 {
        self.node.hub.unix_ms(link.now())
    }

    /// Takes note of changes of settings and rules.
    fn refresh(&mut self) {
        let changes = self.node.changes();
        if changes != self.changes {
            (self.settings, self.rules) = (self.node.settings.load_full(), self.node.rules.load_full());
            self.changes = changes;
        }
    }

    fn card(&mut self, link: &DoorLink<'_>) -> Arc<Card> {
        let (node, tls) = (&self.node, self.tls);
        let open = || node.hub.open(&node.name, (link.peer(), tls), link.now());
        Arc::clone(self.card.get_or_insert_with(open))
    }

    /// Tells how the session is, for lists of them.
    fn tell(&self, link: &DoorLink<'_>, card: &Card) {
        let (session, window) = (&link.session, self.bound.as_ref().and_then(|bound| bound.window));
        let window = window.unwrap_or(session.config().send_window);
        card.party.tell(session.state(), window, session.in_flight());
    }

    /// What the rules say of a PDU.
    fn judge(
        &mut self,
        link: &DoorLink<'_>,
        name: &'static str,
        seq: u32,
        body: &Body,
        destination: Option<&str>,
    ) -> Option<Verdict> {
        self.refresh();
        if !self.rules.concern(name) {
            return None;
        }
        let (system_id, peer) =
            (self.bound.as_ref().map(|bound| bound.system_id.to_text()), link.peer().to_string());
        let asker = Asker {
            system_id: system_id.as_deref().unwrap_or_default(),
            bind_mode: self.bound.as_ref().map_or("", |bound| bound.mode.name()),
            interface_version: link.session.version().name(),
            peer: &peer,
            sequence_number: seq,
        };
        let verdict = self.rules.judge(name, body, destination, asker, &mut self.chance);
        if let Some(verdict) = &verdict {
            tracing::debug!(rule = verdict.name(), pdu = name, "a rule applies");
        }
        verdict
    }

    /// What becomes of a message, by the settings and by a rule.
    fn plan(&mut self, verdict: Option<&Verdict>) -> Plan {
        let usual = |chance: &mut Chance| self.settings.receipt_delay.sample(chance);
        let Some(verdict) = verdict else {
            return Plan::delivered(usual(&mut self.chance));
        };
        let then = verdict.then();
        let mut plan = Plan::delivered(verdict.delay.unwrap_or_else(|| usual(&mut self.chance)));
        if let Some(state) = then.state {
            plan.outcome = state.0;
        }
        plan.error_code = then.error_code.map(|code| code.0);
        plan.verdict = Some(verdict.clone());
        plan.dialect = verdict.dialect();
        plan.reply = then.reply.as_ref().map(|reply| (reply.text.clone(), verdict.reply_after));
        plan
    }

    /// Nearly all that ever comes: answered without making a body of the answer first.
    fn submit_sm(&mut self, link: &mut DoorLink<'_>, asked: Asked, body: &Body, pdu: &SubmitSm) {
        let verdict = self.judge(link, "submit_sm", asked.sequence_number, body, None);
        if let Some(status) = refusal(verdict.as_ref()) {
            return self.answer(link, asked, body, Err(status), verdict);
        }
        let now_ms = self.now_ms(link);
        let plan = self.plan(verdict.as_ref());
        let Some(bound) = &self.bound else {
            return link.refuse(asked, CommandStatus::ESME_RINVBNDSTS);
        };
        let mut smsc = self.node.smsc();
        let taken = if smsc.may_submit(link.now().mono, bound, 1) {
            smsc.submit_sm(now_ms, bound, asked, pdu, &plan)
        } else {
            Err(CommandStatus::ESME_RTHROTTLED)
        };
        drop(smsc);
        if verdict.is_none()
            && let Ok(Taken::Now(message_id)) = taken
        {
            let answer = SubmitSmResp { message_id, tlvs: Tlvs::EMPTY };
            self.node
                .hub
                .teller
                .request(link.now(), &bound.system_id, body, || Ok(Some(answer.clone().into())));
            return link.respond(asked, answer);
        }
        let made = |message_id| SubmitSmResp { message_id, tlvs: Tlvs::EMPTY }.into();
        self.taken(link, asked, body, &taken, verdict, made);
    }

    /// Answers what brought a message.
    fn taken(
        &mut self,
        link: &mut DoorLink<'_>,
        asked: Asked,
        body: &Body,
        taken: &Result<Taken, CommandStatus>,
        verdict: Option<Verdict>,
        made: impl Fn(CStr<65>) -> Body,
    ) {
        match *taken {
            Ok(Taken::Now(message_id)) => self.answer(link, asked, body, Ok(Some(made(message_id))), verdict),
            Ok(Taken::Later) => self.answer(link, asked, body, Ok(None), verdict),
            Ok(Taken::After(message_id, wait)) => {
                let now_ms = self.now_ms(link);
                let wait = wait.max(verdict.as_ref().map(|verdict| verdict.answer_after).unwrap_or_default());
                let status = CommandStatus::ESME_ROK;
                let held = HeldAnswer::Request { asked, status, body: Some(made(message_id)), verdict };
                self.hold(now_ms, wait, held);
            }
            Err(status) => self.answer(link, asked, body, Err(status), verdict),
        }
    }

    fn request(&mut self, link: &mut DoorLink<'_>, asked: Asked, body: &Body) {
        let Some(bound) = &self.bound else {
            return link.refuse(asked, CommandStatus::ESME_RINVBNDSTS);
        };
        // This one is counted already.
        if bound.submit_window.is_some_and(|window| link.session.unanswered() > window) {
            return self.answer(link, asked, body, Err(CommandStatus::ESME_RTHROTTLED), None);
        }
        if let Body::SubmitSm(pdu) = body {
            return self.submit_sm(link, asked, body, pdu);
        }
        let bound = bound.clone();
        if let Body::SubmitMulti(pdu) = body {
            return self.submit_multi(link, asked, body, pdu, &bound);
        }
        let name = body.def().map_or("", |def| def.name);
        let verdict = self.judge(link, name, asked.sequence_number, body, None);
        if let Some(status) = refusal(verdict.as_ref()) {
            return self.answer(link, asked, body, Err(status), verdict);
        }
        let now_ms = self.now_ms(link);
        if let Body::DataSm(pdu) = body {
            let plan = self.plan(verdict.as_ref());
            let mut smsc = self.node.smsc();
            let taken = if smsc.may_submit(link.now().mono, &bound, 1) {
                smsc.data_sm(now_ms, &bound, asked, pdu, &plan)
            } else {
                Err(CommandStatus::ESME_RTHROTTLED)
            };
            drop(smsc);
            let made = |message_id| DataSmResp { message_id, tlvs: Tlvs::EMPTY }.into();
            return self.taken(link, asked, body, &taken, verdict, made);
        }
        let mut smsc = self.node.smsc();
        let answer: Answer = match body {
            Body::QuerySm(pdu) => smsc.query_sm(now_ms, &bound, pdu).map(|resp| Some(resp.into())),
            Body::CancelSm(pdu) => {
                smsc.cancel_sm(now_ms, &bound, pdu).map(|()| Some(CancelSmResp::default().into()))
            }
            Body::ReplaceSm(pdu) => {
                smsc.replace_sm(now_ms, &bound, pdu).map(|()| Some(ReplaceSmResp::default().into()))
            }
            Body::BroadcastSm(pdu) => smsc.broadcast_sm(now_ms, &bound, pdu).map(|resp| Some(resp.into())),
            Body::QueryBroadcastSm(pdu) => {
                smsc.query_broadcast_sm(now_ms, &bound, pdu).map(|resp| Some(resp.into()))
            }
            Body::CancelBroadcastSm(pdu) => smsc
                .cancel_broadcast_sm(now_ms, &bound, pdu)
                .map(|()| Some(CancelBroadcastSmResp::default().into())),
            Body::QueryLastMsgs(pdu) => {
                smsc.query_last_msgs(now_ms, &bound, pdu).map(|resp| Some(resp.into()))
            }
            Body::QueryMsgDetails(pdu) => {
                smsc.query_msg_details(now_ms, &bound, pdu).map(|resp| Some(resp.into()))
            }
            Body::ParamRetrieve(pdu) => smsc.param_retrieve(pdu).map(|resp| Some(resp.into())),
            _ => Err(CommandStatus::ESME_RINVCMDID),
        };
        drop(smsc);
        self.answer(link, asked, body, answer, verdict);
    }

    /// Each destination is judged by itself; how the answer goes out is said by the first that has a rule.
    fn submit_multi(
        &mut self,
        link: &mut DoorLink<'_>,
        asked: Asked,
        body: &Body,
        pdu: &SubmitMulti,
        bound: &Bound,
    ) {
        let now_ms = self.now_ms(link);
        self.refresh();
        let concern = self.rules.concern("submit_multi");
        let mut first: Option<Verdict> = None;
        let node = Arc::clone(&self.node);
        // Judged before the centre is locked: rules take their time.
        let mut plans = Vec::new();
        if concern {
            for destination in pdu.dest_address.iter() {
                let addr = destination.addr();
                let verdict =
                    self.judge(link, "submit_multi", asked.sequence_number, body, Some(&addr.to_text()));
                let plan = match refusal(verdict.as_ref()) {
                    Some(status) => Err(status),
                    None => Ok(self.plan(verdict.as_ref())),
                };
                plans.push((addr, plan));
                first = first.or(verdict);
            }
        }
        let usual = self.plan(None);
        let messages = u32::try_from(pdu.dest_address.iter().count()).unwrap_or(u32::MAX);
        let mut smsc = node.smsc();
        let answer = if smsc.may_submit(link.now().mono, bound, messages) {
            let plan = |addr: &CStr<21>| {
                let own = plans.iter().find(|(of, _)| of == addr).map(|(_, plan)| plan.clone());
                own.unwrap_or_else(|| Ok(usual.clone()))
            };
            smsc.submit_multi(now_ms, bound, pdu, plan).map(|resp| Some(resp.into()))
        } else {
            Err(CommandStatus::ESME_RTHROTTLED)
        };
        drop(smsc);
        self.answer(link, asked, body, answer, first);
    }

    fn bind(&mut self, link: &mut DoorLink<'_>, asked: Asked, request: &BindRequest) {
        let card = self.card(link);
        let nth = self.node.next_bind();
        self.chance = Chance::of_session(self.node.hub.seed, request.system_id.as_octets(), nth);
        let name = smppkit_wire::pdu::def_of(asked.command_id).map_or("", |def| def.name);
        let verdict = self.judge(link, name, asked.sequence_number, &request.body(), None);
        let refused = refusal(verdict.as_ref());
        let outcome = match refused {
            Some(status) => Err(status),
            None => self.node.smsc().bind(request, link.session.version(), &card.mailbox),
        };
        let mode = request.mode;
        let status = match outcome {
            Ok(bound) => {
                info!(peer = %link.peer(), system_id = %bound.system_id, %mode, version = %bound.version, "bound");
                self.chance = Chance::of_session(self.node.hub.seed, bound.system_id.as_octets(), bound.nth);
                let (system_id, version) = (bound.system_id.to_text(), bound.version);
                let _ = card.party.bound.set(BoundAs { system_id, mode: mode.name(), version });
                if let Some(window) = bound.window {
                    link.session.set_send_window(window);
                }
                link.session.set_congestion_state(self.node.settings.load().congestion_state);
                self.bound = Some(bound);
                self.came_of(Ok(Arc::clone(&card)));
                None
            }
            Err(status) => {
                warn!(peer = %link.peer(), system_id = %request.system_id, %mode, %status, "bind refused");
                self.came_of(Err(Failure::Refused(request.system_id.to_text(), status)));
                Some(status)
            }
        };
        match verdict {
            None => self.answer_bind(link, asked, status),
            Some(verdict) if verdict.answer_after.is_zero() => self.spoil_bind(link, asked, status, &verdict),
            Some(verdict) => {
                let (now_ms, wait) = (self.now_ms(link), verdict.answer_after);
                self.hold(now_ms, wait, HeldAnswer::Bind(asked, status, verdict));
            }
        }
    }

    fn answer_bind(&self, link: &mut DoorLink<'_>, asked: Asked, status: Option<CommandStatus>) {
        match status {
            None => link.accept_bind(asked, &self.node.settings.load().system_id),
            Some(status) => link.refuse_bind(asked, status),
        }
    }

    /// Sends an answer, or what a rule makes of it.
    fn answer(
        &mut self,
        link: &mut DoorLink<'_>,
        asked: Asked,
        body: &Body,
        answer: Answer,
        verdict: Option<Verdict>,
    ) {
        let system_id = self.bound.as_ref().map_or(CStr::EMPTY, |bound| bound.system_id);
        self.node.hub.teller.request(link.now(), &system_id, body, || answer.clone());
        let (status, body) = match answer {
            Ok(Some(body)) => (CommandStatus::ESME_ROK, Some(body)),
            // It comes when the outcome is known.
            Ok(None) => return,
            Err(status) => (status, None),
        };
        match verdict {
            Some(verdict) if !verdict.answer_after.is_zero() => {
                let (now_ms, wait) = (self.now_ms(link), verdict.answer_after);
                self.hold(now_ms, wait, HeldAnswer::Request { asked, status, body, verdict: Some(verdict) });
            }
            verdict => emit(link, asked, status, body, verdict.as_ref()),
        }
    }

    fn hold(&self, now_ms: i64, wait: std::time::Duration, answer: HeldAnswer) {
        if let Some(card) = &self.card {
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 4);
            self.node.smsc().hold(now_ms + wait_ms, &card.mailbox, answer);
        }
    }
}

/// The status with which a rule refuses a request.
fn refusal(verdict: Option<&Verdict>) -> Option<CommandStatus> {
    verdict?.then().status.map(|status| status.0).filter(|status| !status.is_ok())
}

impl Application for Door {
    type Token = Box<Delivery>;
    const WATCHES: bool = true;

    fn arriving(&mut self, link: &mut DoorLink<'_>, frame: &Frame<'_>) -> Arriving {
        self.intercept(link, frame)
    }

    fn read(&mut self, now: Now, frames: &[u8]) {
        self.passed(now, Direction::In, frames);
    }

    fn leaving(&mut self, now: Now, octets: &[u8]) {
        self.passed(now, Direction::Out, octets);
    }

    fn event(&mut self, link: &mut DoorLink<'_>, event: Event<Box<Delivery>>) {
        match event {
            Event::Request(asked, body) => self.request(link, asked, &body),
            Event::Bind(asked, request) => self.bind(link, asked, &request),
            Event::Response { token, status, .. } => self.delivered(link, token, status),
            Event::Failed { token: delivery, failure } => self.failed(link, delivery, failure),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut DoorLink<'_>, cx: &mut Context<'_>) {
        let card = self.card(link);
        if let Some(outbind) = self.outbind.take() {
            let (session, out, now) = link.parts();
            // A session that we just opened is open.
            let _ = session.outbind(now.mono, outbind, out);
        }
        if !card.mailbox.needs_attention(cx) {
            self.tell(link, &card);
            return;
        }
        if let Some(order) = card.mailbox.order() {
            meet(link, order.0);
        }
        for held in card.mailbox.held_answers() {
            match held {
                HeldAnswer::Request { asked, status, body, verdict } => {
                    emit(link, asked, status, body, verdict.as_ref());
                }
                HeldAnswer::Bind(asked, status, verdict) => self.spoil_bind(link, asked, status, &verdict),
                HeldAnswer::Raw(octets, fate) => {
                    link.raw(&octets);
                    if let Some(fate) = fate {
                        meet(link, fate);
                    }
                }
            }
        }
        self.send_deliveries(link);
        self.tell(link, &card);
    }

    fn ended(&mut self, ended: &Ended) {
        self.came_of(Err(Failure::of(ended)));
        if let Some(bound) = &self.bound {
            info!(system_id = %bound.system_id, mode = %bound.mode, why = %ended, "session ended");
        }
    }
}

impl Drop for Door {
    /// However the session ended: one that panicked is gone, too.
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            self.node.hub.close(&card);
        }
        if let Some(bound) = self.bound.take() {
            self.node.smsc().unbind(&bound);
        }
    }
}
