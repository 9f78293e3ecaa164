//! An SMSC to test SMPP applications against.
//!
//! Without configuration everybody may bind, every message is delivered after a second, and
//! receipts are sent as asked for. Rules change what becomes of a message, how a request is answered
//! and what the connection comes to; dialects change how ids and receipts look; a record keeps what
//! came and went for a test suite to ask about, over REST.
//!
//! The message centre itself is `smsc`: it is given the time and has no sockets, so that what it does
//! can be tested without either.
#![forbid(unsafe_code)]

mod admin;
mod counts;
mod dialect;
mod dialogue;
mod door;
mod mo;
mod node;
mod outbind;
mod reference;
mod rules;
mod series;
mod serve;
mod session;
mod settings;
mod smsc;
mod tell;

pub use dialect::{Dialect, IdForm, Template};
pub use dialogue::{Dialogue, Outcome, Said, Step};
pub use mo::Mo;
pub use reference::reference;
pub use rules::{Answer, BadRule, Delay, Fate, PRESETS, Preset, Rule, Segments, Then};
pub use serve::{Listening, Simulator, StartError};
pub use serve::{load, openapi};
pub use settings::{
    Account, AdminSettings, Clock, MoFile, Mode, RecordSettings, Settings, SmscSettings, Timeout,
};
pub use smppkit_net::{BadNetwork, Network};
pub use smppkit_ops::{SignIn, Size, Span, Token, Watch};
pub use smppkit_wire::Version;
