//! One commit as octets: what it did, one record after the other, and the counters after it.

use crate::id::MessageId;
use crate::message::{Accepted, Orphan, RemoteId, Timestamp};
use crate::sqlite::live::EventRow;
use crate::sum::Sum;
use std::sync::Arc;

/// A commit being written down. Its octets are used again for the next one.
#[derive(Debug)]
pub(crate) struct Frame {
    octets: Vec<u8>,
}

/// What one change did.
#[derive(Debug)]
pub(crate) enum Record {
    /// A message was taken; `is_parked` if it waits on disk only.
    Accept { message: Arc<Accepted>, is_parked: bool },
    /// Something happened to one.
    Event(EventRow),
    /// One has another payload and other times.
    Replace { id: MessageId, seq: i64, payload: Box<[u8]>, due_at: Timestamp, expires_at: Option<Timestamp> },
    /// A receipt is kept, under a number.
    Keep { number: i64, orphan: Arc<Orphan> },
    /// One is kept no more.
    HandOut { number: i64 },
    /// The last record.
    Counters(Vec<i64>),
}

impl Default for Frame {
    fn default() -> Self {
        Self { octets: vec![0; HEAD] }
    }
}

impl Frame {
    pub(crate) fn is_empty(&self) -> bool {
        self.octets.len() <= HEAD
    }

    pub(crate) fn clear(&mut self) {
        self.octets.truncate(HEAD);
        if self.octets.capacity() > KEPT {
            self.octets.shrink_to(KEPT);
        }
    }

    pub(crate) fn accept(&mut self, message: &Accepted, is_parked: bool) {
        self.octets.extend([ACCEPT, u8::from(is_parked), message.priority]);
        self.number(message.id.to_sql());
        self.number(message.due_at.0);
        self.optional(message.expires_at);
        for text in [&*message.account, &*message.queue, &*message.source, &*message.destination] {
            self.some(text.as_bytes());
        }
        self.text(message.reference.as_deref());
        self.some(&message.payload);
    }

    pub(crate) fn event<T: AsRef<str>>(&mut self, event: &EventRow<T>) {
        self.octets.push(EVENT);
        for number in [event.seq, event.id.to_sql(), event.kind, event.at.0, event.code] {
            self.number(number);
        }
        self.text(event.name.as_ref().map(AsRef::as_ref));
        self.text(event.text.as_ref().map(AsRef::as_ref));
    }

    pub(crate) fn replace(
        &mut self,
        id: MessageId,
        seq: i64,
        payload: &[u8],
        due_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) {
        self.octets.push(REPLACE);
        self.number(id.to_sql());
        self.number(seq);
        self.number(due_at.0);
        self.optional(expires_at);
        self.some(payload);
    }

    pub(crate) fn keep(&mut self, number: i64, orphan: &Orphan) {
        self.octets.push(KEEP);
        self.number(number);
        self.number(orphan.at.0);
        self.some(&orphan.payload);
        self.some(orphan.remote.connector.as_bytes());
        self.number(i64::try_from(orphan.remote.forms.len()).unwrap_or(0));
        for form in &orphan.remote.forms {
            self.some(form.as_bytes());
        }
    }

    pub(crate) fn hand_out(&mut self, number: i64) {
        self.octets.push(HAND_OUT);
        self.number(number);
    }

    pub(crate) fn counters(&mut self, counters: &[i64]) {
        self.octets.push(COUNTERS);
        self.number(i64::try_from(counters.len()).unwrap_or(0));
        for number in counters {
            self.number(*number);
        }
    }

    /// The frame with its head.
    pub(super) fn seal(&mut self, seq: u64, salt: u64) -> &[u8] {
        let sum = sum(self.octets.get(HEAD..).unwrap_or_default(), seq, salt);
        let length = (self.octets.len() - HEAD) as u64;
        for (to, number) in self.octets.as_chunks_mut::<8>().0.iter_mut().zip([length, sum]) {
            *to = number.to_le_bytes();
        }
        &self.octets
    }

    fn number(&mut self, number: i64) {
        self.octets.extend(number.to_le_bytes());
    }

    fn optional(&mut self, at: Option<Timestamp>) {
        self.octets.push(u8::from(at.is_some()));
        if let Some(at) = at {
            self.number(at.0);
        }
    }

    fn some(&mut self, octets: &[u8]) {
        // A change of 4 GiB is not one that could be made.
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        self.octets.extend(length.to_le_bytes());
        self.octets.extend(octets);
    }

    fn text(&mut self, text: Option<&str>) {
        self.octets.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.some(text.as_bytes());
        }
    }
}

