//! `smpp://system_id:password@host:port`, or `ssmpp://` for TLS.

use core::fmt;
use core::str::FromStr;

/// Where to bind, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Name of the ESME.
    pub system_id: String,
    /// Its password.
    pub password: String,
}

/// The text is no such address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadUrl(String);

impl FromStr for Target {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let bad = |why: &str| {
            BadUrl(format!("{why}: want smpp://system_id:password@host:port, or ssmpp:// for TLS"))
        };
        let (scheme, rest) = text.split_once("://").unwrap_or(("smpp", text));
        let tls = match scheme {
            "smpp" => false,
            "ssmpp" | "smpps" => true,
            _ => return Err(bad(&format!("scheme {scheme:?} is not known"))),
        };
        let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
        let host = host.trim_end_matches('/');
        let (system_id, password) = user.split_once(':').unwrap_or((user, ""));
        if host.is_empty() {
            return Err(bad("there is no host"));
        }
        let address = if port_at(host).is_some() {
            host.to_owned()
        } else {
            format!("{}:{}", bracketed(host), default_port(tls))
        };
        if system_id.len() > 15 {
            return Err(bad("system_id is longer than 15 octets"));
        }
        if password.len() > 8 {
            return Err(bad("the password is longer than 8 octets"));
        }
        Ok(Self { address, tls, system_id: system_id.to_owned(), password: password.to_owned() })
    }
}

impl Target {
    /// Another host on the same port.
    pub(crate) fn set_host(&mut self, host: &str) {
        let port = port_at(&self.address).and_then(|at| self.address.get(at..)).unwrap_or_default();
        self.address = format!("{}:{port}", bracketed(host));
    }

    /// Another port of the same host.
    pub(crate) fn set_port(&mut self, port: u16) {
        let host = port_at(&self.address).and_then(|at| self.address.get(..at - 1)).unwrap_or(&self.address);
        self.address = format!("{host}:{port}");
    }

    /// TLS, on its own port where it was the default one.
    pub(crate) fn speak_tls(&mut self) {
        self.tls = true;
        if self.address.ends_with(&format!(":{}", default_port(false))) {
            self.set_port(default_port(true));
        }
    }
}

/// 2775 is registered for SMPP, 3550 for it over TLS.
const fn default_port(tls: bool) -> u16 {
    if tls { 3550 } else { 2775 }
}

/// Where the port begins.
fn port_at(address: &str) -> Option<usize> {
    let (before, port) = address.rsplit_once(':')?;
    let is_port = port.parse::<u16>().is_ok() && (!before.contains(':') || before.ends_with(']'));
    is_port.then_some(before.len() + 1)
}

/// An IPv6 address in the brackets that set it off from a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadUrl {}

/// Never the password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.system_id, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_credentials_host_and_port_each_have_a_default() {
        let full: Target = "ssmpp://id:p@ss@[::1]:4000".parse().unwrap();
        assert_eq!((full.address.as_str(), full.tls), ("[::1]:4000", true));
        assert_eq!((full.system_id.as_str(), full.password.as_str()), ("id", "p@ss"));
        let bare: Target = "example.org".parse().unwrap();
        assert_eq!((bare.address.as_str(), bare.tls), ("example.org:2775", false));
        assert_eq!("smpps://h".parse::<Target>().unwrap().address, "h:3550");
        assert_eq!("smpp://a@::1".parse::<Target>().unwrap().address, "[::1]:2775");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, named) in [
            ("http://h", "scheme"),
            ("smpp://a-system-id-too-long:x@h", "system_id"),
            ("smpp://a:ninechars@h", "password"),
            ("smpp://a:b@", "host"),
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
