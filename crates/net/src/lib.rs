//! SMPP sessions over TCP and TLS, on tokio.
//!
//! Two ways in. [`Application`] runs inside the connection's task and is called with each batch of
//! events; its answers leave in the same write: for servers and for throughput. [`Handle`] is for
//! people's code: [`Connector::bind`], then `handle.send(request).await`.
//!
//! This crate refuses to know where messages go and where they are kept.
//!
//! ```no_run
//! use smppkit_net::{Bind, BindMode, Connector};
//! use smppkit_wire::pdu::table::QuerySm;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connector = Connector::new("127.0.0.1:2775");
//! let (esme, mut inbox) = connector.bind(BindMode::Transceiver, Bind::new("esme", "secret")?).await?;
//! let state = esme.send(QuerySm { message_id: "42".parse()?, ..QuerySm::default() }).await?;
//! println!("{}", state.message_state);
//! while let Some(incoming) = inbox.next().await {
//!     println!("{:?}", incoming.body);
//!     incoming.accept();
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod application;
mod backoff;
mod clock;
mod connect;
mod driver;
mod gate;
mod handle;
mod limits;
mod listen;
mod offline;
mod proxy;
mod stream;
mod targets;
mod tls;
mod tls_files;

pub use application::{Application, Arriving, Cut, Link, Pace};
pub use backoff::Backoff;
pub use clock::Now;
pub use connect::Connector;
pub use driver::Ended;
pub use gate::Gate;
pub use handle::{BindError, Handle, Inbox, Incoming, RequestError};
pub use limits::{ConnectionLimits, GateLimits};
pub use listen::{Listener, is_loopback};
pub use offline::Offline;
pub use proxy::{BadNetwork, Network};
pub use smppkit_session::{Asked, Bind, BindMode, CloseReason, Event, Failure, SendError, SessionConfig};
pub use targets::{NoTarget, Targets};
pub use tls::{Identity, Roots, TlsClient, TlsServer};
pub use tls_files::TlsFiles;
