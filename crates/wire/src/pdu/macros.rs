//! `pdus!`: from the table of PDUs to structs, readers, writers and definitions.
//!
//! One entry reads, in this order: documentation; the name and the type; command_id; section;
//! `since` and `until` versions; `from ROLE in [STATES]`; `answers REQUEST`; `requires [TLVS]`;
//! `tlvs PLACES`; then the fields, each with its type, the limits that single versions set, and
//! the status that answers a fault in it.

macro_rules! pdus {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident $Type:ident = $id:literal, $section:literal
        $(since $since:ident)? $(until $until:ident)?
        $(from $role:ident in [$($state:ident)*])*
        $(answers $request:ident $Request:ident)?
        $(requires [$($tag:ident)*])?
        $(tlvs $($place:ident)+)?
        {
            $($(#[doc = $fdoc:literal])* $field:ident: $Field:ty $([$limit_in:ident: $limit:literal])* => $status:ident,)*
        }
    )*) => {
        $(
            $(#[doc = $doc])*
            #[doc = concat!("\n\nSMPP section ", $section, ".")]
            #[derive(Debug, Clone, PartialEq, Eq, Default)]
            pub struct $Type {
                $($(#[doc = $fdoc])* pub $field: $Field,)*
            }

            impl $Type {
                /// Its command_id.
                pub const COMMAND_ID: u32 = $id;
            }

            impl PduType for $Type {
                const DEF: &'static PduDef = {
                    static FIELDS: &[FieldDef] = &[$(FieldDef {
                        name: stringify!($field),
                        kind: <$Field as Field>::KIND,
                        limits: &[$((Version::$limit_in, $limit)),*],
                        status: CommandStatus::$status,
                        subject: <$Field as Field>::SUBJECT,
                        named: <$Field as Field>::NAMED,
                        meaning: <$Field as Field>::meaning,
                        parts: <$Field as Field>::PARTS,
                        help: concat!($($fdoc),*).trim_ascii(),
                    }),*];
                    static DEF: PduDef = PduDef {
                        name: stringify!($name),
                        command_id: $id,
                        section: $section,
                        since: pdus!(@since $($since)?),
                        until: pdus!(@until $($until)?),
                        senders: &[$((Role::$role, &[$(State::$state),*])),*],
                        answers: pdus!(@answers $($request)?),
                        requires: &[$($(tag::$tag.tag()),*)?],
                        opens_session: pdus!(@opens $($([$state])*)*),
                        places: 0 $($(| place::$place)+)?,
                        help: concat!($($doc),*).trim_ascii(),
                        fields: FIELDS,
                    };
                    &DEF
                };

                #[inline(always)]
                #[allow(unused_mut, unused_variables, reason = "some PDUs have no fields")]
                #[allow(clippy::inline_always, reason = "measured: the body is built where it stays, not moved there")]
                fn read<O: Observer>(r: &mut Reader<'_, O>) -> Result<Self, BodyError> {
                    r.places = Self::DEF.places;
                    let mut fields = Self::DEF.fields.iter();
                    $(let $field = <$Field as Field>::read(r, next(&mut fields))?;)*
                    end(r, Self::DEF)?;
                    Ok(Self { $($field),* })
                }

                #[inline]
                #[allow(unused_variables, reason = "some PDUs have no fields")]
                fn write(&self, w: &mut Writer<'_>) {
                    $(Field::write(&self.$field, w);)*
                }

                #[allow(unused_mut, unused_variables, reason = "some PDUs have no fields")]
                fn from_record(record: &Value) -> Result<Self, ValueError> {
                    let mut fields = Self::DEF.fields.iter();
                    Ok(Self { $($field: <$Field as Field>::from_record(next(&mut fields), record)?),* })
                }

                #[allow(unused_mut, unused_variables, reason = "some PDUs have no fields")]
                fn check_fields(&self, version: Version, dialect: &Dialect) -> Result<(), BodyError> {
                    let mut fields = Self::DEF.fields.iter();
                    $(
                        let def = next(&mut fields);
                        Field::check(&self.$field, def, version, dialect).map_err(|fault| unplaced(def, fault))?;
                    )*
                    Ok(())
                }

                #[allow(unused_mut, unused_variables, reason = "some PDUs have no fields")]
                fn faults(&self, version: Version, dialect: &Dialect) -> Vec<BodyError> {
                    let mut fields = Self::DEF.fields.iter();
                    let mut faults = Vec::new();
                    $(
                        let def = next(&mut fields);
                        let checked = Field::check(&self.$field, def, version, dialect);
                        faults.extend(checked.err().map(|fault| unplaced(def, fault)));
                    )*
                    faults
                }

                fn from_body(body: Body) -> Option<Self> {
                    match body {
                        Body::$Type(this) => Some(this),
                        _ => None,
                    }
                }
            }

            impl From<$Type> for Body {
                #[inline]
                fn from(body: $Type) -> Self {
                    Self::$Type(body)
                }
            }

            $(
                impl Request for $Request {
                    type Response = $Type;
                }
            )?
        )*

        /// What follows the header: one variant for each PDU.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "inline strings cost a copy, boxes an allocation a PDU")]
        pub enum Body {
            $($(#[doc = $doc])* $Type($Type),)*
            /// A body kept as octets: absent, or one that says nothing.
            Raw(RawBody),
        }

        /// Every PDU of every version, as the table lists them.
        pub static TABLE: &[&PduDef] = &[$(<$Type as PduType>::DEF),*];

        /// The PDU of a command_id, in whatever version.
        #[inline]
        pub fn def_of(command_id: u32) -> Option<&'static PduDef> {
            match command_id {
                $($id => Some(<$Type as PduType>::DEF),)*
                _ => None,
            }
        }

        impl Body {
            /// The command_id that goes with it.
            #[inline]
            pub const fn command_id(&self) -> u32 {
                match self {
                    $(Self::$Type(_) => $id,)*
                    Self::Raw(raw) => raw.command_id,
                }
            }

            /// Reads the body that goes with a header, straight into the PDU it is part of.
            #[inline]
            pub(super) fn read<O: Observer>(header: &Header, r: &mut Reader<'_, O>) -> Result<Pdu, BodyError> {
                let Header { command_status, sequence_number, .. } = *header;
                match header.command_id {
                    $($id if <$Type as PduType>::DEF.may_come(r.version) => {
                        let body = Self::$Type(<$Type as PduType>::read(r)?);
                        Ok(Pdu { command_status, sequence_number, body })
                    })*
                    _ => Err(unknown_command()),
                }
            }

            /// The body of a command_id with every field at its default.
            pub fn empty(command_id: u32) -> Option<Self> {
                Some(match command_id {
                    $($id => Self::$Type(<$Type>::default()),)*
                    _ => return None,
                })
            }

            #[inline]
            pub(crate) fn write(&self, w: &mut Writer<'_>) {
                match self {
                    $(Self::$Type(body) => PduType::write(body, w),)*
                    Self::Raw(raw) => w.out.extend_from_slice(&raw.octets),
                }
            }

            /// Whether each field by itself has a value that the version allows.
            pub fn check_fields(&self, version: Version, dialect: &Dialect) -> Result<(), BodyError> {
                match self {
                    $(Self::$Type(body) => PduType::check_fields(body, version, dialect),)*
                    Self::Raw(_) => Ok(()),
                }
            }

            pub(super) fn faults_of_fields(&self, version: Version, dialect: &Dialect) -> Vec<BodyError> {
                match self {
                    $(Self::$Type(body) => PduType::faults(body, version, dialect),)*
                    Self::Raw(_) => Vec::new(),
                }
            }

            /// A body from named values; absent names mean defaults.
            pub fn from_record(command_id: u32, record: &Value) -> Result<Self, ValueError> {
                match command_id {
                    $($id => <$Type as PduType>::from_record(record).map(Self::$Type),)*
                    _ => Err(ValueError::new("command_id", "names no PDU")),
                }
            }

            /// Its TLVs, where it can have some.
            #[allow(unused_variables, reason = "some PDUs have no fields")]
            pub fn tlvs(&self) -> &Tlvs {
                match self {
                    $(Self::$Type(body) => pdus!(@tlvs body, $($field)*),)*
                    Self::Raw(_) => &NO_TLVS,
                }
            }

            /// Puts TLVs in place of its own, where it can have some.
            #[allow(unused_variables, reason = "some PDUs have no fields")]
            pub fn set_tlvs(&mut self, tlvs: Tlvs) {
                match self {
                    $(Self::$Type(body) => pdus!(@set_tlvs body, tlvs, $($field)*),)*
                    Self::Raw(_) => {}
                }
            }
        }
    };
    (@since) => { Version::V33 };
    (@since $since:ident) => { Version::$since };
    (@until) => { Version::V50 };
    (@until $until:ident) => { Version::$until };
    (@opens) => { false };
    (@opens [Open] $($rest:tt)*) => { true };
    (@opens [$state:ident] $($rest:tt)*) => { pdus!(@opens $($rest)*) };
    (@answers) => { None };
    (@answers $request:ident) => { Some(stringify!($request)) };
    (@tlvs $body:ident, tlvs) => { &$body.tlvs };
    (@tlvs $body:ident, $field:ident $($rest:ident)*) => { pdus!(@tlvs $body, $($rest)*) };
    (@tlvs $body:ident,) => { &NO_TLVS };
    (@set_tlvs $body:ident, $tlvs:ident, tlvs) => { $body.tlvs = $tlvs };
    (@set_tlvs $body:ident, $tlvs:ident, $field:ident $($rest:ident)*) => { pdus!(@set_tlvs $body, $tlvs, $($rest)*) };
    (@set_tlvs $body:ident, $tlvs:ident,) => { {} };
}
pub(super) use pdus;
