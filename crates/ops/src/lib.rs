//! What every server needs from its operator: configuration that says where it is wrong, reloads,
//! signals and readiness, and an admin HTTP listener with health, metrics and guards.
//!
//! It knows no protocol but HTTP and nothing of the server around it: what to count, what to check and
//! what to show is given to it.
//!
//! ```
//! use smppkit_ops::{Admin, AdminConfig, Health, Metrics, Span, config, fallbacks};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     enquire_link: Span,
//!     admin: AdminConfig,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "enquire_link = '30s'\n[admin]\nlisten = '127.0.0.1:0'";
//! let config: Config = config::parse(text, "example.toml")?;
//!
//! let health = Health::new();
//! let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
//! let admin = Admin::bind(config.admin).await?;
//! health.ready(true);
//!
//! let stop = async {}; // a server would wait for its `Signals`
//! admin.serve(fallbacks(health.routes().merge(metrics.routes())), stop).await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod access;
mod admin;
pub mod config;
mod duration;
mod extract;
mod guard;
mod health;
mod metrics;
mod openapi;
mod pages;
mod problem;
mod process;
pub mod reference;
mod sign_in;
mod signals;
pub mod text;
mod watch;

pub use access::{Token, TokenError};
pub use admin::{Admin, AdminConfig};
pub use config::ConfigError;
pub use duration::{Size, SizeError, Span, SpanError};
pub use extract::{Json, Path, Query, fallbacks, nothing_at};
pub use health::Health;
pub use metrics::Metrics;
pub use openapi::{documented, openapi};
pub use pages::Pages;
pub use problem::Problem;
pub use sign_in::{By, MayAct, Role, SignIn, Who};
pub use signals::{Ready, Signal, Signals};
pub use text::Timeout;
pub use watch::{Reload, Watch};
