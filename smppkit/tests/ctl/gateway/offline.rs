//! What needs no running gateway.

use serde_json::json;

use super::{CANARIES, Gateway};
use crate::process::{Done, smppkit};

#[test]
fn a_file_explains_where_a_message_would_go() {
    let gateway = Gateway::start();
    let config = gateway.config();
    let ask = [
        "gateway",
        "explain",
        "--config",
        &config,
        "--from",
        "1",
        "--to",
        "4477",
        "--text",
        "Hi",
        "--account",
    ];
    let told = smppkit(&[&ask[..], &["shop"]].concat()).exits(0).stdout;
    assert!(told.contains("decision: all sends it to up") && told.contains("sent: submit_sm "), "{told}");
    let json = smppkit(&[&ask[..], &["shop", "--json"]].concat()).exits(0).json();
    assert_eq!((&json[0]["to"], &json[0]["pdu"]["short_message"]), (&"up".into(), &"4869".into()));
    assert!(smppkit(&[&ask[..], &["x"]].concat()).exits(2).stderr.contains("there is no account \"x\""));
    let by_rest =
        ["gateway", "explain", "--connect", &gateway.admin, "--account", "shop", "--to", "4477", "--json"];
    assert_eq!(smppkit(&by_rest).exits(0).json()[0]["to"], "up");
}

#[test]
fn a_message_that_no_route_is_for_is_a_check_that_failed() {
    let gateway = Gateway::start();
    let config = gateway.config();
    let ask = ["gateway", "explain", "--config", &config, "--connector", "up", "--to", "4477"];
    assert!(smppkit(&ask).exits(1).stdout.contains("no rule is for it"));
}

#[test]
fn a_hashed_password_lets_its_account_in() {
    let gateway = Gateway::start();
    let made = smppkit(&["gateway", "hash", "--data", &gateway.data(), "hashed", "s3cret"]).exits(0).stdout;
    assert!(made.starts_with("hmac-sha256:") && !made.contains("s3cret"), "{made}");
    let config = std::fs::read_to_string(gateway.config()).expect("it is there");
    let account = format!("\n[[account]]\nsystem_id = \"hashed\"\npassword = \"{made}\"\n");
    std::fs::write(gateway.config(), config + &account).expect("the file is ours");
    gateway.until(|gateway| gateway.get("/api/v1/accounts").as_array().is_some_and(|all| all.len() == 2));
    let send = |password: &str| -> Done {
        let url = format!("smpp://hashed:{password}@{}", gateway.smpp);
        smppkit(&["send", "--url", &url, "--mode", "tx", "--wait", "0", "--to", "4477", "Hi"])
    };
    send("s3cret").exits(0);
    send("other").exits(3);
    smppkit(&["gateway", "hash", "--data", &gateway.data(), "hashed", "ninechars"]).exits(2);
}

#[test]
fn a_store_is_looked_after_while_no_gateway_runs() {
    let mut gateway = Gateway::start();
    gateway.send("447700900122", &[]);
    let (data, copy) = (gateway.data(), gateway.dir.join("copy.sqlite"));
    let held = smppkit(&["store", "stats", "--data", &data]).exits(3);
    assert!(held.stderr.contains("held by another process"), "{}", held.stderr);
    gateway.stop();
    let stats = smppkit(&["store", "stats", "--data", &data, "--json"]).exits(0).json();
    assert_eq!((&stats[0]["messages"]["accepted"], &stats[0]["is_conserved"]), (&json!(1), &json!(true)));
    assert_eq!(smppkit(&["store", "check", "--data", &data]).exits(0).stdout, "the store is good");
    let to = copy.to_str().expect("the path is ours");
    smppkit(&["store", "backup", "--data", &data, "--to", to]).exits(0);
    smppkit(&["store", "backup", "--data", &data, "--to", to]).exits(2);
    smppkit(&["store", "check", "--data", "/no/such/directory"]).exits(2);
}

#[test]
fn a_wrong_file_does_not_show_its_passwords() {
    let gateway = Gateway::start();
    let config = std::fs::read_to_string(gateway.config()).expect("it is there");
    let wrong = gateway.dir.join("wrong.toml");
    for (from, to) in
        [("system_id = \"me\"", "system_id = \"me\"\ncolour = 1"), ("to = \"up\"", "to = \"down\"")]
    {
        std::fs::write(&wrong, config.replace(from, to)).expect("the file is ours");
        let wrong = wrong.to_str().expect("the path is ours");
        let done =
            smppkit(&["gateway", "explain", "--config", wrong, "--account", "shop", "--to", "1"]).exits(2);
        assert!(CANARIES.iter().all(|canary| !done.stderr.contains(canary)), "{}", done.stderr);
    }
}

#[test]
fn a_file_with_a_setting_that_cannot_be_is_refused_with_its_line() {
    let good = "[[connector]]\nname = \"up\"\naddress = \"127.0.0.1:1\"\nsystem_id = \"me\"\nwindow = 7\n\
                [connector.tls]\nany_certificate = true\n[[route]]\nto = \"up\"\n";
    for (number, (right, wrong, place, says)) in [
        ("127.0.0.1:1", "127.0.0.1", "3:11", "address \"127.0.0.1\" has no port"),
        ("window = 7", "window = 0", "5:10", "window is 0"),
        (
            "me\"",
            "a-name-that-is-too-long\"",
            "4:13",
            "system_id \"a-name-that-is-too-long\" is longer than 15",
        ),
        ("any_certificate = true", "ca = \"/none/ca.pem\"", "7:6", "tls.ca: cannot read /none/ca.pem"),
        (
            "any_certificate = true",
            "certificate = \"/none\"\nkey = \"/none\"",
            "7:15",
            "tls.certificate: cannot read",
        ),
        ("to = \"up\"", "refuse = \"ESME_RNONE\"", "9:10", "route \"route 1\": refuse"),
        (
            "[[route]]",
            "[[connector]]\nname = \"up\"\naddress = \"a:1\"\nsystem_id = \"me\"\n[[route]]",
            "9:8",
            "\"up\" is there twice",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let check = |text: &str| {
            let file = crate::process::file(&format!("wrong-{number}.toml"), text);
            smppkit(&["gateway", "--check", "--config", file.to_str().expect("the path is ours")])
        };
        check(good).exits(0);
        assert!(good.contains(right));
        let refused = check(&good.replace(right, wrong));
        assert_ne!(refused.code, 0, "{wrong}");
        assert!(refused.stderr.contains(&format!("wrong-{number}.toml:{place}: ")), "{}", refused.stderr);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
    }
}
