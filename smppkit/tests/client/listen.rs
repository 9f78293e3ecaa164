//! `smppkit listen`.

use serde_json::{Value, json};

use crate::mc::{Mc, answer, receipt, usual};
use crate::process::{Process, Simulator, smppkit};

fn listener(simulator: &Simulator, args: &[&str]) -> Process {
    let url = simulator.url();
    let mut listener = Process::start(&[&["listen", "--url", &url, "--json"], args].concat());
    listener.line_with("\"bound\"");
    listener
}

fn send_back(simulator: &Simulator, args: &[&str]) {
    let own = ["send", "--url", &simulator.url(), "--mode", "tx", "--to", "12345", "--wait", "0", "-q"];
    smppkit(&[&own[..], args].concat()).exits(0);
}

#[test]
fn long_messages_come_joined_however_they_were_cut() {
    let simulator = Simulator::start(&[]);
    let text = "Grüße 👋 ".repeat(30).trim_end().to_owned();
    for cut in ["--udh16", "--payload"] {
        let listener = listener(&simulator, &["--mode", "rx", "--count", "1", "--timeout", "10s"]);
        send_back(&simulator, &[cut, &text]);
        let heard = listener.done().exits(0).of("event", "message").pop().expect("it came");
        assert_eq!(heard["text"], text.as_str(), "{cut}");
        assert_eq!((&heard["complete"], &heard["fidelity"]), (&true.into(), &"exact".into()), "{cut}");
        assert_eq!(heard["destination_addr"], "12345");
        assert_eq!(heard["pdus"].as_array().map(Vec::len), heard["total"].as_u64().map(|n| n as usize));
    }
}

#[test]
fn a_message_that_lacks_parts_is_shown_after_a_time_as_what_it_is() {
    let simulator = Simulator::start(&[]);
    let args = ["--count", "1", "--timeout", "10s", "--part-timeout", "100ms"];
    let listener = listener(&simulator, &args);
    let second = "short_message=hex:0500032a02026c6f";
    send_back(&simulator, &["--field", "esm_class=0x40", "--field", second, "x"]);
    let heard = listener.done().exits(0).of("event", "message").pop().expect("it came");
    assert_eq!((&heard["complete"], &heard["total"]), (&false.into(), &2.into()));
    assert_eq!((&heard["text"], &heard["parts"][0]), (&"…lo".into(), &2.into()));
}

#[test]
fn receipts_are_told_with_id_and_state() {
    let simulator = Simulator::start(&[]);
    let listener = listener(&simulator, &["--mode", "rx", "--count", "1", "--timeout", "10s"]);
    let url = simulator.url();
    let named = ["--field", "registered_delivery=1"];
    let own = ["send", "--url", &url, "--mode", "tx", "--to", "4477", "--wait", "0", "--json", "Hi"];
    let sent = smppkit(&[&own[..], &named].concat()).exits(0);
    let receipt = listener.done().exits(0).of("event", "receipt").pop().expect("it came");
    assert_eq!(receipt["message_id"], sent.of("step", "submitted")[0]["message_id"]);
    assert_eq!((&receipt["message_state"], &receipt["err"]), (&"DELIVERED".into(), &"000".into()));
}

#[test]
fn lines_for_people_say_from_whom_to_whom_and_what() {
    let simulator = Simulator::start(&[]);
    let url = simulator.url();
    let listener = Process::start(&["listen", "--url", &url, "--count", "1", "--timeout", "10s"]);
    // Messages wait in the simulator for whoever binds.
    send_back(&simulator, &["--from", "4477", "Grüße"]);
    let done = listener.done().exits(0);
    assert_eq!(done.stdout, "message 4477 -> 12345: Grüße");
    assert!(done.stderr.contains("bound to smppkit as transceiver"), "{}", done.stderr);
}

#[test]
fn what_does_not_come_in_time_is_a_failure() {
    let simulator = Simulator::start(&[]);
    let done = listener(&simulator, &["--count", "1", "--timeout", "100ms"]).done().exits(1);
    assert!(done.stderr.contains("0 of 1"), "{}", done.stderr);
    listener(&simulator, &["--timeout", "100ms"]).done().exits(0);
}

