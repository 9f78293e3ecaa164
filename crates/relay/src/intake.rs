//! What a request asks for: one form out of submit_sm, data_sm and each destination of submit_multi.

use smppkit_wire::field::{CStr, DestAddress, ShortMessage, Time};
use smppkit_wire::pdu::table::{DataSm, SubmitMulti, SubmitSm};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::{MessageMode, Npi, RegisteredDelivery, Ton};
use smppkit_wire::{Body, CommandStatus, Version};

/// A message that an ESME hands over, with the times it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// As submit_sm, without its schedule: that is kept here.
    pub pdu: SubmitSm,
    /// Not to be sent before, in milliseconds since 1970; `None` is now.
    pub due_ms: Option<i64>,
    /// Not to be sent after; `None` is the gateway's default.
    pub expires_ms: Option<i64>,
    /// Whether it takes the place of one that waits between the same two.
    pub replace_if_present: bool,
}

/// How far a given time may lie in the past: clocks differ, and the PDU took its time to come.
const PAST_SLACK_MS: i64 = 2_000;

impl Submission {
    /// Of a submit_sm or a data_sm; another body is `ESME_RINVCMDID`.
    pub fn read(body: &Body, version: Version, now_ms: i64) -> Result<Self, CommandStatus> {
        match body {
            Body::SubmitSm(pdu) => Self::of_submit_sm(pdu.clone(), version, now_ms),
            Body::DataSm(pdu) => Self::of_submit_sm(of_data_sm(pdu)?, version, now_ms),
            _ => Err(CommandStatus::ESME_RINVCMDID),
        }
    }

    /// One of the destinations of a submit_multi. Distribution lists are none that we keep.
    pub fn of_submit_multi(
        pdu: &SubmitMulti,
        destination: &DestAddress,
        version: Version,
        now_ms: i64,
    ) -> Result<Self, CommandStatus> {
        let DestAddress::Sme { ton, npi, addr } = destination else {
            return Err(CommandStatus::ESME_RINVDLNAME);
        };
        let pdu = SubmitSm {
            service_type: pdu.service_type,
            source_addr_ton: pdu.source_addr_ton,
            source_addr_npi: pdu.source_addr_npi,
            source_addr: pdu.source_addr,
            dest_addr_ton: *ton,
            dest_addr_npi: *npi,
            destination_addr: *addr,
            esm_class: pdu.esm_class,
            protocol_id: pdu.protocol_id,
            priority_flag: pdu.priority_flag,
            schedule_delivery_time: pdu.schedule_delivery_time,
            validity_period: pdu.validity_period,
            registered_delivery: pdu.registered_delivery,
            // 5.0 made it "always 0" here, and one destination cannot be told from another.
            replace_if_present_flag: 0,
            data_coding: pdu.data_coding,
            sm_default_msg_id: pdu.sm_default_msg_id,
            short_message: pdu.short_message.clone(),
            tlvs: pdu.tlvs.clone(),
        };
        Self::of_submit_sm(pdu, version, now_ms)
    }

    fn of_submit_sm(mut pdu: SubmitSm, version: Version, now_ms: i64) -> Result<Self, CommandStatus> {
        if pdu.destination_addr.is_empty() {
            return Err(CommandStatus::ESME_RINVDSTADR);
        }
        let due_ms = schedule(&pdu, now_ms)?;
        let expires_ms = expiry(&pdu, now_ms, due_ms.unwrap_or(now_ms))?;
        pdu.schedule_delivery_time = Time::NONE;
        if pdu.esm_class.mode() == MessageMode::Datagram {
            // Sent once and forgotten: no receipt, no schedule (SMPP 5.0, 4.2.10.1).
            pdu.registered_delivery = RegisteredDelivery::NONE;
        }
        let replace_if_present = pdu.replace_if_present_flag == 1;
        pdu.replace_if_present_flag = 0;
        // Both: in 5.0 the payload supersedes; before, the session has refused it.
        if version == Version::V50 && !pdu.tlvs.is_empty() && pdu.tlvs.has(tag::message_payload.tag()) {
            pdu.short_message = ShortMessage::default();
        }
        Ok(Self { pdu, due_ms, expires_ms, replace_if_present })
    }
}

