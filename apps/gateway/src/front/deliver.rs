//! Receipts and messages for an ESME, and what it answers.

use std::sync::atomic::Ordering;

use smppkit_net::Failure;
use smppkit_relay::{Next, Parcel, delivery_from_neutral, verdict};
use smppkit_store::{Change, Claimed, Final};
use smppkit_wire::field::CStr;
use smppkit_wire::pdu::table::{DataSm, DeliverSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::{Body, CommandStatus, Tlvs};

use super::{Front, FrontLink};
use crate::counts::count;
use crate::plan::Account;
use crate::settings::millis;

impl Front {
    /// Sends what there is room for, and asks for more.
    pub(super) fn deliver(&mut self, link: &mut FrontLink<'_>) {
        let (Some(bound), Some(outlet)) = (&self.bound, &mut self.outlet) else { return };
        while link.session.room() > 0 {
            let Some(claimed) = outlet.next() else { break };
            let body = match body(&bound.account, &claimed) {
                Ok(body) => body,
                Err(why) => {
                    self.results.push(dead(&claimed, &why));
                    continue;
                }
            };
            match link.request(body, Box::new(claimed)) {
                Ok(_) => {
                    bound.listed.card.sent.fetch_add(1, Ordering::Relaxed);
                    count(&bound.account.live.counts.sent, 1);
                }
                Err(error) if error.is_lasting() => {
                    // Another session of the account may speak a version that can carry it.
                    let why = error.to_string();
                    let (_, claimed) = error.given();
                    let due_at = link.now().unix_ms + LATER_MS;
                    self.results.push(outlet.again(&claimed, due_at, true, &why));
                }
                Err(error) => {
                    outlet.put_back(*error.given().1);
                    break;
                }
            }
        }
        let window = bound.account.settings.window;
        outlet.want(&self.hub, link.session.room(), window);
    }

    /// An answer to something we delivered.
    pub(super) fn delivered(&mut self, link: &mut FrontLink<'_>, claimed: &Claimed, status: CommandStatus) {
        let (Some(bound), Some(outlet)) = (&self.bound, &self.outlet) else { return };
        let counts = &bound.account.live.counts;
        let change = match bound.plan.retry.next(verdict(status), claimed.attempts, self.hub.dice()) {
            Next::Taken => {
                count(&counts.taken, 1);
                let id = claimed.message.id;
                Change::Finish { id, state: Final::Delivered, reason: Box::default(), then: None }
            }
            Next::Again { after, is_attempt } => {
                count(&counts.not_taken, 1);
                let due_at = link.now().unix_ms + millis(after);
                outlet.again(claimed, due_at, is_attempt, &format!("the ESME answered {status}"))
            }
            Next::GiveUp => {
                count(&counts.not_taken, 1);
                dead(claimed, &format!("the ESME answered {status}"))
            }
        };
        self.results.push(change);
    }

    /// No answer, or none that can be read. It may have taken it: at least once.
    pub(super) fn not_delivered(&mut self, link: &mut FrontLink<'_>, claimed: Claimed, failure: Failure) {
        let (Some(bound), Some(outlet)) = (&self.bound, &mut self.outlet) else { return };
        count(&bound.account.live.counts.not_taken, 1);
        if failure == Failure::Closed {
            // The next session gets it; whether it binds in a second or in a day, no attempt is used up.
            outlet.give_up(claimed);
            return;
        }
        let due_at = link.now().unix_ms + LATER_MS;
        self.results.push(outlet.again(&claimed, due_at, true, &failure.to_string()));
        if failure == Failure::Expired {
            // It takes messages and answers none: others of the account may do better.
            outlet.close(&self.hub);
            link.unbind();
        }
    }
}

/// Until something is offered again that this session could not take.
const LATER_MS: i64 = 5_000;

fn dead(claimed: &Claimed, why: &str) -> Change {
    Change::Finish { id: claimed.message.id, state: Final::Failed, reason: why.into(), then: None }
}

/// The request that delivers it.
fn body(account: &Account, claimed: &Claimed) -> Result<Body, String> {
    match Parcel::read(&claimed.message.payload) {
        Ok(Parcel::Report(report)) => {
            let receipts = &account.settings.receipts;
            Ok(report.body(receipts.form.into(), receipts.zone))
        }
        Ok(Parcel::Incoming(mut message)) => {
            delivery_from_neutral(&mut message.pdu, account.settings.alphabet.into());
            let pdu = message.pdu;
            Ok(if account.settings.data_sm { data_sm(pdu).into() } else { pdu.into() })
        }
        Ok(Parcel::Message(_) | Parcel::Broadcast(_)) => {
            Err("a message for a connector is in an account's queue".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The same message as a data_sm.
fn data_sm(pdu: DeliverSm) -> DataSm {
    let user_data = pdu.short_message;
    let tlvs = if pdu.tlvs.has(tag::message_payload.tag()) {
        pdu.tlvs
    } else {
        let mut tlvs = Tlvs::build();
        for tlv in pdu.tlvs.iter() {
            tlvs.push_octets(tlv.tag, tlv.value);
        }
        tlvs.with(tag::message_payload, &user_data).done()
    };
    DataSm {
        service_type: pdu.service_type,
        source_addr_ton: pdu.source_addr_ton,
        source_addr_npi: pdu.source_addr_npi,
        source_addr: CStr::new(pdu.source_addr.as_octets()).unwrap_or_default(),
        dest_addr_ton: pdu.dest_addr_ton,
        dest_addr_npi: pdu.dest_addr_npi,
        destination_addr: CStr::new(pdu.destination_addr.as_octets()).unwrap_or_default(),
        esm_class: pdu.esm_class,
        registered_delivery: pdu.registered_delivery,
        data_coding: pdu.data_coding,
        tlvs,
    }
}
