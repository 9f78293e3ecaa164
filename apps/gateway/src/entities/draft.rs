//! What might be made over REST, to see what would come of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use smppkit_route::Rule;
use utoipa::ToSchema;

use super::{Entities, Kept, Kind, NotMade, Routes};
use crate::access::ServerKey;
use crate::settings::Settings;

/// Changes that nobody has made. Each is refused as the request that would make it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// As for `PUT /api/v1/routes`: in place of all routes that were made over REST.
    pub routes: Option<Vec<Rule>>,
    /// As for `PUT /api/v1/mo_routes`.
    pub mo_routes: Option<Vec<Rule>>,
    /// Settings as for `PUT /api/v1/accounts/{system_id}`, or null to take one away; by name.
    #[schema(value_type = BTreeMap<String, Option<Object>>, example = json!({}))]
    pub accounts: BTreeMap<String, Option<Map<String, Value>>>,
    /// Settings as for `PUT /api/v1/connectors/{name}`, or null to take one away; by name.
    #[schema(value_type = BTreeMap<String, Option<Object>>, example = json!({}))]
    pub connectors: BTreeMap<String, Option<Map<String, Value>>>,
}

impl Entities {
    /// All settings as they would be.
    pub(crate) fn drafted(&self, draft: Draft, key: &ServerKey) -> Result<Settings, NotMade> {
        for (kind, name) in draft.names() {
            self.not_in_file(kind, name)?;
        }
        let inside = self.inside();
        inside.changed(None, |kept| kept.apply(draft, key)).map(|(_, settings)| settings)
    }
}

impl Draft {
    fn names(&self) -> impl Iterator<Item = (Kind, &str)> {
        let accounts = self.accounts.keys().map(|name| (Kind::Account, name.as_str()));
        accounts.chain(self.connectors.keys().map(|name| (Kind::Connector, name.as_str())))
    }
}

impl Kept {
    fn apply(&mut self, draft: Draft, key: &ServerKey) -> Result<(), NotMade> {
        let Draft { routes, mo_routes, accounts, connectors } = draft;
        for (which, rules) in [(Routes::Submitted, routes), (Routes::Incoming, mo_routes)] {
            if let Some(rules) = rules {
                *self.routes(which) = rules;
            }
        }
        let accounts = accounts.into_iter().map(|(name, given)| (Kind::Account, name, given));
        let connectors = connectors.into_iter().map(|(name, given)| (Kind::Connector, name, given));
        for (kind, name, given) in accounts.chain(connectors) {
            match given {
                Some(given) => self.put(kind, &name, given, key)?,
                None => self.remove(kind, &name)?,
            }
        }
        Ok(())
    }
}
