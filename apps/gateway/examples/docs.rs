//! Prints a generated document: `openapi` or `reference`; `--check FILE` fails when the file is another,
//! `--write FILE` makes it the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [which, rest @ ..] = arguments.as_slice() else { return usage() };
    let text = match *which {
        "openapi" => smppkit_gateway::openapi() + "\n",
        "reference" => smppkit_gateway::reference(),
        _ => return usage(),
    };
    match rest {
        [] => print!("{text}"),
        ["--check", file] if std::fs::read_to_string(file).is_ok_and(|found| found == text) => {}
        ["--check", file] => {
            eprintln!("{file} is not what the code says; run: cargo xtask bless");
            return ExitCode::FAILURE;
        }
        ["--write", file] => {
            if let Err(error) = std::fs::write(file, text) {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: docs openapi|reference [--check FILE | --write FILE]");
    ExitCode::from(2)
}
