//! Expressions that make a backtracking engine take for ever.

use smppkit_route::{Facts, Text};

use crate::{World, fault, order, table};

/// Each with what its text ends with when it is to match.
const CATASTROPHES: [(&str, &str); 20] = [
    ("^(a+)+$", "a"),
    ("^(a*)*$", "a"),
    ("^(a|a)*$", "a"),
    ("^(a|aa)+$", "a"),
    ("^(a|a?)+$", "a"),
    ("^([a-zA-Z]+)*$", "a"),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", "Bc"),
    ("^(.*a){12}$", "a"),
    ("^(a*a*)*b$", "b"),
    ("^a*a*a*a*a*a*a*a*c$", "c"),
    ("^(a+a+)+d$", "d"),
    ("^((a+)+)+e$", "e"),
    ("^(?:a?){50}a{50}a*$", "a"),
    (r"^(\w+\s?)*$", "a"),
    (r"^(\w*)*\.$", "."),
    ("(a+){10}f", "f"),
    ("(.*)*g$", "g"),
    ("^(a|b|ab)*h$", "h"),
    ("^(aa|a(a|a))*i$", "i"),
    ("(x+x+)+y|(a+a+)+j", "j"),
];

#[test]
fn twenty_catastrophic_expressions_answer_right_on_long_texts() {
    let long = "a".repeat(20_000);
    for (expression, end) in CATASTROPHES {
        let table =
            table(&format!("[[route]]\ntext = '/{expression}/'\nto = ['yes']\n[[route]]\nto = ['no']"));
        let chosen = |text: &str| {
            order(&table, &Facts { text: Text::of(text), ..Facts::default() }, &World::default(), 0)
        };
        assert_eq!(chosen(&format!("{long}{end}")), "yes", "{expression}");
        assert_eq!(chosen(&format!("{long}\u{2603}")), "no", "{expression}");
    }
}

#[test]
fn expressions_that_grow_when_compiled_are_refused() {
    for expression in [
        r"\pL{1000}{1000}",
        "(a{1000}){1000}",
        "((a{100}){100}){100}",
        "(.*a){100000}",
        r"[\pL\pN]{60000}",
        &format!("{}a{}", "(".repeat(400), ")".repeat(400)),
    ] {
        let said = fault(&format!("[[route]]\ntext = '/{expression}/'\nto = ['a']")).to_string();
        assert!(said.starts_with("route \"route 1\": text: "), "{said}");
    }
}

#[test]
fn look_behind_and_references_are_no_part_of_the_language() {
    for expression in [r"(a)\\1", "(?=a)", "(?<!a)b"] {
        fault(&format!("[[route]]\ntext = \"/{expression}/\"\nto = ['a']"));
    }
}
