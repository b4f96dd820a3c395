//! Tables in Markdown that are readable without a Markdown viewer too.

/// A table: names to the left, numbers to the right.
pub(crate) fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let longest = rows
                .iter()
                .map(|row| cell(row, at).chars().count())
                .max()
                .unwrap_or(0);
            longest.max(name.chars().count()).max(3)
        })
        .collect();
    let line = |row: &[String]| {
        let cells = widths.iter().enumerate().map(|(at, width)| match at {
            0 => format!("{:<width$}", cell(row, at)),
            _ => format!("{:>width$}", cell(row, at)),
        });
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(at, width)| match at {
        0 => "-".repeat(*width),
        _ => format!("{}:", "-".repeat(width.saturating_sub(1))),
    });
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let mut lines = vec![
        line(&head),
        format!("| {} |", rule.collect::<Vec<_>>().join(" | ")),
    ];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// `64300` as `64,300`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much more (+) or less (−) than `theirs` ours is, in tenths of a percent.
pub(crate) fn difference(ours: u64, theirs: u64) -> String {
    let (sign, gap) = if ours < theirs {
        ('−', theirs - ours)
    } else {
        ('+', ours - theirs)
    };
    let Some(tenths) = gap.saturating_mul(1_000).checked_div(theirs) else {
        return String::new();
    };
    format!("{sign}{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(
            [0, 999, 1_000, 64_300, 1_234_567].map(grouped),
            ["0", "999", "1,000", "64,300", "1,234,567"]
        );
    }

    #[test]
    fn a_difference_has_a_sign_and_one_decimal() {
        assert_eq!(difference(64_000, 80_000), "−20.0%");
        assert_eq!(difference(155, 148), "+4.7%");
        assert_eq!(difference(1, 0), "");
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [vec!["a".to_owned(), "1,000".to_owned()]];
        assert_eq!(
            markdown(&["peer", "gas"], &rows),
            "| peer |   gas |\n| ---- | ----: |\n| a    | 1,000 |"
        );
    }
}
