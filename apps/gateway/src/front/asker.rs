//! Who asks for something that is not answered at once.

use std::sync::Arc;

use smppkit_net::Asked;
use smppkit_relay::Parcel;
use smppkit_store::{Change, Committed, Message, MessageId, Outcome, Store, StoreError, Timestamp};
use smppkit_wire::field::CStr;
use smppkit_wire::{Body, CommandStatus, Version};

use super::Front;
use crate::hub::{Hub, queues_of, status_of};
use crate::note::{Note, Notes};
use crate::plan::Account;

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) hub: Arc<Hub>,
    pub(super) notes: Arc<Notes>,
    pub(super) account: Arc<Account>,
    pub(super) version: Version,
    pub(super) asked: Asked,
}

impl Asker {
    /// The message that it names, if it is its own and came from that address.
    pub(super) fn find(
        &self,
        store: &dyn Store,
        message_id: &CStr<65>,
        source: &CStr<21>,
    ) -> Result<Message, CommandStatus> {
        let is_from = |message: &Message| source.is_empty() || *message.accepted.source == *source.to_text();
        match self.own(store, message_id)? {
            Some((message, Parcel::Message(_))) if is_from(&message) => Ok(message),
            _ => Err(CommandStatus::ESME_RINVMSGID),
        }
    }

    /// The message of its account that it names, and what is kept of it.
    pub(super) fn own(
        &self,
        store: &dyn Store,
        message_id: &CStr<65>,
    ) -> Result<Option<(Message, Parcel)>, CommandStatus> {
        let text = message_id.as_str().unwrap_or_default();
        let id = if self.version == Version::V33 {
            store.find(&self.account.name, &text.to_ascii_lowercase()).map_err(|error| self.failed(&error))?
        } else {
            text.parse().ok().and_then(MessageId::from_u64)
        };
        let story = match id {
            None => None,
            Some(id) => store.story(id).map_err(|error| self.failed(&error))?,
        };
        let is_own = |message: &Message| *message.accepted.account == *self.account.name;
        let message = story.map(|story| story.message).filter(is_own);
        Ok(message.and_then(|message| {
            let parcel = Parcel::read(&message.accepted.payload).ok()?;
            Some((message, parcel))
        }))
    }

    pub(super) fn failed(&self, error: &StoreError) -> CommandStatus {
        self.hub.store_failed(error);
        status_of(error)
    }

    pub(super) fn answer(&self, answer: Result<Body, CommandStatus>) {
        self.notes.post(Note::Answer(self.asked, Box::new(answer)));
    }

    /// Changes the store by what `work` finds there, and answers by what `say` makes of the outcomes.
    pub(super) fn change<C: Send + 'static>(
        self,
        work: impl FnOnce(&Self, &mut dyn Store, Timestamp) -> Result<(Vec<Change>, C), CommandStatus>
        + Send
        + 'static,
        say: impl FnOnce(&Self, Vec<Outcome>, C) -> Result<Body, CommandStatus> + Send + 'static,
    ) {
        let (asker, refused) = (self.clone(), self.clone());
        let found = move |store: &mut dyn Store, now: Timestamp| match work(&self, store, now) {
            Ok((changes, context)) => {
                let queues = queues_of(&changes);
                (changes, Ok((context, queues)))
            }
            Err(status) => (Vec::new(), Err(status)),
        };
        let done = move |committed: Committed, found: Result<(C, Vec<Arc<str>>), CommandStatus>| {
            let answer = found.and_then(|(context, queues)| {
                let outcomes = committed.map_err(|uncommitted| asker.failed(&uncommitted.error))?;
                asker.hub.told(&queues);
                say(&asker, outcomes, context)
            });
            asker.answer(answer);
        };
        if refused.hub.clone().store.prepare_then(1, found, done).is_err() {
            refused.answer(Err(CommandStatus::ESME_RMSGQFUL));
        }
    }
}

impl Front {
    pub(super) fn asker(&self, asked: Asked) -> Option<Asker> {
        let bound = self.bound.as_ref()?;
        Some(Asker {
            hub: Arc::clone(&self.hub),
            notes: Arc::clone(&self.notes),
            account: Arc::clone(&bound.account),
            version: bound.version,
            asked,
        })
    }
}
