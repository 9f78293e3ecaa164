use serde_json::json;
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{QuerySm, SubmitSm};
use smppkit_wire::{CommandStatus, Header};

use super::*;

fn rules(json: serde_json::Value) -> Rules {
    let rules: Vec<Rule> = serde_json::from_value(json).unwrap();
    Rules::new(rules, Dialect::named, &Rules::default()).unwrap()
}

fn to(number: &str) -> Body {
    SubmitSm {
        destination_addr: number.parse().unwrap(),
        short_message: ShortMessage::new(&b"Hello"[..]).unwrap(),
        ..SubmitSm::default()
    }
    .into()
}

const ASKER: Asker<'_> = Asker {
    system_id: "app",
    bind_mode: "transceiver",
    interface_version: "5.0",
    peer: "127.0.0.1:1",
    sequence_number: 7,
};

struct Judged {
    rules: Rules,
    chance: Chance,
}

impl Judged {
    fn by(json: serde_json::Value) -> Self {
        Self { rules: rules(json), chance: Chance::of_session(1, b"app", 0) }
    }

    fn submit(&mut self, number: &str) -> Option<Verdict> {
        self.rules.judge("submit_sm", &to(number), None, ASKER, &mut self.chance)
    }

    /// Which of some submits are taken.
    fn taken(&mut self, submits: usize) -> Vec<usize> {
        (0..submits).filter(|_| self.submit("1").is_some()).collect::<Vec<_>>()
    }
}

#[test]
fn the_first_rule_that_matches_counts() {
    let mut judged = Judged::by(json!([
        {"name": "a", "when": {"destination_addr": "44*"}, "then": {"status": "ESME_RTHROTTLED"}},
        {"name": "b", "when": {"destination_addr": "447*"}},
        {"name": "rest"},
    ]));
    assert_eq!(judged.submit("4477").unwrap().name(), "a");
    assert_eq!(judged.submit("4670").unwrap().name(), "rest");
    let counts: Vec<_> = judged.rules.counts().map(|(_, held, taken)| (held, taken)).collect();
    assert_eq!(counts, [(1, 1), (0, 0), (1, 1)]);
}

/// The places of what matches, with what is told of each.
fn explained(rules: &Rules, number: &str) -> Vec<(usize, Takes, String)> {
    let mut octets = Vec::new();
    to(number).encode(CommandStatus::ESME_ROK, 1, smppkit_wire::Version::V50, &mut octets);
    let found = rules.explain("submit_sm", &octets.into(), None, ASKER);
    found.into_iter().map(|found| (found.place, found.takes, found.told)).collect()
}

#[test]
fn what_rules_would_do_is_told_and_neither_counted_nor_drawn() {
    let mut judged = Judged::by(json!([
        {"name": "elsewhere", "when": {"destination_addr": "46*"}},
        {"name": "some", "share": "25%", "every": 10, "skip": 3, "times": 2},
        {"name": "once", "times": 1, "unless": {"text": "Bye"}},
        {"name": "binds", "on": "bind_*"},
        {"name": "all", "when": {"text": "Hello", "system_id": "app"}},
        {"name": "late"},
    ]));
    let told = |judged: &Judged| explained(&judged.rules, "4477");
    let expected = [
        (1, Takes::Some, "25 %, one in 10, after 3 more, 2 times left"),
        (2, Takes::Some, "1 time left"),
        (4, Takes::All, ""),
        (5, Takes::None, "nothing is left for it"),
    ];
    for _ in 0..3 {
        assert_eq!(told(&judged), expected.map(|(place, takes, told)| (place, takes, told.to_owned())));
    }
    assert!(judged.rules.counts().all(|(_, held, taken)| (held, taken) == (0, 0)));
    while judged.submit("4477").unwrap().name() != "once" {}
    assert_eq!(told(&judged)[1], (2, Takes::None, "no more: it took its 1 time".to_owned()));
    assert_eq!(explained(&rules(json!([{"share": "0%"}])), "1"), [(0, Takes::None, "0 %".to_owned())]);
}

#[test]
fn what_the_session_knows_and_exceptions_are_looked_at() {
    let mut judged = Judged::by(json!([
        {"when": {"system_id": "app", "bind_mode": "transceiver", "sequence_number": "/[13579]$/"},
         "unless": {"destination_addr": "999"}},
    ]));
    assert!(judged.submit("1").is_some());
    assert!(judged.submit("999").is_none());
}

#[test]
fn rules_are_for_the_pdus_they_name_and_those_that_bring_messages_otherwise() {
    let rules = rules(json!([{"on": "query_sm"}, {"on": ["bind_*", "enquire_link"]}, {}]));
    for (name, concerned) in [
        ("query_sm", true),
        ("bind_receiver", true),
        ("bind_transceiver", true),
        ("enquire_link", true),
        ("submit_sm", true),
        ("submit_multi", true),
        ("data_sm", true),
        ("cancel_sm", false),
        ("deliver_sm", false),
    ] {
        assert_eq!(rules.concern(name), concerned, "{name}");
    }
    let mut chance = Chance::of_session(1, b"", 0);
    let query: Body = QuerySm::default().into();
    assert!(rules.judge("query_sm", &query, None, ASKER, &mut chance).is_some());
}

