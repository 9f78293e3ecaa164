//! What is said of a choice.

use serde_json::json;
use smppkit_route::Facts;

use crate::{World, table, to};

const TABLE: &str = "
[[route]]
name = 'bank'
account = ['bank*', '!bank9']
to = ['gold']

[[route]]
name = 'old'
enabled = false
to = ['copper']

[[route]]
name = 'spain'
destination = ['34*', '35*', '36*', '37*', '38*', '39*', '40*']
to = ['silver']

[[route]]
name = 'uk'
destination = '44*'
strategy = 'weighted'
to = [{ name = 'a', weight = 3 }, 'b', 'c', 'd', { name = 'e', weight = 0 }]

[[route]]
name = 'none'
refuse = 'ESME_RINVDSTADR'
";

fn world() -> World {
    World { down: ["b".to_owned()].into(), gone: ["c".to_owned()].into(), ..World::full(&["d"]) }
}

#[test]
fn people_read_each_rule_each_target_and_the_decision() {
    let said = table(TABLE).explain(&to("447700900123"), &world(), 0).to_string();
    assert_eq!(
        said,
        "  1 bank: no match: account is \"shop\", wanted bank*, !bank9
  2 old: disabled
  3 spain: no match: destination_addr is \"447700900123\", wanted 34*, 35*, 36*, 37*, 38*, and 2 more
  4 uk: matched
   ... 1 rule was not reached
strategy: weighted
  1 a: weight 3 of 6
  2 d: no room: after all that have some
  3 b: down: after all that are up
  - c: there is no such target
  - e: its weight is 0
decision: uk sends it to a, or else to d, b
"
    );
    let refused = table(TABLE).explain(&to("1"), &world(), 0).to_string();
    assert!(refused.ends_with("decision: none refuses it with ESME_RINVDSTADR\n"), "{refused}");
}

#[test]
fn programs_read_the_same() {
    let table = table(TABLE);
    let facts = Facts { account: None, ..to("44") };
    let said = serde_json::to_value(table.explain(&facts, &world(), 0)).unwrap();
    assert_eq!(
        said["rules"][0],
        json!({
            "name": "bank", "verdict": "no_match",
            "field": "account", "wanted": "bank*, !bank9", "found": "none",
        })
    );
    assert_eq!(said["rules"][4], json!({ "name": "none", "verdict": "not_reached" }));
    assert_eq!(
        said["targets"][1],
        json!({ "name": "d", "standing": "full", "place": 2, "why": "no room: after all that have some" })
    );
    assert_eq!(
        said["decision"],
        json!({ "decision": "send", "rule": 3, "name": "uk", "target": "a", "then": ["d", "b"] })
    );
}

#[test]
fn a_long_list_of_rules_is_shown_from_both_ends() {
    let rules: Vec<String> =
        (0..1_000).map(|n| format!("[[route]]\ndestination = '9{n}'\nto = ['a']\n")).collect();
    let said = table(&rules.concat()).explain(&to("44"), &World::default(), 0).to_string();
    assert!(said.lines().count() < 50 && said.contains("... 960 rules that are not for it"), "{said}");
    assert!(said.ends_with("decision: no rule is for it\n"), "{said}");
}

#[test]
fn what_a_peer_wrote_does_not_break_the_lines() {
    let table = table("[[route]]\nsource = 'x'\nto = ['a']");
    let source = smppkit_route::Party { addr: "a\n1 uk: matched", ..Default::default() };
    let said = table.explain(&Facts { source, ..to("44") }, &World::default(), 0).to_string();
    assert_eq!(said.lines().count(), 2, "{said}");
}
