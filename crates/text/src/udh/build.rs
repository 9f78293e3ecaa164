//! Making a header.

use core::fmt;

use super::{Concatenation, Iei, Ports, ReferenceWidth};
use crate::language::{Language, Shifts};

/// A header under construction, elements in the order they are added; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UdhBuilder {
    /// What will follow UDHL, at most 255 octets.
    elements: Vec<u8>,
}

impl UdhBuilder {
    /// No element yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any element.
    pub fn element(&mut self, iei: Iei, data: &[u8]) -> Result<&mut Self, HeaderTooLong> {
        let octets = self.elements.len() + 2 + data.len();
        let (Ok(iedl), Ok(_)) = (u8::try_from(data.len()), u8::try_from(octets)) else {
            return Err(HeaderTooLong { octets });
        };
        self.elements.extend([iei.0, iedl]);
        self.elements.extend(data);
        Ok(self)
    }

    /// Adds the place of a part in its message.
    pub fn concatenation(&mut self, part: Concatenation) -> Result<&mut Self, HeaderTooLong> {
        let [high, low] = part.reference().to_be_bytes();
        match part.width() {
            ReferenceWidth::Eight => {
                self.element(Iei::CONCATENATION_8_BIT, &[low, part.total(), part.sequence()])
            }
            ReferenceWidth::Sixteen => {
                self.element(Iei::CONCATENATION_16_BIT, &[high, low, part.total(), part.sequence()])
            }
        }
    }

    /// Adds application ports.
    pub fn ports(&mut self, ports: Ports) -> Result<&mut Self, HeaderTooLong> {
        match ports {
            Ports::Eight { destination, originator } => {
                self.element(Iei::PORTS_8_BIT, &[destination, originator])
            }
            Ports::Sixteen { destination, originator } => {
                let ([d1, d2], [o1, o2]) = (destination.to_be_bytes(), originator.to_be_bytes());
                self.element(Iei::PORTS_16_BIT, &[d1, d2, o1, o2])
            }
        }
    }

    /// Announces the shift tables that are not the default; adds nothing when both are.
    pub fn shifts(&mut self, shifts: Shifts) -> Result<&mut Self, HeaderTooLong> {
        if shifts.single != Language::DEFAULT {
            self.element(Iei::SINGLE_SHIFT, &[shifts.single.0])?;
        }
        if shifts.locking != Language::DEFAULT {
            self.element(Iei::LOCKING_SHIFT, &[shifts.locking.0])?;
        }
        Ok(self)
    }

    /// Adds the elements of another header after those already here.
    pub(crate) fn append(&mut self, other: &Self) -> Result<&mut Self, HeaderTooLong> {
        let octets = self.elements.len() + other.elements.len();
        if u8::try_from(octets).is_err() {
            return Err(HeaderTooLong { octets });
        }
        self.elements.extend(&other.elements);
        Ok(self)
    }

    /// Octets of all elements, UDHL not counted.
    pub(crate) fn elements_octets(&self) -> usize {
        self.elements.len()
    }

    /// Whether no element was added, so that no header is needed.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// UDHL and the elements; a lone zero when there is none.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(1 + self.elements.len());
        // `element` and `append` keep the elements within 255 octets.
        octets.push(self.elements.len() as u8);
        octets.extend(&self.elements);
        octets
    }
}

/// A header's elements would not fit UDHL, which counts to 255, or the part they head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderTooLong {
    /// Octets the elements would take.
    pub octets: usize,
}

impl fmt::Display for HeaderTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user data header elements of {} octets are too long", self.octets)
    }
}

impl core::error::Error for HeaderTooLong {}
