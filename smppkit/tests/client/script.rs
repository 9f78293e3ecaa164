//! `smppkit script`.

use crate::process::{Process, Simulator, file, smppkit};

fn script(name: &str, text: &str) -> String {
    file(name, text).to_str().expect("the path is text").to_owned()
}

#[test]
fn a_smoke_test_passes() {
    let simulator = Simulator::start(&[]);
    let path = script(
        "smoke.smpp",
        "# all that a client does\n\
         bind transceiver\n\
         submit_sm to=447700900123 from=1234 text=\"Grüße 👋\" registered_delivery=1 -> ESME_ROK as first\n\
         expect deliver_sm within 5s short_message~/stat:DELIVRD/ receipted_message_id=$first as receipt\n\
         query_sm message_id=$first source_addr=1234\n\
         expect query_sm_resp message_state=DELIVERED message_id=${receipt.receipted_message_id}\n\
         submit_sm to=12345 from=4477 text=\"$word, loop\" user_message_reference=7 -> ESME_ROK\n\
         expect deliver_sm text=\"hello, loop\" source_addr=4477 !network_error_code esm_class=0..3\n\
         send {\"command\": \"data_sm\", \"destination_addr\": \"1\", \\\n\
         \"tlvs\": [{\"name\": \"message_payload\", \"hex\": \"4869\"}]} -> ESME_ROK\n\
         raw 000000100000 0099 00000000 000000AA\n\
         expect generic_nack command_status=ESME_RINVCMDID sequence_number=170\n\
         enquire_link -> ESME_ROK\n\
         expect nothing within 50ms\n\
         unbind\n",
    );
    let done = smppkit(&["script", &path, "--url", &simulator.url(), "--set", "word=hello"]).exits(0);
    assert!(done.stdout.contains("13 steps, all as expected"), "{}", done.stdout);
}

#[test]
fn what_the_server_does_otherwise_is_shown_as_a_difference() {
    let simulator = Simulator::start(&[]);
    let url = simulator.url();
    let path = script(
        "otherwise.smpp",
        "bind\n\nsubmit_sm to=4477 from=1234 text=Hi registered_delivery=1 -> ESME_ROK as first\n\
         expect deliver_sm within 300ms source_addr=4477 short_message~/stat:UNDELIV/\nunbind\n",
    );
    let done = smppkit(&["script", &path, "--url", &url]).exits(1);
    assert!(done.stdout.contains("otherwise.smpp:4: expect deliver_sm"), "{}", done.stdout);
    let difference =
        "--- expected\n+++ received\n source_addr=4477\n-short_message~/stat:UNDELIV/\n+short_message=\"id:";
    assert!(done.stdout.contains(difference), "{}", done.stdout);
    let path = script("status.smpp", "bind\nsubmit_sm to=\"\" -> ESME_ROK\n");
    let done = smppkit(&["script", &path, "--url", &url]).exits(1);
    assert!(
        done.stdout.contains("-command_status=ESME_ROK\n+command_status=ESME_RINVDSTADR"),
        "{}",
        done.stdout
    );
    let path = script("silent.smpp", "bind\nexpect deliver_sm within 50ms\n");
    let done = smppkit(&["script", &path, "--url", &url]).exits(1);
    assert!(done.stdout.contains("no deliver_sm came in time, nor anything else"), "{}", done.stdout);
}

#[test]
fn reports_for_machines_hold_every_step_and_no_password() {
    let simulator = Simulator::start(&[]);
    let path = script(
        "report.smpp",
        &format!("bind {}\nsubmit_sm to=1 -> ESME_RTHROTTLED\nunbind\n", simulator.url()),
    );
    let junit = script("report.xml", "");
    let done = smppkit(&["script", &path, "--json", "--junit", &junit]).exits(1);
    let lines = done.json();
    assert_eq!((&lines[0]["line"], &lines[0]["ok"]), (&1.into(), &true.into()));
    assert_eq!(lines[1]["difference"][0], "-command_status=ESME_RTHROTTLED");
    assert_eq!((&lines[2]["steps"], &lines[2]["skipped"]), (&2.into(), &1.into()));
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{xml}");
    for text in [&done.stdout, &done.stderr, &xml] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn exit_codes_tell_wrong_scripts_from_absent_servers() {
    let nowhere = ["--url", "smpp://127.0.0.1:1"];
    let wrong = script("wrong.smpp", "bind\nsubmit_sn to=1\n");
    let done = smppkit(&[&["script", &wrong], &nowhere[..]].concat()).exits(2);
    assert!(
        done.stderr.contains("line 2: \"submit_sn\" names no PDU; did you mean submit_sm?"),
        "{}",
        done.stderr
    );
    smppkit(&[&["script", "absent.smpp"], &nowhere[..]].concat()).exits(2);
    let right = script("right.smpp", "bind\nunbind\n");
    smppkit(&[&["script", &right], &nowhere[..]].concat()).exits(3);
    smppkit(&[&["script", "--check", &right], &nowhere[..]].concat()).exits(0);
    let simulator = Simulator::start(&["--account", "me:secret"]);
    let url = format!("smpp://me:wrong@{}", simulator.address);
    smppkit(&["script", &right, "--url", &url]).exits(3);
    let expected = script("expected.smpp", &format!("bind {url} -> ESME_RBINDFAIL\n"));
    let code = smppkit(&["script", &expected]).code;
    assert!(code <= 1, "a bind that is to be refused is a check");
    let slip = script("slip.smpp", "bind\nsubmit_sm destination_adr=1\n");
    let done = smppkit(&["script", &slip, "--url", &simulator.url()]).exits(2);
    assert!(done.stdout.contains("did you mean destination_addr?"), "{}", done.stdout);
}

#[test]
fn sessions_have_names_and_states_can_be_tested() {
    let simulator = Simulator::start(&[]);
    let path = script(
        "sessions.smpp",
        "rx: bind receiver\n\
         submit_sm to=1 -> ESME_RINVBNDSTS\n\
         answer deliver_sm ESME_RX_R_APPN\n\
         tx: bind transmitter\n\
         submit_sm to=12345 from=1 text=back -> ESME_ROK\n\
         rx: expect deliver_sm text=back as mo\n\
         expect nothing within 20ms\n\
         none: connect\n\
         submit_sm to=1 -> ESME_RINVBNDSTS\n\
         raw 00000001\n\
         expect generic_nack command_status=ESME_RINVCMDLEN\n\
         expect closed\n",
    );
    smppkit(&["script", &path, "--url", &simulator.url()]).exits(0);
}

#[test]
fn send_and_listen_play_scripts_too_and_one_comes_from_standard_input() {
    let simulator = Simulator::start(&[]);
    let path = script("too.smpp", "bind\nunbind\n");
    for subcommand in ["send", "listen"] {
        let done = smppkit(&[subcommand, "--script", &path, "--url", &simulator.url()]).exits(0);
        assert!(done.stdout.contains("2 steps, all as expected"), "{}", done.stdout);
    }
    let args = ["script", "-", "--url", &simulator.url()];
    Process::start_with(&args, &[], "bind\nunbind\n").done().exits(0);
}

#[cfg(unix)]
#[test]
fn interrupted_it_exits_130() {
    let simulator = Simulator::start(&[]);
    let path = script("long.smpp", "bind\nwait 20s\n");
    let mut process = Process::start(&["script", &path, "--url", &simulator.url()]);
    process.line_with("bind");
    process.signal("INT");
    process.done().exits(130);
}
