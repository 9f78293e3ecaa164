//! A durable SMS gateway and router: it takes a message, never loses it, and always knows what became
//! of it.
//!
//! ESMEs bind to it ([`front`]), it binds to message centres ([`upstream`]); between the two is the
//! store. A submit_sm is answered when its message is durable. What is for a connector or for an account
//! waits in that one's queue; a [`feed`] hands it to the sessions that have room. What a message's life
//! is made of (`smppkit-relay`) and where it goes (`smppkit-route`) is decided without sockets or time.
#![forbid(unsafe_code)]

mod access;
mod admin;
mod binds;
mod counts;
mod entities;
mod errand;
mod explain;
mod facts;
mod feed;
mod front;
mod hub;
mod mailbox;
mod note;
mod offline;
mod outlet;
mod plan;
mod reference;
mod series;
mod serve;
mod sessions;
mod settings;
#[cfg(test)]
mod simulation;
mod taken;
mod upstream;
mod witness;

pub use access::{
    AllowList, BadPerSecond, BadSource, BindLimits, Credential, CredentialError, Judgement, KeyFileError,
    LockoutSettings, Otherwise, PerSecond, Secret, SecretError, Sender, ServerKey, SourcePattern,
    SourcePolicy,
};
pub use entities::Draft;
pub use explain::{BadQuestion, Explained, Question, SourceSeen, explain};
pub use offline::{Offline, OfflineError, Stats, hash};
pub use reference::reference;
pub use serve::{Gateway, Listening, StartError, load, openapi};
pub use settings::{
    AccountSettings, AdminSettings, BindKind, ConnectorSettings, ConnectorTls, DefaultAlphabet, Ids,
    LifeSettings, Long, ReceiptForm, ReceiptSettings, Receipts, RetrySettings, SessionSettings, Settings,
    StoreSettings,
};
pub use smppkit_ops::{SignIn, Span, Token, Watch};
