//! Prints the reference; `--check FILE` fails when the file is another, `--write FILE` makes it the same.

use std::process::ExitCode;

use smppkit_inspect::reference;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => print!("{}", reference()),
        ["--check", file] if std::fs::read_to_string(file).is_ok_and(|found| found == reference()) => {}
        ["--check", file] => {
            eprintln!(
                "{file} is not what the tables say; run: cargo run -p smppkit-inspect --example docs -- --write {file}"
            );
            return ExitCode::FAILURE;
        }
        ["--write", file] => {
            if let Err(error) = std::fs::write(file, reference()) {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            eprintln!("usage: docs [--check FILE | --write FILE]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
