//! Which way a message goes: rules, weights, health.
//!
//! A [`Table`] is made of [`Rule`]s as people write them. The first rule whose conditions all hold for the [`Facts`]
//! of a message says which targets it may go to, in what order ([`Choice`]), or refuses it ([`NoRoute`]).
//! [`Table::explain`] says why. Rules that ask how an address or a name begins are found without asking the others,
//! so that a hundred thousand of them cost little more than ten.
//!
//! The crate refuses to know IO, storage, sessions, the time and chance: which targets are up, have room and are
//! busy says the caller ([`Targets`]), as well as what time it is and a number to choose by.
//!
//! ```
//! use smppkit_route::{Facts, Party, Rule, Table, Targets};
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     route: Vec<Rule>,
//! }
//!
//! let config: Config = toml::from_str(
//!     r#"
//!     [[route]]
//!     name = "uk"
//!     destination_addr = ["44*", "!4477009*"]
//!     hours = "08:00-20:00"
//!     to = ["cheap", "good"]
//!
//!     [[route]]
//!     name = "nobody"
//!     refuse = "ESME_RINVDSTADR"
//!     "#,
//! )?;
//! let table = Table::new(config.route)?;
//!
//! struct CheapIsDown;
//! impl Targets for CheapIsDown {
//!     fn is_up(&self, name: &str) -> bool {
//!         name != "cheap"
//!     }
//! }
//!
//! let facts = Facts {
//!     account: Some("shop"),
//!     destination: Party::international("447800900123"),
//!     unix_ms: 1_796_126_400_000, // 2026-12-01 12:00 UTC
//!     ..Facts::default()
//! };
//! let choice = table.choose(&facts, &CheapIsDown, 0).map_err(|error| error.to_string())?;
//! assert_eq!((choice.name(), choice.first()), ("uk", "good"));
//! assert_eq!(choice.rest().collect::<Vec<_>>(), ["cheap"]);
//! assert_eq!(
//!     table.explain(&facts, &CheapIsDown, 0).to_string(),
//!     "  1 uk: matched
//!    ... 1 rule was not reached
//! strategy: failover
//!   1 good: number 2 in the list
//!   2 cheap: down: after all that are up
//! decision: uk sends it to good, or else to cheap
//! "
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod condition;
mod error;
mod explain;
mod facts;
mod field;
mod hours;
mod index;
pub mod limits;
mod number;
mod order;
mod pattern;
mod rule;
mod schema;
mod table;
mod time;
mod written;

pub use error::{BadRoute, NoRoute};
pub use explain::{Decision, Explanation, RuleSeen, TargetSeen, Verdict};
pub use facts::{Facts, Party, Text};
pub use hours::Hours;
pub use order::{Standing, Targets};
pub use rule::{Rule, StickyBy, Strategy, Target};
pub use table::{Choice, Found, Table};
pub use written::{Patterns, TlvWish, TlvWishes};
