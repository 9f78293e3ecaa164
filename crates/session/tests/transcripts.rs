//! The rules of sessions, as the transcripts of `testdata/transcripts` tell them.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

const TRANSCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/transcripts");

#[test]
fn every_transcript_goes_as_it_is_written() {
    match smppkit_testkit::run_directory(Path::new(TRANSCRIPTS)) {
        Ok(count) => assert!(count >= 80, "only {count} transcripts were found in {TRANSCRIPTS}"),
        Err(failures) => {
            let text: Vec<_> = failures.iter().map(ToString::to_string).collect();
            panic!("{} transcripts fail:\n\n{}\n", failures.len(), text.join("\n\n"));
        }
    }
}

/// A vector that needs a session's state cannot be told by octets alone.
#[test]
fn every_vector_about_sessions_is_in_a_transcript() {
    let root = Path::new(TRANSCRIPTS);
    let vectors = std::fs::read_to_string(root.join("../pdu/vectors.jsonl")).unwrap();
    let transcripts: String = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for vector in vectors.lines().filter(|line| line.contains("\"level\":\"session\"")) {
        let name = vector.split('"').nth(3).unwrap();
        assert!(transcripts.contains(&format!("peer> vector {name}\n")), "{name} is in no transcript");
    }
}
