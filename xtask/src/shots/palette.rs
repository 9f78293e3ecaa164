//! The colours of the pictures, as SVG writes them. Each text colour has a contrast of 4.5 and more on the paper.

use super::ansi::{Colour, Look};

pub(super) const PAPER: &str = "#161b22";
pub(super) const BAR: &str = "#21262d";
pub(super) const EDGE: &str = "#3d444d";
pub(super) const TITLE: &str = "#9198a1";
pub(super) const LIGHTS: [&str; 3] = ["#ff5f57", "#febc2e", "#28c840"];

/// The colour of text with a look.
pub(super) fn text(look: Look) -> String {
    let colour = rgb(look.colour).unwrap_or(INK);
    hex(if look.dim { mixed(colour) } else { colour })
}

/// The colour behind it, where that is not the paper's.
pub(super) fn background(look: Look) -> Option<String> {
    rgb(look.background).map(hex)
}

type Rgb = [u8; 3];

fn rgb(colour: Colour) -> Option<Rgb> {
    match colour {
        Colour::Own => None,
        Colour::Rgb(red, green, blue) => Some([red, green, blue]),
        Colour::Indexed(index) => Some(indexed(index)),
    }
}

/// The 16 of ours, then a cube of 6 steps a side, then 24 greys, as xterm has them.
fn indexed(index: u8) -> Rgb {
    if let Some(colour) = SIXTEEN.get(usize::from(index)) {
        return *colour;
    }
    if index >= 232 {
        return [8 + (index - 232) * 10; 3];
    }
    let step = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    let at = index - 16;
    [step(at / 36), step(at / 6 % 6), step(at % 6)]
}

/// Towards the paper, as far as it stays easy to read.
fn mixed(colour: Rgb) -> Rgb {
    let mut mixed = colour;
    for (ours, papers) in mixed.iter_mut().zip(PAPER_RGB) {
        *ours = ((u16::from(*ours) * 60 + u16::from(papers) * 40) / 100) as u8;
    }
    mixed
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

const INK: Rgb = [0xD9, 0xE0, 0xE8];
const PAPER_RGB: Rgb = [0x16, 0x1B, 0x22];
const SIXTEEN: [Rgb; 16] = [
    [0x7D, 0x85, 0x90],
    [0xFF, 0x7B, 0x72],
    [0x56, 0xD3, 0x64],
    [0xE3, 0xB3, 0x41],
    [0x79, 0xC0, 0xFF],
    [0xD2, 0xA8, 0xFF],
    [0x56, 0xD4, 0xDD],
    [0xB1, 0xBA, 0xC4],
    [0x8B, 0x94, 0x9E],
    [0xFF, 0xA1, 0x98],
    [0x7E, 0xE7, 0x87],
    [0xF2, 0xCC, 0x60],
    [0xA5, 0xD6, 0xFF],
    [0xE2, 0xC5, 0xFF],
    [0x8D, 0xEB, 0xF1],
    [0xFF, 0xFF, 0xFF],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured(colour: Colour) -> Look {
        Look { colour, ..Look::default() }
    }

    #[test]
    fn the_256_are_xterms_behind_the_first_16() {
        for (index, wanted) in [
            (1, "#ff7b72"),
            (16, "#000000"),
            (208, "#ff8700"),
            (231, "#ffffff"),
            (232, "#080808"),
            (255, "#eeeeee"),
        ] {
            assert_eq!(text(coloured(Colour::Indexed(index))), wanted, "{index}");
        }
    }

    #[test]
    fn all_the_sixteen_can_be_read_also_when_dim_is_the_terminals_own() {
        let dim = Look { dim: true, ..Look::default() };
        let sixteen = (0..16).map(|index| coloured(Colour::Indexed(index)));
        for look in sixteen.chain([dim, Look::default()]) {
            assert!(contrast(&text(look), PAPER) >= 4.5, "{look:?}");
        }
    }

    #[test]
    fn only_a_background_of_its_own_is_painted() {
        assert_eq!(background(Look::default()), None);
        let look = Look { background: Colour::Rgb(1, 2, 255), ..Look::default() };
        assert_eq!(background(look).as_deref(), Some("#0102ff"));
    }

    /// As WCAG 2.1 defines it.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |hex: &str| {
            let part = |at: usize| {
                let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
                if part <= 0.039_28 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) + 0.05
        };
        let (one, other) = (luminance(one), luminance(other));
        one.max(other) / one.min(other)
    }
}
