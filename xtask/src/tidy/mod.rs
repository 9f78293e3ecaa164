//! Rules of the tree that no compiler checks.

mod edges;
mod files;
mod licences;
mod links;
mod text;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::count::Count;
use crate::metadata::Metadata;
use crate::{Verdict, run};

pub(crate) const HELP: &str = "\
usage: cargo xtask tidy

Checks, each counted once, on all files that git tracks or would add:
  edges      crates depend on each other only as the architecture says
  unsafe     every library and program forbids unsafe code
  licences   of all dependencies, against the list in deny.toml
  length     no file of code over 600 lines, tests aside
  words      no unfinished code, ignored tests, paths of one machine or addresses of registries
  files      no large pictures, no compiled programs
  links      Markdown links to files lead somewhere
and runs cargo-deny where it is installed.

example:
  cargo xtask tidy
";

pub(crate) fn task(root: &Path, args: &[String]) -> Result<Verdict> {
    if let Some(arg) = args.first() {
        return Ok(Verdict::unexpected(arg));
    }
    Ok(Verdict::good_if(run(root)?.failed == 0))
}

pub(crate) fn run(root: &Path) -> Result<Count> {
    let metadata = Metadata::load(root)?;
    let files = tracked(root)?;
    let deny = std::fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;

    let texts: Vec<(&str, &str)> = files.iter().filter_map(File::text).collect();
    let packages = &metadata.packages;
    let read = |path: &Path| std::fs::read_to_string(root.join(path));
    let exists = |path: &Path| root.join(path).exists();

    let mut count = Count::default();
    let mut report = |name: &str, findings: Vec<String>| {
        println!("tidy {name}: {}", if findings.is_empty() { "ok" } else { "FAILED" });
        for finding in &findings {
            println!("  {finding}");
        }
        count += Count::one(findings.is_empty());
    };
    report("edges", edges::check(packages));
    report("unsafe", text::check_unsafe(packages, read)?);
    report("licences", licences::check(packages, &licences::allowed_in(&deny)));
    report("length", texts.iter().filter_map(|(path, text)| text::check_length(path, text)).collect());
    report("words", texts.iter().flat_map(|(path, text)| text::check_words(path, text)).collect());
    report("files", files.iter().filter_map(|file| files::check(&file.path, &file.octets)).collect());
    report("links", texts.iter().flat_map(|(path, text)| links::check(path, text, &exists)).collect());
    count += cargo_deny(root)?;
    Ok(count)
}

/// A file of the tree, with its path from the workspace's directory.
struct File {
    path: String,
    octets: Vec<u8>,
}

impl File {
    /// Path and content, if that is text.
    fn text(&self) -> Option<(&str, &str)> {
        Some((&self.path, std::str::from_utf8(&self.octets).ok()?))
    }
}

/// What git tracks or would add, so that a finding comes before the commit and not after it.
fn tracked(root: &Path) -> Result<Vec<File>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut paths: Vec<String> = run::output(&mut git)?.split_terminator('\0').map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        let on_disk = root.join(&path);
        // Deleted but not yet committed, or a link to a directory.
        if on_disk.is_file() {
            files.push(File { octets: std::fs::read(&on_disk).with_context(|| path.clone())?, path });
        }
    }
    Ok(files)
}

/// Advisories are left out: their database is a download, and a check of nothing is worse than none.
fn cargo_deny(root: &Path) -> Result<Count> {
    let mut probe = run::cargo(root);
    probe.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status()?.success() {
        println!("tidy cargo-deny: NOT RUN, cargo-deny is not installed; licences were checked all the same");
        return Ok(Count::default());
    }
    let good = run::pass_through(run::cargo(root).args(["deny", "check", "licenses", "bans", "sources"]))?;
    println!("tidy cargo-deny: {}, advisories NOT checked", if good { "ok" } else { "FAILED" });
    Ok(Count::one(good))
}
