//! Lists with their count in front: dest_address, unsuccess_sme, message ids.

use core::fmt;
use core::marker::PhantomData;

use bytes::Bytes;

use super::{CStr, Field, Kind, Reader, Subject, ValueError, Writer, int_from};
use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::observe::{Observer, Shown, Value};
use crate::pdu::FieldDef;
use crate::status::CommandStatus;
use crate::value::{Npi, Ton};
use crate::version::Version;

/// One entry of a counted list.
pub trait Item: Sized {
    /// The count's name.
    const COUNT: &'static str;
    /// The entry's fields, for references.
    const WHAT: &'static str;
    /// What it is about.
    const SUBJECT: Subject = Subject::Control;
    /// The entry's fields, those of all its forms behind each other; none when it is one by itself.
    const PARTS: &'static [&'static FieldDef] = &[];

    /// Reads one. `name` is the list's own.
    fn read<O: Observer>(r: &mut Reader<'_, O>, name: &'static FieldDef) -> Result<Self, BodyError>;
    /// Writes one.
    fn write(&self, w: &mut Writer<'_>);
    /// Takes one from a value.
    fn from_value(name: &str, value: &Value) -> Result<Self, ValueError>;
}

/// At most 255 entries, kept as the octets they came in and read on demand.
#[derive(Clone, PartialEq, Eq)]
pub struct CountedList<T> {
    count: u8,
    octets: Bytes,
    items: PhantomData<fn() -> T>,
}

/// The destinations of a submit_multi.
pub type DestAddresses = CountedList<DestAddress>;
/// The destinations a submit_multi did not reach.
pub type UnsuccessSmes = CountedList<UnsuccessSme>;
/// The message_ids of a query_last_msgs_resp (SMPP 3.3, 6.3.6.5).
pub type MessageIds = CountedList<CStr<9>>;

/// More entries than the count can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListError;

impl<T: Item> CountedList<T> {
    /// From entries.
    pub fn new<'a>(items: impl IntoIterator<Item = &'a T>) -> Result<Self, ListError>
    where
        T: 'a,
    {
        let mut out = Vec::new();
        let mut count = 0_u8;
        for item in items {
            count = count.checked_add(1).ok_or(ListError)?;
            item.write(&mut Writer { out: &mut out, version: Version::V50 });
        }
        Ok(Self { count, octets: out.into(), items: PhantomData })
    }

    /// How many entries.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        let mut at = 0;
        (0..self.count).map_while(move |_| {
            let mut nobody = ();
            let mut r = Reader::over(&self.octets, at, &Dialect::STRICT, &mut nobody);
            let item = T::read(&mut r, &UNNAMED).ok()?;
            at = r.at();
            Some(item)
        })
    }

    /// A copy that keeps nothing else alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { count: self.count, octets: Bytes::copy_from_slice(&self.octets), items: PhantomData }
    }
}

impl<T> Default for CountedList<T> {
    fn default() -> Self {
        Self { count: 0, octets: Bytes::new(), items: PhantomData }
    }
}

impl<T: Item + fmt::Debug> fmt::Debug for CountedList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Item> Field for CountedList<T> {
    const KIND: Kind = Kind::Counted { count: T::COUNT, what: T::WHAT };
    const SUBJECT: Subject = T::SUBJECT;
    const PARTS: &'static [&'static FieldDef] = T::PARTS;

    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        let at = r.at();
        let Some(&[count]) = r.take::<1>() else {
            return Err(r.fault_at(T::COUNT, at, Fault::Missing, def.status));
        };
        r.observer.field(T::COUNT, at..at + 1, || Shown::plain(Value::Int(u32::from(count))));
        r.observer.list(def.name);
        let list = r.rest();
        for _ in 0..count {
            r.observer.item();
            T::read(r, def).map_err(|error| match error.fault {
                // An entry cut off by the end of the PDU means that the count was a lie.
                Fault::Missing | Fault::Unterminated => r.fault_at(T::COUNT, at, Fault::Short, def.status),
                _ => error,
            })?;
        }
        let end = r.at();
        r.observer.list_end(at + 1..end);
        let octets = r.share(list.get(..end - at - 1).unwrap_or_default());
        Ok(Self { count, octets, items: PhantomData })
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.out.push(self.count);
        w.out.extend_from_slice(&self.octets);
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        let items = match record.named(def.name) {
            None => return Ok(Self::default()),
            Some(Value::List(items)) => items,
            Some(_) => return Err(ValueError::new(def.name, "must be a list")),
        };
        let items: Vec<T> =
            items.iter().map(|item| T::from_value(def.name, item)).collect::<Result<_, _>>()?;
        Self::new(&items).map_err(|_| ValueError::new(def.name, "has more than 255 entries"))
    }

    fn check(&self, def: &'static FieldDef, version: Version, _: &Dialect) -> Result<(), Fault> {
        match def.limit(version) {
            Some(limit) if self.len() > usize::from(limit) => Err(Fault::TooLong { limit }),
            _ => Ok(()),
        }
    }
}

