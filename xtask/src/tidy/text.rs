//! Rules for the text of files: length, words that must not stay, and the promise about unsafe code.

use std::io;
use std::path::Path;

use anyhow::{Context, Result};

use crate::metadata::Package;

/// Crates that may use unsafe code, each with its reason.
const UNSAFE_ALLOWED: &[(&str, &str)] = &[(
    "smppkit-powercut",
    "a file system of SQLite's is a table of C functions; one module, for tests only",
)];
const LINES_LIMIT: usize = 600;
const CODE: &[&str] = &["rs", "ts", "js", "mjs", "svelte", "css", "py", "pl", "sh"];
const LOCK_FILES: &[&str] = &["Cargo.lock", "package-lock.json"];

/// Directories that exist on one machine only. In pieces, so that this file is no finding itself.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const REGISTRIES: &[&str] = &[
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("py", "pi.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("deb.", "debian.org"),
    concat!("proxy.", "golang.org"),
];
/// Names of macros that say that something is not finished.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

pub(super) fn check_unsafe(
    packages: &[Package],
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.dir.is_some()) {
        if UNSAFE_ALLOWED.iter().any(|(name, _)| *name == package.name) {
            continue;
        }
        for root in &package.roots {
            let text = read(Path::new(root)).with_context(|| format!("cannot read {root}"))?;
            if !text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]") {
                findings.push(format!("{root}:1: add #![forbid(unsafe_code)] below the crate's story"));
            }
        }
    }
    Ok(findings)
}

pub(super) fn check_length(path: &str, text: &str) -> Option<String> {
    let name = file_name(path);
    let aside = path.split('/').any(|part| part == "tests" || part == "benches");
    if !CODE.contains(&extension(path)) || aside || name == "tests.rs" || name == "table.rs" {
        return None;
    }
    let lines = lines_before_tests(text);
    (lines > LINES_LIMIT)
        .then(|| format!("{path}:{lines}: longer than {LINES_LIMIT} lines; split it by subject, not by kind"))
}

pub(super) fn check_words(path: &str, text: &str) -> Vec<String> {
    if LOCK_FILES.contains(&file_name(path)) {
        // Everything in a lock file is an address or a checksum; npm's must leave out the addresses.
        let addressed = text.lines().position(|line| line.trim_start().starts_with("\"resolved\": \"http"));
        return addressed
            .map(|at| {
                format!(
                    "{path}:{}: has addresses; keep omit-lockfile-registry-resolved=true in .npmrc",
                    at + 1
                )
            })
            .into_iter()
            .collect();
    }
    let mut findings = Vec::new();
    let rust = extension(path) == "rs";
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(found) = MACHINE_PATHS.iter().find(|found| names_path(line, found)) {
            findings
                .push(format!("{path}:{number}: names {found}, which is one machine's; use a relative path"));
        }
        if let Some(found) = REGISTRIES.iter().find(|found| line.contains(**found)) {
            findings
                .push(format!("{path}:{number}: names {found}; leave registries to the machine's settings"));
        }
        if rust {
            findings.extend(unfinished(line).map(|what| format!("{path}:{number}: {what}")));
        }
    }
    findings
}

fn unfinished(line: &str) -> Option<String> {
    let code = line.split("//").next().unwrap_or_default();
    if code.contains(concat!("#[", "ignore")) {
        return Some("an ignored test; assert what happens today and say what is wrong with it".to_owned());
    }
    let mut words = UNFINISHED.iter().filter(|word| calls_macro(code, word));
    words.next().map(|word| format!("{word}! is for work in progress; finish it or take it out"))
}

fn calls_macro(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        code[at + name.len()..].starts_with('!')
            && !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// Whether `line` has `dir` as the beginning of a path, not as the middle of a longer one.
fn names_path(line: &str, dir: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "._-*}>)".contains(c);
    line.match_indices(dir).any(|(at, _)| !line[..at].ends_with(inside))
}

/// Tests come last in a file and are not counted.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn extension(path: &str) -> &str {
    file_name(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found_tests_and_tables_aside() {
        let long = "x\n".repeat(LINES_LIMIT + 1);
        assert!(check_length("crates/wire/src/frame.rs", &long).is_some());
        assert!(check_length("crates/wire/src/frame.rs", &"x\n".repeat(LINES_LIMIT)).is_none());
        for path in ["crates/wire/src/pdu/table.rs", "crates/wire/tests/frame.rs", "docs/pdus.md"] {
            assert!(check_length(path, &long).is_none(), "{path}");
        }
        let tests_below = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(check_length("crates/wire/src/frame.rs", &tests_below).is_none());
    }

    #[test]
    fn unfinished_code_and_ignored_tests_are_found_in_rust_only() {
        let line = format!("    {}!()", "todo");
        assert_eq!(check_words("a.rs", &line).len(), 1);
        assert_eq!(check_words("a.md", &line).len(), 0);
        assert_eq!(check_words("a.rs", &format!("fn f() {{}} // {line}")).len(), 0);
        assert_eq!(check_words("a.rs", &format!("not_{}!()", "dbg")).len(), 0);
        assert_eq!(check_words("a.rs", &format!("let a = {}!(b);", "dbg")).len(), 1);
        assert_eq!(
            check_words("a.rs", &format!("\n#[{} = \"slow\"]", "ignore")),
            ["a.rs:2: an ignored test; assert what happens today and say what is wrong with it"]
        );
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for dir in MACHINE_PATHS {
            assert_eq!(check_words("a.md", &format!("see {dir}main")).len(), 1, "{dir}");
            assert_eq!(check_words("a.md", &format!("see docs{dir}main")).len(), 0, "{dir}");
        }
    }

    #[test]
    fn registries_are_found_outside_lock_files() {
        let line = format!("\"resolved\": \"https://{}/smpp\"", REGISTRIES[0]);
        assert_eq!(check_words("a.json", &line).len(), 1);
        assert_eq!(check_words("tests/peers/package-lock.json", &line).len(), 1);
        assert_eq!(check_words("Cargo.lock", &format!("source = \"{}\"", REGISTRIES[4])).len(), 0);
    }

    #[test]
    fn every_root_forbids_unsafe_code() {
        let package = Package {
            name: "smppkit-wire".to_owned(),
            dir: Some("crates/wire".to_owned()),
            roots: vec!["good.rs".to_owned(), "bad.rs".to_owned()],
            ..Package::default()
        };
        let read = |path: &Path| {
            let good = path == Path::new("good.rs");
            Ok(if good { "//! Story.\n#![forbid(unsafe_code)]\n" } else { "fn main() {}\n" }.to_owned())
        };
        let findings = check_unsafe(&[package], read).unwrap();
        assert_eq!(findings, ["bad.rs:1: add #![forbid(unsafe_code)] below the crate's story"]);
    }
}