/// The first frame of these octets without its head, and what is behind it; none if it is not as it was written.
pub(super) fn open(octets: &[u8], seq: u64, salt: u64) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<8>()?;
    let (found, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (frame, rest) = rest.split_at_checked(length)?;
    (length > 0 && u64::from_le_bytes(*found) == sum(frame, seq, salt)).then_some((frame, rest))
}

fn sum(octets: &[u8], seq: u64, salt: u64) -> u64 {
    let mut sum = Sum::new();
    sum.number(Some(salt.cast_signed()));
    sum.number(Some(seq.cast_signed()));
    sum.octets(Some(octets));
    sum.value().cast_unsigned()
}

/// Reads a frame's records one by one; none after the last, or where they make no sense.
pub(crate) struct Records<'a>(&'a [u8]);

/// There is no more, or it makes no sense.
struct Cut;

impl<'a> Records<'a> {
    pub(crate) fn new(frame: &'a [u8]) -> Self {
        Self(frame)
    }

    fn record(&mut self) -> Result<Record, Cut> {
        Ok(match self.octet()? {
            ACCEPT => {
                let (is_parked, priority) = (self.octet()? != 0, self.octet()?);
                let (id, due_at) = (MessageId::from_sql(self.number()?), Timestamp(self.number()?));
                let expires_at = self.optional()?;
                let (account, queue) = (self.string()?.into(), self.string()?.into());
                let (source, destination) = (self.string()?.into(), self.string()?.into());
                let (reference, payload) = (self.text()?, self.some()?.into());
                let message = Accepted {
                    id,
                    account,
                    queue,
                    priority,
                    due_at,
                    expires_at,
                    source,
                    destination,
                    reference,
                    payload,
                };
                Record::Accept { message: Arc::new(message), is_parked }
            }
            EVENT => Record::Event(EventRow {
                seq: self.number()?,
                id: MessageId::from_sql(self.number()?),
                kind: self.number()?,
                at: Timestamp(self.number()?),
                code: self.number()?,
                name: self.text()?,
                text: self.text()?,
            }),
            REPLACE => Record::Replace {
                id: MessageId::from_sql(self.number()?),
                seq: self.number()?,
                due_at: Timestamp(self.number()?),
                expires_at: self.optional()?,
                payload: self.some()?.into(),
            },
            KEEP => {
                let (number, at) = (self.number()?, Timestamp(self.number()?));
                let payload = self.some()?.into();
                let connector = self.string()?.into();
                let forms =
                    (0..self.number()?).map(|_| self.string().map(Into::into)).collect::<Result<_, _>>()?;
                let orphan = Orphan { remote: RemoteId { connector, forms }, at, payload };
                Record::Keep { number, orphan: Arc::new(orphan) }
            }
            HAND_OUT => Record::HandOut { number: self.number()? },
            COUNTERS => {
                Record::Counters((0..self.number()?).map(|_| self.number()).collect::<Result<_, _>>()?)
            }
            _ => return Err(Cut),
        })
    }

    fn octet(&mut self) -> Result<u8, Cut> {
        let (octet, rest) = self.0.split_first().ok_or(Cut)?;
        self.0 = rest;
        Ok(*octet)
    }

    fn number(&mut self) -> Result<i64, Cut> {
        let (octets, rest) = self.0.split_first_chunk::<8>().ok_or(Cut)?;
        self.0 = rest;
        Ok(i64::from_le_bytes(*octets))
    }

    fn optional(&mut self) -> Result<Option<Timestamp>, Cut> {
        Ok(if self.octet()? == 0 { None } else { Some(Timestamp(self.number()?)) })
    }

    fn some(&mut self) -> Result<&'a [u8], Cut> {
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or(Cut)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Cut)?;
        let (octets, rest) = rest.split_at_checked(length).ok_or(Cut)?;
        self.0 = rest;
        Ok(octets)
    }

    fn string(&mut self) -> Result<&'a str, Cut> {
        std::str::from_utf8(self.some()?).map_err(|_| Cut)
    }

    fn text(&mut self) -> Result<Option<Box<str>>, Cut> {
        Ok(if self.octet()? == 0 { None } else { Some(self.string()?.into()) })
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.record().ok()
    }
}

/// Length and checksum.
const HEAD: usize = 16;
/// A frame's room that is kept for the next one.
const KEPT: usize = 4 << 20;
const ACCEPT: u8 = 1;
const EVENT: u8 = 2;
const REPLACE: u8 = 3;
const KEEP: u8 = 4;
const HAND_OUT: u8 = 5;
const COUNTERS: u8 = 6;
