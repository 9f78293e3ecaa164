//! A message that nobody sends, as it is typed; and the answer, as it is shown.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use smppkit_inspect::printable;

/// The message.
#[derive(Debug, clap::Args)]
pub(crate) struct Question {
    /// The account that would send it
    #[arg(long, value_name = "ID", required_unless_present = "connector", conflicts_with = "connector")]
    account: Option<String>,
    /// Instead: the connector that it would come from
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,
    /// Who sends it
    #[arg(long, value_name = "ADDRESS", conflicts_with = "pdu")]
    from: Option<String>,
    /// Who is to get it
    #[arg(long, value_name = "ADDRESS", required_unless_present = "pdu", conflicts_with = "pdu")]
    to: Option<String>,
    /// What it says
    #[arg(long, conflicts_with = "pdu")]
    text: Option<String>,
    /// The protocol version that its sender speaks: 3.3, 3.4 or 5.0. Default: 5.0
    #[arg(long, short, value_name = "VERSION")]
    protocol: Option<String>,
    /// In place of addresses and text: the PDU, by the names of its fields
    #[arg(long, value_name = "JSON")]
    pdu: Option<String>,
}

impl Question {
    /// As the REST interface takes it.
    pub(crate) fn document(self) -> Result<Value> {
        let mut body = Map::new();
        for (name, value) in [
            ("account", self.account),
            ("connector", self.connector),
            ("source_addr", self.from),
            ("destination_addr", self.to),
            ("text", self.text),
            ("interface_version", self.protocol),
        ] {
            body.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        if let Some(pdu) = self.pdu {
            body.insert("pdu".to_owned(), serde_json::from_str(&pdu).context("--pdu is not JSON")?);
        }
        Ok(body.into())
    }
}

/// The answer for people.
pub(crate) fn say(explained: &Value) {
    let words = explained["words"].as_str().unwrap_or_default();
    for line in words.lines() {
        println!("{}", printable(line));
    }
    if let Some(pdu) = explained["pdu"].as_object() {
        let is_empty =
            |value: &Value| *value == 0 || *value == "" || value.as_array().is_some_and(Vec::is_empty);
        let fields = pdu.iter().filter(|(name, value)| *name != "command" && !is_empty(value));
        let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={value}")).collect();
        let command = pdu.get("command").and_then(Value::as_str).unwrap_or_default();
        println!("{}", printable(&format!("sent: {command} {}", fields.join(" "))));
    }
    if let Some(parts) = explained["parts"].as_u64().filter(|parts| *parts > 1) {
        println!("the text has {parts} parts: this is the first");
    }
}

/// 0 where it would be sent, 1 where it would not.
pub(crate) fn code(explained: &Value) -> ExitCode {
    ExitCode::from(u8::from(explained["to"].is_null()))
}
