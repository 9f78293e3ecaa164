//! What differs from run to run, made the same, so that pictures change only when programs do.

/// Remembers what it has seen, so that equal things stay equal and others stay apart.
#[derive(Default)]
pub(super) struct Normal {
    began: Option<f64>,
    ports: Vec<String>,
    ids: Vec<String>,
}

impl Normal {
    /// `line` with its times from 10:00:00 on, without dates; with the ports of 127.0.0.1 from 2775 on; and with the
    /// simulator's and the gateway's message_ids, numbers of 10 and 18 digits, in the order of their coming.
    pub(super) fn line(&mut self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((stamp, after)) =
                rest.split_at_checked(STAMP.len()).filter(|(stamp, _)| is_stamp(stamp))
            {
                out.push_str(&self.time(stamp));
                rest = after;
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, after) = rest.split_at(end);
            if out.ends_with("127.0.0.1:") {
                // The first is the listener's, and gets the one that is its default; then come those of its peers.
                let number = place(&mut self.ports, digits);
                out.push_str(&if number == 0 { 2775 } else { 50_000 + number }.to_string());
            } else if digits.len() == 10 {
                out.push_str(&(3_417_000_001 + place(&mut self.ids, digits)).to_string());
            } else if digits.len() == 18 {
                // The gateway's message_ids.
                let number = place(&mut self.ids, digits) as u64;
                out.push_str(&(382_816_969_084_108_800 + 4_096 * number).to_string());
            } else {
                out.push_str(digits);
            }
            rest = after;
        }
        out + rest
    }

    fn time(&mut self, stamp: &str) -> String {
        let number = |from, to: usize| stamp[from..to].parse::<f64>().unwrap_or_default();
        let now = number(11, 13) * 3_600.0 + number(14, 16) * 60.0 + number(17, 26);
        let elapsed = (now - *self.began.get_or_insert(now)).rem_euclid(86_400.0).floor();
        format!("10:{:02}:{:02}", elapsed.div_euclid(60.0), elapsed.rem_euclid(60.0))
    }
}

fn is_stamp(text: &str) -> bool {
    let like = |(real, pattern): (u8, u8)| {
        if pattern.is_ascii_digit() { real.is_ascii_digit() } else { real == pattern }
    };
    text.bytes().zip(STAMP.bytes()).all(like)
}

/// Where `found` stands among those seen before, at their end if it is new.
fn place(seen: &mut Vec<String>, found: &str) -> usize {
    seen.iter().position(|known| known == found).unwrap_or_else(|| {
        seen.push(found.to_owned());
        seen.len() - 1
    })
}

/// How `tracing` writes a time.
const STAMP: &str = "2000-01-01T00:00:00.000000Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_from_the_first() {
        let mut normal = Normal::default();
        let mut time = |stamp| normal.line(stamp);
        assert_eq!(time("\x1b[2m2026-11-22T23:59:59.900000Z\x1b[0m INFO"), "\x1b[2m10:00:00\x1b[0m INFO");
        assert_eq!(time("2026-11-22T23:59:59.999999Z"), "10:00:00");
        assert_eq!(time("2026-11-23T00:01:00.900001Z"), "10:01:01");
    }

    #[test]
    fn ports_and_ids_keep_apart_and_stay_equal() {
        let mut normal = Normal::default();
        assert_eq!(normal.line("listening on 127.0.0.1:36247"), "listening on 127.0.0.1:2775");
        assert_eq!(
            normal.line("at 127.0.0.1:36247 from 127.0.0.1:4"),
            "at 127.0.0.1:2775 from 127.0.0.1:50001"
        );
        assert_eq!(normal.line("id 9999999999, 0000000007"), "id 3417000001, 3417000002");
        assert_eq!(normal.line("id=\"0000000007\""), "id=\"3417000002\"");
    }

    #[test]
    fn other_numbers_stay() {
        let line = "to=\"447700900123\" 5.0 0x00000004 2026-11-22 12345 10.0.0.1:36247 Grüße";
        assert_eq!(Normal::default().line(line), line);
    }
}
