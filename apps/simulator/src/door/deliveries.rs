//! Towards the ESME: receipts and messages, and what it answers.

use smppkit_session::Failure;
use smppkit_wire::tlv::tag;
use smppkit_wire::{CommandStatus, Version};
use tracing::warn;

use super::faults::{meet, pace};
use super::{Door, DoorLink};
use crate::rules::{Answer, spoiled};
use crate::smsc::Delivery;

impl Door {
    /// An answer to something we delivered.
    pub(super) fn delivered(
        &mut self,
        link: &mut DoorLink<'_>,
        mut delivery: Box<Delivery>,
        status: CommandStatus,
    ) {
        delivery.attempts += 1;
        self.node.hub.teller.delivered(link.now(), &delivery, status);
        let again = matches!(
            status,
            CommandStatus::ESME_RX_T_APPN
                | CommandStatus::ESME_RMSGQFUL
                | CommandStatus::ESME_RTHROTTLED
                | CommandStatus::ESME_RSYSERR
        );
        if again && delivery.attempts < Delivery::ATTEMPTS {
            let now_ms = self.now_ms(link);
            self.node.smsc().retry(now_ms, delivery);
        }
    }

    /// No answer, or none that can be read.
    pub(super) fn failed(&mut self, link: &mut DoorLink<'_>, mut delivery: Box<Delivery>, failure: Failure) {
        delivery.attempts += 1;
        if delivery.attempts < Delivery::ATTEMPTS {
            self.node.smsc().give_back(delivery);
        }
        if failure == Failure::Expired {
            // It takes messages and answers none: others of the account may do better.
            link.unbind();
        }
    }

    pub(super) fn send_deliveries(&mut self, link: &mut DoorLink<'_>) {
        let Some(bound) = self.bound.clone().filter(|bound| bound.mode.receives()) else {
            return;
        };
        loop {
            if link.session.room() == 0 {
                // Answers make room; then there is another look.
                bound.mailbox.come_back();
                return;
            }
            let Some(delivery) = self.node.smsc().next_delivery(&bound) else {
                return;
            };
            self.node.hub.teller.deliver(link.now(), &bound.system_id, &delivery);
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
                    self.node.smsc().give_back(delivery);
                } else {
                    warn!(system_id = %bound.system_id, "a message too long for SMPP 3.3 is dropped");
                }
                continue;
            }
            if !self.send_delivery(link, delivery) {
                return;
            }
        }
    }

    /// Sends one, as a rule wants it. Whether more may be sent.
    fn send_delivery(&mut self, link: &mut DoorLink<'_>, delivery: Box<Delivery>) -> bool {
        let mut delivery = delivery;
        let judged = core::mem::replace(&mut delivery.judged, false);
        let verdict = if judged { None } else { self.judge(link, "deliver_sm", 0, &delivery.body, None) };
        if let Some(verdict) = verdict.as_ref().filter(|verdict| !verdict.answer_after.is_zero()) {
            delivery.judged = true;
            let wait_ms = i64::try_from(verdict.answer_after.as_millis()).unwrap_or(i64::MAX / 4);
            let at_ms = self.now_ms(link) + wait_ms;
            self.node.smsc().deliver_at(at_ms, delivery);
            return true;
        }
        if let Some(segments) = verdict.as_ref().and_then(|verdict| verdict.then().segments) {
            link.pace(Some(pace(segments)));
        }
        let (_, out, _) = link.parts();
        let before = out.len();
        if let Err(error) = link.request(delivery.body.clone(), delivery) {
            let lasting = error.is_lasting();
            let (_, mut delivery) = error.given();
            // Another session of the account may speak a version that can carry it.
            delivery.attempts += u8::from(lasting);
            if delivery.attempts < Delivery::ATTEMPTS {
                self.node.smsc().give_back(delivery);
            }
            return false;
        }
        let Some(verdict) = verdict else {
            return true;
        };
        let then = verdict.then();
        let (_, out, _) = link.parts();
        let pdu = out.split_off(before);
        let octets = match &then.octets {
            Some(octets) => octets.0.clone(),
            None => spoiled(then.answer.unwrap_or(Answer::Once), pdu, verdict.salt),
        };
        out.extend_from_slice(&octets);
        if let Some(fate) = then.connection {
            meet(link, fate);
            return false;
        }
        true
    }
}
