//! What cannot be, and how it is said.

use smppkit_route::limits::{PATTERNS_LIMIT, REGEXES_LIMIT, RULES_LIMIT, TARGETS_LIMIT};
use smppkit_route::{Patterns, Rule, Table, Target};

use crate::{Config, fault, rules, table};

#[test]
fn the_rule_the_field_and_what_to_do_are_named() {
    for (text, said) in [
        ("name = 'uk'", "route \"uk\": to: is missing; name a target, or write refuse instead"),
        (
            "destination = '/4(/'\nto = ['a']",
            "route \"route 1\": destination_addr: \"/4(/\" is no pattern: unclosed group",
        ),
        (
            "source_ton = 'foreign'\nto = ['a']",
            "route \"route 1\": source_addr_ton: \"foreign\" is none; write 0 to 255, or a name such as international",
        ),
        (
            "data_coding = 256\nto = ['a']",
            "route \"route 1\": data_coding: 256 is above 255, the highest there is",
        ),
        (
            "version = '4.0'\nto = ['a']",
            "route \"route 1\": version: \"4.0\" is none; write 3.3, 3.4 or 5.0, or a range such as 3.4..",
        ),
        ("parts = '3..1'\nto = ['a']", "route \"route 1\": parts: \"3..1\" ends before it begins"),
        (
            "tlv = { sourceport = 1 }\nto = ['a']",
            "route \"route 1\": tlv.sourceport: is the name of no TLV; give its tag, such as 0x1400",
        ),
        (
            "tlv = { '0xzz' = 1 }\nto = ['a']",
            "route \"route 1\": tlv.0xzz: is no tag; write 0x and up to four hexadecimal digits",
        ),
        (
            "hours = '8-20'\nto = ['a']",
            "route \"route 1\": hours: \"8-20\" is no span of hours such as 08:00-20:00, or mon-fri 08:00-20:00",
        ),
        (
            "weekdays = 'Montag'\nto = ['a']",
            "route \"route 1\": weekdays: \"Montag\" is no weekday such as mon, or mon-fri",
        ),
        (
            "valid_from = '1.12.2026'\nto = ['a']",
            "route \"route 1\": valid_from: \"1.12.2026\" is no day such as 2026-12-01 or 2026-12-01 08:00",
        ),
        (
            "zone = 'CET'\nhours = '08:00-20:00'\nto = ['a']",
            "route \"route 1\": zone: \"CET\" is no zone; write how far it is ahead of UTC, such as +01:00",
        ),
        (
            "zone = '+01:00'\nto = ['a']",
            "route \"route 1\": zone: says nothing without hours, weekdays, valid_from or valid_until; remove it",
        ),
        (
            "refuse = 'ESME_NO'",
            "route \"route 1\": refuse: \"ESME_NO\" is neither the name (ESME_...) nor the number of a command_status",
        ),
        (
            "refuse = 0",
            "route \"route 1\": refuse: ESME_ROK is no refusal; write an error such as ESME_RINVDSTADR",
        ),
        (
            "refuse = 11\nto = ['a']",
            "route \"route 1\": refuse: stands beside to; a rule either sends or refuses: remove one",
        ),
        ("to = ['a', 'a']", "route \"route 1\": to: \"a\" is there twice; give it a higher weight instead"),
        ("to = ['']", "route \"route 1\": to: has a target without a name; give it one"),
        (
            "to = [{ name = 'a', weight = 0 }]",
            "route \"route 1\": to: all weights are 0; give one more, or write enabled = false",
        ),
        (
            "to = [{ name = 'a', cost = -1 }]",
            "route \"route 1\": to: the cost -1 of \"a\" is none; write 0 or more",
        ),
        (
            "to = [{ name = 'a', cost = nan }]",
            "route \"route 1\": to: the cost NaN of \"a\" is none; write 0 or more",
        ),
        (
            "strategy = 'least_cost'\nto = ['a']",
            "route \"route 1\": to: \"a\" has no cost, which least_cost goes by; give it one",
        ),
        (
            "sticky_by = ['source']\nto = ['a']",
            "route \"route 1\": sticky_by: says nothing with strategy failover; remove it or write sticky",
        ),
        (
            "enabled = false\nhours = 'never'\nto = ['a']",
            "route \"route 1\": hours: \"never\" is no span of hours such as 08:00-20:00, or mon-fri 08:00-20:00",
        ),
    ] {
        assert_eq!(fault(&format!("[[route]]\n{text}")).to_string(), said, "{text}");
    }
    let twice = fault("[[route]]\nname = 'route 2'\nto = ['a']\n[[route]]\nto = ['a']");
    assert_eq!(twice.to_string(), "route \"route 2\": name: two rules have it; give one of them another");
}

