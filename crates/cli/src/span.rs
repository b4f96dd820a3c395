//! Spans of time as people write them.

use kofo_primitives::Seconds;

/// Reads `90s`, `30m`, `2h` or `1d`.
pub(crate) fn span(text: &str) -> Result<Seconds, String> {
    let wrong = || format!("expected a number and s, m, h or d, such as 30m, got {text:?}");
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(unit).filter(|s| *s > 0).ok_or_else(wrong)?;
    Ok(Seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_unit_and_not_without() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("1d", 86_400)] {
            assert_eq!(span(text), Ok(Seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "30",
            "m",
            "-1m",
            "1.5h",
            "0s",
            "1w",
            "1 h",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(span(text).is_err(), "{text:?}");
        }
    }
}
