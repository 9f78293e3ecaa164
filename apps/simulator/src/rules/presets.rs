//! Rules that come with the simulator, by name.

use super::rule::Rule;
use serde::Deserialize;

/// A named set of rules.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    source: &'static str,
}

macro_rules! presets {
    ($($name:literal)*) => {
        /// All there are.
        pub const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            source: include_str!(concat!("../../presets/", $name, ".toml")),
        }),*];
    };
}

presets! { "dead" "flaky" "melrose" "slow" "smppsim" "smscsim" "throttling" }

/// What a file of rules holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    about: String,
    #[serde(default)]
    rule: Vec<Rule>,
}

impl Preset {
    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).copied()
    }

    /// What it is for, on one line.
    pub fn about(self) -> String {
        self.file().about
    }

    /// Its rules.
    pub fn rules(self) -> Vec<Rule> {
        self.file().rule
    }

    fn file(self) -> RuleFile {
        toml::from_str(self.source).expect("a test reads all presets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_reads_and_says_what_it_is_for() {
        for preset in PRESETS {
            assert!(!preset.about().is_empty() && !preset.rules().is_empty(), "{}", preset.name);
        }
    }
}
