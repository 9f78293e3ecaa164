//! What people write, and where messages go then.
#![forbid(unsafe_code)]

mod conditions;
mod explain;
mod faults;
mod random;
mod regexes;
mod strategies;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use smppkit_route::{BadRoute, Facts, Party, Rule, Table, Targets};

/// A file with routes.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    route: Vec<Rule>,
}

fn rules(toml: &str) -> Vec<Rule> {
    toml::from_str::<Config>(toml).unwrap_or_else(|error| panic!("{toml}: {error}")).route
}

fn table(toml: &str) -> Table {
    Table::new(rules(toml)).unwrap_or_else(|error| panic!("{toml}: {error}"))
}

fn fault(toml: &str) -> BadRoute {
    Table::new(rules(toml)).err().unwrap_or_else(|| panic!("{toml}: is taken"))
}

/// Targets that are as told: up, with room, idle unless said otherwise.
#[derive(Debug, Default, Clone)]
struct World {
    down: BTreeSet<String>,
    full: BTreeSet<String>,
    gone: BTreeSet<String>,
    load: BTreeMap<String, u32>,
}

impl World {
    fn down(names: &[&str]) -> Self {
        Self { down: names.iter().map(ToString::to_string).collect(), ..Self::default() }
    }

    fn full(names: &[&str]) -> Self {
        Self { full: names.iter().map(ToString::to_string).collect(), ..Self::default() }
    }
}

impl Targets for World {
    fn exists(&self, name: &str) -> bool {
        !self.gone.contains(name)
    }

    fn is_up(&self, name: &str) -> bool {
        !self.down.contains(name)
    }

    fn has_room(&self, name: &str) -> bool {
        !self.full.contains(name)
    }

    fn load(&self, name: &str) -> u32 {
        self.load.get(name).copied().unwrap_or_default()
    }
}

/// A message to a number.
fn to(destination: &str) -> Facts<'_> {
    Facts { destination: Party::international(destination), account: Some("shop"), ..Facts::default() }
}

/// All targets in order, joined by spaces; or why there are none.
fn order(table: &Table, facts: &Facts<'_>, world: &World, dice: u64) -> String {
    match table.choose(facts, world, dice) {
        Ok(choice) => choice.targets().collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}
