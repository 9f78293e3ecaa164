//! The source addresses that an account may send from.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use smppkit_wire::CommandStatus;
use smppkit_wire::value::{Npi, Ton};

use super::source::{Sender, SourcePattern};

/// What an account may send from, and what becomes of the rest. In a file:
///
/// ```toml
/// [account.sources]
/// allowed = ["alphanumeric:SHOP*", "international:447700900*"]
/// otherwise = { rewrite = "SHOP" }
/// ```
///
/// Default: all. An empty list allows nothing, which with `rewrite` gives all messages one sender. No
/// source address at all, by which an ESME asks for the MC's own, is one like others: only `*` and an
/// empty pattern allow it. Addresses are looked at as they came: whatever takes a `+` away or changes
/// a TON has to come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct SourcePolicy {
    allowed: Vec<SourcePattern>,
    otherwise: Otherwise,
    /// Where in `allowed` there are patterns for one address: registered ids come in thousands.
    exact: HashMap<Box<[u8]>, Vec<usize>>,
    /// Where the others are.
    forms: Vec<usize>,
}

/// What becomes of a message whose source address is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It is answered with `ESME_RINVSRCADR`.
    #[default]
    Refuse,
    /// It is sent with this source address instead.
    Rewrite(Sender),
}

/// What becomes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement<'a> {
    /// It goes as it came.
    Allowed,
    /// It goes with this source address.
    Rewritten(&'a Sender),
    /// It is answered with this.
    Refused(CommandStatus),
}

/// As it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "all")]
    allowed: Vec<SourcePattern>,
    #[serde(default)]
    otherwise: Otherwise,
}

fn all() -> Vec<SourcePattern> {
    vec!["*".parse().expect("a * is a pattern")]
}

impl SourcePolicy {
    /// Compiles a list.
    pub fn new(allowed: Vec<SourcePattern>, otherwise: Otherwise) -> Self {
        let (mut exact, mut forms) = (HashMap::<_, Vec<usize>>::new(), Vec::new());
        for (at, pattern) in allowed.iter().enumerate() {
            match pattern.exact() {
                Some(address) => exact.entry(address).or_default().push(at),
                None => forms.push(at),
            }
        }
        Self { allowed, otherwise, exact, forms }
    }

    /// Whether the account may send from an address.
    pub fn allows(&self, ton: Ton, npi: Npi, address: &[u8]) -> bool {
        let exact = self.exact.get(address).into_iter().flatten();
        exact.clone().any(|at| self.allowed[*at].kind_holds(ton, npi))
            || self.forms.iter().any(|at| self.allowed[*at].holds(ton, npi, address))
    }

    /// What becomes of a message from an address.
    pub fn judge(&self, ton: Ton, npi: Npi, address: &[u8]) -> Judgement<'_> {
        match &self.otherwise {
            _ if self.allows(ton, npi, address) => Judgement::Allowed,
            Otherwise::Refuse => Judgement::Refused(CommandStatus::ESME_RINVSRCADR),
            Otherwise::Rewrite(sender) => Judgement::Rewritten(sender),
        }
    }
}

impl Default for SourcePolicy {
    fn default() -> Self {
        Self::new(all(), Otherwise::Refuse)
    }
}

impl From<Written> for SourcePolicy {
    fn from(written: Written) -> Self {
        Self::new(written.allowed, written.otherwise)
    }
}

impl From<SourcePolicy> for Written {
    fn from(SourcePolicy { allowed, otherwise, .. }: SourcePolicy) -> Self {
        Self { allowed, otherwise }
    }
}

smppkit_ops::serde_by_text! { SourcePattern Sender }

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SourcePolicy {
        smppkit_ops::config::parse(text, "sources.toml").unwrap()
    }

    #[test]
    fn what_is_on_the_list_is_allowed_and_the_rest_refused() {
        let sources =
            read("allowed = [\"alphanumeric:SHOP\", \"SHOP2\", \"international:44*\", \"any/i:news\"]");
        for (ton, address, wanted) in [
            (5, "SHOP", true),
            (0, "SHOP", false),
            (5, "shop", false),
            (5, "SHOP2", true),
            (0, "SHOP2", true),
            (5, "SHOP3", false),
            (1, "447700900123", true),
            (1, "467", false),
            (5, "NEWS", true),
            (0, "", false),
        ] {
            let judged = sources.judge(Ton(ton), Npi::UNKNOWN, address.as_bytes());
            let refused = Judgement::Refused(CommandStatus::ESME_RINVSRCADR);
            assert_eq!(judged, if wanted { Judgement::Allowed } else { refused }, "{ton}:{address}");
        }
    }

    #[test]
    fn what_is_not_on_the_list_may_be_rewritten() {
        let sources = read("allowed = [\"SHOP\"]\notherwise = { rewrite = \"alphanumeric:SHOP\" }");
        let judged = sources.judge(Ton::ALPHANUMERIC, Npi::UNKNOWN, b"BANK");
        let Judgement::Rewritten(sender) = judged else { panic!("{judged:?}") };
        assert_eq!(sender.to_string(), "5/0:SHOP");
        assert_eq!(sources.judge(Ton::ALPHANUMERIC, Npi::UNKNOWN, b"SHOP"), Judgement::Allowed);
        let one = read("allowed = []\notherwise = { rewrite = \"SHOP\" }");
        assert!(matches!(one.judge(Ton::ALPHANUMERIC, Npi::UNKNOWN, b"SHOP"), Judgement::Rewritten(_)));
    }

    #[test]
    fn without_a_list_all_are_allowed_and_none_with_an_empty_one() {
        for sources in [SourcePolicy::default(), read(""), read("otherwise = \"refuse\"")] {
            assert_eq!(sources, SourcePolicy::default());
            assert!(sources.allows(Ton::UNKNOWN, Npi::UNKNOWN, b"") && sources.allows(Ton(9), Npi(9), b"x"));
        }
        assert!(!read("allowed = []").allows(Ton::UNKNOWN, Npi::UNKNOWN, b""));
    }

    #[test]
    fn a_list_survives_as_text_and_a_wrong_one_is_named() {
        let sources = read("allowed = [\"alphanumeric/i:SHOP*\"]\notherwise = { rewrite = \"SHOP\" }");
        let text = serde_json::to_string(&sources).unwrap();
        assert_eq!(text, r#"{"allowed":["alphanumeric/i:SHOP*"],"otherwise":{"rewrite":"5/0:SHOP"}}"#);
        assert_eq!(serde_json::from_str::<SourcePolicy>(&text).unwrap(), sources);
        for (text, why) in [
            ("allowed = [\"alpha:SHOP\"]", "unknown type of number"),
            ("otherwise = \"rewrite\"", "otherwise"),
            ("otherwise = { rewrite = \"\" }", "no address"),
            ("allow = []", "allow"),
        ] {
            let error = smppkit_ops::config::parse::<SourcePolicy>(text, "sources.toml").unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn ten_thousand_registered_ids_are_looked_up_at_once() {
        let ids = (0..10_000).map(|id| format!("ID{id}").parse().unwrap()).collect();
        let sources = SourcePolicy::new(ids, Otherwise::Refuse);
        assert!(sources.forms.is_empty());
        assert!((0..10_000).all(|id| sources.allows(Ton(5), Npi(0), format!("ID{id}").as_bytes())));
        assert!(!sources.allows(Ton(5), Npi(0), b"ID10000"));
    }
}
