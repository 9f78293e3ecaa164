//! The table: every PDU of SMPP 3.3, 3.4 and 5.0, once. Read it beside the specification.

use super::def::{FieldDef, PduDef, Role, State};
use super::macros::pdus;
use super::{Pdu, PduType, RawBody, Request};
use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::field::{
    CStr, DestAddresses, Field, FinalDate, MessageIds, Reader, ShortMessage, Time, UnsuccessSmes, ValueError,
    Writer,
};
use crate::header::Header;
use crate::observe::{Observer, Value};
use crate::status::CommandStatus;
use crate::tlv::{Tlvs, place, tag};
use crate::value::{DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, RegisteredDelivery, Ton};
use crate::version::Version;

pdus! {
    /// Binds the session for sending messages to the MC.
    bind_transmitter BindTransmitter = 0x0000_0002, "4.1.1.1" from Esme in [Open Outbound] {
        /// Name of the ESME.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// Its password.
        password: CStr<9> => ESME_RINVPASWD,
        /// What kind of system it is; free text.
        system_type: CStr<13> => ESME_RINVSYSTYP,
        /// Version the ESME speaks.
        interface_version: InterfaceVersion => ESME_RBINDFAIL,
        /// TON of the addresses it serves.
        addr_ton: Ton => ESME_RBINDFAIL,
        /// NPI of the addresses it serves.
        addr_npi: Npi => ESME_RBINDFAIL,
        /// Addresses it serves: one, or a UNIX regular expression. No status is defined for a bad one.
        address_range: CStr<41> => ESME_RBINDFAIL,
        /// None are specified; what comes is passed over.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to bind_transmitter.
    bind_transmitter_resp BindTransmitterResp = 0x8000_0002, "4.1.1.2" from Mc in [Open Outbound]
        answers bind_transmitter BindTransmitter tlvs BIND_RESP ANY_RESP {
        /// Name of the MC.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// sc_interface_version; in 5.0 congestion_state.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Binds the session for receiving messages from the MC.
    bind_receiver BindReceiver = 0x0000_0001, "4.1.1.3" from Esme in [Open Outbound] {
        /// Name of the ESME.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// Its password.
        password: CStr<9> => ESME_RINVPASWD,
        /// What kind of system it is; free text.
        system_type: CStr<13> => ESME_RINVSYSTYP,
        /// Version the ESME speaks.
        interface_version: InterfaceVersion => ESME_RBINDFAIL,
        /// TON of the addresses it serves.
        addr_ton: Ton => ESME_RBINDFAIL,
        /// NPI of the addresses it serves.
        addr_npi: Npi => ESME_RBINDFAIL,
        /// Addresses it serves: one, or a UNIX regular expression. No status is defined for a bad one.
        address_range: CStr<41> => ESME_RBINDFAIL,
        /// None are specified; what comes is passed over.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to bind_receiver.
    bind_receiver_resp BindReceiverResp = 0x8000_0001, "4.1.1.4" from Mc in [Open Outbound]
        answers bind_receiver BindReceiver tlvs BIND_RESP ANY_RESP {
        /// Name of the MC.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// sc_interface_version; in 5.0 congestion_state.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Binds the session for both directions. A 3.3 MC does not know it (SMPP 3.4, 4.1).
    bind_transceiver BindTransceiver = 0x0000_0009, "4.1.1.5" since V34 from Esme in [Open Outbound] {
        /// Name of the ESME.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// Its password.
        password: CStr<9> => ESME_RINVPASWD,
        /// What kind of system it is; free text.
        system_type: CStr<13> => ESME_RINVSYSTYP,
        /// Version the ESME speaks.
        interface_version: InterfaceVersion => ESME_RBINDFAIL,
        /// TON of the addresses it serves.
        addr_ton: Ton => ESME_RBINDFAIL,
        /// NPI of the addresses it serves.
        addr_npi: Npi => ESME_RBINDFAIL,
        /// Addresses it serves: one, or a UNIX regular expression. No status is defined for a bad one.
        address_range: CStr<41> => ESME_RBINDFAIL,
        /// None are specified; what comes is passed over.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to bind_transceiver.
    bind_transceiver_resp BindTransceiverResp = 0x8000_0009, "4.1.1.6" since V34 from Mc in [Open Outbound]
        answers bind_transceiver BindTransceiver tlvs BIND_RESP ANY_RESP {
        /// Name of the MC.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// sc_interface_version; in 5.0 congestion_state.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC, having connected to an ESME, asks it to bind. It has no response.
    outbind Outbind = 0x0000_000B, "4.1.1.7" since V34 from Mc in [Open] {
        /// Name of the MC.
        system_id: CStr<16> => ESME_RINVSYSID,
        /// The MC's password, for the ESME to check.
        password: CStr<9> => ESME_RINVPASWD,
        /// None are specified; what comes is passed over.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Ends the session politely. Either peer may send it.
    unbind Unbind = 0x0000_0006, "4.1.1.8"
        from Esme in [BoundTx BoundRx BoundTrx] from Mc in [BoundTx BoundRx BoundTrx] {
    }
    /// The answer to unbind; the connection is closed after it.
    unbind_resp UnbindResp = 0x8000_0006, "4.1.1.9"
        from Esme in [BoundTx BoundRx BoundTrx Unbound] from Mc in [BoundTx BoundRx BoundTrx Unbound]
        answers unbind Unbind tlvs ANY_RESP {
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Asks whether the peer is alive.
    enquire_link EnquireLink = 0x0000_0015, "4.1.2.1"
        from Esme in [Open Outbound BoundTx BoundRx BoundTrx Unbound]
        from Mc in [Open Outbound BoundTx BoundRx BoundTrx Unbound] {
    }
    /// The answer to enquire_link.
    enquire_link_resp EnquireLinkResp = 0x8000_0015, "4.1.2.2"
        from Esme in [Open Outbound BoundTx BoundRx BoundTrx Unbound]
        from Mc in [Open Outbound BoundTx BoundRx BoundTrx Unbound]
        answers enquire_link EnquireLink tlvs ANY_RESP {
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Tells the ESME that a subscriber with a pending delivery is reachable. It has no response.
    alert_notification AlertNotification = 0x0000_0102, "4.1.3.1" since V34 from Mc in [BoundRx BoundTrx] tlvs ALERT {
        /// TON of the subscriber.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the subscriber.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the subscriber.
        source_addr: CStr<65> => ESME_RINVSRCADR,
        /// TON of the ESME.
        esme_addr_ton: Ton => ESME_RINVDSTTON,
        /// NPI of the ESME.
        esme_addr_npi: Npi => ESME_RINVDSTNPI,
        /// Address of the ESME that asked with set_dpf.
        esme_addr: CStr<65> => ESME_RINVDSTADR,
        /// ms_availability_status; absent means available.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Refuses a PDU whose header could not be understood. Never answered.
    generic_nack GenericNack = 0x8000_0000, "4.1.4.1"
        from Esme in [Open Outbound BoundTx BoundRx BoundTrx Unbound]
        from Mc in [Open Outbound BoundTx BoundRx BoundTrx Unbound] tlvs ANY_RESP {
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Hands one short message to the MC.
    submit_sm SubmitSm = 0x0000_0004, "4.2.1.1" from Esme in [BoundTx BoundTrx] tlvs SUB {
        /// SMS application service; empty means the MC's default.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// TON of the sender.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the sender.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the sender; empty means the MC's default for the ESME.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// TON of the destination.
        dest_addr_ton: Ton => ESME_RINVDSTTON,
        /// NPI of the destination.
        dest_addr_npi: Npi => ESME_RINVDSTNPI,
        /// Address of the destination.
        destination_addr: CStr<21> => ESME_RINVDSTADR,
        /// Message mode and type.
        esm_class: EsmClass => ESME_RINVESMCLASS,
        /// GSM TP-PID.
        protocol_id: u8 => ESME_RINVESMCLASS,
        /// Priority; its meaning depends on the network.
        priority_flag: u8 [V33: 1] [V34: 3] [V50: 4] => ESME_RINVPRTFLG,
        /// When to deliver; none means now.
        schedule_delivery_time: Time => ESME_RINVSCHED,
        /// When to give up; none means the MC's default.
        validity_period: Time => ESME_RINVEXPIRY,
        /// Reports asked for. In 3.3 named registered_delivery_flag.
        registered_delivery: RegisteredDelivery => ESME_RINVREGDLVFLG,
        /// 1 replaces a pending message with the same source, destination and service_type.
        replace_if_present_flag: u8 [V33: 1] [V34: 1] [V50: 1] => ESME_RINVREPFLAG,
        /// Encoding of the user data.
        data_coding: DataCoding => ESME_RINVDCS,
        /// A text stored on the MC; 0 means none.
        sm_default_msg_id: u8 [V33: 100] [V34: 254] => ESME_RINVDFTMSGID,
        /// User data, with its length in front; longer user data goes into message_payload.
        short_message: ShortMessage [V33: 160] [V34: 254] => ESME_RINVMSGLEN,
        /// All else.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to submit_sm.
    submit_sm_resp SubmitSmResp = 0x8000_0004, "4.2.1.2" from Mc in [BoundTx BoundTrx]
        answers submit_sm SubmitSm tlvs SR ANY_RESP {
        /// The MC's id of the message. In 3.3 at most 8 hexadecimal digits.
        message_id: CStr<65> [V33: 9] => ESME_RINVMSGID,
        /// In 5.0, why a transaction failed, and congestion_state.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Carries a message with everything optional in TLVs. Both directions, each with its own states.
    data_sm DataSm = 0x0000_0103, "4.2.2.1" since V34 from Esme in [BoundTx BoundTrx] from Mc in [BoundRx BoundTrx]
        requires [message_payload] tlvs SUB DEL {
        /// SMS application service; empty means the MC's default.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// TON of the sender.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the sender.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the sender.
        source_addr: CStr<65> => ESME_RINVSRCADR,
        /// TON of the destination.
        dest_addr_ton: Ton => ESME_RINVDSTTON,
        /// NPI of the destination.
        dest_addr_npi: Npi => ESME_RINVDSTNPI,
        /// Address of the destination.
        destination_addr: CStr<65> => ESME_RINVDSTADR,
        /// Message mode and type.
        esm_class: EsmClass => ESME_RINVESMCLASS,
        /// Reports asked for.
        registered_delivery: RegisteredDelivery => ESME_RINVREGDLVFLG,
        /// Encoding of the user data.
        data_coding: DataCoding => ESME_RINVDCS,
        /// message_payload, the only carrier of user data here, and all else.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The answer to data_sm.
    data_sm_resp DataSmResp = 0x8000_0103, "4.2.2.2" since V34 from Mc in [BoundTx BoundTrx] from Esme in [BoundRx BoundTrx]
        answers data_sm DataSm tlvs SR DR ANY_RESP {
        /// The MC's id of the message.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// Why a transaction failed.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Hands one short message for several destinations to the MC.
    submit_multi SubmitMulti = 0x0000_0021, "4.2.3.1" from Esme in [BoundTx BoundTrx] tlvs SUB {
        /// SMS application service; empty means the MC's default.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// TON of the sender.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the sender.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the sender; empty means the MC's default for the ESME.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// SME addresses and distribution lists, with their number in front.
        dest_address: DestAddresses [V34: 254] => ESME_RINVNUMDESTS,
        /// Message mode and type.
        esm_class: EsmClass => ESME_RINVESMCLASS,
        /// GSM TP-PID.
        protocol_id: u8 => ESME_RINVESMCLASS,
        /// Priority; its meaning depends on the network.
        priority_flag: u8 [V33: 1] [V34: 3] [V50: 4] => ESME_RINVPRTFLG,
        /// When to deliver; none means now.
        schedule_delivery_time: Time => ESME_RINVSCHED,
        /// When to give up; none means the MC's default.
        validity_period: Time => ESME_RINVEXPIRY,
        /// Reports asked for.
        registered_delivery: RegisteredDelivery => ESME_RINVREGDLVFLG,
        /// 1 replaces a pending message. Reserved in 3.4.
        replace_if_present_flag: u8 [V33: 1] [V34: 1] [V50: 1] => ESME_RINVREPFLAG,
        /// Encoding of the user data.
        data_coding: DataCoding => ESME_RINVDCS,
        /// A text stored on the MC; 0 means none.
        sm_default_msg_id: u8 [V33: 100] [V34: 254] => ESME_RINVDFTMSGID,
        /// User data, with its length in front.
        short_message: ShortMessage [V33: 160] [V34: 254] => ESME_RINVMSGLEN,
        /// All else.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to submit_multi.
    submit_multi_resp SubmitMultiResp = 0x8000_0021, "4.2.3.2" from Mc in [BoundTx BoundTrx]
        answers submit_multi SubmitMulti tlvs SR ANY_RESP {
        /// One id for all destinations.
        message_id: CStr<65> [V33: 9] => ESME_RINVMSGID,
        /// The destinations refused, with their number in front.
        unsuccess_sme: UnsuccessSmes => ESME_RINVNUMDESTS,
        /// As in submit_sm_resp.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Hands one short message, or a receipt, to the ESME.
    deliver_sm DeliverSm = 0x0000_0005, "4.3.1.1" from Mc in [BoundRx BoundTrx] tlvs DEL {
        /// SMS application service; empty means the MC's default.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// TON of the sender.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the sender.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the sender; empty means the MC's default for the ESME.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// TON of the destination.
        dest_addr_ton: Ton => ESME_RINVDSTTON,
        /// NPI of the destination.
        dest_addr_npi: Npi => ESME_RINVDSTNPI,
        /// Address of the destination.
        destination_addr: CStr<21> => ESME_RINVDSTADR,
        /// Message mode and type.
        esm_class: EsmClass => ESME_RINVESMCLASS,
        /// GSM TP-PID.
        protocol_id: u8 => ESME_RINVESMCLASS,
        /// Priority; its meaning depends on the network.
        priority_flag: u8 [V33: 1] [V34: 3] [V50: 4] => ESME_RINVPRTFLG,
        /// When to deliver; none means now.
        schedule_delivery_time: Time => ESME_RINVSCHED,
        /// When to give up; none means the MC's default.
        validity_period: Time => ESME_RINVEXPIRY,
        /// Reports asked for. In 3.3 named registered_delivery_flag.
        registered_delivery: RegisteredDelivery => ESME_RINVREGDLVFLG,
        /// 1 replaces a pending message with the same source, destination and service_type.
        replace_if_present_flag: u8 [V33: 1] [V34: 1] [V50: 1] => ESME_RINVREPFLAG,
        /// Encoding of the user data.
        data_coding: DataCoding => ESME_RINVDCS,
        /// A text stored on the MC; 0 means none.
        sm_default_msg_id: u8 [V33: 100] [V34: 254] => ESME_RINVDFTMSGID,
        /// User data, with its length in front; longer user data goes into message_payload.
        short_message: ShortMessage [V33: 160] [V34: 254] => ESME_RINVMSGLEN,
        /// All else.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The ESME's answer to deliver_sm.
    deliver_sm_resp DeliverSmResp = 0x8000_0005, "4.3.1.2" from Esme in [BoundRx BoundTrx]
        answers deliver_sm DeliverSm tlvs DR ANY_RESP {
        /// Unused: empty.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// In 5.0, why the delivery failed.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Hands a message for all handsets of some areas to the MC.
    broadcast_sm BroadcastSm = 0x0000_0111, "4.4.1.1" since V50 from Esme in [BoundTx BoundTrx]
        requires [broadcast_area_identifier broadcast_content_type broadcast_rep_num broadcast_frequency_interval]
        tlvs BC {
        /// SMS application service; empty means the MC's default.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// TON of the sender.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the sender.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the sender.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// The broadcast to replace; else empty.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// Priority; 1 is immediate.
        priority_flag: u8 [V50: 4] => ESME_RINVPRTFLG,
        /// When to begin; none means now.
        schedule_delivery_time: Time => ESME_RINVSCHED,
        /// When to end; none means from broadcast_rep_num and broadcast_frequency_interval.
        validity_period: Time => ESME_RINVEXPIRY,
        /// 1 replaces a broadcast.
        replace_if_present_flag: u8 [V50: 1] => ESME_RINVREPFLAG,
        /// Encoding of the user data.
        data_coding: DataCoding => ESME_RINVDCS,
        /// A text stored on the MC; 0 means none.
        sm_default_msg_id: u8 => ESME_RINVDFTMSGID,
        /// Areas, content type, repetition, interval; text in message_payload.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to broadcast_sm.
    broadcast_sm_resp BroadcastSmResp = 0x8000_0111, "4.4.1.2" since V50 from Mc in [BoundTx BoundTrx]
        answers broadcast_sm BroadcastSm tlvs BC_RESP ANY_RESP {
        /// The MC's id of the broadcast.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// Areas refused, and why.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Withdraws one message, or all pending ones between two addresses.
    cancel_sm CancelSm = 0x0000_0008, "4.5.1.1" from Esme in [BoundTx BoundTrx] {
        /// With no message_id: only messages of this service.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// The message; empty means all that match the addresses.
        message_id: CStr<65> [V33: 9] => ESME_RINVMSGID,
        /// TON of the message's source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the message's source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The message's source.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// TON of the message's destination.
        dest_addr_ton: Ton => ESME_RINVDSTTON,
        /// NPI of the message's destination.
        dest_addr_npi: Npi => ESME_RINVDSTNPI,
        /// The message's destination; may be empty with a message_id.
        destination_addr: CStr<21> => ESME_RINVDSTADR,
        /// None are specified; what comes is passed over.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to cancel_sm.
    cancel_sm_resp CancelSmResp = 0x8000_0008, "4.5.1.2" from Mc in [BoundTx BoundTrx]
        answers cancel_sm CancelSm tlvs ANY_RESP {
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Asks what has become of a message.
    query_sm QuerySm = 0x0000_0003, "4.5.2.1" from Esme in [BoundTx BoundTrx] {
        /// The message. In 3.3 named original_message_id.
        message_id: CStr<65> [V33: 9] => ESME_RINVMSGID,
        /// TON of the message's source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the message's source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The message's source, empty if it was.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// None are specified; what comes is passed over.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to query_sm.
    query_sm_resp QuerySmResp = 0x8000_0003, "4.5.2.2" from Mc in [BoundTx BoundTrx]
        answers query_sm QuerySm tlvs ANY_RESP {
        /// The message.
        message_id: CStr<65> [V33: 9] => ESME_RINVMSGID,
        /// When it became final; none while it is not.
        final_date: FinalDate => ESME_RUNKNOWNERR,
        /// What has become of it. In 3.3 named message_status.
        message_state: MessageState => ESME_RUNKNOWNERR,
        /// Error code of the network; 0 means none.
        error_code: u8 => ESME_RUNKNOWNERR,
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Changes a message that is still pending.
    replace_sm ReplaceSm = 0x0000_0007, "4.5.3.1" from Esme in [BoundTx BoundTrx] tlvs REPLACE {
        /// The message.
        message_id: CStr<65> [V33: 9] => ESME_RINVMSGID,
        /// TON of the message's source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the message's source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The message's source, empty if it was.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// New time of delivery; none keeps the old one.
        schedule_delivery_time: Time => ESME_RINVSCHED,
        /// New end of validity; none keeps the old one.
        validity_period: Time => ESME_RINVEXPIRY,
        /// Reports asked for.
        registered_delivery: RegisteredDelivery => ESME_RINVREGDLVFLG,
        /// A text stored on the MC; 0 means none.
        sm_default_msg_id: u8 [V33: 100] [V34: 254] => ESME_RINVDFTMSGID,
        /// New user data, with its length in front.
        short_message: ShortMessage [V33: 160] [V34: 254] => ESME_RINVMSGLEN,
        /// In 5.0, message_payload.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to replace_sm.
    replace_sm_resp ReplaceSmResp = 0x8000_0007, "4.5.3.2" from Mc in [BoundTx BoundTrx]
        answers replace_sm ReplaceSm tlvs ANY_RESP {
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Asks what has become of a broadcast.
    query_broadcast_sm QueryBroadcastSm = 0x0000_0112, "4.6.1.1" since V50 from Esme in [BoundTx BoundTrx]
        tlvs QUERY_BC {
        /// The broadcast; empty when user_message_reference names it.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// TON of the broadcast's source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the broadcast's source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The broadcast's source.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// user_message_reference.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to query_broadcast_sm.
    query_broadcast_sm_resp QueryBroadcastSmResp = 0x8000_0112, "4.6.1.2" since V50 from Mc in [BoundTx BoundTrx]
        answers query_broadcast_sm QueryBroadcastSm
        requires [message_state broadcast_area_identifier broadcast_area_success] tlvs QUERY_BC_RESP ANY_RESP {
        /// The broadcast. Its type is printed as Integer, an error of the document.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// message_state; each area with its success.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Withdraws one broadcast, or all pending ones of a source.
    cancel_broadcast_sm CancelBroadcastSm = 0x0000_0113, "4.6.3.1" since V50 from Esme in [BoundTx BoundTrx]
        tlvs CANCEL_BC {
        /// With no message_id: only broadcasts of this service.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// The broadcast; empty when user_message_reference names it, or all are meant.
        message_id: CStr<65> => ESME_RINVMSGID,
        /// TON of the broadcast's source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the broadcast's source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The broadcast's source.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// user_message_reference, broadcast_content_type.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// The MC's answer to cancel_broadcast_sm.
    cancel_broadcast_sm_resp CancelBroadcastSmResp = 0x8000_0113, "4.6.3.2" since V50 from Mc in [BoundTx BoundTrx]
        answers cancel_broadcast_sm CancelBroadcastSm tlvs ANY_RESP {
        /// congestion_state at most.
        tlvs: Tlvs => ESME_RINVTLVSTREAM,
    }
    /// Asks for a parameter of the MC. 3.3 prints no numbers for its own PDUs: these are the ones in use.
    param_retrieve ParamRetrieve = 0x0000_0022, "3.3: 6.3.10.1" until V33 from Esme in [BoundTx] {
        /// Name of the parameter.
        param_name: CStr<32> => ESME_RUNKNOWNERR,
    }
    /// The MC's answer to param_retrieve.
    param_retrieve_resp ParamRetrieveResp = 0x8000_0022, "3.3: 6.3.10.2" until V33 from Mc in [BoundTx]
        answers param_retrieve ParamRetrieve {
        /// Value of the parameter.
        param_value: CStr<101> => ESME_RUNKNOWNERR,
    }
    /// Asks for the ids of the latest messages of a source.
    query_last_msgs QueryLastMsgs = 0x0000_0023, "3.3: 6.3.6.4" until V33 from Esme in [BoundTx] {
        /// TON of the source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The source.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// How many; 100 are returned at most.
        num_messages: u8 => ESME_RINVNUMMSGS,
    }
    /// The MC's answer to query_last_msgs.
    query_last_msgs_resp QueryLastMsgsResp = 0x8000_0023, "3.3: 6.3.6.5" until V33 from Mc in [BoundTx]
        answers query_last_msgs QueryLastMsgs {
        /// Ids of messages, the latest first, with their number in front.
        message_details: MessageIds => ESME_RINVNUMMSGS,
    }
    /// Asks for everything about a message.
    query_msg_details QueryMsgDetails = 0x0000_0024, "3.3: 6.3.6.8" until V33 from Esme in [BoundTx] {
        /// The message.
        original_message_id: CStr<9> => ESME_RINVMSGID,
        /// TON of the message's source.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the message's source.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// The message's source.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// Octets of text wanted.
        sm_length: u8 => ESME_RINVMSGLEN,
    }
    /// The MC's answer to query_msg_details.
    query_msg_details_resp QueryMsgDetailsResp = 0x8000_0024, "3.3: 6.3.6.9" until V33 from Mc in [BoundTx]
        answers query_msg_details QueryMsgDetails {
        /// SMS application service.
        service_type: CStr<6> => ESME_RINVSERTYP,
        /// TON of the sender.
        source_addr_ton: Ton => ESME_RINVSRCTON,
        /// NPI of the sender.
        source_addr_npi: Npi => ESME_RINVSRCNPI,
        /// Address of the sender.
        source_addr: CStr<21> => ESME_RINVSRCADR,
        /// Destinations, with their number in front.
        dest_address: DestAddresses => ESME_RINVNUMDESTS,
        /// GSM TP-PID.
        protocol_id: u8 => ESME_RUNKNOWNERR,
        /// Priority.
        priority_flag: u8 => ESME_RINVPRTFLG,
        /// When it was to be delivered.
        schedule_delivery_time: Time => ESME_RINVSCHED,
        /// When it was to be given up.
        validity_period: Time => ESME_RINVEXPIRY,
        /// Reports asked for.
        registered_delivery_flag: u8 => ESME_RINVREGDLVFLG,
        /// Encoding of the user data.
        data_coding: DataCoding => ESME_RINVDCS,
        /// User data, with its length in front.
        short_message: ShortMessage => ESME_RINVMSGLEN,
        /// The message. Its type is printed as Integer.
        msgid: CStr<9> => ESME_RINVMSGID,
        /// When it became final; none while it is not.
        final_date: FinalDate => ESME_RUNKNOWNERR,
        /// What has become of it.
        message_status: MessageState => ESME_RUNKNOWNERR,
        /// Error code of the network; 0 means none.
        error_code: u8 => ESME_RUNKNOWNERR,
    }
}

static NO_TLVS: Tlvs = Tlvs::EMPTY;

/// The next field of an entry: the macro walks fields and definitions side by side.
#[inline]
fn next(fields: &mut core::slice::Iter<'static, FieldDef>) -> &'static FieldDef {
    fields.next().expect("a PDU has as many definitions as fields: both come from one entry")
}

/// Where the fields end, the PDU must end.
#[inline]
fn end<O: Observer>(r: &Reader<'_, O>, def: &PduDef) -> Result<(), BodyError> {
    if r.rest().is_empty() {
        return Ok(());
    }
    let last = def.fields.last().map_or("command_length", |field| field.name);
    Err(r.fault_at(last, r.at(), Fault::Excess, CommandStatus::ESME_RINVCMDLEN))
}

/// A fault of value: where the field stands is the reader's knowledge, not the value's.
fn unplaced(def: &'static FieldDef, fault: Fault) -> BodyError {
    BodyError { field: def.name, at: 0, fault, status: def.status }
}

/// No PDU has the command_id, or none of this version.
#[cold]
fn unknown_command() -> BodyError {
    let status = CommandStatus::ESME_RINVCMDID;
    BodyError { field: "command_id", at: 4, fault: Fault::UnknownCommand, status }
}
