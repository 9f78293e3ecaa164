//! The commands that only a gateway has, as they are typed.

use clap::Args;

use crate::gateway::Question;

/// Take a connector out of use: what is on its way is finished, its sessions are unbound
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  smppkit ctl drain carrier

What waits for it waits, or goes another way if its route has one. It lasts until `smppkit ctl resume`,
or until the gateway starts anew.")]
pub(in crate::ctl) struct Drain {
    /// The connector's name
    #[arg(value_name = "NAME")]
    pub(in crate::ctl) connector: String,
}

/// Use a connector again that was drained
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  smppkit ctl resume carrier")]
pub(in crate::ctl) struct Resume {
    /// The connector's name
    #[arg(value_name = "NAME")]
    pub(in crate::ctl) connector: String,
}

/// What became of one message of a gateway, from the beginning
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl message 382821029262655488
  smppkit ctl message 382821029262655488 --text
  smppkit ctl message 382821029262655488 --json")]
pub(in crate::ctl) struct Message {
    /// The id that its sender was told
    #[arg(value_name = "ID")]
    pub(in crate::ctl) message_id: String,
    /// Show what it says
    #[arg(long)]
    pub(in crate::ctl) text: bool,
}

/// Take a message of a gateway back that is not on its way yet
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  smppkit ctl cancel 382821029262655488")]
pub(in crate::ctl) struct Cancel {
    /// Its id
    #[arg(value_name = "ID")]
    pub(in crate::ctl) message_id: String,
}

/// Queue dead letters of a gateway again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl replay 382821029262655488
  smppkit ctl dead-letters --json | jq -r '.items[].message_id' | xargs smppkit ctl replay

It goes on with the next where one cannot be replayed; the exit code is 1 then.")]
pub(in crate::ctl) struct Replay {
    /// Their ids
    #[arg(value_name = "ID", required = true)]
    pub(in crate::ctl) message_ids: Vec<String>,
}

/// Say where a gateway would send a message and why, without sending it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl explain --account shop --from SHOP --to 447700900123
  smppkit ctl explain --connector carrier --from 447700900123 --to 12345 --text STOP

Exit code 1 when it would not be sent.")]
pub(in crate::ctl) struct Explain {
    #[command(flatten)]
    pub(in crate::ctl) question: Question,
}

/// Copy a gateway's store into a file of its data directory
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  smppkit ctl backup monday.sqlite")]
pub(in crate::ctl) struct Backup {
    /// The name of a file that is not there yet, in the directory `backup` of the data directory
    #[arg(value_name = "NAME")]
    pub(in crate::ctl) to: String,
}
