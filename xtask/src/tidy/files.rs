//! Files that do not belong into a repository.

const PICTURES: &[&str] = &["png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "avif"];
const PICTURE_LIMIT_OCTETS: usize = 500_000;
const COMPILED: &[&str] = &["so", "a", "o", "dll", "dylib", "exe", "class", "jar", "pyc", "rlib"];
/// How compiled files begin, whatever they are called: ELF, WebAssembly, Mach-O twice.
const COMPILED_BEGINNINGS: &[&[u8]] = &[b"\x7FELF", b"\0asm", b"\xCF\xFA\xED\xFE", b"\xCA\xFE\xBA\xBE"];

pub(super) fn check(path: &str, octets: &[u8]) -> Option<String> {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    if PICTURES.contains(&extension.as_str()) && octets.len() > PICTURE_LIMIT_OCTETS {
        return Some(format!(
            "{path}: {} octets; make the picture smaller than {PICTURE_LIMIT_OCTETS}",
            octets.len()
        ));
    }
    let compiled = COMPILED.contains(&extension.as_str())
        || COMPILED_BEGINNINGS.iter().any(|beginning| octets.starts_with(beginning));
    compiled.then(|| format!("{path}: is compiled; commit its source, or add it to .gitignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_pictures_are_findings() {
        let large = vec![0; PICTURE_LIMIT_OCTETS + 1];
        assert!(check("docs/page.PNG", &large).is_some());
        assert!(check("docs/page.png", &large[1..]).is_none());
        assert!(check("testdata/pdu/vectors.jsonl", &large).is_none());
    }

    #[test]
    fn compiled_files_are_found_by_name_and_by_content() {
        assert!(check("tools/thing", b"\x7FELF\x02").is_some());
        assert!(check("tools/thing.exe", b"").is_some());
        assert!(check("tools/thing.sh", b"#!/bin/sh").is_none());
    }
}
