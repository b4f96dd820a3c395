//! Spans of time as people write them: `21 d`, `12 h`, `10 min`, `30 s`, `500 ms`.

use crate::config::ValueError;

/// From the longest on, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("min", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// In the longest unit that has it whole.
pub(super) fn show(ms: u64) -> String {
    let whole = |(_, unit): &&(&str, u64)| ms > 0 && ms.is_multiple_of(*unit);
    match UNITS.iter().find(whole) {
        Some((name, unit)) => format!("{} {name}", ms.checked_div(*unit).unwrap_or(0)),
        None => "0 s".to_owned(),
    }
}

/// In milliseconds.
pub(super) fn read(text: &str) -> Result<u64, ValueError> {
    let wrong = || {
        let expected = "a whole number of d, h, min, s or ms such as \"21 d\" or \"10 min\"";
        ValueError::expected(expected, text)
    };
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, name) = text.split_at(at);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let named = |(known, _): &&(&str, u64)| *known == name.trim_start();
    let (_, unit) = UNITS.iter().find(named).ok_or_else(wrong)?;
    number.checked_mul(*unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_its_longest_whole_unit_and_read_back() {
        for (ms, text) in [
            (0, "0 s"),
            (500, "500 ms"),
            (90_000, "90 s"),
            (600_000, "10 min"),
            (1_814_400_000, "21 d"),
        ] {
            assert_eq!(show(ms), text);
            assert_eq!(read(text).unwrap(), ms);
        }
        assert_eq!(read("2h").unwrap(), 7_200_000);
        for text in [
            "",
            "5",
            "d",
            "1.5 d",
            "-1 d",
            "5 weeks",
            "99999999999999999999 d",
            "213503982335 d",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