#[test]
fn skip_every_and_times_count_what_matches() {
    let taken = |json| {
        let mut judged = Judged::by(json!([json]));
        (1..=10).filter(|_| judged.submit("1").is_some()).collect::<Vec<i32>>()
    };
    assert_eq!(taken(json!({"skip": 3})), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(taken(json!({"every": 4})), [1, 5, 9]);
    assert_eq!(taken(json!({"every": 4, "skip": 3})), [4, 8]);
    assert_eq!(taken(json!({"times": 2})), [1, 2]);
    assert_eq!(taken(json!({"times": 0})), Vec::<i32>::new());
}

#[test]
fn a_share_is_taken_of_what_matches_the_same_each_time() {
    let taken = || Judged::by(json!([{"share": "25%"}])).taken(10_000);
    let count = taken().len();
    assert!((2_300..2_700).contains(&count), "{count}");
    assert_eq!(taken(), taken());
    assert_eq!(Judged::by(json!([{"share": "0%"}])).taken(100).len(), 0);
    assert_eq!(Judged::by(json!([{"share": "100%"}])).taken(100).len(), 100);
}

#[test]
fn delays_are_sampled_and_a_script_has_the_last_word() {
    let mut judged = Judged::by(json!([{
        "then": {"delay": "1s..2s", "answer_after": "5s", "status": "ESME_RSYSERR", "script": "
            fn decide(pdu) {
                if pdu.destination_addr == \"1\" { #{ status: \"ESME_ROK\", state: \"EXPIRED\" } }
            }"},
    }]));
    let verdict = judged.submit("1").unwrap();
    assert_eq!(verdict.then().status.map(|status| status.0), Some(CommandStatus::ESME_ROK));
    assert_eq!(verdict.then().state.map(|state| state.0.to_string()), Some("EXPIRED".to_owned()));
    assert_eq!(verdict.answer_after, Duration::from_secs(5));
    assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&verdict.delay.unwrap()));
    let other = judged.submit("2").unwrap();
    assert_eq!(other.then().status.map(|status| status.0), Some(CommandStatus::ESME_RSYSERR));
}

#[test]
fn a_script_that_fails_leaves_the_rest_of_its_rule() {
    let mut judged = Judged::by(json!([{
        "then": {"status": "ESME_RSYSERR", "script": "fn decide(pdu) { #{ status: \"NONSENSE\" } }"},
    }]));
    assert_eq!(
        judged.submit("1").unwrap().then().status.map(|status| status.0),
        Some(CommandStatus::ESME_RSYSERR)
    );
}

#[test]
fn what_cannot_be_is_refused_by_its_rule() {
    let refused = |json| {
        let rules: Vec<Rule> = serde_json::from_value(json).unwrap();
        Rules::new(rules, Dialect::named, &Rules::default()).unwrap_err().to_string()
    };
    assert!(
        refused(json!([{}, {"then": {"dialect": "klingon"}}]))
            .starts_with("rule 2: \"klingon\" is no dialect")
    );
    let error = refused(json!([{"name": "s", "then": {"script": "fn decide(pdu) { let }"}}]));
    assert!(error.starts_with("rule s: script: line 1"), "{error}");
}

#[test]
fn unchanged_rules_keep_their_counts_when_others_change() {
    let mut judged = Judged::by(json!([{"name": "a"}]));
    judged.submit("1");
    let changed: Vec<Rule> =
        serde_json::from_value(json!([{"name": "new", "when": {"text": "x"}}, {"name": "a"}])).unwrap();
    let after = Rules::new(changed, Dialect::named, &judged.rules).unwrap();
    assert_eq!(after.counts().map(|(_, _, taken)| taken).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn each_way_to_spoil_an_answer_is_what_it_says() {
    let mut pdu = Vec::new();
    smppkit_wire::Pdu::response(5, smppkit_wire::pdu::table::SubmitSmResp::default())
        .encode(smppkit_wire::Version::V50, &mut pdu);
    let spoil = |answer| spoiled(answer, pdu.clone(), 9);
    let header = |octets: &[u8]| Header::read(octets).unwrap();
    assert_eq!(spoil(Answer::Once), pdu);
    assert!(spoil(Answer::None).is_empty());
    assert_eq!(spoil(Answer::Twice), [&pdu[..], &pdu[..]].concat());
    assert_ne!(header(&spoil(Answer::WrongSequence)).sequence_number, 5);
    assert_eq!(header(&spoil(Answer::Nack)).command_id, Header::GENERIC_NACK);
    assert!(smppkit_wire::pdu::def_of(header(&spoil(Answer::UnknownCommand)).command_id).is_none());
    assert_eq!(header(&spoil(Answer::LengthTooLong)).command_length as usize, pdu.len() + 4);
    assert_eq!(header(&spoil(Answer::LengthTooShort)).command_length as usize, pdu.len() - 1);
    assert_eq!(spoil(Answer::Truncated), pdu[..pdu.len() / 2]);
    assert_eq!(header(&spoil(Answer::BadTlv)).command_length as usize, pdu.len() + 6);
    assert_eq!((spoil(Answer::Garbage).len(), spoil(Answer::Garbage)), (64, spoil(Answer::Garbage)));
}
