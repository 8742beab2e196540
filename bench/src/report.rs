//! Figures and how they are printed: median, spread, aim, and whether it is met. Nothing here decides what is measured.

use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
}

/// One figure of several runs.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// Its unit, such as `rows/s`.
    pub(crate) unit: &'static str,
    /// One value a run.
    pub(crate) values: Vec<f64>,
    /// What it should be; none for a figure that only helps to read the others.
    pub(crate) aim: Option<Aim>,
    /// What it is compared with, in words.
    pub(crate) against: String,
}

impl Figure {
    /// A figure without an aim.
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self { name: name.into(), unit, values, aim: None, against: String::new() }
    }

    /// With an aim.
    pub(crate) fn aim(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }

    /// With what it is compared with.
    pub(crate) fn against(mut self, words: impl Into<String>) -> Self {
        self.against = words.into();
        self
    }

    /// The middle of its values.
    pub(crate) fn median(&self) -> f64 {
        median(&self.values)
    }

    fn is_met(&self) -> Option<bool> {
        let median = self.median();
        Some(match self.aim? {
            Aim::AtLeast(least) => median >= least,
            Aim::AtMost(most) => median <= most,
        })
    }
}

/// The middle of some values; not a number where there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get(sorted.len() / 2), sorted.len() % 2) {
        (None, _) => f64::NAN,
        (Some(middle), 1) => *middle,
        (Some(upper), _) => (sorted[sorted.len() / 2 - 1] + upper) / 2.0,
    }
}

/// A number as people read it: no more digits than mean something.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, part) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let mut out = String::new();
    let digits = whole.trim_start_matches('-');
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    part.map_or(format!("{sign}{out}"), |part| format!("{sign}{out}.{part}"))
}

fn cells(figure: &Figure) -> [String; 5] {
    let (least, most) = figure.values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    let mut measured = format!("{} {}", number(figure.median()), figure.unit);
    if figure.values.len() > 1 && least < most {
        let _ = write!(measured, " ({} to {})", number(least), number(most));
    }
    let aim = match figure.aim {
        None => String::new(),
        Some(Aim::AtLeast(least)) => format!("at least {}", number(least)),
        Some(Aim::AtMost(most)) => format!("at most {}", number(most)),
    };
    let met = figure.is_met().map_or("", |met| if met { "met" } else { "NOT MET" });
    [figure.name.clone(), measured, aim, met.to_owned(), figure.against.clone()]
}

/// One table, readable as it is and as Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["figure", "measured: median (range)", "aim", "", "against"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(figures.iter().map(cells)).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(out, "| {cell:width$} ");
        }
        out.push_str("|\n");
        if at == 0 {
            for width in widths {
                let _ = write!(out, "|{}", "-".repeat(width + 2));
            }
            out.push_str("|\n");
        }
    }
    out
}

/// One object a line.
pub(crate) fn json_lines(figures: &[Figure]) -> Result<String> {
    let mut out = String::new();
    for figure in figures {
        let aim = match figure.aim {
            None => Value::Null,
            Some(Aim::AtLeast(least)) => json!({ "at_least": least }),
            Some(Aim::AtMost(most)) => json!({ "at_most": most }),
        };
        let line = json!({
            "figure": figure.name, "unit": figure.unit, "median": figure.median(), "values": figure.values,
            "aim": aim, "met": figure.is_met(), "against": figure.against,
        });
        out.push_str(&serde_json::to_string(&line)?);
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_what_is_judged() {
        let figure = |values: &[f64]| Figure::new("x", "rows/s", values.to_vec()).aim(Aim::AtLeast(10.0));
        assert_eq!(figure(&[1.0, 30.0, 12.0]).is_met(), Some(true));
        assert_eq!(figure(&[1.0, 30.0, 12.0, 2.0]).median(), 7.0);
        assert_eq!(figure(&[1.0, 2.0, 100.0]).is_met(), Some(false));
        assert_eq!(Figure::new("x", "", vec![1.0]).is_met(), None);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_table_has_one_line_a_figure_and_numbers_that_can_be_read() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(2.135), "2.13");
        assert_eq!(number(-0.5), "-0.500");
        let figures = [
            Figure::new("a", "bytes", vec![2_135.0, 2_200.0, 2_100.0])
                .aim(Aim::AtMost(6.0))
                .against("a limit"),
            Figure::new("b", "ms", vec![0.25]),
        ];
        let text = table(&figures);
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("2,135 bytes (2,100 to 2,200)") && text.contains("NOT MET"), "{text}");
        let widths: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|w| *w == widths[0]), "{text}");
        let lines = json_lines(&figures).unwrap();
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((first["median"].as_f64(), first["met"].as_bool()), (Some(2_135.0), Some(false)));
    }
}
