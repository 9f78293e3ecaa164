//! All TLVs of a PDU as one shared run of octets: checked once, walked on demand.

use core::fmt;

use bytes::Bytes;

use super::{Known, Tag, TlvDef, TlvKind, TlvText, TlvType};
use crate::error::{BodyError, Fault};
use crate::field::{Field, Kind, Reader, Subject, ValueError, Writer, int_from, octets_from, share};
use crate::observe::{Observer, TlvSeen, Value};
use crate::pdu::FieldDef;
use crate::version::Version;

/// The TLVs of one PDU, in the order they came, unknown and repeated ones kept.
///
/// ```
/// use smppkit_wire::tlv::{tag, Tlvs, TlvText};
/// use smppkit_wire::value::MessageState;
/// let tlvs = Tlvs::build()
///     .with(tag::receipted_message_id, TlvText(b"42"))
///     .with(tag::message_state, MessageState::DELIVERED)
///     .done();
/// assert_eq!(tlvs.get(tag::message_state), Some(MessageState::DELIVERED));
/// assert_eq!(tlvs.get(tag::user_message_reference), None);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tlvs {
    /// Whole TLVs one after another: whoever makes a `Tlvs` has checked that.
    region: Bytes,
}

/// One TLV of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its value's octets.
    pub value: &'a [u8],
}

/// Octets of tag and length.
const OVERHEAD: usize = 4;

impl Tlvs {
    /// No TLVs.
    pub const EMPTY: Self = Self { region: Bytes::new() };

    /// Starts a list of TLVs.
    pub fn build() -> TlvsBuilder {
        TlvsBuilder { region: Vec::new() }
    }

    /// All TLVs, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Tlv<'_>> + Clone {
        let mut rest: &[u8] = &self.region;
        core::iter::from_fn(move || {
            let (tlv, after) = split(rest)?;
            rest = after;
            Some(tlv)
        })
    }

    /// The value of the first TLV with this tag; `None` when there is none or its length is wrong.
    #[inline]
    pub fn get<T: TlvType>(&self, known: Known<T>) -> Option<T::Value<'_>> {
        self.all(known).next()
    }

    /// The values of all TLVs with this tag.
    #[inline]
    pub fn all<T: TlvType>(&self, known: Known<T>) -> impl Iterator<Item = T::Value<'_>> {
        self.iter().filter(move |tlv| tlv.tag == known.tag()).filter_map(|tlv| T::read(tlv.value))
    }

    /// Whether a TLV with this tag is there.
    pub fn has(&self, tag: Tag) -> bool {
        self.iter().any(|tlv| tlv.tag == tag)
    }

    /// The value of the first TLV with this tag, sharing the PDU's octets.
    pub fn octets(&self, tag: Tag) -> Option<Bytes> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| self.region.slice_ref(tlv.value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.region.is_empty()
    }

    /// All of them as they stand on the wire.
    pub const fn region(&self) -> &Bytes {
        &self.region
    }

    /// A copy that keeps nothing else alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        if self.region.is_empty() {
            Self::EMPTY
        } else {
            Self { region: Bytes::copy_from_slice(&self.region) }
        }
    }
}

/// The first TLV of a region and what follows it; `None` at the end and where it is broken.
#[inline]
fn split(region: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let &[t0, t1, l0, l1] = region.first_chunk::<OVERHEAD>()?;
    let end = OVERHEAD + usize::from(u16::from_be_bytes([l0, l1]));
    let value = region.get(OVERHEAD..end)?;
    Some((Tlv { tag: Tag(u16::from_be_bytes([t0, t1])), value }, region.get(end..)?))
}

/// A list of TLVs being made.
#[derive(Debug, Clone, Default)]
pub struct TlvsBuilder {
    region: Vec<u8>,
}

impl TlvsBuilder {
    /// Adds one. A value longer than a TLV can say is cut at 65,535 octets.
    #[must_use]
    pub fn with<T: TlvType>(mut self, known: Known<T>, value: T::Value<'_>) -> Self {
        self.push(known, value);
        self
    }

