//! What serde cannot see: names that must be known or different, files that must be there.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use smppkit_net::{TlsFiles, is_loopback};
use smppkit_ops::ConfigError;
use smppkit_ops::config::{Step, blame};
use smppkit_route::{BadRoute, Rule, Table};

use super::{ConnectorSettings, Settings};

/// A setting that cannot be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The way to it; empty where it is no single one.
    way: Vec<Step>,
    /// What is wrong, and what to do.
    why: String,
}

impl Wrong {
    fn key(key: &'static str, why: impl Into<String>) -> Self {
        Self { way: vec![key.into()], why: why.into() }
    }

    fn of(list: &'static str, at: usize, key: &'static str, why: String) -> Self {
        Self { way: vec![list.into(), at.into(), key.into()], why }
    }

    /// With the place in the file that it was read from.
    pub(crate) fn in_file(&self, path: &Path) -> ConfigError {
        blame(path, &self.way, &self.why)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Wrong {}

impl Settings {
    /// Whether all of it can be so; says what cannot, and what to do.
    pub fn check(&self) -> Result<(), Wrong> {
        self.check_listening()?;
        self.check_accounts()?;
        self.check_connectors()?;
        let admin = self.admin.config().map_or(Ok(()), |config| config.check());
        admin.map_err(|why| Wrong::key("admin", why))?;
        if self.node > 1023 {
            return Err(Wrong::key("node", format!("node {} is not one of 0 to 1023", self.node)));
        }
        if self.retry.attempts == 0 || self.retry.unknown_attempts == 0 {
            return Err(Wrong::key("retry", "retry: attempts and unknown_attempts are 1 at least"));
        }
        Ok(())
    }

    /// Whether its routes can be so, wherever they lead.
    pub(crate) fn check_routes(&self) -> Result<(), Wrong> {
        check_routes("route", &self.route)?;
        check_routes("mo_route", &self.mo_route)
    }

    /// Whether the files that it names are there and say what they are to.
    pub(crate) fn check_files(&self) -> Result<(), Wrong> {
        for (key, file) in [
            ("tls_certificate", &self.tls_certificate),
            ("tls_key", &self.tls_key),
            ("tls_client_ca", &self.tls_client_ca),
        ] {
            can_be_read(file.as_deref()).map_err(|why| Wrong::key(key, format!("{key}: {why}")))?;
        }
        for (at, connector) in self.connector.iter().enumerate() {
            connector.check_files().map_err(|(key, why)| {
                let way = vec!["connector".into(), at.into(), "tls".into(), key.into()];
                Wrong { way, why: format!("connector {:?}: {why}", connector.name) }
            })?;
        }
        Ok(())
    }

    fn check_listening(&self) -> Result<(), Wrong> {
        if let Some(address) = self.listen.iter().find(|address| !is_loopback(address.ip()))
            && !self.allow_plain
        {
            let why = format!(
                "listen {address}: plain SMPP beyond loopback shows passwords to the network; use tls_listen, \
                 or say allow_plain = true"
            );
            return Err(Wrong::key("listen", why));
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            let there = if self.tls_key.is_some() { "tls_key" } else { "tls_certificate" };
            return Err(Wrong::key(there, "tls_certificate and tls_key belong together"));
        }
        short("system_id", &self.system_id, 15).map_err(|why| Wrong::key("system_id", why))
    }

    fn check_accounts(&self) -> Result<(), Wrong> {
        let mut names = HashSet::new();
        for (at, account) in self.account.iter().enumerate() {
            let wrong = |key, why: String| Err(Wrong::of("account", at, key, why));
            let name = &account.system_id;
            if let Err(why) = short("account: system_id", name, 15) {
                return wrong("system_id", why);
            }
            if name.is_empty() {
                return wrong("system_id", "account: a system_id must not be empty".to_owned());
            }
            if !names.insert(name) {
                return wrong("system_id", format!("account {name:?} is there twice"));
            }
            if account.certificate.is_some() && self.tls_client_ca.is_none() {
                return wrong("certificate", format!("account {name:?}: certificate needs tls_client_ca"));
            }
        }
        Ok(())
    }

    fn check_connectors(&self) -> Result<(), Wrong> {
        let mut names = HashSet::new();
        for (at, connector) in self.connector.iter().enumerate() {
            let name = &connector.name;
            let checked = connector.check().and_then(|()| {
                let is_new = names.insert(name.as_str());
                is_new.then_some(()).ok_or_else(|| ("name", format!("connector {name:?} is there twice")))
            });
            checked.map_err(|(key, why)| Wrong::of("connector", at, key, why))?;
        }
        Ok(())
    }
}

impl ConnectorSettings {
    /// The key that is wrong, and why.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let name = &self.name;
        let wrong = |key, why: &str| Err((key, format!("connector {name:?}{why}")));
        if name.is_empty() || name.contains(':') {
            return wrong("name", ": a name is not empty and has no colon");
        }
        for (key, text, octets) in
            [("system_id", &self.system_id, 15), ("system_type", &self.system_type, 12)]
        {
            short(&format!("connector {name:?}: {key}"), text, octets).map_err(|why| (key, why))?;
        }
        if self.password.0.len() > 8 {
            return wrong("password", ": the password is longer than 8 octets");
        }
        if self.bind_modes.is_empty() {
            return wrong("bind_modes", " has no binds: use enabled = false");
        }
        if self.binds == 0 {
            return wrong("binds", " has no binds: use enabled = false");
        }
        self.open_hours().map_err(|bad| ("hours", format!("connector {name:?}: {bad}")))?;
        if self.binds > 100 {
            return wrong("binds", ": more than 100 binds of one kind");
        }
        Ok(())
    }

    /// The key below `tls` whose file is not there or not what it is to be, and why.
    pub(crate) fn check_files(&self) -> Result<(), (&'static str, String)> {
        let Some(tls) = &self.tls else { return Ok(()) };
        let files = [("ca", &tls.ca), ("certificate", &tls.certificate), ("key", &tls.key)];
        for (key, file) in files {
            can_be_read(file.as_deref()).map_err(|why| (key, format!("tls.{key}: {why}")))?;
        }
        let [ca, certificate, key] = files.map(|(_, file)| file.as_deref());
        // Those of the machine are looked at when they are needed.
        let any = tls.any_certificate || ca.is_none();
        let loaded = TlsFiles { certificate, key, ca }.client(any);
        let first = files.iter().rev().find(|(_, file)| file.is_some()).map_or("ca", |(key, _)| key);
        loaded.map(drop).map_err(|error| (first, format!("tls.{first}: {error}")))
    }
}

fn check_routes(list: &'static str, rules: &[Rule]) -> Result<(), Wrong> {
    let Err(bad) = Table::new(rules.to_vec()) else { return Ok(()) };
    let BadRoute { rule, field, .. } = &bad;
    let name = |at: usize, own: &Rule| {
        if own.name.is_empty() { format!("route {}", at + 1) } else { own.name.clone() }
    };
    // The last of those that have one name is blamed for it.
    let at = rules.iter().enumerate().rposition(|(at, own)| name(at, own) == *rule);
    let steps = at.into_iter().flat_map(|at| [at.into(), Step::Key(field.clone().into())]);
    Err(Wrong { way: std::iter::once(list.into()).chain(steps).collect(), why: bad.to_string() })
}

fn can_be_read(file: Option<&Path>) -> Result<(), String> {
    let Some(file) = file else { return Ok(()) };
    let read = std::fs::File::open(file);
    read.map(drop).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn short(what: &str, text: &str, octets: usize) -> Result<(), String> {
    if text.len() > octets {
        return Err(format!("{what} {text:?} is longer than {octets} octets"));
    }
    Ok(())
}
