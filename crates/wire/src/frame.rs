//! Octets into frames: one whole PDU each, its inside not yet looked at.
//!
//! "Not all there yet" is a normal answer, not an error. The only error is a
//! command_length that cannot be one: from then on nobody knows where the next
//! PDU begins, so the stream must be closed (SMPP 3.4, 4.3).

use bytes::Bytes;

use crate::error::FrameError;
use crate::header::Header;

/// One whole PDU: its header, and all its octets, header included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The first 16 octets, read.
    pub header: Header,
    /// All octets of the PDU: offsets in errors and dissections count from its start.
    pub octets: Bytes,
}

/// Takes whole frames off the front of a run of octets, without copying them.
///
/// ```
/// use smppkit_wire::Frames;
/// let read = bytes::Bytes::from_static(b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07\0\0\0");
/// let mut frames = Frames::new(read, 65_536);
/// assert_eq!(frames.next().unwrap().unwrap().header.sequence_number, 7);
/// assert!(frames.next().is_none(), "three octets of the next PDU wait for the rest");
/// assert_eq!(frames.rest().len(), 3);
/// ```
#[derive(Debug)]
pub struct Frames {
    octets: Bytes,
    limit_octets: u32,
    broken: bool,
}

impl Frames {
    /// Over octets that came from one stream, in order. A PDU longer than `limit_octets` is refused.
    pub const fn new(octets: Bytes, limit_octets: u32) -> Self {
        Self { octets, limit_octets, broken: false }
    }

    /// What is left: the beginning of a frame that is not all there yet.
    pub fn rest(self) -> Bytes {
        self.octets
    }

    /// The length of the octets that are left.
    pub fn rest_len(&self) -> usize {
        self.octets.len()
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, FrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        match frame_octets(&self.octets, self.limit_octets) {
            Ok(None) => None,
            Ok(Some(header)) => {
                let octets = self.octets.split_to(header.command_length as usize);
                Some(Ok(Frame { header, octets }))
            }
            Err(error) => {
                self.broken = true;
                Some(Err(error))
            }
        }
    }
}

/// The header of a frame that is wholly there, `None` while octets are missing.
///
/// A bad command_length is reported as soon as its four octets are there: waiting for the
/// other twelve would let a peer hold the connection with a length nobody will accept.
#[inline]
pub fn frame_octets(octets: &[u8], limit_octets: u32) -> Result<Option<Header>, FrameError> {
    let Some(length) = octets.first_chunk::<4>() else {
        return Ok(None);
    };
    let got = u32::from_be_bytes(*length);
    let header = Header::read(octets);
    if !(Header::OCTETS as u32..=limit_octets).contains(&got) {
        // The sequence_number is echoed when it has arrived, else 0 (SMPP 5.0, 4.7.24).
        let sequence_number = header.map_or(0, |header| header.sequence_number);
        return Err(FrameError::Length { got, limit: limit_octets, sequence_number });
    }
    Ok(header.filter(|header| header.command_length as usize <= octets.len()))
}
