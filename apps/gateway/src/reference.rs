//! `docs/gateway.md`: every setting and key of a route, made from the code.

use smppkit_ops::reference::Reference;
use smppkit_route::Rule;
use utoipa::OpenApi;

use crate::settings::Settings;

/// The reference, as Markdown.
pub fn reference() -> String {
    #[derive(OpenApi)]
    #[openapi(components(schemas(Settings, Rule)))]
    struct All;

    let mut reference = Reference::new::<All>(HEAD);
    reference.table::<Settings>("Settings of the whole", "At the top of the file.");
    for (name, title, about) in SECTIONS {
        reference.named(name, title, about);
    }
    reference.table::<Rule>("`[[route]]` and `[[mo_route]]`", ROUTES);
    reference.done()
}

const HEAD: &str = "\
# The gateway's settings

Generated from the code by `cargo xtask bless gateway`. `smppkit gateway --config FILE` reads them from a TOML file;
`--check` says whether a file is good, `smppkit gateway explain` where a message would go by it. A file is read again
when it changes and on SIGHUP; a wrong one changes nothing. The environment goes on top:
`SMPPKIT__ADMIN__LISTEN=127.0.0.1:2781`. Accounts, connectors and routes can be made over REST, too, beside those of
the file: [openapi](gateway-openapi.json).
";

/// Schema, heading and introduction of each section.
const SECTIONS: [(&str, &str, &str); 11] = [
    ("AdminSettings", "`[admin]`", "Where operators are answered. `smppkit ctl` asks 127.0.0.1:2781."),
    ("RecordSettings", "`[record]`", "What came and went, for operators to look into."),
    ("StoreSettings", "`[store]`", "What is kept, and how much of it."),
    ("RetrySettings", "`[retry]`", "When what was not taken is tried again."),
    ("LifeSettings", "`[life]`", "How long things may wait."),
    ("SessionSettings", "`[session]`", "Sessions of ESMEs."),
    ("LockoutSettings", "`[lockout]`", "How often a password may be tried."),
    ("AccountSettings", "`[[account]]`", "Who may bind. Nobody else may."),
    ("BindLimits", "`[account.binds]`", "Sessions that an account may have bound at once."),
    ("ReceiptSettings", "`[account.receipts]`", "How an account gets its receipts."),
    ("ConnectorSettings", "`[[connector]]`", "Message centres that the gateway binds to."),
];
const ROUTES: &str = "\
The first rule whose conditions all hold is the one that counts: a route's for messages of accounts, to a connector;
a mo_route's for messages of connectors, to an account. A condition is a pattern or a list of them: `1234`, `4477*`,
`44?7`, `/regex/`, `100..199`; one of the plain ones has to hold, and none of those that begin with `!`.";
