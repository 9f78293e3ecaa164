//! Accounts, connectors and routes that were made over REST, beside those of the file.
//!
//! The file's are read only: whoever wrote them there must find them as they were. The others are kept
//! in one file of the data directory, which is written whole before anything changes, and have one
//! revision together.

mod draft;
mod history;
mod kept;
mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};
use smppkit_route::Rule;
use tracing::warn;

use self::history::{Stood, listed, named};
use self::place::Lines;
use crate::access::ServerKey;
use crate::settings::{AccountSettings, ConnectorSettings, Settings};

pub use draft::Draft;
pub(crate) use history::{Acting, Change, Subject};
pub(crate) use kept::{Kept, KeptError};
pub(crate) use place::Place;

/// What the gateway's settings are made of.
#[derive(Debug)]
pub(crate) struct Entities {
    /// The data directory.
    dir: PathBuf,
    /// The file of settings, to say where in it something is.
    file: Option<PathBuf>,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    /// As the file has them.
    base: Settings,
    /// Where the file has them.
    lines: Lines,
    kept: Kept,
}

/// Where something was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    File,
    Rest,
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// It was for another revision.
    Stale { current: u64 },
    /// It is the file's.
    InFile(String),
    /// There is no such thing.
    Missing(String),
    /// It cannot be so.
    Invalid(String),
    /// It could not be written.
    Write(KeptError),
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Connector,
}

/// A list of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routes {
    Submitted,
    Incoming,
}

impl Kind {
    /// As in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Connector => "connector",
        }
    }

    /// The key that names it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Account => "system_id",
            Self::Connector => "name",
        }
    }

    fn is_in(self, base: &Settings, name: &str) -> bool {
        match self {
            Self::Account => base.account.iter().any(|account| account.system_id == name),
            Self::Connector => base.connector.iter().any(|connector| connector.name == name),
        }
    }
}

impl Entities {
    /// Reads what was made over REST. `base` are the settings of the file.
    pub(crate) fn load(dir: &Path, base: Settings, file: Option<&Path>) -> Result<Self, KeptError> {
        let kept = Kept::read(dir)?;
        let lines = file.map(Lines::read).unwrap_or_default();
        let inside = Mutex::new(Inside { base, lines, kept });
        Ok(Self { dir: dir.to_owned(), file: file.map(Path::to_owned), inside })
    }

    /// All settings together.
    pub(crate) fn merged(&self) -> Result<Settings, String> {
        let inside = self.inside();
        merge(&inside.base, &inside.kept)
    }

    /// Changes with each change, also of another one.
    pub(crate) fn revision(&self) -> u64 {
        self.inside().kept.revision
    }

    pub(crate) fn origin(&self, kind: Kind, name: &str) -> Origin {
        if kind.is_in(&self.inside().base, name) { Origin::File } else { Origin::Rest }
    }

    /// Where the file has it; nothing of what was made over REST.
    pub(crate) fn place(&self, kind: Kind, name: &str) -> Option<Place> {
        let (inside, file) = (self.inside(), self.file.as_deref()?);
        let line = || inside.lines.of_named(kind, name);
        kind.is_in(&inside.base, name).then(|| Place { file: file.display().to_string(), line: line() })
    }

    /// Where the file has its n-th route, from 0.
    pub(crate) fn route_place(&self, routes: Routes, at: usize) -> Option<Place> {
        let file = self.file.as_deref()?.display().to_string();
        Some(Place { file, line: self.inside().lines.of_route(routes, at) })
    }

    /// How many of the routes were made over REST: the first ones.
    pub(crate) fn routes_made(&self, routes: Routes) -> usize {
        let mut inside = self.inside();
        inside.kept.routes(routes).len()
    }

    /// Another file's settings below what was made over REST. `apply` puts them into use, or refuses.
    pub(crate) fn rebase(
        &self,
        base: Settings,
        acting: &Acting,
        apply: impl FnOnce(Settings) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut inside = self.inside();
        apply(merge(&base, &inside.kept)?)?;
        let before = std::mem::replace(&mut inside.base, base);
        inside.lines = self.file.as_deref().map(Lines::read).unwrap_or_default();
        let found = inside.base.since(&before);
        let limit = inside.base.store.history;
        if !found.is_empty() && limit > 0 {
            inside.kept.history.add(found, acting, limit);
            // It is in use all the same: the file says so.
            if let Err(error) = inside.kept.write(&self.dir) {
                warn!(%error, "the change of the file is in use, and missing in the history after a restart");
            }
        }
        Ok(())
    }

    /// Changes that were made, the newest first, before a number.
    pub(crate) fn history(
        &self,
        before: Option<u64>,
        limit: usize,
        wanted: impl Fn(&Change) -> bool,
    ) -> Vec<Change> {
        let history = self.inside().kept.history.clone();
        history.list(before, limit, wanted)
    }

    /// Makes a change durable, then puts it into use; without `apply` it is only looked whether it could be.
    /// Returns all settings as they are with it.
    pub(crate) fn change(
        &self,
        revision: Option<u64>,
        acting: &Acting,
        change: impl FnOnce(&mut Kept) -> Result<(), NotMade>,
        check: impl FnOnce(Settings) -> Result<(), String>,
        apply: Option<impl FnOnce(Settings) -> Result<(), String>>,
    ) -> Result<Settings, NotMade> {
        let mut inside = self.inside();
        let (mut kept, merged) = inside.changed(revision, change)?;
        check(merged.clone()).map_err(NotMade::Invalid)?;
        if let Some(apply) = apply {
            kept.history.add(kept.since(&inside.kept), acting, inside.base.store.history);
            kept.write(&self.dir).map_err(NotMade::Write)?;
            inside.kept = kept;
            apply(merged.clone()).map_err(NotMade::Invalid)?;
        }
        Ok(merged)
    }

