//! National language identifiers and the pair of shift tables a message uses.

use core::fmt;

/// National language identifier, as carried by the information elements 0x24 and 0x25
/// (3GPP 23.038, 6.2.1.2.4; 3GPP 23.040, 9.2.3.24.15 and 9.2.3.24.16).
///
/// An identifier without a table here stays readable and behaves as [`Language::DEFAULT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(pub u8);

impl Language {
    /// The GSM 7-bit default alphabet and its extension table; never announced in a header.
    pub const DEFAULT: Self = Self(0);
    /// Turkish.
    pub const TURKISH: Self = Self(1);
    /// Spanish; has a single shift table only.
    pub const SPANISH: Self = Self(2);
    /// Portuguese.
    pub const PORTUGUESE: Self = Self(3);
    /// Bengali.
    pub const BENGALI: Self = Self(4);
    /// Gujarati.
    pub const GUJARATI: Self = Self(5);
    /// Hindi.
    pub const HINDI: Self = Self(6);
    /// Kannada.
    pub const KANNADA: Self = Self(7);
    /// Malayalam.
    pub const MALAYALAM: Self = Self(8);
    /// Oriya.
    pub const ORIYA: Self = Self(9);
    /// Punjabi.
    pub const PUNJABI: Self = Self(10);
    /// Tamil.
    pub const TAMIL: Self = Self(11);
    /// Telugu.
    pub const TELUGU: Self = Self(12);
    /// Urdu.
    pub const URDU: Self = Self(13);

    /// Every language with a table, the default first, in the order of the identifiers.
    pub const ALL: [Self; 14] = [
        Self::DEFAULT,
        Self::TURKISH,
        Self::SPANISH,
        Self::PORTUGUESE,
        Self::BENGALI,
        Self::GUJARATI,
        Self::HINDI,
        Self::KANNADA,
        Self::MALAYALAM,
        Self::ORIYA,
        Self::PUNJABI,
        Self::TAMIL,
        Self::TELUGU,
        Self::URDU,
    ];

    /// English name, or `None` for an identifier without a table.
    pub fn name(self) -> Option<&'static str> {
        NAMES.get(usize::from(self.0)).copied()
    }

    /// Whether a locking shift table exists; the default alphabet counts as one.
    pub fn has_locking_shift(self) -> bool {
        usize::from(self.0) < NAMES.len() && self != Self::SPANISH
    }

    /// Position in the table lists; what has no table takes the default's.
    pub(crate) fn table(self) -> usize {
        if usize::from(self.0) < NAMES.len() { usize::from(self.0) } else { 0 }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "language {}", self.0),
        }
    }
}

/// The two tables that give GSM 7-bit septets their meaning.
///
/// They are chosen independently: a locking shift replaces the basic table for the whole message, a single shift
/// replaces the extension table reached by an escape (3GPP 23.038, 6.2.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shifts {
    /// Table of septets outside an escape pair.
    pub locking: Language,
    /// Table of septets after an escape.
    pub single: Language,
}

impl Shifts {
    /// Default alphabet with its extension table, which needs no header.
    pub const DEFAULT: Self = Self { locking: Language::DEFAULT, single: Language::DEFAULT };

    /// Octets of the information elements that announce these tables: three for each table that is not the default.
    pub fn header_octets(self) -> usize {
        3 * (usize::from(self.locking != Language::DEFAULT) + usize::from(self.single != Language::DEFAULT))
    }
}

const NAMES: [&str; 14] = [
    "default",
    "Turkish",
    "Spanish",
    "Portuguese",
    "Bengali",
    "Gujarati",
    "Hindi",
    "Kannada",
    "Malayalam",
    "Oriya",
    "Punjabi",
    "Tamil",
    "Telugu",
    "Urdu",
];
