//! Prints a generated document: `openapi` or `reference`; `--check FILE` fails when the file is another,
//! `--write FILE` makes it the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    smppkit_ops::reference::write_documents(&[
        ("openapi", || smppkit_gateway::openapi() + "\n"),
        ("reference", smppkit_gateway::reference),
    ])
}
