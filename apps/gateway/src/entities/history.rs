//! Who changed which account, connector or route, and when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use smppkit_route::Rule;
use utoipa::ToSchema;

use crate::admin::Moment;

/// Changes, the oldest first. Clones are cheap.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "VecDeque<Change>")]
pub(crate) struct History(Arc<VecDeque<Change>>);

/// One account, connector or route was made, changed or taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Change {
    /// Grows by one with each.
    pub(crate) number: u64,
    /// When.
    pub(crate) at: Moment,
    /// Who: `admin by token from 192.0.2.1`, or `file` and its name.
    pub(crate) who: String,
    /// Of what.
    pub(crate) kind: Subject,
    /// Its name; of a route without one `route` and its place.
    pub(crate) name: String,
    /// What was done.
    pub(crate) act: Act,
    /// Its settings as they were, without passwords.
    #[schema(value_type = Option<Object>)]
    pub(crate) before: Option<Value>,
    /// Its settings from then on, without passwords.
    #[schema(value_type = Option<Object>)]
    pub(crate) after: Option<Value>,
    /// Whether its password is another.
    #[serde(default)]
    pub(crate) password_changed: bool,
    /// Of a route: the place it had among those that were made where it was, from 1.
    #[serde(default)]
    pub(crate) place_before: Option<usize>,
    /// Of a route: the place it has.
    #[serde(default)]
    pub(crate) place_after: Option<usize>,
    /// Further changes that were made with this one and are not listed.
    #[serde(default)]
    pub(crate) left_out: usize,
}

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// Who may bind.
    Account,
    /// Where messages go.
    Connector,
    /// A route of messages from accounts.
    Route,
    /// A route of messages from connectors.
    MoRoute,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// It is new.
    Added,
    /// Its settings are others.
    Changed,
    /// It is gone.
    Removed,
    /// Of a route: it stands elsewhere among the others.
    Moved,
}

/// Who acts, and when.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    pub(crate) who: String,
    pub(crate) at_ms: i64,
}

/// A change that nobody's name is under yet.
#[derive(Debug)]
pub(super) struct Found {
    kind: Subject,
    name: String,
    act: Act,
    before: Option<Value>,
    after: Option<Value>,
    password_changed: bool,
    places: [Option<usize>; 2],
}

/// Something with a name as it was or is: what is shown of it, and what is not.
#[derive(Debug)]
pub(super) struct Stood<S> {
    pub(super) settings: Value,
    pub(super) secret: S,
}

impl History {
    /// The newest before a number of those that are wanted.
    pub(crate) fn list(
        &self,
        before: Option<u64>,
        limit: usize,
        wanted: impl Fn(&Change) -> bool,
    ) -> Vec<Change> {
        let older = |change: &&Change| before.is_none_or(|before| change.number < before);
        self.0.iter().rev().filter(older).filter(|change| wanted(change)).take(limit).cloned().collect()
    }