/// The same message as a submit_sm. Its addresses may be longer there than any network's are.
fn of_data_sm(pdu: &DataSm) -> Result<SubmitSm, CommandStatus> {
    let short = |addr: &CStr<65>, status| CStr::new(addr.as_octets()).map_err(|_| status);
    Ok(SubmitSm {
        service_type: pdu.service_type,
        source_addr_ton: pdu.source_addr_ton,
        source_addr_npi: pdu.source_addr_npi,
        source_addr: short(&pdu.source_addr, CommandStatus::ESME_RINVSRCADR)?,
        dest_addr_ton: pdu.dest_addr_ton,
        dest_addr_npi: pdu.dest_addr_npi,
        destination_addr: short(&pdu.destination_addr, CommandStatus::ESME_RINVDSTADR)?,
        esm_class: pdu.esm_class,
        registered_delivery: pdu.registered_delivery,
        data_coding: pdu.data_coding,
        tlvs: pdu.tlvs.clone(),
        ..SubmitSm::default()
    })
}

fn schedule(pdu: &SubmitSm, now_ms: i64) -> Result<Option<i64>, CommandStatus> {
    if pdu.schedule_delivery_time.is_none() {
        return Ok(None);
    }
    let given = pdu.schedule_delivery_time.value().map_err(|_| CommandStatus::ESME_RINVSCHED)?;
    match given.map(|time| time.resolve(now_ms)) {
        Some(due_ms) if due_ms < now_ms - PAST_SLACK_MS => Err(CommandStatus::ESME_RINVSCHED),
        Some(due_ms) if due_ms <= now_ms => Ok(None),
        due_ms => Ok(due_ms),
    }
}

fn expiry(pdu: &SubmitSm, now_ms: i64, due_ms: i64) -> Result<Option<i64>, CommandStatus> {
    // qos_time_to_live supersedes validity_period (SMPP 5.0, 4.2.1.1).
    if !pdu.tlvs.is_empty()
        && let Some(seconds) = pdu.tlvs.get(tag::qos_time_to_live)
    {
        return Ok(Some(now_ms + i64::from(seconds) * 1_000));
    }
    if pdu.validity_period.is_none() {
        return Ok(None);
    }
    let given = pdu.validity_period.value().map_err(|_| CommandStatus::ESME_RINVEXPIRY)?;
    match given.map(|time| time.resolve(now_ms)) {
        Some(expires_ms) if expires_ms < now_ms - PAST_SLACK_MS || expires_ms < due_ms => {
            Err(CommandStatus::ESME_RINVEXPIRY)
        }
        expires_ms => Ok(expires_ms),
    }
}

/// TON, NPI and address, for where they are shown or compared.
pub(crate) type Address = (Ton, Npi, CStr<21>);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_350_600_000;

    fn submit(change: impl FnOnce(&mut SubmitSm)) -> Result<Submission, CommandStatus> {
        let mut pdu = SubmitSm { destination_addr: "44".parse().unwrap(), ..SubmitSm::default() };
        change(&mut pdu);
        Submission::read(&pdu.into(), Version::V50, NOW)
    }

    #[test]
    fn times_are_resolved_once_and_the_schedule_is_taken_out() {
        let taken = submit(|pdu| {
            pdu.schedule_delivery_time = Time::relative(core::time::Duration::from_secs(60));
            pdu.validity_period = Time::relative(core::time::Duration::from_secs(90));
        })
        .unwrap();
        assert_eq!((taken.due_ms, taken.expires_ms), (Some(NOW + 60_000), Some(NOW + 90_000)));
        assert!(taken.pdu.schedule_delivery_time.is_none());
    }

    #[test]
    fn times_that_cannot_be_are_refused_by_their_own_status() {
        let past = submit(|pdu| pdu.schedule_delivery_time = Time::absolute(NOW - 60_000));
        assert_eq!(past, Err(CommandStatus::ESME_RINVSCHED));
        let dead = submit(|pdu| {
            pdu.schedule_delivery_time = Time::relative(core::time::Duration::from_secs(60));
            pdu.validity_period = Time::relative(core::time::Duration::from_secs(30));
        });
        assert_eq!(dead, Err(CommandStatus::ESME_RINVEXPIRY));
        assert_eq!(submit(|pdu| pdu.destination_addr = CStr::EMPTY), Err(CommandStatus::ESME_RINVDSTADR));
    }

    #[test]
    fn an_address_that_no_network_has_is_refused() {
        let data_sm = DataSm { destination_addr: "1".repeat(30).parse().unwrap(), ..DataSm::default() };
        let read = Submission::read(&data_sm.into(), Version::V34, NOW);
        assert_eq!(read, Err(CommandStatus::ESME_RINVDSTADR));
    }
}
