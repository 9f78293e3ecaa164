//! SMPP passwords: kept as an HMAC, compared whole, in constant time, and never shown.
//!
//! A password of SMPP has eight octets at most, which a slow hash would hardly protect, and 10,000
//! sessions that come back after a restart must not wait for one. An HMAC-SHA-256 takes a
//! microsecond, and without the key what is in the configuration says nothing. It is ring's, which
//! TLS brings along anyway, as it does the comparison and the random octets.

use core::fmt;
use core::str::FromStr;

use ring::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What all passwords of a gateway are hashed with: 32 random octets, kept in a file beside its
/// store. Never shown.
#[derive(Clone)]
pub struct ServerKey {
    key: hmac::Key,
    is_new: bool,
}

/// A password as HMAC-SHA-256 with the [`ServerKey`]; as text `hmac-sha256:` and 64 hexadecimal digits.
///
/// It is bound to its system_id: two accounts with the same password have different ones, and one
/// copied to another account lets nobody in. `Debug` does not show it, `Display` does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

/// An account's password in the configuration: as it is, or as a [`Secret`]. Never shown: `Debug` and
/// serde write `***`, which is no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(Written);

#[derive(Clone, PartialEq, Eq)]
enum Written {
    Plain(Box<str>),
    Secret(Secret),
}

/// Text that is no [`Secret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretError;

/// Text that is no [`Credential`]. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// Whoever knows the system_id could bind.
    Empty,
    /// No bind can carry it.
    TooLong,
    /// A NUL ends a password in a bind, so that none can carry it.
    Nul,
    /// It is what is shown in place of a password.
    Hidden,
    /// It begins as a [`Secret`], and is none.
    Secret,
}

impl ServerKey {
    /// Of octets that were drawn at random.
    pub fn new(octets: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, octets), is_new: false }
    }

    pub(super) fn just_made(self) -> Self {
        Self { is_new: true, ..self }
    }

    /// Whether it was made just now, for want of a file: then no [`Secret`] in the configuration
    /// matches anything any more, which is worth saying before every bind is refused.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether a bind may pass, with the secret of its account if there is such an account. The way
    /// and its length are the same if there is none.
    pub fn admits(&self, known: Option<&Secret>, system_id: &[u8], given: &[u8]) -> bool {
        let decoy = Secret::decoy();
        let admitted = known.unwrap_or(&decoy).matches(self, system_id, given);
        admitted & known.is_some()
    }
}

impl Secret {
    /// Of an account's password.
    pub fn of(key: &ServerKey, system_id: &[u8], password: &[u8]) -> Self {
        let tag = hmac::sign(&key.key, &input(system_id, password));
        let mut octets = [0; 32];
        octets.copy_from_slice(tag.as_ref());
        Self(octets)
    }

    /// What to compare with where there is no account. Nobody knows a password for it: finding one
    /// means breaking HMAC-SHA-256.
    pub const fn decoy() -> Self {
        Self([0; 32])
    }

    /// Whether this is the whole password: no prefix of it, no octet more, in no other case. The time
    /// taken tells the lengths of what is given, nothing of ours.
    pub fn matches(&self, key: &ServerKey, system_id: &[u8], given: &[u8]) -> bool {
        hmac::verify(&key.key, &input(system_id, given), &self.0).is_ok()
    }
}

/// The system_id behind its length, so that no octet can move from it into the password.
fn input(system_id: &[u8], password: &[u8]) -> Vec<u8> {
    let length = (system_id.len() as u64).to_be_bytes();
    [&length[..], system_id, password].concat()
}

impl Credential {
    /// What a bind's password is compared with.
    pub fn secret(&self, key: &ServerKey, system_id: &[u8]) -> Secret {
        match &self.0 {
            Written::Plain(password) => Secret::of(key, system_id, password.as_bytes()),
            Written::Secret(secret) => *secret,
        }
    }

    /// Whether the configuration holds the password itself.
    pub const fn is_plain(&self) -> bool {
        matches!(self.0, Written::Plain(_))
    }
}

impl From<Secret> for Credential {
    fn from(secret: Secret) -> Self {
        Self(Written::Secret(secret))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", Hex(&self.0))
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        text.strip_prefix(PREFIX).and_then(from_hex).map(Self).ok_or(SecretError)
    }
}

impl FromStr for Credential {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        match text {
            "" => Err(CredentialError::Empty),
            HIDDEN => Err(CredentialError::Hidden),
            _ if text.starts_with(PREFIX) => {
                text.parse().map(|secret| Self(Written::Secret(secret))).map_err(|_| CredentialError::Secret)
            }
            _ if text.len() > PASSWORD_LIMIT_OCTETS => Err(CredentialError::TooLong),
            _ if text.contains('\0') => Err(CredentialError::Nul),
            _ => Ok(Self(Written::Plain(text.into()))),
        }
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Credential {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

/// Not by way of `String`, whose error repeats what was there instead: a password of digits.
struct Text;

impl de::Visitor<'_> for Text {
    type Value = Credential;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a password in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Credential, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Credential, E> {
        Err(E::custom(UNQUOTED))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Credential, E> {
        Err(E::custom(UNQUOTED))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Credential, E> {
        Err(E::custom(UNQUOTED))
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not hmac-sha256: and 64 hexadecimal digits")
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the password is empty: whoever knows the system_id could bind",
            Self::TooLong => "the password is longer than 8 octets",
            Self::Nul => "the password has a NUL, which no bind can carry",
            Self::Hidden => "the password is ***, which is shown in place of one: write the password itself",
            Self::Secret => "the password is not hmac-sha256: and 64 hexadecimal digits",
        })
    }
}

impl std::error::Error for SecretError {}
impl std::error::Error for CredentialError {}

/// Octets as hexadecimal digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// 32 octets of 64 hexadecimal digits, and nothing else.
pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 2 * octets.len() {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *octet = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(octets)
}

/// What a [`Secret`] begins with: longer than a password can be, so that there is no mistaking it.
const PREFIX: &str = "hmac-sha256:";
const HIDDEN: &str = "***";
const UNQUOTED: &str = "the password is a number: put it in quotes";
/// SMPP 5.0, 4.1.1.1: a C-octet string of up to 9 octets, the NUL included.
const PASSWORD_LIMIT_OCTETS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ServerKey {
        ServerKey::new(&[7; 32])
    }

