//! How much a reader forgives: named tolerances, each with the peers that need it.

/// Which departures from the written specification are accepted.
///
/// Two profiles: [`Dialect::STRICT`] follows the written text and is what `inspect` and the
/// conformance tests use; [`Dialect::RECEIVE`] is the default of servers and clients and takes
/// what real peers send. Each field may be changed by itself for one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// A success response without the body it should have is read as empty fields. Seen from
    /// several stacks for submit_sm_resp, deliver_sm_resp and data_sm_resp.
    pub bodiless_success: bool,
    /// The body of an error response that does not parse is kept as octets, never a fault:
    /// SMPP 5.0, 3.2.1.3 says it should not be there at all.
    pub opaque_error_body: bool,
    /// broadcast_rep_num of 1 octet (Wireshark 4.0, Rusmpp) beside the specified 2;
    /// source_telematics_id of 2 octets (node-smpp, smpplib) beside the specified 1.
    pub odd_tlv_lengths: bool,
    /// final_date of 12 characters `YYMMDDhhmmss` (SMPP 3.3, 7.5; 3.4, 7.1.1).
    pub short_dates: bool,
    /// TLVs on a 3.3 session are kept instead of refused: some peers bind with
    /// interface_version 0 for "don't care" and send them all the same.
    pub tlvs_below_v34: bool,
    /// Reserved values of fields with a documented range are refused with the field's status.
    /// SMPP 5.0, 2.11.1 asks for the default instead, yet has codes such as `ESME_RINVPRTFLG`.
    pub refuse_reserved: bool,
    /// The most TLVs one PDU may carry; more is `ESME_RINVTLVSTREAM`. No specified PDU comes near
    /// 256, and each costs the reader a look-up.
    pub tlv_count_limit: u16,
}

impl Dialect {
    /// By the letter.
    pub const STRICT: Self = Self {
        bodiless_success: false,
        opaque_error_body: false,
        odd_tlv_lengths: false,
        short_dates: false,
        tlvs_below_v34: false,
        refuse_reserved: false,
        tlv_count_limit: 256,
    };

    /// What a server or client accepts unless told otherwise.
    pub const RECEIVE: Self = Self {
        bodiless_success: true,
        opaque_error_body: true,
        odd_tlv_lengths: true,
        short_dates: true,
        tlvs_below_v34: false,
        refuse_reserved: false,
        tlv_count_limit: 256,
    };
}

impl Default for Dialect {
    fn default() -> Self {
        Self::RECEIVE
    }
}