    /// Refuses what is in the file, and says where.
    pub(crate) fn not_in_file(&self, kind: Kind, name: &str) -> Result<(), NotMade> {
        if !kind.is_in(&self.inside().base, name) {
            return Ok(());
        }
        let place = self.place(kind, name).map_or_else(
            || "the settings that the gateway was started with".to_owned(),
            |place| place.to_string(),
        );
        Err(NotMade::InFile(format!("{} {name:?} is in {place}: change it there", kind.name())))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// What would be kept after a change, and all settings with it.
    fn changed(
        &self,
        revision: Option<u64>,
        change: impl FnOnce(&mut Kept) -> Result<(), NotMade>,
    ) -> Result<(Kept, Settings), NotMade> {
        let current = self.kept.revision;
        if revision.is_some_and(|revision| revision != current) {
            return Err(NotMade::Stale { current });
        }
        let mut kept = self.kept.clone();
        change(&mut kept)?;
        kept.revision += 1;
        let merged = merge(&self.base, &kept).map_err(NotMade::Invalid)?;
        Ok((kept, merged))
    }
}

impl Kept {
    /// Puts one in; a password that is not given stays as it was. What is kept of an account's is its hash.
    pub(crate) fn put(
        &mut self,
        kind: Kind,
        name: &str,
        mut given: Map<String, Value>,
        key: &ServerKey,
    ) -> Result<(), NotMade> {
        match given.get(kind.key()) {
            None => _ = given.insert(kind.key().to_owned(), name.into()),
            Some(own) if own == name => {}
            Some(own) => {
                let why = format!("{}: is {own}, but the path says {name:?}", kind.key());
                return Err(NotMade::Invalid(why));
            }
        }
        let before = self.of(kind).get(name).and_then(|before| before.get("password"));
        if let (None, Some(before)) = (given.get("password"), before) {
            given.insert("password".to_owned(), before.clone());
        }
        let whole = Value::Object(given.clone());
        match kind {
            Kind::Account => {
                let account: AccountSettings = read(whole)?;
                let secret = account.password.secret(key, name.as_bytes()).to_string();
                given.insert("password".to_owned(), secret.into());
            }
            Kind::Connector => {
                let connector: ConnectorSettings = read(whole)?;
                connector.check_files().map_err(|(_, why)| NotMade::Invalid(why))?;
            }
        }
        self.of(kind).insert(name.to_owned(), given.into());
        Ok(())
    }

    pub(crate) fn remove(&mut self, kind: Kind, name: &str) -> Result<(), NotMade> {
        let removed = self.of(kind).remove(name);
        removed.map(drop).ok_or_else(|| NotMade::Missing(format!("there is no {} {name:?}", kind.name())))
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, NotMade> {
    serde_json::from_value(value).map_err(|error| NotMade::Invalid(error.to_string()))
}

impl Settings {
    /// What has become of accounts, connectors and routes since.
    fn since(&self, before: &Self) -> Vec<history::Found> {
        let account = |one: &AccountSettings| (one.system_id.clone(), one.password.clone());
        let connector = |one: &ConnectorSettings| (one.name.clone(), one.password.clone());
        let mut found = named(Subject::Account, all(&before.account, account), all(&self.account, account));
        let (was, is) = (all(&before.connector, connector), all(&self.connector, connector));
        found.append(&mut named(Subject::Connector, was, is));
        found.append(&mut listed(Subject::Route, &before.route, &self.route));
        found.append(&mut listed(Subject::MoRoute, &before.mo_route, &self.mo_route));
        found
    }
}

/// As they are shown, by name, each with what is not.
fn all<T: Serialize, S>(all: &[T], of: impl Fn(&T) -> (String, S)) -> BTreeMap<String, Stood<S>> {
    let stood = all.iter().map(|one| {
        let ((name, secret), settings) = (of(one), serde_json::to_value(one));
        (name, Stood { settings: settings.unwrap_or_default(), secret })
    });
    stood.collect()
}

/// The file's win where both have one of the same name; routes made over REST are asked first.
fn merge(base: &Settings, kept: &Kept) -> Result<Settings, String> {
    let mut merged = base.clone();
    let mut kept = kept.clone();
    let shadowed = |kind: Kind, name: &str| {
        let is_in_file = kind.is_in(base, name);
        if is_in_file {
            warn!(kind = kind.name(), name, "made over REST, and now in the file, which counts");
        }
        is_in_file
    };
    let wrong = |name: &str, error: serde_json::Error| format!("{name}, made over REST: {error}");
    for (name, value) in std::mem::take(kept.of(Kind::Account)) {
        if !shadowed(Kind::Account, &name) {
            merged.account.push(serde_json::from_value(value).map_err(|error| wrong(&name, error))?);
        }
    }
    for (name, value) in std::mem::take(kept.of(Kind::Connector)) {
        if !shadowed(Kind::Connector, &name) {
            merged.connector.push(serde_json::from_value(value).map_err(|error| wrong(&name, error))?);
        }
    }
    let first = |made: &mut Vec<Rule>, file: &mut Vec<Rule>| {
        made.append(file);
        std::mem::take(made)
    };
    merged.route = first(kept.routes(Routes::Submitted), &mut merged.route);
    merged.mo_route = first(kept.routes(Routes::Incoming), &mut merged.mo_route);
    Ok(merged)
}
