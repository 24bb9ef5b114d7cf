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
                self.waiting.push(row.table_cells());
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
                let cell = cell.replace(disturbs, "\u{fffd}");
                line.push_str(&format!("{cell:width$}  "));
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Whether a character would make a terminal do something else than show it: control characters,
/// line separators, and those that turn the reading direction of what follows.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line of CSV: quoted where a comma, quote or line break asks for it (RFC 4180 §2).
fn csv_line<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if cell.contains([',', '"', '\r', '\n']) || cell != cell.trim() {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
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
