//! One session of the simulator: from the wire to the message centre and back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use smppkit_net::{Application, Ended, Link};
use smppkit_session::{Asked, Event};
use smppkit_wire::pdu::table::{
    CancelBroadcastSmResp, CancelSmResp, DataSmResp, Outbind, ReplaceSmResp, SubmitSm, SubmitSmResp,
};
use smppkit_wire::tlv::tag;
use smppkit_wire::{Body, CommandStatus, Tlvs, Version};
use tracing::{info, warn};

use crate::smsc::{Bound, Delivery, Smsc, Taken};
use crate::tell::Teller;

/// The message centre, shared by all sessions.
pub(crate) type Shared = Arc<Mutex<Smsc>>;

/// The application behind one connection.
#[derive(Debug)]
pub(crate) struct Door {
    smsc: Shared,
    teller: Arc<Teller>,
    system_id: Arc<str>,
    bound: Option<Bound>,
    /// Sent first on a connection that we opened.
    outbind: Option<Outbind>,
}

type DoorLink<'a> = Link<'a, Box<Delivery>>;

impl Door {
    pub(crate) fn new(smsc: Shared, teller: Arc<Teller>, system_id: Arc<str>) -> Self {
        Self { smsc, teller, system_id, bound: None, outbind: None }
    }

    pub(crate) fn with_outbind(mut self, outbind: Outbind) -> Self {
        self.outbind = Some(outbind);
        self
    }

    fn smsc(&self) -> MutexGuard<'_, Smsc> {
        // A session that panicked left the centre as it was between two events.
        self.smsc.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nearly all that ever comes: answered without making a body of the answer first.
    fn submit_sm(&mut self, link: &mut DoorLink<'_>, asked: Asked, body: &Body, pdu: &SubmitSm) {
        let Some(bound) = &self.bound else {
            return link.refuse(asked, CommandStatus::ESME_RINVBNDSTS);
        };
        let taken = self.smsc().submit_sm(link.now().unix_ms, bound, asked, pdu);
        let answer = match taken {
            Ok(Taken::Now(message_id)) => Ok(Some(SubmitSmResp { message_id, tlvs: Tlvs::EMPTY })),
            Ok(Taken::Later) => Ok(None),
            Err(status) => Err(status),
        };
        self.teller.request(link.now(), &bound.system_id, body, || {
            answer.clone().map(|answer| answer.map(Body::from))
        });
        match answer {
            Ok(Some(answer)) => link.respond(asked, answer),
            Ok(None) => {}
            Err(status) => link.refuse(asked, status),
        }
    }

    fn request(&mut self, link: &mut DoorLink<'_>, asked: Asked, body: &Body) {
        if let Body::SubmitSm(pdu) = body {
            return self.submit_sm(link, asked, body, pdu);
        }
        let Some(bound) = &self.bound else {
            return link.refuse(asked, CommandStatus::ESME_RINVBNDSTS);
        };
        let now_ms = link.now().unix_ms;
        let mut smsc = self.smsc.lock().unwrap_or_else(PoisonError::into_inner);
        let answer: Result<Option<Body>, CommandStatus> = match body {
            Body::DataSm(pdu) => smsc.data_sm(now_ms, bound, asked, pdu).map(|taken| match taken {
                Taken::Now(message_id) => Some(DataSmResp { message_id, tlvs: Tlvs::EMPTY }.into()),
                Taken::Later => None,
            }),
            Body::SubmitMulti(pdu) => smsc.submit_multi(now_ms, bound, pdu).map(|resp| Some(resp.into())),
            Body::QuerySm(pdu) => smsc.query_sm(now_ms, bound, pdu).map(|resp| Some(resp.into())),
            Body::CancelSm(pdu) => {
                smsc.cancel_sm(now_ms, bound, pdu).map(|()| Some(CancelSmResp::default().into()))
            }
            Body::ReplaceSm(pdu) => {
                smsc.replace_sm(now_ms, bound, pdu).map(|()| Some(ReplaceSmResp::default().into()))
            }
            Body::BroadcastSm(pdu) => smsc.broadcast_sm(now_ms, bound, pdu).map(|resp| Some(resp.into())),
            Body::QueryBroadcastSm(pdu) => {
                smsc.query_broadcast_sm(now_ms, bound, pdu).map(|resp| Some(resp.into()))
            }
            Body::CancelBroadcastSm(pdu) => smsc
                .cancel_broadcast_sm(now_ms, bound, pdu)
                .map(|()| Some(CancelBroadcastSmResp::default().into())),
            Body::QueryLastMsgs(pdu) => {
                smsc.query_last_msgs(now_ms, bound, pdu).map(|resp| Some(resp.into()))
            }
            Body::QueryMsgDetails(pdu) => {
                smsc.query_msg_details(now_ms, bound, pdu).map(|resp| Some(resp.into()))
            }
            Body::ParamRetrieve(pdu) => smsc.param_retrieve(pdu).map(|resp| Some(resp.into())),
            _ => Err(CommandStatus::ESME_RINVCMDID),
        };
        drop(smsc);
        self.teller.request(link.now(), &bound.system_id, body, || answer.clone());
        match answer {
            Ok(Some(body)) => link.respond(asked, body),
            Ok(None) => {}
            Err(status) => link.refuse(asked, status),
        }
    }

