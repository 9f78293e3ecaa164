//! `docs/simulator.md`: every setting, rule key, preset and dialect, made from the code.

use smppkit_ops::reference::Reference;
use utoipa::OpenApi;

use crate::dialect::Dialect;
use crate::rules::{PRESETS, Rule};
use crate::settings::{Settings, SmscSettings};

/// The reference, as Markdown.
pub fn reference() -> String {
    #[derive(OpenApi)]
    #[openapi(components(schemas(Settings, SmscSettings, Rule)))]
    struct All;

    let mut reference = Reference::new::<All>(HEAD);
    reference.table::<Settings>("Settings of the whole", "At the top of the file.");
    for (name, title, about) in [
        ("AdminSettings", "`[admin]`", "Where operators and test suites are answered."),
        ("RecordSettings", "`[record]`", "How much of what came and went is kept."),
    ] {
        reference.named(name, title, about);
    }
    reference.table::<SmscSettings>("`[[smsc]]`", "One SMSC; several run in one process.");
    for (name, title, about) in [
        ("Account", "`[[smsc.account]]`", "Who may bind. Nobody listed means anybody."),
        ("MoFile", "`[[smsc.mo_file]]`", "Mobile-originated messages from a file."),
        ("Dialogue", "`[[smsc.dialogue]]`", "A subscriber who sends keywords, and what has to be answered."),
    ] {
        reference.named(name, title, about);
    }
    reference.table::<Rule>("`[[smsc.rule]]`", "The first rule that a PDU matches is the one that counts.");
    reference.named("Then", "`then`", "What a rule does; what is left out stays as it is.");
    let presets = PRESETS.iter().map(|preset| vec![format!("`{}`", preset.name), preset.about()]);
    let about = "Sets of rules, named in `presets` or with `--preset`.";
    reference.list("Presets", about, &["name", "what it does"], presets);
    let dialects = Dialect::all()
        .map(|(name, dialect)| vec![format!("`{name}`"), dialect.about.clone(), dialect.seen.clone()]);
    reference.list("Dialects", DIALECTS, &["name", "what is different", "seen"], dialects);
    reference.done()
}

const DIALECTS: &str = "\
Forms of message_id and receipts, named in `dialect`, in a rule or with `--dialect`. Each is a file in
`apps/simulator/dialects/`; one's own go into `[dialect.NAME]`.";
const HEAD: &str = "\
# The simulator's settings

Generated from the code by `cargo xtask bless simulator`. `smppkit simulator --config FILE` reads them from a TOML
file, [guide/simulator.toml](guide/simulator.toml) is one with everything in it; `--check` says whether a file is
good. A file is read again when it changes and on SIGHUP; a wrong one changes nothing. The environment goes on top:
`SMPPKIT__ADMIN__LISTEN=127.0.0.1:0`. What can change while it runs is on REST, too: [openapi](simulator-openapi.json).
";
