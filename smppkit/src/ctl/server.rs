//! Which server is spoken to: a simulator, or a gateway.

use std::time::Duration;

use anyhow::{Result, bail};
use hyper::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;

use super::Ctl;
use super::api::{Admin, Failure};
use super::args::Command;

/// What answers, by the title of its `/openapi.json`: every version of either has that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Simulator,
    Gateway,
}

/// Whom a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Simulator,
    Gateway,
    Either,
}

impl Command {
    pub(super) const fn whom(&self) -> For {
        match self {
            Self::Status
            | Self::Sessions(_)
            | Self::Kick(_)
            | Self::Messages(_)
            | Self::Accounts(_)
            | Self::Get(_) => For::Either,
            Self::Mo(_)
            | Self::Pdus(_)
            | Self::Wait(_)
            | Self::Rules(_)
            | Self::Dialogue(_)
            | Self::Set(_)
            | Self::Reset => For::Simulator,
            Self::Connectors
            | Self::Drain(_)
            | Self::Resume(_)
            | Self::Message(_)
            | Self::Cancel(_)
            | Self::Replay(_)
            | Self::DeadLetters(_)
            | Self::Explain(_)
            | Self::Backup(_) => For::Gateway,
        }
    }
}

/// Where a server is when nothing is said: where those of its kind are. What both answer goes to the
/// simulator, if something listens there.
pub(super) async fn usual(whom: For) -> Result<Admin> {
    let gateway = smppkit_gateway::AdminSettings::USUAL;
    let simulator = smppkit_simulator::AdminSettings::USUAL;
    let at = match whom {
        For::Simulator => simulator,
        For::Gateway => gateway,
        For::Either => {
            let answers = async |address| {
                let connected = tokio::time::timeout(PROBE, TcpStream::connect(address)).await;
                connected.is_ok_and(|connected| connected.is_ok())
            };
            if !answers(simulator).await && answers(gateway).await { gateway } else { simulator }
        }
    };
    format!("http://{at}").parse().map_err(anyhow::Error::msg)
}

impl Ctl {
    /// What answers.
    pub(super) async fn server(&self) -> Result<Server> {
        let document = self.read(&self.ask(Method::GET, "/openapi.json".to_owned()).await?)?;
        match document["info"]["title"].as_str() {
            Some("smppkit gateway") => Ok(Server::Gateway),
            Some("smppkit simulator") => Ok(Server::Simulator),
            _ => bail!(self.api.unreached("its /openapi.json is of neither a simulator nor a gateway")),
        }
    }

    /// Says what is the matter where a command was for the other kind of server.
    pub(super) async fn told_apart(&self, whom: For, error: anyhow::Error) -> anyhow::Error {
        let is_nothing_there = |failure: &Failure| match failure {
            Failure::Refused(refusal) => {
                let detail = refusal.document().get("detail").and_then(Value::as_str).map(str::to_owned);
                refusal.status == StatusCode::NOT_FOUND
                    && detail.is_some_and(|detail| detail.starts_with("there is nothing at "))
            }
            Failure::Unreached { .. } => false,
        };
        if !error.downcast_ref().is_some_and(is_nothing_there) {
            return error;
        }
        match (whom, self.server().await) {
            (For::Simulator, Ok(Server::Gateway)) => {
                anyhow::anyhow!(
                    "this is a gateway, and the command is for a simulator: say with --admin where one is"
                )
            }
            (For::Gateway, Ok(Server::Simulator)) => {
                anyhow::anyhow!(
                    "this is a simulator, and the command is for a gateway: say with --admin where one is"
                )
            }
            _ => error,
        }
    }
}

/// On this machine somebody listens or nobody does.
const PROBE: Duration = Duration::from_secs(1);