    /// Puts changes behind the others, and forgets the oldest beyond the limit.
    pub(super) fn add(&mut self, mut found: Vec<Found>, acting: &Acting, limit: usize) {
        let left_out = found.len().saturating_sub(AT_ONCE);
        found.truncate(AT_ONCE);
        let (last, changes) = (found.len().saturating_sub(1), Arc::make_mut(&mut self.0));
        let next = changes.back().map_or(1, |change| change.number + 1);
        changes.extend(found.into_iter().enumerate().map(|(at, found)| {
            let left_out = if at == last { left_out } else { 0 };
            found.by(acting, next + at as u64, left_out)
        }));
        let mut octets: Vec<usize> = changes.iter().map(Change::octets).collect();
        octets.reverse();
        let mut all: usize = octets.iter().sum();
        // The newest stays, however long: what comes next has a number after it.
        while changes.len() > 1 && (changes.len() > limit || all > OCTETS) {
            changes.pop_front();
            all -= octets.pop().unwrap_or_default();
        }
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl From<VecDeque<Change>> for History {
    fn from(changes: VecDeque<Change>) -> Self {
        Self(Arc::new(changes))
    }
}

impl Change {
    /// About as much as it takes.
    fn octets(&self) -> usize {
        let settings = |settings: &Option<Value>| settings.as_ref().map_or(0, |one| one.to_string().len());
        settings(&self.before) + settings(&self.after) + self.who.len() + self.name.len()
    }
}

impl Found {
    fn by(self, acting: &Acting, number: u64, left_out: usize) -> Change {
        let Self { kind, name, act, before, after, password_changed, places } = self;
        let [place_before, place_after] = places;
        let (at, who) = (Moment(acting.at_ms), acting.who.clone());
        Change {
            number,
            at,
            who,
            kind,
            name,
            act,
            before,
            after,
            password_changed,
            place_before,
            place_after,
            left_out,
        }
    }
}

/// What became of things that have names.
pub(super) fn named<S: PartialEq>(
    kind: Subject,
    mut before: BTreeMap<String, Stood<S>>,
    after: BTreeMap<String, Stood<S>>,
) -> Vec<Found> {
    let mut found = Vec::new();
    let mut see = |name: String, was: Option<Stood<S>>, is: Option<Stood<S>>| {
        let password_changed = matches!((&was, &is), (Some(was), Some(is)) if was.secret != is.secret);
        let [before, after] = [was, is].map(|stood| stood.map(|stood| stood.settings));
        let act = act(before.as_ref(), after.as_ref(), password_changed);
        found.extend(act.map(|act| {
            let places = [None, None];
            Found { kind, name, act, before, after, password_changed, places }
        }));
    };
    for (name, is) in after {
        let was = before.remove(&name);
        see(name, was, Some(is));
    }
    for (name, was) in before {
        see(name, Some(was), None);
    }
    found
}

fn act(before: Option<&Value>, after: Option<&Value>, is_other: bool) -> Option<Act> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Act::Added),
        (Some(_), None) => Some(Act::Removed),
        (Some(was), Some(is)) => (is_other || was != is).then_some(Act::Changed),
    }
}

/// What became of routes, whose order counts. One is the same as before if it has the same name; one without a
/// name if it says the same, or if nothing else can be the one in its place.
pub(super) fn listed(kind: Subject, before: &[Rule], after: &[Rule]) -> Vec<Found> {
    let was = matched(before, after);
    let still = still(&was);
    let taken: BTreeSet<usize> = was.iter().flatten().copied().collect();
    let settings = |rule: &Rule| serde_json::to_value(rule).ok();
    let gone = before.iter().enumerate().filter(|(at, _)| !taken.contains(at)).map(|(at, rule)| Found {
        kind,
        name: name(rule, at),
        act: Act::Removed,
        before: settings(rule),
        after: None,
        password_changed: false,
        places: [Some(at + 1), None],
    });
    let there = after.iter().enumerate().filter_map(|(at, rule)| {
        let was = was.get(at).copied().flatten();
        let old = was.and_then(|was| before.get(was));
        let act = match old {
            None => Act::Added,
            Some(old) if old != rule => Act::Changed,
            Some(_) if !still.contains(&at) => Act::Moved,
            Some(_) => return None,
        };
        let places = [was.map(|was| was + 1), Some(at + 1)];
        let (before, after) = (old.and_then(settings), settings(rule));
        Some(Found { kind, name: name(rule, at), act, before, after, password_changed: false, places })
    });
    gone.chain(there).collect()
}

fn name(rule: &Rule, at: usize) -> String {
    if rule.name.is_empty() { format!("route {}", at + 1) } else { rule.name.clone() }
}

/// Where each route stood before.
fn matched(before: &[Rule], after: &[Rule]) -> Vec<Option<usize>> {
    let by_name: BTreeMap<&str, usize> = before
        .iter()
        .enumerate()
        .filter(|(_, rule)| !rule.name.is_empty())
        .map(|(at, rule)| (&*rule.name, at))
        .collect();
    let mut was: Vec<Option<usize>> = after.iter().map(|rule| by_name.get(&*rule.name).copied()).collect();
    let mut free: BTreeSet<usize> = (0..before.len()).filter(|at| before[*at].name.is_empty()).collect();
    let nameless = || (0..after.len()).filter(|at| after[*at].name.is_empty());
    for at in nameless() {
        // Most stay where they are: that place is looked at first.
        let own = free.get(&at).copied().filter(|own| before[*own] == after[at]);
        let same = own.or_else(|| free.iter().copied().take(LOOKS).find(|other| before[*other] == after[at]));
        was[at] = same.inspect(|same| _ = free.remove(same));
    }
    for at in nameless() {
        if was[at].is_none() && free.remove(&at) {
            was[at] = Some(at);
        }
    }
    was
}

