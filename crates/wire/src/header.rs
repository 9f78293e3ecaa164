//! The 16 octets that open every PDU (SMPP 5.0, 3.2).

use crate::status::CommandStatus;

/// The four integers that open every PDU, in every version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU, these four included.
    pub command_length: u32,
    /// Which operation; bit 31 marks a response.
    pub command_id: u32,
    /// Outcome in a response; 0 in a request, where it is ignored on receipt.
    pub command_status: CommandStatus,
    /// 1 to 0x7FFF_FFFF; a response echoes its request's, whatever that was.
    pub sequence_number: u32,
}

impl Header {
    /// Octets of a header, and of the smallest PDU.
    pub const OCTETS: usize = 16;
    /// Set in the command_id of every response.
    pub const RESPONSE_BIT: u32 = 0x8000_0000;
    /// The command_id of generic_nack.
    pub const GENERIC_NACK: u32 = 0x8000_0000;

    /// The header in the first 16 octets, or `None` when there are fewer.
    #[inline]
    pub fn read(octets: &[u8]) -> Option<Self> {
        let octets: &[u8; 16] = octets.get(..16)?.try_into().ok()?;
        let [l0, l1, l2, l3, i0, i1, i2, i3, s0, s1, s2, s3, n0, n1, n2, n3] = *octets;
        Some(Self {
            command_length: u32::from_be_bytes([l0, l1, l2, l3]),
            command_id: u32::from_be_bytes([i0, i1, i2, i3]),
            command_status: CommandStatus(u32::from_be_bytes([s0, s1, s2, s3])),
            sequence_number: u32::from_be_bytes([n0, n1, n2, n3]),
        })
    }

    /// The header as octets.
    #[inline]
    pub fn octets(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..4].copy_from_slice(&self.command_length.to_be_bytes());
        out[4..8].copy_from_slice(&self.command_id.to_be_bytes());
        out[8..12].copy_from_slice(&self.command_status.0.to_be_bytes());
        out[12..].copy_from_slice(&self.sequence_number.to_be_bytes());
        out
    }

    /// Whether the command_id has the response bit.
    #[inline]
    pub const fn is_response(&self) -> bool {
        self.command_id & Self::RESPONSE_BIT != 0
    }
}
