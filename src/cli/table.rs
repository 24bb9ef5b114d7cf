//! Rows as a table, CSV (RFC 4180) or JSON.

use std::io::{self, Write};

use serde::Serialize;

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// For spreadsheets and label printers.
    Csv,
    /// For programs: an array of the API's own objects.
    Json,
}

/// Rows that decide how wide a table's columns are; later ones follow suit, so that a long list
/// prints as it comes.
const MEASURED: usize = 200;
/// Characters of the widest cell in a table: more than any text that a command stores. `format!`
/// panics at a width of 65,536.
const WIDEST: usize = 512;

/// Something with columns.
pub(super) trait Row: Serialize {
    /// Their names.
    const COLUMNS: &'static [&'static str];
    /// Their names in a table, which has little room.
    const TABLE: &'static [&'static str] = Self::COLUMNS;
    /// Their texts, in the same order.
    fn cells(&self) -> Vec<String>;
    /// Their texts in a table, for people.
    fn table_cells(&self) -> Vec<String> {
        self.cells()
    }
}

/// Prints rows as they come.
pub(super) struct Printer<W: Write> {
    out: W,
    format: Format,
    columns: &'static [&'static str],
    rows: usize,
    /// Rows of a table that wait until the widths are known, the header first.
    waiting: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl<W: Write> Printer<W> {
    /// For rows of the kind `R`.
    pub(super) fn new<R: Row>(out: W, format: Format) -> Self {
        let columns = if format == Format::Table { R::TABLE } else { R::COLUMNS };
        Self { out, format, columns, rows: 0, waiting: Vec::new(), widths: Vec::new() }
    }

    pub(super) fn has_rows(&self) -> bool {
        self.rows > 0
    }

    pub(super) fn row<R: Row>(&mut self, row: &R) -> io::Result<()> {
        self.rows += 1;
        match self.format {
            Format::Json => {
                self.out.write_all(if self.rows == 1 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, row)?;
            }
            Format::Csv => {
                if self.rows == 1 {
                    csv_line(&mut self.out, self.columns.iter().copied())?;
                }
                csv_line(&mut self.out, row.cells().iter().map(String::as_str))?;
            }
            Format::Table => {
                if self.rows == 1 {
                    self.waiting.push(self.columns.iter().map(|name| (*name).to_owned()).collect());
                }
                self.waiting.push(row.table_cells().iter().map(|cell| shown(cell)).collect());
                if self.rows >= MEASURED {
                    self.table_lines()?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        match self.format {
            Format::Json if self.rows == 0 => self.out.write_all(b"[]\n")?,
            Format::Json => self.out.write_all(b"\n]\n")?,
            Format::Csv if self.rows == 0 => csv_line(&mut self.out, self.columns.iter().copied())?,
            Format::Csv => {}
            Format::Table if self.rows == 0 => self.out.write_all(b"(none)\n")?,
            Format::Table => self.table_lines()?,
        }
        self.out.flush()
    }

    fn table_lines(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        if self.widths.is_empty() {
            let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
            let width = |column: usize| {
                rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
            };
            self.widths = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        }
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&self.widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell as a terminal may show it.
fn shown(cell: &str) -> String {
    let safe = |c| if disturbs(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut characters = cell.chars().map(safe);
    let mut shown: String = characters.by_ref().take(WIDEST).collect();
    if characters.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Whether a character would make a terminal do something else than show it: control characters,
/// line separators, and those that turn the reading direction of what follows.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line of CSV: quoted where a comma, quote or line break asks for it (RFC 4180 §2), and where a
/// spreadsheet may be set to another separator.
fn csv_line<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        let mark = if is_formula(cell) { "'" } else { "" };
        if cell.contains([',', ';', '\t', '"', '\r', '\n']) || cell != cell.trim() {
            write!(out, "\"{mark}{}\"", cell.replace('"', "\"\""))?;
        } else {
            write!(out, "{mark}{cell}")?;
        }
    }
    out.write_all(b"\r\n")
}

/// What a spreadsheet takes a cell for a formula by (OWASP, "CSV Injection"), with the full-width
/// forms that some languages' versions read alike.
const FORMULA_STARTS: [char; 8] =
    ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Whether a spreadsheet might calculate a cell. A plain number is none, nor is an operator of a
/// row. Quotes in front do not count, so that taking one off again gives the text back.
fn is_formula(cell: &str) -> bool {
    let text = cell.trim_start_matches('\'');
    let start = text.trim_start();
    let is_number = start.strip_prefix(['+', '-']).is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    });
    let is_operator = !start.is_empty() && start.chars().all(|c| "=+-<>!~:*".contains(c));
    let starts = start.starts_with(FORMULA_STARTS) && !is_number && !is_operator;
    starts || text.starts_with(['\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::CreatedRow;

    fn row(fullname: &str) -> CreatedRow {
        CreatedRow {
            id: 7,
            username: "room12".into(),
            passcode: "pass".into(),
            fullname: fullname.into(),
            valid_for: "1 day".into(),
            valid_from: "2025-01-17 10:00:00".into(),
            download_limit: "0".into(),
            upload_limit: "0".into(),
        }
    }

    fn printed(format: Format, rows: &[CreatedRow]) -> String {
        let mut bytes = Vec::new();
        let mut printer = Printer::new::<CreatedRow>(&mut bytes, format);
        for row in rows {
            printer.row(row).unwrap();
        }
        printer.finish().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn csv_quotes_what_would_break_a_line() {
        let text = printed(Format::Csv, &[row("Doe, \"Jo\"")]);
        assert_eq!(
            text,
            "id,username,passcode,fullname,valid_for,valid_from,download_limit,upload_limit\r\n\
             7,room12,pass,\"Doe, \"\"Jo\"\"\",1 day,2025-01-17 10:00:00,0,0\r\n"
        );
    }

    #[test]
    fn no_text_is_a_formula_in_a_spreadsheet_and_each_can_be_read_back() {
        let texts = [
            "=HYPERLINK(1)",
            "+1+1",
            "-1-1",
            "@SUM(1)",
            "\t=1",
            "\rx",
            " =1+1",
            "'=1",
            "''@a",
            "-",
            "-5",
            "+49.30",
            "-5x",
            "==",
            ":=",
            "'",
            "'a",
            "a;=1",
            "\u{ff1d}1",
            "-1.5+cmd|' /C calc'!A0",
        ];
        let guarded = [
            true, true, true, true, true, true, true, true, true, false, false, false, true, false,
            false, false, false, false, true, true,
        ];
        for (text, guarded) in texts.into_iter().zip(guarded) {
            let csv = printed(Format::Csv, &[row(text)]);
            let (_, line) = csv.split_once("\r\n").unwrap();
            let cell = line.strip_prefix("7,room12,pass,").unwrap();
            let cell = cell.strip_suffix(",1 day,2025-01-17 10:00:00,0,0\r\n").unwrap();
            let cell = match cell.strip_prefix('"') {
                Some(quoted) => quoted.strip_suffix('"').unwrap().replace("\"\"", "\""),
                None => cell.to_owned(),
            };
            assert_eq!(cell.len() > text.len(), guarded, "{text:?}: {cell:?}");
            // As docs/command-line.md says: a quote before a formula is taken off.
            let back = cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(&cell);
            assert_eq!(back, text);
        }
    }

    #[test]
    fn a_cell_of_any_length_fits_in_a_table() {
        let long = "x".repeat(70_000);
        let text = printed(Format::Table, &[row(&long), row("Jo")]);
        assert!(text.contains(&format!("{}…  1 day", "x".repeat(WIDEST - 1))));
        assert!(text.lines().all(|line| line.chars().count() < 2 * WIDEST));
        assert!(printed(Format::Csv, &[row(&long)]).contains(&long));
        let late: Vec<_> = (0..500).map(|n| row(if n == 400 { &long } else { "Jo" })).collect();
        assert_eq!(printed(Format::Table, &late).lines().count(), 501);
    }

    #[test]
    fn json_is_one_array_whatever_the_number_of_rows() {
        for count in [0, 1, 2, 500] {
            let rows = vec![row("Jo"); count];
            let parsed: Vec<CreatedRow> =
                serde_json::from_str(&printed(Format::Json, &rows)).unwrap();
            assert!(parsed == rows, "{count} rows");
        }
    }

    #[test]
    fn table_columns_line_up_and_long_lists_keep_every_row() {
        let text = printed(Format::Table, &vec![row("Zoë"); 500]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 501);
        let column = |line: &str, word: &str| line.split(word).next().unwrap().chars().count();
        assert_eq!(column(lines[0], "valid_for "), column(lines[1], "1 day"));
        assert_eq!(printed(Format::Table, &[]), "(none)\n");
        assert!(printed(Format::Csv, &[]).starts_with("id,username,"));
    }
}
