//! What only SMPP 3.3 has: query_last_msgs, query_msg_details, param_retrieve.

use smppkit_wire::CommandStatus;
use smppkit_wire::field::{CStr, DestAddress, DestAddresses, FinalDate, MessageIds, ShortMessage, Time};
use smppkit_wire::pdu::table::{
    ParamRetrieve, ParamRetrieveResp, QueryLastMsgs, QueryLastMsgsResp, QueryMsgDetails, QueryMsgDetailsResp,
};

use super::ancillary::as_known;
use super::message::MessageId;
use super::{Bound, Smsc};
use crate::dialect::IdForm;

/// The form of ids in 3.3.
const OLD: IdForm = IdForm::Hex;
/// The most ids one answer gives (SMPP 3.3, 6.3.6.4).
const LATEST: usize = 100;

impl Smsc {
    /// query_last_msgs.
    pub(crate) fn query_last_msgs(
        &mut self,
        now_ms: i64,
        from: &Bound,
        pdu: &QueryLastMsgs,
    ) -> Result<QueryLastMsgsResp, CommandStatus> {
        if pdu.num_messages == 0 {
            return Err(CommandStatus::ESME_RINVNUMMSGS);
        }
        self.may_look(now_ms)?;
        let ids: Vec<CStr<9>> = self
            .messages
            .latest()
            .filter(|message| message.account == from.account)
            .filter(|message| message.source.octets() == pdu.source_addr.as_octets())
            .take(usize::from(pdu.num_messages).min(LATEST))
            .map(|message| short_id(message.id))
            .collect();
        Ok(QueryLastMsgsResp { message_details: MessageIds::new(&ids).unwrap_or_default() })
    }

    /// query_msg_details.
    pub(crate) fn query_msg_details(
        &self,
        now_ms: i64,
        from: &Bound,
        pdu: &QueryMsgDetails,
    ) -> Result<QueryMsgDetailsResp, CommandStatus> {
        let number = OLD.parse(pdu.original_message_id.as_octets());
        let message = number.and_then(|number| self.messages.get(number));
        let message =
            message.filter(|message| message.account == from.account).ok_or(CommandStatus::ESME_RINVMSGID)?;
        if message.source.octets() != pdu.source_addr.as_octets() {
            return Err(CommandStatus::ESME_RINVMSGID);
        }
        let destination = DestAddress::Sme {
            ton: message.destination.ton,
            npi: message.destination.npi,
            addr: message.destination.short(),
        };
        let wanted = usize::from(pdu.sm_length).min(160).min(message.user_data.len());
        let state = message.state(now_ms);
        let time = |given: bool, at_ms| if given { Time::absolute(at_ms) } else { Time::NONE };
        Ok(QueryMsgDetailsResp {
            service_type: message.service_type,
            source_addr_ton: message.source.ton,
            source_addr_npi: message.source.npi,
            source_addr: message.source.short(),
            dest_address: DestAddresses::new([&destination]).unwrap_or_default(),
            protocol_id: message.protocol_id,
            priority_flag: message.priority_flag,
            schedule_delivery_time: time(message.scheduled, message.due_ms),
            validity_period: time(message.expires_ms.is_some(), message.expires_ms.unwrap_or_default()),
            registered_delivery_flag: message.registered_delivery.0 & 1,
            data_coding: message.data_coding,
            short_message: ShortMessage::new(message.user_data.slice(..wanted)).unwrap_or_default(),
            msgid: pdu.original_message_id,
            final_date: if state.is_final() { FinalDate::absolute(message.end().1) } else { FinalDate::NONE },
            message_status: as_known(state, from.version),
            error_code: message.error_code(state).min(255) as u8,
        })
    }

    /// param_retrieve.
    pub(crate) fn param_retrieve(&self, pdu: &ParamRetrieve) -> Result<ParamRetrieveResp, CommandStatus> {
        let value = match pdu.param_name.as_octets() {
            b"system_id" => self.config.system_id.clone(),
            b"software_version" => env!("CARGO_PKG_VERSION").to_owned(),
            b"messages" => self.messages.len().to_string(),
            // 3.3 has ESME_RCNTRETRPARAM for this, and prints no number for it.
            _ => return Err(CommandStatus::ESME_RUNKNOWNERR),
        };
        Ok(ParamRetrieveResp { param_value: value.parse().unwrap_or_default() })
    }
}

fn short_id(id: MessageId) -> CStr<9> {
    CStr::new(OLD.text(id.number).as_octets()).unwrap_or_default()
}
