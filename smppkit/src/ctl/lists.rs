//! Lists that are changed one entry at a time, as they are typed: rules and accounts.

use clap::{Args, Subcommand};

/// The rules of an SMSC, and how often each applied; changed while it runs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl rules
  smppkit ctl rules add '{\"when\": {\"destination_addr\": \"*1\"}, \"then\": {\"state\": \"UNDELIVERABLE\"}}'
  smppkit ctl rules remove 0
  smppkit ctl rules clear")]
pub(super) struct Rules {
    #[command(subcommand)]
    pub(super) action: Option<RulesAction>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RulesAction {
    /// Add a rule in front of all others
    #[command(after_help = "\
Examples:
  smppkit ctl rules add '{\"share\": \"25%\", \"then\": {\"status\": \"ESME_RTHROTTLED\"}}'
  smppkit ctl rules add - < rule.json")]
    Add {
        /// The rule; - is standard input
        #[arg(value_name = "JSON")]
        rule: String,
    },
    /// Take away one rule that came over REST
    #[command(after_help = "\
Example:
  smppkit ctl rules remove 0")]
    Remove {
        /// Its place, from 0
        place: u32,
    },
    /// Take away all rules that came over REST
    #[command(after_help = "\
Example:
  smppkit ctl rules clear")]
    Clear,
}

/// The accounts of an SMSC or a gateway; changed while it runs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  smppkit ctl accounts
  smppkit ctl accounts put '{\"system_id\": \"app\", \"password\": \"secret\"}'
  smppkit ctl accounts remove app

Nobody listed means that anybody may bind to a simulator, and nobody to a gateway.")]
pub(super) struct Accounts {
    #[command(subcommand)]
    pub(super) action: Option<AccountsAction>,
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountsAction {
    /// Add an account, or put it in place of the one with its name
    #[command(after_help = "\
Examples:
  smppkit ctl accounts put - < account.json
  smppkit ctl accounts put '{\"system_id\": \"app\", \"password\": \"secret\", \"throughput\": 100}'")]
    Put {
        /// The account; - is standard input, which other users of the machine do not see
        #[arg(value_name = "JSON")]
        account: String,
    },
    /// Take an account away
    #[command(after_help = "\
Example:
  smppkit ctl accounts remove app")]
    Remove {
        /// Its system_id
        #[arg(value_name = "ID")]
        system_id: String,
    },
}
