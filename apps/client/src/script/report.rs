//! What became of each step.

use core::fmt::Write as _;
use core::time::Duration;

use serde_json::{Value as Json, json};

use super::matching::Difference;

/// One step that was played.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its line, from 1.
    pub line: usize,
    /// As it is written, without passwords.
    pub step: String,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind it is: it decides the exit code.
    pub kind: FailureKind,
    /// In words.
    pub message: String,
    /// Expected against received, field by field.
    pub differences: Vec<Difference>,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The server did otherwise.
    Check,
    /// There was no connection or no bind.
    Connection,
    /// The script cannot be played as it is written.
    Usage,
}

/// A script that was played, up to its first failure.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Its steps.
    pub outcomes: Vec<Outcome>,
    /// Steps that were not played.
    pub skipped: Vec<(usize, String)>,
    /// Whether whoever asked for it wanted no more.
    pub interrupted: bool,
}

impl Outcome {
    /// As one object.
    pub fn json(&self, file: &str) -> Json {
        let mut json = json!({
            "file": file, "line": self.line, "step": self.step, "ok": self.failure.is_none(),
            "took_ms": milliseconds(self.took),
        });
        if let (Some(failure), Json::Object(object)) = (&self.failure, &mut json) {
            object.insert("error".to_owned(), failure.message.as_str().into());
            let lines = failure.differences.iter().map(Difference::line);
            object.insert("difference".to_owned(), lines.collect());
        }
        json
    }
}

impl Failure {
    /// For people: what is wrong, then the difference.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.message.clone()];
        if !self.differences.is_empty() {
            lines.extend(["--- expected".to_owned(), "+++ received".to_owned()]);
            lines.extend(self.differences.iter().map(Difference::line));
        }
        lines
    }
}

impl Played {
    /// The failure, if there was one.
    pub fn failure(&self) -> Option<(&Outcome, &Failure)> {
        self.outcomes.iter().find_map(|outcome| Some((outcome, outcome.failure.as_ref()?)))
    }
}

/// Scripts as `JUnit` XML: a suite for each file, a case for each step.
pub fn junit(scripts: &[(String, Played)]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (file, played) in scripts {
        // Writing to a String cannot fail.
        let _ = suite(&mut xml, file, played);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, file: &str, played: &Played) -> core::fmt::Result {
    let failures = usize::from(played.failure().is_some());
    let tests = played.outcomes.len() + played.skipped.len();
    let time: Duration = played.outcomes.iter().map(|outcome| outcome.took).sum();
    writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{}\" time=\"{:.3}\">",
        escaped(file),
        played.skipped.len(),
        time.as_secs_f64(),
    )?;
    let name = |line: usize, step: &str| escaped(&format!("{line}: {step}"));
    for Outcome { line, step, took, failure } in &played.outcomes {
        let (name, file, time) = (name(*line, step), escaped(file), took.as_secs_f64());
        write!(xml, "    <testcase name=\"{name}\" classname=\"{file}\" time=\"{time:.3}\"")?;
        match failure {
            None => writeln!(xml, "/>")?,
            Some(failure) => {
                let (message, lines) = (escaped(&failure.message), escaped(&failure.lines().join("\n")));
                writeln!(xml, ">\n      <failure message=\"{message}\">{lines}</failure>\n    </testcase>")?;
            }
        }
    }
    for (line, step) in &played.skipped {
        let (name, file) = (name(*line, step), escaped(file));
        writeln!(xml, "    <testcase name=\"{name}\" classname=\"{file}\"><skipped/></testcase>")?;
    }
    writeln!(xml, "  </testsuite>")
}

/// XML has no place for most control characters, not even escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            control if control.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junit_counts_escapes_and_skips() {
        let failure = Failure {
            kind: FailureKind::Check,
            message: "a < b".into(),
            differences: vec![Difference::Expected("x=1".into())],
        };
        let outcome = |failure| Outcome { line: 1, step: "a \"b\"".into(), took: Duration::ZERO, failure };
        let played = Played {
            outcomes: vec![outcome(None), outcome(Some(failure))],
            skipped: vec![(3, "unbind".into())],
            interrupted: false,
        };
        let xml = junit(&[("f.smpp".into(), played)]);
        assert!(xml.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{xml}");
        assert!(xml.contains("a &quot;b&quot;") && xml.contains("a &lt; b") && xml.contains("-x=1"), "{xml}");
    }
}