/// One destination of a submit_multi (SMPP 5.0, 4.2.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestAddress {
    /// A short message entity.
    Sme {
        /// dest_addr_ton.
        ton: Ton,
        /// dest_addr_npi.
        npi: Npi,
        /// destination_addr.
        addr: CStr<21>,
    },
    /// A distribution list kept by the MC.
    DistributionList {
        /// dl_name.
        name: CStr<21>,
    },
}

static DEST_FLAG: FieldDef = FieldDef {
    named: &[DestAddress::SME as u32, DestAddress::DISTRIBUTION_LIST as u32],
    meaning: |flag| match u8::try_from(flag) {
        Ok(DestAddress::SME) => Some("SME address".into()),
        Ok(DestAddress::DISTRIBUTION_LIST) => Some("distribution list".into()),
        _ => None,
    },
    ..FieldDef::part::<u8>("dest_flag", CommandStatus::ESME_RINVDESTFLAG)
};
static DEST_ADDR_TON: FieldDef = FieldDef::part::<Ton>("dest_addr_ton", CommandStatus::ESME_RINVDSTTON);
static DEST_ADDR_NPI: FieldDef = FieldDef::part::<Npi>("dest_addr_npi", CommandStatus::ESME_RINVDSTNPI);
static DESTINATION_ADDR: FieldDef =
    FieldDef::part::<CStr<21>>("destination_addr", CommandStatus::ESME_RINVDSTADR);
static DL_NAME: FieldDef = FieldDef::part::<CStr<21>>("dl_name", CommandStatus::ESME_RINVDLNAME);
static ERROR_STATUS_CODE: FieldDef =
    FieldDef::part::<CommandStatus>("error_status_code", CommandStatus::ESME_RUNKNOWNERR);
static UNNAMED: FieldDef = FieldDef::part::<u8>("", CommandStatus::ESME_RUNKNOWNERR);

impl DestAddress {
    const SME: u8 = 1;
    const DISTRIBUTION_LIST: u8 = 2;
}

impl DestAddress {
    /// Its destination_addr, or dl_name.
    pub const fn addr(&self) -> CStr<21> {
        match self {
            Self::Sme { addr, .. } => *addr,
            Self::DistributionList { name } => *name,
        }
    }
}

