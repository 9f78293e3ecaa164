//! Who may ask the admin listener: the token, and the names a browser may call it by.

use core::fmt;
use std::net::IpAddr;

use axum::http::HeaderValue;
use axum::http::uri::Authority;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What an administrator proves to be one with. It is never shown: `Debug` and serde write `***`.
#[derive(Clone)]
pub struct Token(Box<str>);

/// Text that is no [`Token`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It would let everyone in.
    Empty,
    /// No header can carry it.
    Unprintable,
}

impl Token {
    /// Of printable ASCII characters without blanks.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        match text {
            "" => Err(TokenError::Empty),
            _ if text.bytes().all(|octet| octet.is_ascii_graphic()) => Ok(Self(text.into())),
            _ => Err(TokenError::Unprintable),
        }
    }

    /// As a request to another server brings it: the value of its Authorization header.
    pub fn to_bearer(&self) -> HeaderValue {
        let value = HeaderValue::try_from(format!("Bearer {}", self.0));
        let mut value = value.expect("a token is printable ASCII");
        value.set_sensitive(true);
        value
    }

    /// Whether it is the same. The time taken tells the length of what is offered, nothing of ours.
    pub fn matches(&self, offered: &[u8]) -> bool {
        let ours = self.0.as_bytes();
        let mut difference = u8::from(ours.len() != offered.len());
        for (theirs, ours) in offered.iter().zip(ours.iter().cycle()) {
            difference = core::hint::black_box(difference | (theirs ^ ours));
        }
        difference == 0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the token is empty",
            Self::Unprintable => "the token has other characters than printable ASCII",
        })
    }
}

impl std::error::Error for TokenError {}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Whether only this machine reaches the address.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Host and port of a header such as Host, if that is what it holds.
pub(crate) fn authority(text: &str) -> Option<Authority> {
    text.parse().ok().filter(|authority: &Authority| !authority.as_str().contains('@'))
}

/// Whether a browser that got here by this name meant this machine. Any other name may be one that
/// an attacker lets resolve to 127.0.0.1 once his page is loaded: DNS rebinding. The port is left
/// aside, or the listener could not be reached by port forwarding.
pub(crate) fn is_ours(authority: &Authority, listening: IpAddr) -> bool {
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => is_loopback(address) || address.to_canonical() == listening.to_canonical(),
        Err(_) => host.eq_ignore_ascii_case("localhost") || host.eq_ignore_ascii_case("localhost."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_matches() {
        let token = Token::new("s3cret").unwrap();
        assert!(token.matches(b"s3cret"));
        for offered in ["", "s", "s3cre", "s3cret0", "S3cret", "s3crets3cret"] {
            assert!(!token.matches(offered.as_bytes()), "{offered}");
        }
    }

    #[test]
    fn a_token_is_printable_and_never_printed() {
        assert_eq!(Token::new("").unwrap_err(), TokenError::Empty);
        assert_eq!(Token::new("a b").unwrap_err(), TokenError::Unprintable);
        let token: Token = serde_json::from_str("\"s3cret\"").unwrap();
        assert_eq!(format!("{token:?} {}", serde_json::to_string(&token).unwrap()), "*** \"***\"");
    }

    #[test]
    fn names_of_this_machine_are_ours() {
        let listening = IpAddr::from([127, 0, 0, 1]);
        let ours = |name: &str| authority(name).is_some_and(|name| is_ours(&name, listening));
        for name in
            ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1:1", "127.9.9.9", "[::1]:8", "[::1]"]
        {
            assert!(ours(name), "{name}");
        }
        for name in [
            "",
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
            "a@localhost",
            "[::2]",
            "127.0.0.1.nip.io",
        ] {
            assert!(!ours(name), "{name}");
        }
    }
}
