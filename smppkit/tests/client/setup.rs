//! Connections by flag, environment and profile; completions and manual pages.

use crate::process::{Process, Simulator, file, smppkit};

#[test]
fn parts_of_the_connection_are_flags_and_the_password_may_come_from_elsewhere() {
    let simulator = Simulator::start(&["--account", "me:s3cret"]);
    let (host, port) = simulator.address.rsplit_once(':').unwrap();
    let own = ["send", "--host", host, "--port", port, "--system-id", "me", "--to", "1", "--wait", "0", "Hi"];
    smppkit(&[&own[..], &["--password", "s3cret"]].concat()).exits(0);
    let password = file("password", "s3cret\n");
    let password = password.to_str().unwrap();
    smppkit(&[&own[..], &["--password-file", password]].concat()).exits(0);
    Process::start_with(&own, &[("SMPPKIT_PASSWORD", "s3cret")], "").done().exits(0);
    let url = format!("smpp://me:s3cret@{}", simulator.address);
    let args = ["send", "--to", "1", "--wait", "0", "Hi"];
    Process::start_with(&args, &[("SMPPKIT_URL", &url)], "").done().exits(0);
    smppkit(&own).exits(3);
}

#[test]
fn a_profile_names_a_connection_and_its_slips_have_a_place() {
    let simulator = Simulator::start(&["--account", "me:s3cret"]);
    let text = format!("[test]\nurl = \"smpp://me:s3cret@{}\"\nfrom = \"Profile\"\n", simulator.address);
    let good = file("profiles.toml", &text);
    let args = |path: &str| {
        let path = path.to_owned();
        move |name: &str| {
            smppkit(&["send", "--profile", name, "--profiles", &path, "--to", "1", "--wait", "0", "Hi"])
        }
    };
    let send = args(good.to_str().unwrap());
    send("test").exits(0);
    let unknown = send("other").exits(2);
    assert!(unknown.stderr.contains("has no profile \"other\"; it has test"), "{}", unknown.stderr);
    let bad = file("bad.toml", &format!("{text}passwort = \"geheim\"\n"));
    let wrong = args(bad.to_str().unwrap())("test").exits(2);
    assert!(
        wrong.stderr.contains("bad.toml: line 4, column 1: unknown field `passwort`"),
        "{}",
        wrong.stderr
    );
    assert!(!wrong.stderr.contains("geheim"), "{}", wrong.stderr);
    // Without --profiles it is looked for where configuration is.
    let config = good.parent().unwrap().join("config");
    std::fs::create_dir_all(config.join("smppkit")).unwrap();
    std::fs::copy(&good, config.join("smppkit/profiles.toml")).unwrap();
    let env = [("XDG_CONFIG_HOME", config.to_str().unwrap())];
    let args = ["send", "--profile", "test", "--to", "1", "--wait", "0", "Hi"];
    Process::start_with(&args, &env, "").done().exits(0);
}

#[test]
fn no_message_shows_a_password() {
    for args in [
        &["send", "--url", "smpp://me:geheimgeheim@127.0.0.1:1", "--to", "1", "Hi"][..],
        &["send", "--url", "http://me:geheim@h", "--to", "1", "Hi"],
        &["send", "--url", "smpp://127.0.0.1:1", "--password", "geheimgeheim", "--to", "1", "Hi"],
        &["listen", "--url", "smpp://me:geheim@127.0.0.1:1"],
    ] {
        let done = smppkit(args);
        assert!(done.code >= 2 && !done.stderr.contains("geheim"), "{}", done.stderr);
    }
}

#[test]
fn tls_is_spoken_and_an_unknown_certificate_refused() {
    let simulator = Simulator::listening("--tls-listen", "127.0.0.1:0", &[]);
    let url = format!("ssmpp://me:secret@{}", simulator.address);
    let args = ["send", "--url", &url, "--to", "1", "Hi"];
    smppkit(&[&args[..], &["--any-certificate"]].concat()).exits(0);
    let refused = smppkit(&args).exits(3);
    assert!(refused.stderr.contains("certificate"), "{}", refused.stderr);
    let script = file("tls.smpp", "bind\nunbind\n");
    smppkit(&["script", script.to_str().unwrap(), "--url", &url, "--any-certificate"]).exits(0);
}

#[test]
fn completions_are_there_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let done = smppkit(&["completions", shell]).exits(0);
        for word in ["send", "listen", "script", "password-file"] {
            assert!(done.stdout.contains(word), "{shell} has no {word}");
        }
    }
    smppkit(&["completions", "tcsh"]).exits(2);
}

#[test]
fn a_manual_page_names_each_flag_that_help_does() {
    let dir = file("man", "").with_file_name("man1");
    let dir = dir.to_str().unwrap();
    smppkit(&["man", "--dir", dir]).exits(0);
    for subcommand in ["send", "listen", "script", "simulator"] {
        let help = smppkit(&[subcommand, "--help"]).exits(0).stdout;
        let page = std::fs::read_to_string(format!("{dir}/smppkit-{subcommand}.1")).unwrap();
        let page = page.replace("\\-", "-");
        let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let flags: Vec<&str> = words.filter(|word| word.starts_with("--") && word.len() > 2).collect();
        assert!(flags.len() > 10);
        for flag in flags {
            assert!(page.contains(flag), "smppkit-{subcommand}.1 has no {flag}");
        }
        assert!(
            smppkit(&["man", subcommand]).exits(0).stdout.contains("EXIT") || page.contains("Exit codes")
        );
    }
    smppkit(&["man", "nonsense"]).exits(2);
    assert!(smppkit(&["man"]).exits(0).stdout.contains("smppkit"));
}
