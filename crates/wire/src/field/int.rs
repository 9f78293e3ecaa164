//! Integers, and the newtypes over them.

use std::borrow::Cow;

use super::{Field, Kind, Reader, Subject, ValueError, Writer, int_from};
use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::observe::{Observer, Shown, Value};
use crate::pdu::FieldDef;
use crate::status::CommandStatus;
use crate::value::{DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, RegisteredDelivery, Ton};
use crate::version::Version;

/// A reserved value is a fault only where the dialect says so.
fn in_range(value: u32, def: &FieldDef, version: Version, dialect: &Dialect) -> Result<(), Fault> {
    match def.limit(version) {
        Some(limit) if dialect.refuse_reserved && value > u32::from(limit) => Err(Fault::Reserved),
        _ => Ok(()),
    }
}

macro_rules! int_field {
    ($($Type:ty, $int:ty, $octets:literal, $wrap:expr, $unwrap:expr, $meaning:expr, $subject:expr, $named:expr;)*) => {$(
        impl Field for $Type {
            const KIND: Kind = Kind::Int($octets);
            const SUBJECT: Subject = $subject;
            const NAMED: &'static [u32] = $named;

            fn meaning(value: u32) -> Option<Cow<'static, str>> {
                $meaning(<$int>::try_from(value).ok().map($wrap)?)
            }

            #[inline(always)]
            fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
                let at = r.at();
                let Some(octets) = r.take::<$octets>() else {
                    return Err(r.fault(def, Fault::Missing));
                };
                let value: Self = $wrap(<$int>::from_be_bytes(*octets));
                r.observer.field(def.name, at..at + $octets, || {
                    let meaning: Option<Cow<'static, str>> = $meaning(value);
                    Shown { value: Value::Int(u32::from($unwrap(value))), meaning }
                });
                Ok(value)
            }

            #[inline]
            fn write(&self, w: &mut Writer<'_>) {
                w.out.extend_from_slice(&$unwrap(*self).to_be_bytes());
            }

            fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
                let Some(value) = record.named(def.name) else {
                    return Ok(Self::default());
                };
                let number = int_from(def.name, value, u32::from(<$int>::MAX))?;
                Ok($wrap(number as $int))
            }

            fn check(&self, def: &'static FieldDef, version: Version, dialect: &Dialect) -> Result<(), Fault> {
                in_range(u32::from($unwrap(*self)), def, version, dialect)
            }
        }
    )*};
}

int_field! {
    u8, u8, 1, |v: u8| v, |v: u8| v, |_| None, Subject::Control, &[];
    Ton, u8, 1, Ton, |v: Ton| v.0, |v: Ton| v.meaning().map(Cow::Borrowed), Subject::Address, Ton::NAMED;
    Npi, u8, 1, Npi, |v: Npi| v.0, |v: Npi| v.meaning().map(Cow::Borrowed), Subject::Address, Npi::NAMED;
    EsmClass, u8, 1, EsmClass, |v: EsmClass| v.0, |v: EsmClass| Some(Cow::Owned(v.meaning())), Subject::Control, EsmClass::NAMED;
    DataCoding, u8, 1, DataCoding, |v: DataCoding| v.0, |v: DataCoding| v.meaning().map(Cow::Borrowed), Subject::Control, DataCoding::NAMED;
    MessageState, u8, 1, MessageState, |v: MessageState| v.0, |v: MessageState| v.meaning().map(Cow::Borrowed), Subject::Control, MessageState::NAMED;
    InterfaceVersion, u8, 1, InterfaceVersion, |v: InterfaceVersion| v.0, |v: InterfaceVersion| v.meaning().map(Cow::Borrowed), Subject::Control, InterfaceVersion::NAMED;
    CommandStatus, u32, 4, CommandStatus, |v: CommandStatus| v.0, |v: CommandStatus| v.name().map(Cow::Borrowed), Subject::Control, &[];
}

impl Field for RegisteredDelivery {
    const KIND: Kind = Kind::Int(1);
    const NAMED: &'static [u32] = Self::NAMED;

    fn meaning(value: u32) -> Option<Cow<'static, str>> {
        u8::try_from(value).ok().map(|octet| Self(octet).meaning().into())
    }

    #[inline(always)]
    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        let at = r.at();
        let Some(&[octet]) = r.take::<1>() else {
            return Err(r.fault(def, Fault::Missing));
        };
        r.observer.field(def.name, at..at + 1, || Shown {
            value: Value::Int(u32::from(octet)),
            meaning: Some(Cow::Owned(Self(octet).meaning())),
        });
        Ok(Self(octet))
    }

    #[inline]
    fn write(&self, w: &mut Writer<'_>) {
        w.out.push(self.0);
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        u8::from_record(def, record).map(Self)
    }

    /// The receipt bits `11` came with 5.0 and are reserved before it (SMPP 3.4, 5.2.17).
    fn check(&self, _: &'static FieldDef, version: Version, dialect: &Dialect) -> Result<(), Fault> {
        if dialect.refuse_reserved && version < Version::V50 && self.0 & 0x03 == 0x03 {
            return Err(Fault::Reserved);
        }
        Ok(())
    }
}