/// Those of the longest run that keeps its order: they have not moved.
fn still(was: &[Option<usize>]) -> BTreeSet<usize> {
    // The last of the best run of each length, and what stands before each in its own.
    let (mut ends, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), vec![None; was.len()]);
    for (at, stood) in was.iter().enumerate().filter(|(_, stood)| stood.is_some()) {
        let length = ends.partition_point(|end| was[*end] < *stood);
        before[at] = length.checked_sub(1).map(|shorter| ends[shorter]);
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    std::iter::successors(ends.last().copied(), |at| before[*at]).collect()
}

/// Changes of one act that are listed: a new file must not push all others out.
const AT_ONCE: usize = 100;
/// All of them together are no longer, so that the file that has them stays small.
const OCTETS: usize = 8 << 20;
/// Routes without a name that are looked at to find one that moved.
const LOOKS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(written: &str) -> Vec<Rule> {
        let rule = |name: &str| {
            let (name, to) = name.split_once('>').unwrap_or((name, "up"));
            serde_json::from_value(serde_json::json!({"name": name, "to": to})).unwrap()
        };
        written.split_whitespace().map(rule).collect()
    }

    fn seen(before: &str, after: &str) -> Vec<String> {
        let found = listed(Subject::Route, &rules(before), &rules(after));
        let words = found.into_iter().map(|Found { name, act, places: [was, is], .. }| {
            let place = |place: Option<usize>| place.map_or("-".to_owned(), |place| place.to_string());
            format!("{act:?} {name} {} {}", place(was), place(is))
        });
        words.collect()
    }

    #[test]
    fn routes_that_come_go_change_and_move_are_told_apart() {
        assert_eq!(seen("a b c", "a b c"), [""; 0]);
        assert_eq!(seen("a b c", "x a b c"), ["Added x - 1"]);
        assert_eq!(seen("a b c", "b c"), ["Removed a 1 -"]);
        assert_eq!(seen("a b c d", "d a b c"), ["Moved d 4 1"]);
        assert_eq!(seen("a b", "b>other a"), ["Changed b 2 1"]);
    }

    #[test]
    fn routes_without_names_are_known_by_what_they_say_and_then_by_their_place() {
        assert_eq!(seen(">a >b", ">b >a"), ["Moved route 1 2 1"]);
        assert_eq!(seen(">a >b", ">b"), ["Removed route 1 1 -"]);
        assert_eq!(seen(">a >b", ">a >c"), ["Changed route 2 2 2"]);
        assert_eq!(seen(">a", ">b >a"), ["Added route 1 - 1"]);
    }

    fn added(count: usize, octets: usize) -> Vec<Found> {
        let settings = Value::String("x".repeat(octets));
        let found = |at: usize| Found {
            kind: Subject::Account,
            name: at.to_string(),
            act: Act::Added,
            before: None,
            after: Some(settings.clone()),
            password_changed: false,
            places: [None, None],
        };
        (0..count).map(found).collect()
    }

    fn numbers(history: &History) -> Vec<u64> {
        history.list(None, usize::MAX, |_| true).iter().map(|change| change.number).collect()
    }

    #[test]
    fn the_oldest_are_forgotten_by_count_and_by_octets_and_numbers_go_on() {
        let acting = Acting { who: "admin".to_owned(), at_ms: 0 };
        let mut history = History::default();
        for _ in 0..5 {
            history.add(added(1, 1), &acting, 3);
        }
        assert_eq!(numbers(&history), [5, 4, 3]);
        assert_eq!(history.list(Some(5), 1, |_| true)[0].number, 4);
        history.add(added(1, OCTETS), &acting, 3);
        assert_eq!(numbers(&history), [6]);
        history.add(added(1, 1), &acting, 3);
        assert_eq!(numbers(&history), [7]);
        let written = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<History>(&written).unwrap(), history);
    }

    #[test]
    fn one_act_lists_so_many_and_counts_the_others() {
        let acting = Acting { who: "file x".to_owned(), at_ms: 0 };
        let mut history = History::default();
        history.add(added(AT_ONCE + 7, 1), &acting, 1_000);
        let all = history.list(None, usize::MAX, |_| true);
        assert_eq!((all.len(), all[0].left_out, all[1].left_out), (AT_ONCE, 7, 0));
    }
}