    #[test]
    fn only_the_whole_password_of_that_account_matches() {
        let secret = Secret::of(&key(), b"bank", b"s3cret");
        assert!(secret.matches(&key(), b"bank", b"s3cret"));
        let others: [&[u8]; 8] =
            [b"", b"s", b"s3cre", b"s3cret0", b"s3cret\0", b"S3cret", b"s3crets3cret", b"3cret"];
        for given in others {
            assert!(!secret.matches(&key(), b"bank", given), "{given:?}");
        }
        for system_id in [&b"bank2"[..], b"Bank", b"", b"ban"] {
            assert!(!secret.matches(&key(), system_id, b"s3cret"), "{system_id:?}");
        }
        assert!(!secret.matches(&ServerKey::new(&[8; 32]), b"bank", b"s3cret"));
    }

    #[test]
    fn equal_passwords_of_two_accounts_differ_and_no_octet_moves_between_id_and_password() {
        assert_ne!(Secret::of(&key(), b"a", b"same"), Secret::of(&key(), b"b", b"same"));
        assert_ne!(Secret::of(&key(), b"ab", b"c"), Secret::of(&key(), b"a", b"bc"));
    }

    #[test]
    fn an_unknown_system_id_and_a_bad_password_get_the_same_answer_by_the_same_way() {
        let secret = Secret::of(&key(), b"bank", b"s3cret");
        assert!(key().admits(Some(&secret), b"bank", b"s3cret"));
        assert!(!key().admits(Some(&secret), b"bank", b"wrong"));
        assert!(!key().admits(None, b"bank", b"s3cret"));
        assert!(!Secret::decoy().matches(&key(), b"bank", b""));
    }

    #[test]
    fn a_secret_survives_as_text() {
        let secret = Secret::of(&key(), b"bank", b"s3cret");
        let text = secret.to_string();
        assert_eq!(text.len(), "hmac-sha256:".len() + 64);
        assert_eq!(text.parse(), Ok(secret));
        assert_eq!(text.to_uppercase().parse::<Secret>(), Err(SecretError), "the prefix is as it is");
        for wrong in [&text[..75], &format!("{text}0"), &text.replace("hmac-", ""), "hmac-sha256:"] {
            assert_eq!(wrong.parse::<Secret>(), Err(SecretError), "{wrong}");
        }
        let signed = format!("hmac-sha256:+{}", &text[13..]);
        assert_eq!(signed.parse::<Secret>(), Err(SecretError));
    }

    #[test]
    fn the_hmac_is_what_other_programs_compute() {
        // python3: hmac.new(b'\7' * 32, (4).to_bytes(8, 'big') + b'bank' + b's3cret', 'sha256').hexdigest()
        let text = "hmac-sha256:56254656b80020fba17edf864fd15d9032097c2c25f80ff6675e59a153ccba68";
        assert_eq!(Secret::of(&key(), b"bank", b"s3cret").to_string(), text);
    }

    #[test]
    fn a_credential_is_a_password_or_a_secret_and_the_file_may_hold_either() {
        let secret = Secret::of(&key(), b"bank", b"s3cret");
        for text in ["s3cret", &secret.to_string()] {
            let credential: Credential = serde_json::from_value(text.into()).unwrap();
            assert_eq!(credential.secret(&key(), b"bank"), secret, "{text}");
            assert_eq!(credential.is_plain(), text == "s3cret");
        }
        assert!(Credential::from(secret).secret(&key(), b"bank").matches(&key(), b"bank", b"s3cret"));
    }

    #[test]
    fn what_is_no_password_is_refused_without_repeating_it() {
        for (text, wanted) in [
            ("", CredentialError::Empty),
            ("ninechars", CredentialError::TooLong),
            ("äöüäö", CredentialError::TooLong),
            ("a\0b", CredentialError::Nul),
            ("***", CredentialError::Hidden),
            ("hmac-sha256:00", CredentialError::Secret),
        ] {
            let error = text.parse::<Credential>().unwrap_err();
            assert_eq!(error, wanted);
            assert!(text.len() < 4 || !error.to_string().contains(text), "{error}");
        }
        let error = serde_json::from_str::<Credential>("12345678").unwrap_err().to_string();
        assert!(error.contains("in quotes") && !error.contains("1234"), "{error}");
    }

    #[test]
    fn nothing_secret_is_ever_printed() {
        let credential: Credential = "s3cret".parse().unwrap();
        let secret = credential.secret(&key(), b"bank");
        let shown = format!("{:?} {credential:?} {secret:?}", key());
        assert_eq!(shown, "*** *** ***");
        assert_eq!(serde_json::to_string(&credential).unwrap(), "\"***\"");
    }
}
