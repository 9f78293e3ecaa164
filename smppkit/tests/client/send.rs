//! `smppkit send`.

use serde_json::{Value, json};

use crate::mc::{Mc, answer, receipt, usual};
use crate::process::{Process, Simulator, file, smppkit};

fn send(simulator: &Simulator, args: &[&str]) -> crate::process::Done {
    smppkit(&[&["send", "--url", &simulator.url()], args].concat())
}

#[test]
fn a_message_is_delivered_and_its_receipt_shown() {
    let simulator = Simulator::start(&[]);
    let done = send(&simulator, &["--to", "447700900123", "Hello"]).exits(0);
    assert!(done.stdout.contains("5 characters in GSM 7-bit, one part"), "{}", done.stdout);
    assert!(done.stdout.contains("part 1 of 1 accepted: message_id "), "{}", done.stdout);
    assert!(done.stdout.contains(": DELIVERED after "), "{}", done.stdout);
    assert_eq!(send(&simulator, &["--to", "447700900123", "-q", "Hello"]).exits(0).stdout, "");
}

#[test]
fn a_long_text_goes_in_parts_and_each_has_its_receipt() {
    let simulator = Simulator::start(&[]);
    let text = "Grüße 👋 ".repeat(30);
    let done = send(&simulator, &["--to", "+447700900123", "--json", &text]).exits(0);
    let submitted = done.of("step", "submitted");
    assert_eq!(submitted.len(), 5);
    assert_eq!((&submitted[4]["part"], &submitted[4]["parts"]), (&5.into(), &5.into()));
    assert_eq!(submitted[0]["data_coding"], 8);
    let receipts = done.of("step", "receipt");
    let ids = |lines: &[Value]| {
        let mut ids: Vec<String> = lines.iter().map(|line| line["message_id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&receipts), ids(&submitted));
    assert!(receipts.iter().all(|line| line["message_state"] == "DELIVERED"));
    let last = done.json().pop().unwrap();
    assert_eq!((&last["step"], &last["ok"], &last["accepted"]), (&"done".into(), &true.into(), &5.into()));
}

#[test]
fn a_text_comes_from_a_file_or_from_standard_input() {
    let simulator = Simulator::start(&[]);
    let path = file("text.txt", "from a file\n");
    let file = path.to_str().unwrap();
    let from_file = send(&simulator, &["--to", "1", "--wait", "0", "--file", file]).exits(0);
    assert!(from_file.stdout.contains("11 characters"), "{}", from_file.stdout);
    let url = simulator.url();
    let args = ["send", "--url", &url, "--to", "1", "--wait", "0", "-"];
    let piped = Process::start_with(&args, &[], "from a pipe\r\n").done().exits(0);
    assert!(piped.stdout.contains("11 characters"), "{}", piped.stdout);
}

#[test]
fn fields_and_tlvs_arrive_as_given() {
    let mc = Mc::start(usual);
    let named = ["--field", "service_type=CMT", "--field", "data_coding=4", "--field", "source_addr_npi=9"];
    let tlvs = ["--tlv", "user_message_reference=0x102", "--tlv", "0x1400=hex:00ff", "--tlv", "0x1401=text"];
    let url = mc.url();
    let own = ["send", "--url", &url, "--to", "12345", "--from", "4477", "--wait", "0"];
    smppkit(&[&own[..], &named, &tlvs, &["Hi"]].concat()).exits(0);
    let pdu = mc.next("submit_sm");
    assert_eq!((&pdu["service_type"], &pdu["data_coding"]), (&"CMT".into(), &4.into()));
    assert_eq!((&pdu["source_addr"], &pdu["source_addr_npi"]), (&"4477".into(), &9.into()));
    assert_eq!((&pdu["short_message"], &pdu["registered_delivery"]), (&"4869".into(), &0.into()));
    assert_eq!(octets_of_tlvs(&pdu), [("0x0204", "0102"), ("0x1400", "00ff"), ("0x1401", "74657874")]);
    // Those of a bind, too.
    let of_bind = ["--mode", "tx", "--system-type", "VMA", "--address-range", "^44", "--protocol", "3.4"];
    smppkit(&[&own[..], &of_bind, &["Hi"]].concat()).exits(0);
    let pdu = mc.next("bind_transmitter");
    assert_eq!((&pdu["system_type"], &pdu["address_range"]), (&"VMA".into(), &"^44".into()));
    assert_eq!(pdu["interface_version"], 0x34);
}

fn octets_of_tlvs(pdu: &Value) -> Vec<(&str, &str)> {
    let tlvs = pdu["tlvs"].as_array().expect("there are some");
    tlvs.iter().filter_map(|tlv| Some((tlv["tag"].as_str()?, tlv["hex"].as_str()?))).collect()
}

#[test]
fn parts_by_sar_share_a_reference() {
    let mc = Mc::start(usual);
    let url = mc.url();
    let long = "x".repeat(200);
    smppkit(&["send", "--url", &url, "--to", "1", "--wait", "0", "--sar", &long]).exits(0);
    let (first, second) = (mc.next("submit_sm"), mc.next("submit_sm"));
    let (first, second) = (octets_of_tlvs(&first), octets_of_tlvs(&second));
    assert_eq!(first[0], second[0], "sar_msg_ref_num");
    assert_eq!((first[1], second[1]), (("0x020E", "02"), ("0x020E", "02")));
    assert_eq!((first[2], second[2]), (("0x020F", "01"), ("0x020F", "02")));
}

/// Answers a submit_sm with an id and sends receipts behind it, or before it.
fn receipts(id: &'static str, texts: &'static [(u8, &'static str)], early: bool) -> Mc {
    Mc::start(move |request| {
        if request["command"] != "submit_sm" {
            return usual(request);
        }
        let answer = vec![answer(request, &json!({"message_id": id}))];
        let receipts = (1..).zip(texts).map(|(number, (esm_class, text))| receipt(number, *esm_class, text));
        if early { receipts.chain(answer).collect() } else { answer.into_iter().chain(receipts).collect() }
    })
}

#[test]
fn receipts_are_matched_in_the_forms_that_peers_give_ids() {
    for (id, text, early) in [
        ("1F", "id:31 stat:DELIVRD", false),
        ("31", "id:0000001f stat:DELIVRD", false),
        ("0a-b", "id:0A-B stat:DELIVRD", true),
    ] {
        let texts: &'static [(u8, &'static str)] = Box::leak(vec![(4, text)].into_boxed_slice());
        let mc = receipts(id, texts, early);
        let done =
            smppkit(&["send", "--url", &mc.url(), "--to", "1", "--json", "--wait", "5s", "Hi"]).exits(0);
        assert_eq!(done.of("step", "receipt")[0]["message_id"], id);
    }
}

#[test]
fn news_on_the_way_is_shown_and_a_failed_delivery_is_exit_1() {
    let mc = receipts("7", &[(0x20, "id:7 stat:ENROUTE"), (4, "id:7 stat:UNDELIV err:021")], false);
    let done = smppkit(&["send", "--url", &mc.url(), "--to", "1", "--json", "Hi"]).exits(1);
    assert_eq!(done.of("step", "notification")[0]["message_state"], "ENROUTE");
    let receipt = &done.of("step", "receipt")[0];
    assert_eq!((&receipt["message_state"], &receipt["err"]), (&"UNDELIVERABLE".into(), &"021".into()));
    assert_eq!(done.json().pop().unwrap()["ok"], false);
}

#[test]
fn a_refusal_is_told_with_its_status() {
    let mc = Mc::start(|request| match request["command"].as_str() {
        Some("submit_sm") => vec![answer(request, &json!({"command_status": 0x45, "body": "absent"}))],
        _ => usual(request),
    });
    let done = smppkit(&["send", "--url", &mc.url(), "--to", "1", "--json", "Hi"]).exits(1);
    assert_eq!(done.of("step", "refused")[0]["command_status"], "ESME_RSUBMITFAIL");
    mc.next("unbind");
}

#[test]
fn several_destinations_get_a_request_each_or_one_for_all() {
    let simulator = Simulator::start(&[]);
    let to = ["--to", "4477", "--to", "4478", "--json"];
    let each = send(&simulator, &[&to[..], &["Hi"]].concat()).exits(0);
    assert_eq!((each.of("step", "submitted").len(), each.of("step", "receipt").len()), (2, 2));
    let all = send(&simulator, &[&to[..], &["--multi", "Hi"]].concat()).exits(0);
    assert_eq!((all.of("step", "submitted").len(), all.of("step", "receipt").len()), (1, 2));
    send(&simulator, &["--to", "4477", "--data-sm", "Hi"]).exits(0);
}

#[test]
fn in_3_3_a_second_session_takes_the_receipts() {
    let simulator = Simulator::start(&[]);
    let done = send(&simulator, &["--protocol", "3.3", "--to", "4477", "--json", "Hi"]).exits(0);
    let modes: Vec<_> = done.of("step", "bound").iter().map(|line| line["mode"].clone()).collect();
    assert_eq!(modes, ["transmitter", "receiver"]);
    assert_eq!(done.of("step", "receipt").len(), 1);
    let done = send(&simulator, &["--protocol", "3.3", "--to", "4477", "--tlv", "0x1400=a", "Hi"]).exits(2);
    assert!(done.stderr.contains("SMPP 3.3 has no TLV 0x1400"), "{}", done.stderr);
}

#[test]
fn a_preview_sends_nothing() {
    let nowhere = ["send", "--url", "smpp://127.0.0.1:1"];
    let done = smppkit(&[&nowhere[..], &["--preview", "--json", "It costs 5 € today"]].concat()).exits(0);
    let preview = done.json().remove(0);
    assert_eq!((&preview["encoding"], &preview["units"]), (&"GSM 7-bit".into(), &19.into()));
    assert_eq!(preview["costly"][0]["character"], "€");
    let done = smppkit(&[&nowhere[..], &["--dry-run", "--to", "1", "Hi"]].concat()).exits(0);
    assert!(done.stdout.lines().last().unwrap().starts_with("0000002b00000004"), "{}", done.stdout);
    let forced = ["--preview", "--encoding", "latin1", "a€ž"];
    let done = smppkit(&[&nowhere[..], &forced].concat()).exits(2);
    assert!(done.stderr.contains("'€' at 1, 'ž' at 2"), "{}", done.stderr);
    let done = smppkit(&[&nowhere[..], &forced, &["--json"]].concat()).exits(2);
    assert_eq!(done.json()[0]["unencodable"][1]["character"], "ž");
}

#[test]
fn each_encoding_and_way_to_split_is_taken() {
    let simulator = Simulator::start(&[]);
    for encoding in ["auto", "gsm7", "ucs2", "latin1", "ascii", "binary"] {
        send(&simulator, &["--to", "1", "--wait", "0", "--encoding", encoding, "beef"]).exits(0);
    }
    let long = "x".repeat(200);
    for (flag, parts) in [("--udh16", 2), ("--sar", 2), ("--payload", 1)] {
        let done = send(&simulator, &["--to", "1", "--json", flag, &long]).exits(0);
        assert_eq!(done.of("step", "receipt").len(), parts, "{flag}");
    }
}

#[test]
fn a_message_is_repeated_at_a_rate() {
    let simulator = Simulator::start(&[]);
    let began = std::time::Instant::now();
    let args = ["--to", "1", "--json", "--repeat", "5", "--rate", "20/s", "--window", "3", "Hi"];
    let done = send(&simulator, &args).exits(0);
    assert!(began.elapsed().as_millis() >= 200, "five at 20/s take 200 ms");
    let ids: std::collections::BTreeSet<String> =
        done.of("step", "submitted").iter().map(|line| line["message_id"].to_string()).collect();
    assert_eq!((ids.len(), done.of("step", "receipt").len()), (5, 5));
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let simulator = Simulator::start(&["--account", "me:secret", "--receipt-delay", "20s"]);
    let late = send(&simulator, &["--to", "1", "--wait", "100ms", "Hi"]).exits(1);
    assert!(late.stderr.contains("0 of 1 receipts came in time"), "{}", late.stderr);
    let slip = send(&simulator, &["--to", "1", "--field", "priority=1", "Hi"]).exits(2);
    assert!(slip.stderr.contains("did you mean priority_flag?"), "{}", slip.stderr);
    send(&simulator, &["--to", "1", "--nonsense", "Hi"]).exits(2);
    let refused = send(&simulator, &["--to", "1", "--password", "wrong", "Hi"]).exits(3);
    assert!(refused.stderr.contains("bind refused with"), "{}", refused.stderr);
    smppkit(&["send", "--url", "smpp://127.0.0.1:1", "--to", "1", "Hi"]).exits(3);
}

#[cfg(unix)]
#[test]
fn an_interrupted_wait_unbinds_and_exits_130() {
    let simulator = Simulator::start(&["--receipt-delay", "20s"]);
    for signal in ["INT", "TERM"] {
        let mut process = Process::start(&["send", "--url", &simulator.url(), "--to", "1", "Hi"]);
        process.line_with("accepted");
        process.signal(signal);
        process.done().exits(130);
    }
}

#[test]
fn throttled_requests_are_told_and_fail() {
    let simulator = Simulator::start(&["--throughput", "1"]);
    let args = ["--to", "1", "--to", "2", "--to", "3", "--wait", "0", "--json", "Hi"];
    let done = send(&simulator, &args).exits(1);
    let refused = done.of("step", "refused");
    assert_eq!(refused[0]["command_status"], "ESME_RTHROTTLED");
    assert_eq!(refused.len() + done.of("step", "submitted").len(), 3);
}
