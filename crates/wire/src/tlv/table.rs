//! The table: every TLV of SMPP 3.4 and 5.0, once.
//!
//! Tag, name, type, allowed lengths as `(low, high)`, a length some peers use instead, section of
//! SMPP 5.0, oldest version, the groups of PDUs it has a meaning in, `rep` where several do.

use super::macros::tlvs;
use super::{Octets, Tag, Text, TlvDef, TlvType, place};
use crate::status::CommandStatus;
use crate::value::{InterfaceVersion, MessageState};
use crate::version::Version;

tlvs! {
    /// Part of the destination device meant: 0 unknown (default), 1 MS display, 2 mobile equipment, 3 smart card, 4 external unit.
    0x0005 dest_addr_subunit: u8 [(1, 1)], "4.8.4.23", V34, in [SUB DEL BC];
    /// Network of the destination: 0 unknown, 1 GSM, 2 ANSI-136/TDMA, 3 IS-95/CDMA, 4 PDC, 5 PHS, 6 iDEN, 7 AMPS, 8 paging.
    0x0006 dest_network_type: u8 [(1, 1)], "4.8.4.26", V34, in [SUB];
    /// Bearer at the destination: 0 unknown, 1 SMS, 2 CSD, 3 packet data, 4 USSD, 5 CDPD, 6 DataTAC, 7 FLEX/ReFLEX, 8 cell broadcast.
    0x0007 dest_bearer_type: u8 [(1, 1)], "4.8.4.24", V34, in [SUB];
    /// Telematic interworking at the destination; on GSM the first octet is the protocol_id.
    0x0008 dest_telematics_id: u16 [(2, 2)], "4.8.4.29", V34, in [SUB];
    /// Part of the source device: as dest_addr_subunit.
    0x000D source_addr_subunit: u8 [(1, 1)], "4.8.4.54", V34, in [SUB DEL BC];
    /// Network of the source: as dest_network_type.
    0x000E source_network_type: u8 [(1, 1)], "4.8.4.57", V34, in [SUB];
    /// Bearer at the source: as dest_bearer_type.
    0x000F source_bearer_type: u8 [(1, 1)], "4.8.4.55", V34, in [SUB];
    /// Telematic interworking at the source. 1 octet by the written specification, 2 from some peers.
    0x0010 source_telematics_id: u8 [(1, 1)] or 2, "4.8.4.61", V34, in [SUB];
    /// Seconds the MC should keep the message; supersedes validity_period.
    0x0017 qos_time_to_live: u32 [(4, 4)], "4.8.4.46", V34, in [SUB];
    /// What the user data is: 0 default (WDP for WAP), 1 WCMP.
    0x0019 payload_type: u8 [(1, 1)], "4.8.4.44", V34, in [SUB DEL BC];
    /// Free ASCII text about the outcome.
    0x001D additional_status_info_text: Text [(1, 256)], "4.8.4.1", V34, in [SR DR];
    /// message_id the receipt is about, as it was returned.
    0x001E receipted_message_id: Text [(1, 65)], "4.8.4.47", V34, in [DEL];
    /// Message waiting: bit 7 on or off; bits 1-0: 0 voicemail, 1 fax, 2 e-mail, 3 other.
    0x0030 ms_msg_wait_facilities: u8 [(1, 1)], "4.8.4.40", V34, in [SUB];
    /// 0 not restricted (default), 1 restricted, 2 confidential, 3 secret.
    0x0201 privacy_indicator: u8 [(1, 1)], "4.8.4.45", V34, in [SUB DEL BC];
    /// Subaddress of the source: type octet (0x80 NSAP even, 0x88 NSAP odd, 0xA0 user specified), then 1 to 22 octets.
    0x0202 source_subaddress: Octets [(2, 23)], "4.8.4.60", V34, in [SUB DEL BC];
    /// Subaddress of the destination: as source_subaddress.
    0x0203 dest_subaddress: Octets [(2, 23)], "4.8.4.28", V34, in [SUB DEL BC];
    /// The ESME's own number for the message, returned in its receipts.
    0x0204 user_message_reference: u16 [(2, 2)], "4.8.4.62", V34, in [SUB DEL BC QUERY_BC QUERY_BC_RESP CANCEL_BC];
    /// Answer code of the user.
    0x0205 user_response_code: u8 [(1, 1)], "4.8.4.63", V34, in [SUB DEL];
    /// Application port at the source. Not together with a UDH.
    0x020A source_port: u16 [(2, 2)], "4.8.4.59", V34, in [SUB DEL BC];
    /// Application port at the destination; named destination_port in 3.4. Not together with a UDH.
    0x020B dest_port: u16 [(2, 2)], "4.8.4.30", V34, in [SUB DEL BC];
    /// Number that the segments of one message share. All three sar_ TLVs or none.
    0x020C sar_msg_ref_num: u16 [(2, 2)], "4.8.4.48", V34, in [SUB DEL];
    /// 0 unspecified (default), 1 English, 2 French, 3 Spanish, 4 German, 5 Portuguese.
    0x020D language_indicator: u8 [(1, 1)], "4.8.4.35", V34, in [SUB DEL BC];
    /// How many segments, 1 to 255.
    0x020E sar_total_segments: u8 [(1, 1)], "4.8.4.50", V34, in [SUB DEL];
    /// Which segment this is, from 1.
    0x020F sar_segment_seqnum: u8 [(1, 1)], "4.8.4.49", V34, in [SUB DEL];
    /// Version the MC speaks: 0x34, 0x50; absent means no TLV support.
    0x0210 sc_interface_version: InterfaceVersion [(1, 1)], "4.8.4.51", V34, in [BIND_RESP];
    /// Presentation and screening of the call-back number, paired with callback_num by order.
    0x0302 callback_num_pres_ind: u8 [(1, 1)], "4.8.4.17", V34, in [SUB DEL BC] rep;
    /// Name shown for the call-back number: data_coding octet, then characters.
    0x0303 callback_num_atag: Octets [(1, 65)], "4.8.4.16", V34, in [SUB DEL BC] rep;
    /// Messages waiting, 0 to 99.
    0x0304 number_of_messages: u8 [(1, 1)], "4.8.4.43", V34, in [SUB];
    /// Call-back number: digit mode, TON, NPI, then 1 to 16 digits.
    0x0381 callback_num: Octets [(4, 19)], "4.8.4.15", V34, in [SUB DEL BC] rep;
    /// Whether the delivery pending flag was set: 0 no, 1 yes.
    0x0420 dpf_result: u8 [(1, 1)], "4.8.4.32", V34, in [SR DEL];
    /// Asks the MC to set the delivery pending flag when delivery fails: 0 no, 1 yes (default).
    0x0421 set_dpf: u8 [(1, 1)], "4.8.4.52", V34, in [SUB];
    /// 0 available (default), 1 denied, 2 unavailable.
    0x0422 ms_availability_status: u8 [(1, 1)], "4.8.4.39", V34, in [ALERT];
    /// Network type octet (1 ANSI-136, 2 IS-95, 3 GSM, 8 MC specific, ...) and a 2-octet code.
    0x0423 network_error_code: Octets [(3, 3)], "4.8.4.42", V34, in [SR DEL DR];
    /// User data of up to 65,535 octets instead of short_message.
    0x0424 message_payload: Octets [(0, 65_535)], "4.8.4.36", V34, in [SUB DEL BC REPLACE];
    /// 0 destination unavailable, 1 destination address invalid, 2 permanent network error, 3 temporary network error.
    0x0425 delivery_failure_reason: u8 [(1, 1)], "4.8.4.19", V34, in [SR DR];
    /// Whether more follow for the same destination: 0 no, 1 yes (default).
    0x0426 more_messages_to_send: u8 [(1, 1)], "4.8.4.38", V34, in [SUB];
    /// What has become of the message.
    0x0427 message_state: MessageState [(1, 1)], "4.8.4.37", V34, in [DEL QUERY_BC_RESP];
    /// Load of the sender, 0 to 100: below 80 send faster, above 90 slower.
    0x0428 congestion_state: u8 [(1, 1)], "4.8.4.18", V50, in [ANY_RESP];
    /// USSD operation: 0 PSSD ind, 1 PSSR ind, 2 USSR req, 3 USSN req, 16 to 19 their answers.
    0x0501 ussd_service_op: u8 [(1, 1)], "4.8.4.64", V34, in [SUB DEL];
    /// 0 basic channel (default), 1 extended.
    0x0600 broadcast_channel_indicator: u8 [(1, 1)], "4.8.4.7", V50, in [BC];
    /// Network octet (0 generic, 1 GSM, 2 TDMA, 3 CDMA) and a 2-octet content type.
    0x0601 broadcast_content_type: Octets [(3, 3)], "4.8.4.8", V50, in [BC CANCEL_BC];
    /// More about the content, free octets.
    0x0602 broadcast_content_type_info: Octets [(1, 255)], "4.8.4.6", V50, in [BC];
    /// 0 none (default), 1 class 1, 2 class 2, 3 class 3.
    0x0603 broadcast_message_class: u8 [(1, 1)], "4.8.4.12", V50, in [BC];
    /// How often the message is repeated; 0 without end. 2 octets by the written specification, 1 from some peers.
    0x0604 broadcast_rep_num: u16 [(2, 2)] or 1, "4.8.4.13", V50, in [BC];
    /// Unit octet (0 as often as possible, 8 s, 9 min, 10 h, 11 d, 12 wk, 13 mo, 14 y) and a 2-octet count.
    0x0605 broadcast_frequency_interval: Octets [(3, 3)], "4.8.4.11", V50, in [BC];
    /// Target area: format octet (0 name, 1 ellipsoid arc, 2 polygon), then up to 100 octets; named failed_broadcast_area_identifier in broadcast_sm_resp.
    0x0606 broadcast_area_identifier: Octets [(1, 101)], "4.8.4.4", V50, in [BC BC_RESP QUERY_BC_RESP] rep;
    /// A command_status for each failed area, in the same order.
    0x0607 broadcast_error_status: CommandStatus [(4, 4)], "4.8.4.10", V50, in [BC_RESP] rep;
    /// Percentage of the area's base stations that took the message, 0 to 100; 255 unknown.
    0x0608 broadcast_area_success: u8 [(1, 1)], "4.8.4.5", V50, in [QUERY_BC_RESP] rep;
    /// When the broadcast ended, absolute. 16 octets as the size column prints, 17 with the NUL of its type.
    0x0609 broadcast_end_time: Text [(16, 17)], "4.8.4.9", V50, in [QUERY_BC_RESP];
    /// Broadcast service group, free octets.
    0x060A broadcast_service_group: Octets [(1, 255)], "4.8.4.14", V50, in [BC];
    /// Format octet (0x80 to 0xFF vendor), then free octets.
    0x060B billing_identification: Octets [(1, 1_024)], "4.8.4.3", V50, in [SUB];
    /// Network of the source: 1 MCC MNC, 2 MCC SID, 3 MCC type address.
    0x060D source_network_id: Text [(7, 65)], "4.8.4.56", V50, in [SUB DEL];
    /// Network of the destination: as source_network_id.
    0x060E dest_network_id: Text [(7, 65)], "4.8.4.25", V50, in [SUB DEL];
    /// Node of the source, 6 decimal digits.
    0x060F source_node_id: Octets [(6, 6)], "4.8.4.58", V50, in [SUB DEL];
    /// Node of the destination, 6 decimal digits.
    0x0610 dest_node_id: Octets [(6, 6)], "4.8.4.27", V50, in [SUB DEL];
    /// Number portability: 0 not queried (default), 1 not ported, 2 ported.
    0x0611 dest_addr_np_resolution: u8 [(1, 1)], "4.8.4.22", V50, in [SUB DEL];
    /// Number portability: 10 digits of routing number.
    0x0612 dest_addr_np_information: Octets [(10, 10)], "4.8.4.21", V50, in [SUB DEL];
    /// Number portability: E.164 country code of the operator, kept as octets.
    0x0613 dest_addr_np_country: Octets [(1, 5)], "4.8.4.20", V50, in [SUB DEL];
    /// 0 temporary, 1 default (default), 2 invoke.
    0x1201 display_time: u8 [(1, 1)], "4.8.4.31", V34, in [SUB BC];
    /// Alert signal, by CMT-136.
    0x1203 sms_signal: u16 [(2, 2)], "4.8.4.53", V34, in [SUB BC];
    /// How long the handset keeps the message: behaviour octet; with behaviour 4 a unit octet and a 2-octet count.
    0x1204 ms_validity: Octets [(1, 1), (4, 4)], "4.8.4.41", V34, in [SUB BC];
    /// Alerts the user: no octets or 0 mobile default, 1 low, 2 medium, 3 high.
    0x130C alert_on_message_delivery: Octets [(0, 1)], "4.8.4.2", V34, in [SUB BC];
    /// Interactive teleservice: 0 digit, 1 number, 2 telephone number, 3 password, 4 line, 5 menu, 6 date, 7 time, 8 continue.
    0x1380 its_reply_type: u8 [(1, 1)], "4.8.4.33", V34, in [SUB DEL];
    /// Interactive teleservice: session number, then dialogue sequence number and end bit.
    0x1383 its_session_info: Octets [(2, 2)], "4.8.4.34", V34, in [SUB DEL];
}
