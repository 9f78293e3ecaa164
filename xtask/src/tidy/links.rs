//! Links from one Markdown file to another file of the tree.

use std::path::{Component, Path, PathBuf};

pub(super) fn check(path: &str, text: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    if Path::new(path).extension().is_none_or(|extension| extension != "md") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line).filter(|target| is_internal(target)) {
            let found = resolve(path, target).is_some_and(|file| exists(&file));
            if !found {
                findings.push(format!(
                    "{path}:{number}: links to {target}, which is not there; correct the link"
                ));
            }
        }
    }
    findings
}

/// What stands in the brackets of `[text](target)` and `![text](target "title")`, code aside.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let outside_code = line.split('`').step_by(2);
    outside_code.flat_map(|piece| piece.split("](").skip(1)).filter_map(|after| {
        let target = after.split_once(')')?.0;
        target.split_whitespace().next()
    })
}

fn is_internal(target: &str) -> bool {
    !target.starts_with('#') && !target.contains("://") && !target.starts_with("mailto:")
}

/// The file meant, from the workspace's directory. None if it lies outside.
fn resolve(from: &str, target: &str) -> Option<PathBuf> {
    let file = target.split('#').next().unwrap_or_default();
    let mut path = PathBuf::new();
    if !file.starts_with('/') {
        path.push(Path::new(from).parent()?);
    }
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir if path.pop() => {}
            Component::ParentDir => return None,
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let files = ["README.md", "docs/ARCHITECTURE.md", "docs/guide/start.md"];
        check(path, text, &|file| files.iter().any(|known| Path::new(known) == file))
    }

    #[test]
    fn links_are_taken_from_where_they_stand() {
        for (path, text) in [
            ("README.md", "[a](docs/ARCHITECTURE.md#layers) and [b](docs/guide/start.md)"),
            ("docs/guide/start.md", "[up](../ARCHITECTURE.md \"title\"), [top](/README.md)"),
            ("README.md", "[out](https://example.com/x.md) [here](#below) [mail](mailto:a@example.com)"),
            ("README.md", "`[code](no.md)`\n```\n[code](no.md)\n```"),
            ("src/lib.rs", "[not Markdown](no.md)"),
        ] {
            assert_eq!(findings(path, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_link_to_nothing_is_named_with_its_line() {
        let text = "\n[a](ARCHITECTURE.md) [b](guide/none.md) [c](../../README.md)";
        assert_eq!(
            findings("docs/pdus.md", text),
            [
                "docs/pdus.md:2: links to guide/none.md, which is not there; correct the link",
                "docs/pdus.md:2: links to ../../README.md, which is not there; correct the link",
            ]
        );
    }
}
