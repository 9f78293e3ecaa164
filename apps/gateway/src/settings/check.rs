//! What serde cannot see: names that must be known or different, texts that must be short.

use std::collections::HashSet;

use smppkit_net::is_loopback;

use super::Settings;

impl Settings {
    /// Whether all of it can be so; says what cannot, and what to do.
    pub fn check(&self) -> Result<(), String> {
        self.check_listening()?;
        self.check_accounts()?;
        self.check_connectors()?;
        self.admin.config().map_or(Ok(()), |config| config.check())?;
        if self.node > 1023 {
            return Err(format!("node {} is not one of 0 to 1023", self.node));
        }
        if self.retry.attempts == 0 || self.retry.unknown_attempts == 0 {
            return Err("retry: attempts and unknown_attempts are 1 at least".to_owned());
        }
        Ok(())
    }

    fn check_listening(&self) -> Result<(), String> {
        if let Some(address) = self.listen.iter().find(|address| !is_loopback(address.ip()))
            && !self.allow_plain
        {
            return Err(format!(
                "listen {address}: plain SMPP beyond loopback shows passwords to the network; use tls_listen, \
                 or say allow_plain = true"
            ));
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err("tls_certificate and tls_key belong together".to_owned());
        }
        short("system_id", &self.system_id, 15)
    }

    fn check_accounts(&self) -> Result<(), String> {
        let mut names = HashSet::new();
        for account in &self.account {
            let name = &account.system_id;
            short("account: system_id", name, 15)?;
            if name.is_empty() {
                return Err("account: a system_id must not be empty".to_owned());
            }
            if !names.insert(name) {
                return Err(format!("account {name:?} is there twice"));
            }
            if account.certificate.is_some() && self.tls_client_ca.is_none() {
                return Err(format!("account {name:?}: certificate needs tls_client_ca"));
            }
        }
        Ok(())
    }

    fn check_connectors(&self) -> Result<(), String> {
        let mut names = HashSet::new();
        for connector in &self.connector {
            let name = &connector.name;
            if name.is_empty() || name.contains(':') {
                return Err(format!("connector {name:?}: a name is not empty and has no colon"));
            }
            if !names.insert(name.as_str()) {
                return Err(format!("connector {name:?} is there twice"));
            }
            short(&format!("connector {name:?}: system_id"), &connector.system_id, 15)?;
            short(&format!("connector {name:?}: system_type"), &connector.system_type, 12)?;
            if connector.password.0.len() > 8 {
                return Err(format!("connector {name:?}: the password is longer than 8 octets"));
            }
            if connector.bind_modes.is_empty() || connector.binds == 0 {
                return Err(format!("connector {name:?} has no binds: use enabled = false"));
            }
            connector.open_hours().map_err(|bad| format!("connector {name:?}: {bad}"))?;
            if connector.binds > 100 {
                return Err(format!("connector {name:?}: more than 100 binds of one kind"));
            }
        }
        Ok(())
    }
}

fn short(what: &str, text: &str, octets: usize) -> Result<(), String> {
    if text.len() > octets {
        return Err(format!("{what} {text:?} is longer than {octets} octets"));
    }
    Ok(())
}