    /// Adds one if there is a value.
    #[must_use]
    pub fn with_some<T: TlvType>(self, known: Known<T>, value: Option<T::Value<'_>>) -> Self {
        match value {
            Some(value) => self.with(known, value),
            None => self,
        }
    }

    /// Adds octets under any tag.
    #[must_use]
    pub fn with_octets(mut self, tag: Tag, value: &[u8]) -> Self {
        self.push_octets(tag, value);
        self
    }

    /// Adds one.
    pub fn push<T: TlvType>(&mut self, known: Known<T>, value: T::Value<'_>) {
        let start = self.region.len();
        self.region.extend_from_slice(&known.tag().0.to_be_bytes());
        self.region.extend_from_slice(&[0, 0]);
        T::write(value, &mut self.region);
        self.region.truncate(start + OVERHEAD + usize::from(u16::MAX));
        let length = (self.region.len() - start - OVERHEAD) as u16;
        self.region[start + 2..start + OVERHEAD].copy_from_slice(&length.to_be_bytes());
    }

    /// Adds octets under any tag.
    pub fn push_octets(&mut self, tag: Tag, value: &[u8]) {
        self.push(Known::<super::Octets>::new(tag), value);
    }

    /// The finished list.
    pub fn done(self) -> Tlvs {
        Tlvs { region: self.region.into() }
    }
}

impl FromIterator<(Tag, Vec<u8>)> for Tlvs {
    fn from_iter<I: IntoIterator<Item = (Tag, Vec<u8>)>>(tlvs: I) -> Self {
        tlvs.into_iter().fold(Self::build(), |list, (tag, value)| list.with_octets(tag, &value)).done()
    }
}

impl Tlvs {
    #[inline(never)]
    fn write_region(&self, w: &mut Writer<'_>) {
        match w.version {
            Version::V50 => w.out.extend_from_slice(&self.region),
            Version::V34 if !self.iter().any(|tlv| is_newer(tlv.tag)) => {
                w.out.extend_from_slice(&self.region);
            }
            Version::V34 => {
                for tlv in self.iter().filter(|tlv| !is_newer(tlv.tag)) {
                    w.out.extend_from_slice(&tlv.tag.0.to_be_bytes());
                    w.out.extend_from_slice(&(tlv.value.len() as u16).to_be_bytes());
                    w.out.extend_from_slice(tlv.value);
                }
            }
            Version::V33 => {}
        }
    }
}

impl Field for Tlvs {
    const KIND: Kind = Kind::Tlvs;
    const SUBJECT: Subject = Subject::Tlvs;

    #[inline(always)]
    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        if r.rest().is_empty() {
            return Ok(Self::EMPTY);
        }
        read_region(r, def)
    }

    #[inline(always)]
    fn write(&self, w: &mut Writer<'_>) {
        if !self.region.is_empty() {
            self.write_region(w);
        }
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        let tlvs = match record.named(def.name) {
            None => return Ok(Self::EMPTY),
            Some(Value::List(tlvs)) => tlvs,
            Some(_) => {
                return Err(ValueError::new(def.name, "must be a list of {tag or name, value or hex}"));
            }
        };
        let mut list = Self::build();
        for tlv in tlvs {
            let (tag, value) = tlv_from(tlv)?;
            if value.len() > usize::from(u16::MAX) {
                return Err(ValueError::new(&tag.to_string(), "is longer than 65535 octets"));
            }
            list.push_octets(tag, &value);
        }
        Ok(list.done())
    }
}

/// Whether a tag came with 5.0. Tags outside those that did need no look-up.
#[inline]
fn is_newer(tag: Tag) -> bool {
    super::table::NEWER.contains(&tag.0) && tag.def().is_some_and(|def| def.since > Version::V34)
}