    /// An answer to something we delivered.
    fn delivered(&mut self, link: &mut DoorLink<'_>, mut delivery: Box<Delivery>, status: CommandStatus) {
        delivery.attempts += 1;
        self.teller.delivered(link.now(), &delivery, status);
        let again = matches!(
            status,
            CommandStatus::ESME_RX_T_APPN
                | CommandStatus::ESME_RMSGQFUL
                | CommandStatus::ESME_RTHROTTLED
                | CommandStatus::ESME_RSYSERR
        );
        if again && delivery.attempts < Delivery::ATTEMPTS {
            self.smsc().retry(link.now().unix_ms, delivery);
        }
    }

    fn send_deliveries(&mut self, link: &mut DoorLink<'_>) {
        let Some(bound) = self.bound.clone().filter(|bound| bound.mode.receives()) else {
            return;
        };
        loop {
            if link.session.room() == 0 {
                // Answers make room; then there is another look.
                bound.mailbox.come_back();
                return;
            }
            let Some(delivery) = self.smsc().next_delivery(&bound) else {
                return;
            };
            self.teller.deliver(link.now(), &bound.system_id, &delivery);
            if delivery.body.def().is_some_and(|def| def.name == "alert_notification") {
                // It has no answer, and a 3.3 session has no such thing.
                let _ = link.notify(delivery.body);
                continue;
            }
            if link.session.version() == Version::V33 && delivery.body.tlvs().has(tag::message_payload.tag())
            {
                // 3.3 has no TLVs, and so no room for a longer text: another session may have.
                let mut delivery = delivery;
                delivery.attempts += 1;
                if delivery.attempts < Delivery::ATTEMPTS {
                    self.smsc().give_back(delivery);
                } else {
                    warn!(system_id = %bound.system_id, "a message too long for SMPP 3.3 is dropped");
                }
                continue;
            }
            if let Err(error) = link.request(delivery.body.clone(), delivery) {
                let lasting = error.is_lasting();
                let (_, mut delivery) = error.given();
                // Another session of the account may speak a version that can carry it.
                delivery.attempts += u8::from(lasting);
                if delivery.attempts < Delivery::ATTEMPTS {
                    self.smsc().give_back(delivery);
                }
                return;
            }
        }
    }
}

impl Application for Door {
    type Token = Box<Delivery>;

    fn event(&mut self, link: &mut DoorLink<'_>, event: Event<Box<Delivery>>) {
        match event {
            Event::Request(asked, body) => self.request(link, asked, &body),
            Event::Bind(asked, request) => {
                let result = self.smsc().bind(&request, link.session.version());
                let mode = request.mode;
                match result {
                    Ok(bound) => {
                        info!(peer = %link.peer(), system_id = %bound.system_id, %mode, version = %bound.version, "bound");
                        self.bound = Some(bound);
                        let load = self.smsc().config.congestion_state;
                        link.session.set_congestion_state(load);
                        link.accept_bind(asked, &self.system_id);
                    }
                    Err(status) => {
                        warn!(peer = %link.peer(), system_id = %request.system_id, %mode, %status, "bind refused");
                        link.refuse_bind(asked, status);
                    }
                }
            }
            Event::Response { token, status, .. } => self.delivered(link, token, status),
            Event::Failed { token: mut delivery, failure } => {
                delivery.attempts += 1;
                if delivery.attempts < Delivery::ATTEMPTS {
                    self.smsc().give_back(delivery);
                }
                if failure == smppkit_session::Failure::Expired {
                    // It takes messages and answers none: others of the account may do better.
                    link.unbind();
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut DoorLink<'_>, cx: &mut Context<'_>) {
        if let Some(outbind) = self.outbind.take() {
            let (session, out, now) = link.parts();
            // A session that we just opened is open.
            let _ = session.outbind(now.mono, outbind, out);
        }
        let Some(bound) = &self.bound else {
            return;
        };
        if !bound.mailbox.needs_attention(cx) {
            return;
        }
        for held in bound.mailbox.held_answers() {
            link.respond_with(held.asked, held.status, held.body);
        }
        self.send_deliveries(link);
    }

    fn ended(&mut self, ended: &Ended) {
        if let Some(bound) = self.bound.take() {
            self.smsc().unbind(&bound);
            info!(system_id = %bound.system_id, mode = %bound.mode, why = %ended, "session ended");
        }
    }
}