impl Item for DestAddress {
    const COUNT: &'static str = "number_of_dests";
    const WHAT: &'static str =
        "dest_flag 1, dest_addr_ton, dest_addr_npi, destination_addr; or dest_flag 2, dl_name";
    const SUBJECT: Subject = Subject::Address;
    const PARTS: &'static [&'static FieldDef] =
        &[&DEST_FLAG, &DEST_ADDR_TON, &DEST_ADDR_NPI, &DESTINATION_ADDR, &DL_NAME];

    fn read<O: Observer>(r: &mut Reader<'_, O>, _: &'static FieldDef) -> Result<Self, BodyError> {
        let at = r.at();
        match u8::read(r, &DEST_FLAG)? {
            Self::SME => Ok(Self::Sme {
                ton: Ton::read(r, &DEST_ADDR_TON)?,
                npi: Npi::read(r, &DEST_ADDR_NPI)?,
                addr: Field::read(r, &DESTINATION_ADDR)?,
            }),
            Self::DISTRIBUTION_LIST => Ok(Self::DistributionList { name: Field::read(r, &DL_NAME)? }),
            _ => Err(r.fault_at(DEST_FLAG.name, at, Fault::Value, DEST_FLAG.status)),
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Sme { ton, npi, addr } => {
                w.out.extend_from_slice(&[Self::SME, ton.0, npi.0]);
                Field::write(addr, w);
            }
            Self::DistributionList { name } => {
                w.out.push(Self::DISTRIBUTION_LIST);
                Field::write(name, w);
            }
        }
    }

    fn from_value(_: &str, value: &Value) -> Result<Self, ValueError> {
        let named_a_list = value.named(DL_NAME.name).is_some();
        let flag = match value.named(DEST_FLAG.name) {
            Some(flag) => int_from(DEST_FLAG.name, flag, 255)? as u8,
            None if named_a_list => Self::DISTRIBUTION_LIST,
            None => Self::SME,
        };
        match flag {
            Self::SME => Ok(Self::Sme {
                ton: Ton::from_record(&DEST_ADDR_TON, value)?,
                npi: Npi::from_record(&DEST_ADDR_NPI, value)?,
                addr: Field::from_record(&DESTINATION_ADDR, value)?,
            }),
            Self::DISTRIBUTION_LIST => {
                Ok(Self::DistributionList { name: Field::from_record(&DL_NAME, value)? })
            }
            _ => Err(ValueError::new(DEST_FLAG.name, "must be 1 (SME address) or 2 (distribution list)")),
        }
    }
}

/// One destination that a submit_multi did not reach (SMPP 5.0, 4.2.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsuccessSme {
    /// dest_addr_ton.
    pub ton: Ton,
    /// dest_addr_npi.
    pub npi: Npi,
    /// destination_addr.
    pub addr: CStr<21>,
    /// Why.
    pub error_status_code: CommandStatus,
}

impl Item for UnsuccessSme {
    const COUNT: &'static str = "no_unsuccess";
    const WHAT: &'static str = "dest_addr_ton, dest_addr_npi, destination_addr, error_status_code";
    const SUBJECT: Subject = Subject::Address;
    const PARTS: &'static [&'static FieldDef] =
        &[&DEST_ADDR_TON, &DEST_ADDR_NPI, &DESTINATION_ADDR, &ERROR_STATUS_CODE];

    fn read<O: Observer>(r: &mut Reader<'_, O>, _: &'static FieldDef) -> Result<Self, BodyError> {
        Ok(Self {
            ton: Ton::read(r, &DEST_ADDR_TON)?,
            npi: Npi::read(r, &DEST_ADDR_NPI)?,
            addr: Field::read(r, &DESTINATION_ADDR)?,
            error_status_code: CommandStatus::read(r, &ERROR_STATUS_CODE)?,
        })
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.out.extend_from_slice(&[self.ton.0, self.npi.0]);
        Field::write(&self.addr, w);
        Field::write(&self.error_status_code, w);
    }

    fn from_value(_: &str, value: &Value) -> Result<Self, ValueError> {
        Ok(Self {
            ton: Ton::from_record(&DEST_ADDR_TON, value)?,
            npi: Npi::from_record(&DEST_ADDR_NPI, value)?,
            addr: Field::from_record(&DESTINATION_ADDR, value)?,
            error_status_code: CommandStatus::from_record(&ERROR_STATUS_CODE, value)?,
        })
    }
}

impl Item for CStr<9> {
    const COUNT: &'static str = "number_msgs";
    const WHAT: &'static str = "message ids of at most 9 octets";

    fn read<O: Observer>(r: &mut Reader<'_, O>, list: &'static FieldDef) -> Result<Self, BodyError> {
        Field::read(r, list)
    }

    fn write(&self, w: &mut Writer<'_>) {
        Field::write(self, w);
    }

    fn from_value(name: &str, value: &Value) -> Result<Self, ValueError> {
        match value {
            Value::Text(text) => text.parse().map_err(|error| ValueError::new(name, format!("{error}"))),
            _ => Err(ValueError::new(name, "must hold strings")),
        }
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more than 255 entries")
    }
}

impl std::error::Error for ListError {}
