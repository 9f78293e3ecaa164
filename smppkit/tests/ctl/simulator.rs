//! A simulator with a REST interface, and what talks to it.

use crate::process::{Done, Process, smppkit};

/// On free ports. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Simulator {
    _process: Process,
    smpp: String,
    admin: String,
}

impl Simulator {
    /// Receipts come after 50 ms, messages to 12345 come back.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let own = ["--listen", "127.0.0.1:0", "--mo-number", "12345", "--receipt-delay", "50ms"];
        Self::with(&[&own, flags].concat())
    }

    /// With a file of settings.
    pub(crate) fn of(name: &str, settings: &str) -> Self {
        let file = crate::process::file(name, settings);
        Self::with(&["--config", file.to_str().expect("the path is ours")])
    }

    fn with(flags: &[&str]) -> Self {
        let mut process = Process::start(&[&["simulator", "--admin", "127.0.0.1:0"], flags].concat());
        let smpp = process.line_with("listening on ");
        let smpp = smpp.split_whitespace().nth(2).expect("an address").to_owned();
        let admin = process.line_with("REST, metrics and health on ");
        let admin = admin.split_whitespace().last().expect("an address").to_owned();
        Self { _process: process, smpp, admin }
    }

    pub(crate) fn url(&self) -> String {
        format!("smpp://me:secret@{}", self.smpp)
    }

    /// `smppkit ctl` with this simulator's address.
    pub(crate) fn ctl(&self, args: &[&str]) -> Done {
        self.ctl_with(args, &[], "")
    }

    pub(crate) fn ctl_with(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> Done {
        self.start_ctl(args, env, input).done()
    }

    pub(crate) fn start_ctl(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> Process {
        let env = [&[("SMPPKIT_ADMIN_TOKEN", "")][..], env].concat();
        Process::start_with(&[&["ctl", "--admin", &self.admin], args].concat(), &env, input)
    }

    /// Sends a message and waits for nothing.
    pub(crate) fn send(&self, args: &[&str]) {
        let own = ["send", "--url", &self.url(), "--mode", "tx", "--wait", "0", "-q"];
        smppkit(&[&own[..], args].concat()).exits(0);
    }

    /// A listener that is bound, and ends after a number of messages.
    pub(crate) fn listener(&self, count: &str) -> Process {
        let url = self.url();
        let args = ["listen", "--url", &url, "--json", "--mode", "rx", "--timeout", "20s", "--count", count];
        let mut listener = Process::start(&args);
        listener.line_with("\"bound\"");
        listener
    }
}
