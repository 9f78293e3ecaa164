//! Licences of everything we build on, against the one list in deny.toml.

use crate::metadata::Package;

pub(super) fn check(packages: &[Package], allowed: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    if allowed.is_empty() {
        findings.push("deny.toml: found no `allow = [` list of licences".to_owned());
    }
    for Package { name, version, licence, .. } in packages {
        let why = match licence.as_deref().map(|text| is_allowed(text, allowed)) {
            Some(Some(true)) => continue,
            Some(Some(false)) => "is under a licence that deny.toml does not allow",
            Some(None) => "has a licence that cannot be read",
            None => "names no licence",
        };
        let licence = licence.as_deref().unwrap_or("none");
        findings.push(format!(
            "Cargo.lock: {name} {version} {why}: {licence}; use another crate, or allow it with a reason"
        ));
    }
    findings
}

/// The quoted entries of the first `allow = [ ... ]`.
pub(super) fn allowed_in(deny: &str) -> Vec<String> {
    let mut lines = deny.lines().skip_while(|line| line.trim() != "allow = [").skip(1);
    let entries = lines.by_ref().take_while(|line| line.trim() != "]");
    entries.filter_map(|line| Some(line.trim().strip_prefix('"')?.split_once('"')?.0.to_owned())).collect()
}

/// Whether an SPDX expression can be satisfied with licences of the list. None if it is not one.
fn is_allowed(expression: &str, allowed: &[String]) -> Option<bool> {
    // Older crates separate alternatives with a slash.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let answer = alternatives(&mut rest, allowed)?;
    rest.is_empty().then_some(answer)
}

/// `a OR b`: binds weaker than `AND`.
fn alternatives(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut answer = conjunction(words, allowed)?;
    while take(words, "OR") {
        answer |= conjunction(words, allowed)?;
    }
    Some(answer)
}

fn conjunction(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    let mut answer = licence(words, allowed)?;
    while take(words, "AND") {
        answer &= licence(words, allowed)?;
    }
    Some(answer)
}

fn licence(words: &mut &[&str], allowed: &[String]) -> Option<bool> {
    if take(words, "(") {
        let answer = alternatives(words, allowed)?;
        return take(words, ")").then_some(answer);
    }
    let (name, rest) = words.split_first()?;
    if ["AND", "OR", "WITH", ")"].contains(name) {
        return None;
    }
    *words = rest;
    // `MPL-2.0+` is that version or a later one, as one likes.
    let mut name = name.strip_suffix('+').unwrap_or(name).to_owned();
    if take(words, "WITH") {
        let (exception, rest) = words.split_first()?;
        *words = rest;
        name = format!("{name} WITH {exception}");
    }
    Some(allowed.contains(&name))
}

fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<String> {
        allowed_in(
            "[licenses]\n# why\nallow = [\n    \"MIT\",   # a reason\n    \"Apache-2.0\",\n    \"Zlib\",\n]\n",
        )
    }

    #[test]
    fn a_licence_or_any_later_one_is_allowed_by_itself() {
        assert_eq!(is_allowed("MIT+", &list()), Some(true));
        assert_eq!(is_allowed("GPL-2.0+", &list()), Some(false));
    }

    #[test]
    fn the_list_is_read_from_deny_toml() {
        assert_eq!(list(), ["MIT", "Apache-2.0", "Zlib"]);
        assert_eq!(allowed_in("[licenses]\n"), Vec::<String>::new());
    }

    #[test]
    fn expressions_follow_spdx() {
        let cases = [
            ("MIT", Some(true)),
            ("GPL-3.0", Some(false)),
            ("GPL-3.0 OR MIT", Some(true)),
            ("MIT/Apache-2.0", Some(true)),
            ("MIT AND GPL-3.0", Some(false)),
            ("GPL-3.0 OR MIT AND Zlib", Some(true)),
            ("(GPL-3.0 OR MIT) AND Zlib", Some(true)),
            ("(GPL-3.0 OR MIT) AND BSL-1.0", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(false)),
            ("Apache-2.0 WITH LLVM-exception OR MIT", Some(true)),
            ("MIT Zlib", None),
            ("(MIT", None),
            ("MIT OR", None),
            ("", None),
        ];
        for (expression, expected) in cases {
            assert_eq!(is_allowed(expression, &list()), expected, "{expression:?}");
        }
    }

    #[test]
    fn a_package_without_a_licence_is_a_finding() {
        let package =
            |licence: Option<&str>| Package { licence: licence.map(str::to_owned), ..Package::default() };
        assert_eq!(check(&[package(Some("MIT"))], &list()).len(), 0);
        assert_eq!(check(&[package(None), package(Some("GPL-2.0"))], &list()).len(), 2);
    }
}
