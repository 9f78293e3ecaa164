//! Which of our crates may depend on which. The reasons are in docs/ARCHITECTURE.md.

use crate::metadata::{Dependency, Package};

/// Every library, and what it may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("wire", &[]),
    ("store", &[]),
    ("powercut", &["store"]),
    ("ops", &[]),
    ("session", &["wire"]),
    ("route", &["wire", "text"]),
    ("inspect", &["wire", "text"]),
    ("net", &["session", "wire"]),
    ("relay", &["route", "store", "wire", "text"]),
    ("admin", &["inspect", "ops", "text", "wire"]),
    ("console", &["ops"]),
    ("script", &["wire"]),
];
/// Any library may be tested with it, and it may know any library.
const TESTKIT: &str = "testkit";
/// The same for the tests of apps and of the program.
const POWERCUT: &str = "powercut";
/// What the program may depend on besides the apps.
const PROGRAM: &[&str] = &["admin", "console", "inspect", "ops"];

/// A package of ours by where it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    Library(&'a str),
    App(&'a str),
    Program,
    Xtask,
    Unknown,
}

pub(super) fn check(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        let Some(dir) = &package.dir else { continue };
        let from = kind(dir);
        let manifest = format!("{dir}/Cargo.toml");
        if !is_known(from) {
            findings.push(format!(
                "{manifest}: an unknown crate; add it to xtask/src/tidy/edges.rs and docs/ARCHITECTURE.md"
            ));
            continue;
        }
        if package.name != expected_name(from) {
            findings.push(format!("{manifest}: is called {}; call it {}", package.name, expected_name(from)));
        }
        for dependency in &package.ours {
            let to = packages.iter().find(|other| other.dir.is_some() && other.name == dependency.name);
            let to = to.and_then(|other| other.dir.as_deref()).map_or(Kind::Unknown, kind);
            if !may_depend(from, to, dependency) {
                let dev = if dependency.dev { "dev-depend" } else { "depend" };
                findings.push(format!(
                    "{manifest}: {} may not {dev} on {}; move the code to the crate that may know both",
                    package.name, dependency.name
                ));
            }
        }
    }
    findings
}

fn may_depend(from: Kind<'_>, to: Kind<'_>, dependency: &Dependency) -> bool {
    match (from, to) {
        (Kind::Library(_), Kind::Library(TESTKIT))
        | (Kind::App(_) | Kind::Program, Kind::Library(TESTKIT | POWERCUT)) => dependency.dev,
        (Kind::Library(TESTKIT) | Kind::App(_), Kind::Library(_)) | (Kind::Program, Kind::App(_)) => true,
        (Kind::Library(from), Kind::Library(to)) => {
            allowed(from).is_some_and(|allowed| allowed.contains(&to))
        }
        // Its tests play the peers of the program.
        (Kind::Program, Kind::Library(to)) => dependency.dev || PROGRAM.contains(&to),
        _ => false,
    }
}

fn kind(dir: &str) -> Kind<'_> {
    match dir.split_once('/') {
        Some(("crates", name)) => Kind::Library(name),
        Some(("apps", name)) => Kind::App(name),
        None if dir == "smppkit" => Kind::Program,
        None if dir == "xtask" => Kind::Xtask,
        _ => Kind::Unknown,
    }
}

fn is_known(kind: Kind<'_>) -> bool {
    match kind {
        Kind::Library(name) => name == TESTKIT || allowed(name).is_some(),
        other => other != Kind::Unknown,
    }
}

fn expected_name(kind: Kind<'_>) -> String {
    match kind {
        Kind::Library(name) | Kind::App(name) => format!("smppkit-{name}"),
        Kind::Program => "smppkit".to_owned(),
        Kind::Xtask | Kind::Unknown => "xtask".to_owned(),
    }
}

fn allowed(library: &str) -> Option<&'static [&'static str]> {
    EDGES.iter().find(|(name, _)| *name == library).map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages from lines such as `crates/session -> wire, dev testkit`.
    fn packages(lines: &[&str]) -> Vec<Package> {
        let name = |dir: &str| expected_name(kind(dir));
        let package = |line: &str| {
            let (dir, ours) = line.split_once(" ->").unwrap_or((line, ""));
            let ours =
                ours.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|text| Dependency {
                    name: format!("smppkit-{}", text.trim_start_matches("dev ")),
                    dev: text.starts_with("dev "),
                });
            Package { name: name(dir), dir: Some(dir.to_owned()), ours: ours.collect(), ..Package::default() }
        };
        lines.iter().map(|line| package(line)).collect()
    }

    fn findings(line: &str) -> usize {
        let others = ["crates/wire", "crates/text", "crates/session", "crates/net", "crates/inspect"];
        let apps = ["crates/testkit", "apps/simulator"];
        check(&packages(&[&[line], &others[..], &apps[..]].concat())).len()
    }

    #[test]
    fn edges_of_the_architecture_are_allowed() {
        for line in [
            "crates/session -> wire, dev testkit",
            "crates/testkit -> net, session, wire",
            "crates/relay -> wire, text",
            "apps/client -> net, text, wire, dev testkit",
            "smppkit -> simulator, inspect, dev net, dev wire",
            "xtask",
        ] {
            assert_eq!(findings(line), 0, "{line}");
        }
    }

    #[test]
    fn other_edges_are_findings() {
        for line in [
            "crates/wire -> text",
            "crates/session -> net",
            "crates/session -> testkit",
            "crates/net -> dev text",
            "apps/client -> simulator",
            "apps/client -> dev simulator",
            "smppkit -> wire",
            "xtask -> wire",
        ] {
            assert_eq!(findings(line), 1, "{line}");
        }
    }

    #[test]
    fn an_unknown_crate_is_a_finding() {
        assert_eq!(findings("crates/util"), 1);
        assert_eq!(findings("tools/thing"), 1);
    }
}
