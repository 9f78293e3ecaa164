//! Octets into frames: one whole PDU each, its inside not yet looked at.
//!
//! "Not all there yet" is a normal answer, not an error. The only error is a
//! command_length that cannot be one: from then on nobody knows where the next
//! PDU begins, so the stream must be closed (SMPP 3.4, 4.3).

use bytes::Bytes;

use crate::error::FrameError;
use crate::header::Header;

/// One whole PDU in the run of octets it was read with.
///
/// Borrowed: taking frames off a run costs nothing, and only what a decoded PDU keeps (user data,
/// TLVs) shares the run's octets.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The first 16 octets, read.
    pub header: Header,
    octets: &'a [u8],
    /// The octets and what follows them in the run: read from, never shown.
    tail: &'a [u8],
    run: &'a Bytes,
}

impl<'a> Frame<'a> {
    /// All octets of the PDU, header included: offsets in errors and dissections count from its start.
    #[inline]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The octets of the PDU, sharing those of the run.
    pub fn to_bytes(&self) -> Bytes {
        self.run.slice_ref(self.octets)
    }

    #[inline]
    pub(crate) const fn tail(&self) -> &'a [u8] {
        self.tail
    }

    #[inline]
    pub(crate) const fn run(&self) -> &'a Bytes {
        self.run
    }
}

/// Takes whole frames off the front of a run of octets, without copying them.
///
/// ```
/// use smppkit_wire::Frames;
/// let run = bytes::Bytes::from_static(b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07\0\0\0");
/// let mut frames = Frames::new(&run, 65_536);
/// assert_eq!(frames.next().unwrap().unwrap().header.sequence_number, 7);
/// assert!(frames.next().is_none(), "three octets of the next PDU wait for the rest");
/// assert_eq!(frames.rest().len(), 3);
/// ```
#[derive(Debug)]
pub struct Frames<'a> {
    run: &'a Bytes,
    at: usize,
    limit_octets: u32,
    broken: bool,
}

impl<'a> Frames<'a> {
    /// Over octets that came from one stream, in order. A PDU longer than `limit_octets` is refused.
    pub const fn new(run: &'a Bytes, limit_octets: u32) -> Self {
        Self { run, at: 0, limit_octets, broken: false }
    }

    /// What is left: the beginning of a frame that is not all there yet.
    pub fn rest(&self) -> &'a [u8] {
        self.run.get(self.at..).unwrap_or_default()
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let rest = self.rest();
        match whole_frame(rest, self.limit_octets) {
            Ok(None) => None,
            Ok(Some(header)) => {
                let octets = rest.get(..header.command_length as usize)?;
                self.at += octets.len();
                Some(Ok(Frame { header, octets, tail: rest, run: self.run }))
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
pub fn whole_frame(octets: &[u8], limit_octets: u32) -> Result<Option<Header>, FrameError> {
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
