//! Text in the target of a request (RFC 3986).

/// One segment of a path, or a name or value of a query: only unreserved characters stay as they are.
pub(super) fn segment(text: &str) -> String {
    percent(text, |octet| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet))
}

/// A whole target as somebody typed it: what cannot stand in one is encoded, the rest is taken at its word.
pub(super) fn target(text: &str) -> String {
    let stays = |octet: u8| octet.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&octet);
    let slash = if text.starts_with('/') { "" } else { "/" };
    format!("{slash}{}", percent(text, stays))
}

/// A path with a query behind it.
pub(super) fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut target = path.to_owned();
    for (at, (name, value)) in pairs.into_iter().enumerate() {
        target.push(if at == 0 { '?' } else { '&' });
        target.push_str(&segment(name));
        target.push('=');
        target.push_str(&segment(value));
    }
    target
}

fn percent(text: &str, stays: impl Fn(u8) -> bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, octet| {
        if stays(octet) {
            out.push(char::from(octet));
        } else {
            out.push('%');
            out.extend(
                [octet >> 4, octet & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_query_is_encoded() {
        let pairs = [("text", "/a&b=c+d #é%/"), ("0x1400", "!1..9")];
        assert_eq!(with_query("/p", pairs), "/p?text=%2Fa%26b%3Dc%2Bd%20%23%C3%A9%25%2F&0x1400=%211..9");
        assert_eq!(with_query("/p", []), "/p");
    }

    #[test]
    fn a_typed_target_keeps_its_meaning() {
        assert_eq!(target("/api/v1/pdus?text=a*&limit=1"), "/api/v1/pdus?text=a*&limit=1");
        assert_eq!(target("api/v1/smscs/my smsc\r\nX: y"), "/api/v1/smscs/my%20smsc%0D%0AX:%20y");
        assert_eq!(target("/a%20b"), "/a%20b");
    }
}
