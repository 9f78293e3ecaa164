//! Builds the pages in `web/`, packs them, and writes the list of what to embed.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={SKIP}");
    let variable = |name: &str| env::var_os(name).ok_or_else(|| format!("cargo does not say {name}"));
    let out = PathBuf::from(variable("OUT_DIR")?);
    let built = out.join("web");
    if env::var_os(SKIP).is_some_and(|skip| !skip.is_empty() && skip != "0") {
        _ = fs::remove_dir_all(&built);
        fs::create_dir_all(&built).map_err(about(&built))?;
        fs::write(built.join("index.html"), NOTICE).map_err(about(&built))?;
    } else {
        let web = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("web");
        watch(&web)?;
        check_node()?;
        // Two profiles may be built at once, and both would install to the same directory.
        let _lock = lock(&web)?;
        install(&web)?;
        let vite = ["vite", "build", "--emptyOutDir", "--outDir"];
        run(npx().current_dir(&web).arg("--no-install").args(vite).arg(&built), "vite build")?;
    }
    embed(&out, &built)
}

/// Everything in the directory matters but what is installed there. A new file beside `package.json` is
/// seen with the next change of another.
fn watch(web: &Path) -> Result<()> {
    if !web.join("package.json").is_file() {
        return Err(format!("there are no pages in {}: set {SKIP}=1 to build without", web.display()));
    }
    for entry in fs::read_dir(web).map_err(about(web))? {
        let path = entry.map_err(about(web))?.path();
        if !path.ends_with("node_modules") {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    Ok(())
}

fn check_node() -> Result<()> {
    let (major, minor) = OLDEST_NODE;
    let wanted = format!("the pages need node {major}.{minor} or newer, with npm");
    let instead = format!("install it, or set {SKIP}=1 to build without pages");
    let said = |mut command: Command| {
        let output = command.arg("--version").stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let node =
        said(Command::new("node")).ok_or_else(|| format!("{wanted}, and node is missing: {instead}"))?;
    let mut numbers = node.trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST_NODE {
        return Err(format!("{wanted}, and node is {node}: {instead}"));
    }
    said(npm()).ok_or_else(|| format!("{wanted}, and npm is missing: {instead}"))?;
    Ok(())
}

/// Installs what `package-lock.json` says, unless that is what is there. Installing begins with removing,
/// so a copy of the lock file that is there says that all of it is.
fn install(web: &Path) -> Result<()> {
    let lock = web.join("package-lock.json");
    let wanted = fs::read(&lock).map_err(about(&lock))?;
    let installed = web.join("node_modules/.smppkit-installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    // Vite is needed to build only, and NODE_ENV may say that such things are not wanted.
    let args = ["ci", "--no-audit", "--no-fund", "--include=dev"];
    run(npm().current_dir(web).args(args), "npm ci")?;
    fs::write(&installed, wanted).map_err(about(&installed))
}

/// Runs a command; what it says is shown if it fails, the last of it.
fn run(command: &mut Command, name: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    Err(format!("{name} failed ({}): set {SKIP}=1 to build without pages\n{last}", output.status))
}

/// Writes `files.rs`: a list of all files, with what is said about them and their octets, plain and packed.
fn embed(out: &Path, built: &Path) -> Result<()> {
    let packed = out.join("packed");
    _ = fs::remove_dir_all(&packed);
    fs::create_dir_all(&packed).map_err(about(&packed))?;
    let mut paths = Vec::new();
    collect(built, &mut paths)?;
    paths.sort();
    let mut list = "static FILES: &[File] = &[\n".to_owned();
    for (number, path) in paths.iter().enumerate() {
        let octets = fs::read(path).map_err(about(path))?;
        let name = path.strip_prefix(built).map_err(|error| error.to_string())?;
        let name =
            name.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))?.replace('\\', "/");
        let mut hasher = DefaultHasher::new();
        octets.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        let mut gzip = "None".to_owned();
        let smaller = pack(&octets).map_err(about(path))?;
        // Fonts and pictures are packed already.
        if smaller.len() < octets.len() / 10 * 9 {
            let to = packed.join(format!("{number}.gz"));
            fs::write(&to, smaller).map_err(about(&to))?;
            gzip = format!("Some(include_bytes!({}))", literal(&to));
        }
        let content_type = content_type(&name);
        _ = writeln!(
            list,
            "    File {{ path: {name:?}, content_type: {content_type:?}, etag: {etag:?}, \
             plain: include_bytes!({}), gzip: {gzip} }},",
            literal(path)
        );
    }
    list.push_str("];\n");
    let to = out.join("files.rs");
    fs::write(&to, list).map_err(about(&to))
}

/// A path as Rust's text for it.
fn literal(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(about(dir))? {
        let path = entry.map_err(about(dir))?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn pack(octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets)?;
    encoder.finish()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Until it is dropped, others wait. The directory itself is locked: no file is left behind.
#[cfg(unix)]
fn lock(web: &Path) -> Result<fs::File> {
    let directory = fs::File::open(web).map_err(about(web))?;
    let locked = rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockExclusive);
    locked.map_err(io::Error::from).map_err(about(web))?;
    Ok(directory)
}

#[cfg(not(unix))]
fn lock(_: &Path) -> Result<()> {
    Ok(())
}

fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn npx() -> Command {
    Command::new(if cfg!(windows) { "npx.cmd" } else { "npx" })
}

fn about(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

const SKIP: &str = "SMPPKIT_SKIP_WEB";
/// What vite asks for.
const OLDEST_NODE: (u32, u32) = (20, 19);
const NOTICE: &str = "\
<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>smppkit</title></head>
<body>
<h1>smppkit</h1>
<p>This smppkit was built without its web console: SMPPKIT_SKIP_WEB was set. Build it without that, with
node 20.19 or newer. What it answers over REST is listed in <a href=\"/openapi.json\">/openapi.json</a>.</p>
</body>
</html>
";
