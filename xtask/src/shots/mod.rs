//! The pictures of the README and the documentation, made of what our program really writes and shows.

mod ansi;
mod layout;
mod normal;
mod palette;
mod scenes;
mod svg;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::ansi::{Cell, Colour, Look, parse};
use self::scenes::{Line, SCENES, Scene, Stage};
use self::svg::Window;
use self::terminal::Terminal;
use crate::{Verdict, run};

pub(crate) const HELP: &str = "\
usage: cargo xtask shots [NAME...]

Makes the pictures of the README and of the documentation anew, all or those named.

Of commands: demo, simulator, send, rules, script, inspect, inspect-error, inspect-json.
Builds smppkit (for release where that was done before, else for debugging), runs it on a terminal with
ports that the system picks, and draws what it writes as docs/pictures/NAME.svg. Times, ports and
message_ids are made the same in each run, so a picture changes when the program does.
Needs `script` of util-linux.

Of the console's pages: console-overview, console-messages, console-message, console-sessions,
console-simulator, console-client, console-codec, console-routes, console-change, console-phone-messages,
console-phone-simulator.
Runs tests/peers/console/shots.js, which takes docs/pictures/NAME.png of a gateway with traffic in
Chromium. That takes minutes, as charts begin empty; SMPPKIT_SHOTS_SECONDS says how many seconds (180).
Needs what `./x setup` installs.

examples:
  cargo xtask shots              then look at the pictures before you commit them
  cargo xtask shots inspect
  cargo xtask shots console-messages console-message
";

/// Pictures of the console's pages, as tests/peers/console/shots.js names them.
const PAGES: [&str; 11] = [
    "console-overview",
    "console-messages",
    "console-message",
    "console-sessions",
    "console-simulator",
    "console-client",
    "console-codec",
    "console-routes",
    "console-change",
    "console-phone-messages",
    "console-phone-simulator",
];

pub(crate) fn task(root: &Path, args: &[String]) -> Result<Verdict> {
    let is_known = |name: &str| PAGES.contains(&name) || SCENES.iter().any(|scene| scene.name == name);
    if let Some(unknown) = args.iter().find(|name| !is_known(name)) {
        return Ok(Verdict::Usage(format!("no picture {unknown:?}")));
    }
    let Some(programs) = build(root)? else {
        return Ok(Verdict::Bad);
    };
    let stage = Stage { root, terminal: Terminal::new(&programs)?, programs };
    let pictures = root.join("docs/pictures");
    std::fs::create_dir_all(&pictures).context("cannot make docs/pictures")?;
    for scene in SCENES {
        if args.is_empty() || args.iter().any(|name| name == scene.name) {
            let svg = picture(scene, &stage).with_context(|| scene.name)?;
            ensure!(svg.len() <= LIMIT_OCTETS, "{}: {} octets are too many", scene.name, svg.len());
            let file = format!("{}.svg", scene.name);
            std::fs::write(pictures.join(&file), &svg).with_context(|| format!("cannot write {file}"))?;
            println!("docs/pictures/{file}: {} octets", svg.len());
        }
    }
    let pages: Vec<_> =
        PAGES.iter().filter(|page| args.is_empty() || args.iter().any(|name| name == *page)).collect();
    if pages.is_empty() {
        return Ok(Verdict::Good);
    }
    let mut command = Command::new("node");
    command.current_dir(root).arg("tests/peers/console/shots.js").arg(&pictures).args(pages);
    command.env("SMPPKIT", stage.programs.join("smppkit"));
    command.env("NODE_PATH", root.join(".peers/npm/node_modules"));
    Ok(Verdict::good_if(run::pass_through(&mut command)?))
}

/// Builds our program, and answers its directory.
fn build(root: &Path) -> Result<Option<PathBuf>> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let release = target.join("release");
    let mut command = run::cargo(root);
    command.args(["build", "--quiet", "--package", "smppkit"]);
    let programs = if release.join("smppkit").exists() {
        command.arg("--release");
        release
    } else {
        target.join("debug")
    };
    Ok(run::pass_through(&mut command)?.then_some(programs))
}

fn picture(scene: &Scene, stage: &Stage<'_>) -> Result<String> {
    let rows: Vec<_> = (scene.play)(stage)?.into_iter().flat_map(rows).collect();
    Ok(Window { title: scene.title, columns: COLUMNS, rows: &rows }.svg())
}

fn rows(line: Line) -> Vec<Vec<Cell>> {
    match line {
        Line::Typed(line) => layout::wrap(typed(&line), COLUMNS, PROMPT.len()),
        Line::Written { line, hang } => layout::wrap(parse(&line), COLUMNS, hang),
        Line::Empty => vec![Vec::new()],
    }
}

/// A prompt, and what was typed behind it, in colours of their own.
fn typed(line: &str) -> Vec<Cell> {
    let look = |index| Look { colour: Colour::Indexed(index), ..Look::default() };
    let cells =
        |text: &str, look| text.chars().map(move |character| Cell { character, look }).collect::<Vec<_>>();
    [cells(PROMPT, Look { bold: true, ..look(2) }), cells(line, look(12))].concat()
}

const PROMPT: &str = "$ ";
/// Of every picture, so that all have letters of one size beside each other.
const COLUMNS: usize = 100;
const LIMIT_OCTETS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_goes_on_under_itself() {
        let rows = rows(Line::Typed("x".repeat(COLUMNS)));
        let texts: Vec<String> =
            rows.iter().map(|row| row.iter().map(|cell| cell.character).collect()).collect();
        assert_eq!(texts, [format!("$ {}", "x".repeat(COLUMNS - 2)), "  xx".to_owned()]);
    }

    #[test]
    fn the_help_names_every_picture() {
        for name in SCENES.iter().map(|scene| scene.name).chain(PAGES) {
            assert!(HELP.contains(name), "{name}");
        }
    }
}