/// Sends deliveries behind its answer to the bind.
fn deliveries(pdus: Vec<Value>) -> Mc {
    Mc::start(move |request| match request["command"].as_str() {
        Some("bind_receiver" | "bind_transceiver") => {
            core::iter::once(answer(request, &json!({}))).chain(pdus.clone()).collect()
        }
        _ => usual(request),
    })
}

#[test]
fn parts_by_sar_are_joined_in_any_order() {
    let part = |number: u32, text: &str| {
        let mut pdu = receipt(number, 0, text);
        pdu["tlvs"] = json!([
            {"name": "sar_msg_ref_num", "value": 7}, {"name": "sar_total_segments", "value": 2},
            {"name": "sar_segment_seqnum", "value": number},
        ]);
        pdu
    };
    let mc = deliveries(vec![part(2, "lo"), part(1, "Hel")]);
    let done =
        smppkit(&["listen", "--url", &mc.url(), "--json", "--count", "1", "--timeout", "10s"]).exits(0);
    let heard = &done.of("event", "message")[0];
    assert_eq!((&heard["text"], &heard["complete"]), (&"Hello".into(), &true.into()));
    assert_eq!(heard["pdus"][0]["sequence_number"], 1);
    mc.next("unbind");
}

#[test]
fn deliveries_are_answered_as_told() {
    let mc = deliveries(vec![receipt(9, 0, "Hi")]);
    let url = mc.url();
    let own = ["listen", "--url", &url, "--count", "1", "--timeout", "10s"];
    smppkit(&own).exits(0);
    assert_eq!(mc.next("deliver_sm_resp")["command_status"], 0);
    smppkit(&[&own[..], &["--answer", "ESME_RX_R_APPN"]].concat()).exits(0);
    let answer = mc.next("deliver_sm_resp");
    assert_eq!((&answer["command_status"], &answer["sequence_number"]), (&0x66.into(), &9.into()));
    smppkit(&["listen", "--answer", "ESME_NONSENSE"]).exits(2);
}

#[test]
fn an_alert_is_shown_and_control_characters_are_not_obeyed() {
    let alert = json!({"command": "alert_notification", "sequence_number": 3, "source_addr": "4477"});
    let mc = deliveries(vec![alert, receipt(9, 0, "a\r\nb")]);
    let done = smppkit(&["listen", "--url", &mc.url(), "--count", "1", "--timeout", "10s"]).exits(0);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("alert_notification seq="), "{}", done.stdout);
    assert_eq!(lines[1], r"message 4477 -> me: a\r\nb");
}

#[cfg(unix)]
#[test]
fn interrupted_it_unbinds_and_exits_130() {
    let simulator = Simulator::start(&[]);
    let listener = listener(&simulator, &[]);
    listener.signal("INT");
    listener.done().exits(130);
}

#[test]
fn without_a_server_it_exits_3_and_with_a_session_that_ends_1() {
    smppkit(&["listen", "--url", "smpp://127.0.0.1:1"]).exits(3);
    let simulator = Simulator::start(&[]);
    let listener = listener(&simulator, &[]);
    simulator.stop();
    listener.done().exits(1);
}

#[test]
fn it_binds_again_when_the_session_has_ended() {
    let simulator = Simulator::start(&[]);
    let address = simulator.address.clone();
    let mut listener = listener(&simulator, &["--reconnect", "--count", "1", "--timeout", "20s"]);
    simulator.stop();
    listener.line_with("\"again\"");
    let simulator = Simulator::listening("--listen", &address, &[]);
    listener.line_with("\"bound\"");
    send_back(&simulator, &["Hi"]);
    listener.done().exits(0);
}

#[test]
fn an_outbind_is_answered_with_a_bind() {
    let mut listener = Process::start(&[
        "listen",
        "--outbind",
        "127.0.0.1:0",
        "--json",
        "--count",
        "1",
        "--timeout",
        "10s",
        "--system-id",
        "me",
        "--password",
        "secret",
    ]);
    let waiting: serde_json::Value = serde_json::from_str(&listener.line_with("waiting")).unwrap();
    let address = waiting["address"].as_str().unwrap().to_owned();
    let simulator = Simulator::start(&["--outbind", &address]);
    listener.line_with("\"bound\"");
    send_back(&simulator, &["Hi"]);
    assert_eq!(listener.done().exits(0).of("event", "message")[0]["text"], "Hi");
}
