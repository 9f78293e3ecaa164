//! What `cargo metadata` says, cut down to what the checks need.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run;

/// Every package of the build, ours and others'.
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression, if the package gives one.
    pub(crate) licence: Option<String>,
    /// Where it lies in the workspace, `crates/wire`; none for others' packages.
    pub(crate) dir: Option<String>,
    /// Files in which its library and programs begin, from the workspace's directory.
    pub(crate) roots: Vec<String>,
    /// Its dependencies on our packages.
    pub(crate) ours: Vec<Dependency>,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Needed by tests, examples and benches only.
    pub(crate) dev: bool,
}

impl Metadata {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let text = run::output(run::cargo(root).args(["metadata", "--format-version", "1"]))?;
        let json: Value = serde_json::from_str(&text).context("cargo metadata wrote no JSON")?;
        let packages = list(&json["packages"]).iter().map(|package| Package::read(root, package)).collect();
        Ok(Self { packages, target_directory: text_of(&json["target_directory"]).into() })
    }
}

impl Package {
    fn read(root: &Path, json: &Value) -> Self {
        let ours = json["source"].is_null();
        let dir = Path::new(json["manifest_path"].as_str().unwrap_or_default()).parent();
        Self {
            name: text_of(&json["name"]),
            version: text_of(&json["version"]),
            licence: json["license"].as_str().map(str::to_owned),
            dir: dir.filter(|_| ours).map(|dir| inside(root, dir)),
            roots: list(&json["targets"])
                .iter()
                .filter(|target| list(&target["kind"]).iter().any(|kind| kind == "lib" || kind == "bin"))
                .map(|target| inside(root, Path::new(&text_of(&target["src_path"]))))
                .collect(),
            ours: list(&json["dependencies"])
                .iter()
                .filter(|dependency| dependency["path"].is_string())
                .map(|dependency| Dependency {
                    name: text_of(&dependency["name"]),
                    dev: dependency["kind"] == "dev",
                })
                .collect(),
        }
    }
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text_of(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn inside(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}