#[test]
fn what_is_no_rule_is_refused_where_it_is_read() {
    for (text, said) in [
        ("destnation = '44*'", "unknown field `destnation`"),
        ("destination = []", "an empty list holds for nothing"),
        ("destination = true", "expected a text, a number, or a list of them"),
        ("to = [{ name = 'a', wieght = 1 }]", "unknown field `wieght`"),
        ("to = [1]", "a name, or a table such as"),
        ("strategy = 'fastest'", "unknown variant `fastest`"),
        ("refuse = ['a', 'b']", "want one text or number, not a list"),
        ("tlv = { dest_port = 1.5e300, x = [] }", "an empty list holds for nothing"),
    ] {
        let error =
            toml::from_str::<Config>(&format!("[[route]]\n{text}")).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(said)), "{text}: {error:?}");
    }
}

#[test]
fn limits_are_kept_and_name_what_to_do() {
    let rule = || Rule { to: vec!["a".into()], ..Rule::default() };
    let said = |rules: Vec<Rule>| Table::new(rules).unwrap_err().to_string();

    let many = said((0..=RULES_LIMIT).map(|_| rule()).collect());
    assert_eq!(many, "route: has 100001 rules, 100000 at most; put prefixes into lists");

    let to: Vec<Target> = (0..=TARGETS_LIMIT).map(|number| number.to_string().as_str().into()).collect();
    let many = said(vec![Rule { to, ..rule() }]);
    assert_eq!(many, "route \"route 1\": to: has 101 targets, 100 at most; make several rules");

    let destination_addr = Patterns((0..=PATTERNS_LIMIT).map(|number| number.to_string()).collect());
    let many = said(vec![Rule { destination_addr, ..rule() }]);
    assert!(
        many.starts_with("route \"route 1\": destination_addr: has 1001 patterns, 1000 at most"),
        "{many}"
    );

    let with_regex = |number| Rule { text: format!("/a{number}/").as_str().into(), ..rule() };
    let many = said((0..=REGEXES_LIMIT).map(with_regex).collect());
    assert!(many.contains("it is beyond the 1000 regular expressions of a table"), "{many}");
}

#[test]
fn a_rule_is_written_as_it_was_read() {
    let text = "
        [[route]]
        name = 'uk'
        account = ['shop', 'bank*']
        destination = '44*'
        version = 3.4
        tlv = { dest_port = true, '0x1400' = ['ab', 'cd'] }
        to = ['a', { name = 'b', weight = 3, cost = 0.012 }]
        strategy = 'weighted'
        spill = false
        [[route]]
        refuse = 11
        [[route]]
        to = ['a']
        strategy = 'sticky'
        sticky_by = ['source']
        udh = true
        valid_from = '2026-12-01'";
    let read = rules(text);
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(serde_json::from_value::<Vec<Rule>>(written.clone()).unwrap(), read);
    assert_eq!(written[1], serde_json::json!({ "refuse": "11" }));
    let table = table(text);
    assert_eq!(table.names().collect::<Vec<_>>(), ["uk", "route 2", "route 3"]);
    assert_eq!(table.targets().collect::<Vec<_>>(), [("uk", "a"), ("uk", "b"), ("route 3", "a")]);
}
