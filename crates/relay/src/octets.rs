//! Small numbers and texts one behind another, for what is kept.

use crate::parcel::BadParcel;

/// Writes.
#[derive(Debug, Default)]
pub(crate) struct Out(pub(crate) Vec<u8>);

impl Out {
    pub(crate) fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn i64(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    /// At most 255 octets of it, with their number in front.
    pub(crate) fn text(&mut self, octets: &[u8]) {
        let octets = octets.get(..255).unwrap_or(octets);
        self.0.push(octets.len() as u8);
        self.0.extend_from_slice(octets);
    }
}

/// Reads what [`Out`] wrote.
#[derive(Debug)]
pub(crate) struct In<'a>(pub(crate) &'a [u8]);

impl<'a> In<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], BadParcel> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(BadParcel::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadParcel> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(BadParcel::Cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, BadParcel> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, BadParcel> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, BadParcel> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, BadParcel> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a [u8], BadParcel> {
        let count = self.u8()?;
        self.take(usize::from(count))
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, BadParcel> {
        core::str::from_utf8(self.text()?).map_err(|_| BadParcel::Text)
    }
}