#[inline(never)]
fn read_region<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Tlvs, BodyError> {
    let region = r.rest();
    if r.version < Version::V34 && !r.dialect.tlvs_below_v34 {
        return Err(r.fault(def, Fault::TlvBeforeV34));
    }
    let mut count = 0;
    while let Some((tlv, _)) = split(r.rest()) {
        let at = r.at();
        let end = at + OVERHEAD + tlv.value.len();
        let row = tlv.tag.def();
        let (run, places) = (r.run, r.places);
        r.observer.tlv(|| TlvSeen {
            tag: tlv.tag,
            def: row,
            name: row.map(|row| row.name_in(places)),
            octets: at..end,
            value: share(run, tlv.value),
        });
        // A TLV that means nothing in this PDU is passed over, whatever its length (SMPP 5.0, 2.11.1).
        if let Some(row) = row
            && row.places & r.places != 0
            && row.since <= r.version
            && !row.allows_length(tlv.value.len(), r.dialect.odd_tlv_lengths)
        {
            return Err(r.fault_at(row.name_in(r.places), at, Fault::TlvLength(tlv.tag), def.status));
        }
        count += 1;
        if count > r.dialect.tlv_count_limit {
            return Err(r.fault(def, Fault::TlvStream));
        }
        r.skip(OVERHEAD + tlv.value.len());
    }
    if !r.rest().is_empty() {
        return Err(r.fault(def, Fault::TlvStream));
    }
    Ok(Tlvs { region: r.share(region) })
}

/// Tag and octets of a TLV given as a record: `tag` or `name`; `value`, or `hex` for octets as they are.
fn tlv_from(record: &Value) -> Result<(Tag, Bytes), ValueError> {
    let name = match record.named("name") {
        Some(Value::Text(name)) => Some(name.as_str()),
        _ => None,
    };
    let def = name.map(named).transpose()?;
    let tag = match (record.named("tag"), def) {
        (Some(tag), _) => Tag(int_from("tag", tag, u32::from(u16::MAX))? as u16),
        (None, Some(def)) => def.tag,
        (None, None) => return Err(ValueError::new("tlvs", "needs a tag or a name in each entry")),
    };
    if let Some(hex) = record.named("hex") {
        return Ok((tag, octets_from("hex", hex)?));
    }
    let shown = tag.def().map_or("value", |def| def.name);
    let Some(value) = record.named("value") else {
        return Ok((tag, Bytes::new()));
    };
    let octets = match (tag.def().map(|def| (def, def.kind)), value) {
        (Some((def, TlvKind::Int)), _) => {
            let octets = def.lengths.first().map_or(4, |&(low, _)| usize::from(low));
            let max = u32::MAX >> (32 - 8 * octets.clamp(1, 4) as u32);
            let wide = int_from(shown, value, max)?.to_be_bytes();
            Bytes::copy_from_slice(&wide[4 - octets.clamp(1, 4)..])
        }
        (Some((_, TlvKind::Text)), Value::Text(text)) => {
            let mut octets = Vec::with_capacity(text.len() + 1);
            for character in text.chars() {
                let octet = u8::try_from(character);
                octets.push(octet.map_err(|_| ValueError::new(shown, "has a character beyond U+00FF"))?);
            }
            octets.push(0);
            octets.into()
        }
        _ => octets_from(shown, value)?,
    };
    Ok((tag, octets))
}

fn named(name: &str) -> Result<&'static TlvDef, ValueError> {
    let failed_area = name == "failed_broadcast_area_identifier";
    let name = if failed_area { "broadcast_area_identifier" } else { name };
    super::table::TABLE
        .iter()
        .find(|def| def.name == name)
        .ok_or_else(|| ValueError::new("tlvs", format!("has no TLV named {name}; give its tag instead")))
}

impl fmt::Debug for Tlvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|tlv| (tlv.tag.to_string(), tlv.value.escape_ascii().to_string())))
            .finish()
    }
}

impl TlvSeen {
    /// The value by its type in the table: a number, text, or octets.
    pub fn typed(&self) -> Value {
        match self.def.map(|def| def.kind) {
            Some(TlvKind::Int) => {
                u32::read(&self.value).map_or_else(|| Value::Octets(self.value.clone()), Value::Int)
            }
            Some(TlvKind::Text) => {
                let octets = self.value.strip_suffix(b"\0").unwrap_or(&self.value);
                Value::Text(TlvText(octets).to_text())
            }
            _ => Value::Octets(self.value.clone()),
        }
    }
}
