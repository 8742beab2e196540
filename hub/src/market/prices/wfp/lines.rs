//! Lines out of bytes, in bounded memory.
//!
//! A line ends at LF, CRLF or a lone CR, and the last one may end with the file. Quotation marks mean nothing here:
//! no field of a price file holds a line end, so one forgotten quotation mark spoils one row and not the rest.

use std::io::{self, BufRead, BufReader, Read};

/// Bytes of a line that is taken; the longest of the real files has 167. A longer one is reported, not kept.
pub const LINE_MAX_BYTES: usize = 4096;

/// Bytes read from the file at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// The lines of a source, one at a time, numbered from 1.
pub(super) struct Lines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    too_long: bool,
    number: u64,
    after_cr: bool,
    bytes_read: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            line: Vec::with_capacity(LINE_MAX_BYTES),
            too_long: false,
            number: 0,
            after_cr: false,
            bytes_read: 0,
        }
    }

    /// Moves to the next line; false at the end of the source.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.too_long = false;
        let mut begun = false;
        loop {
            let buffer = match self.source.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(&first) = buffer.first() else {
                self.number += u64::from(begun);
                return Ok(begun);
            };
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                self.source.consume(1);
                self.bytes_read += 1;
                continue;
            }
            begun = true;
            let end = buffer.iter().position(|&byte| byte == b'\n' || byte == b'\r');
            let text = &buffer[..end.unwrap_or(buffer.len())];
            let kept = text.len().min(LINE_MAX_BYTES - self.line.len());
            self.line.extend_from_slice(&text[..kept]);
            self.too_long |= kept < text.len();
            let used = text.len() + usize::from(end.is_some());
            self.after_cr = end.is_some_and(|end| buffer[end] == b'\r');
            self.source.consume(used);
            self.bytes_read += used as u64;
            if end.is_some() {
                self.number += 1;
                return Ok(true);
            }
        }
    }

    /// The line without its end; only its beginning if it is too long.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Whether the line is longer than [`LINE_MAX_BYTES`].
    pub(super) fn too_long(&self) -> bool {
        self.too_long
    }

    /// The line's number; 0 before the first.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes taken from the source so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Drops bytes from the beginning of the line, such as a byte order mark.
    pub(super) fn drop_prefix(&mut self, prefix: &[u8]) {
        if self.line.starts_with(prefix) {
            self.line.drain(..prefix.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every line end falls on a border.
    struct OneByte<'a>(&'a [u8]);

    impl Read for OneByte<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(out.len()).min(1);
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(source: impl Read) -> Vec<(u64, String)> {
        let mut lines = Lines::new(source);
        let mut found = Vec::new();
        while lines.advance().unwrap() {
            found.push((lines.number(), String::from_utf8(lines.line().to_vec()).unwrap()));
        }
        found
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let text = b"one\ntwo\r\n\r\nfour\rfive\n\nseven";
        let expected = ["one", "two", "", "four", "five", "", "seven"];
        let expected: Vec<_> = (1..).zip(expected.map(String::from)).collect();
        assert_eq!(all(&text[..]), expected);
        assert_eq!(all(OneByte(text)), expected);
    }

    #[test]
    fn the_end_of_the_file_is_no_line() {
        assert!(all(&b""[..]).is_empty());
        for text in ["a\n", "a\r\n", "a\r", "a"] {
            assert_eq!(all(text.as_bytes()), [(1, "a".to_string())], "{text:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let long = vec![b'x'; 300_000];
        let mut lines = Lines::new(long.as_slice().chain(&b"\nnext\n"[..]));
        assert!(lines.advance().unwrap());
        assert!(lines.too_long());
        assert_eq!(lines.line().len(), LINE_MAX_BYTES);
        assert!(lines.advance().unwrap());
        assert!(!lines.too_long());
        assert_eq!((lines.number(), lines.line()), (2, &b"next"[..]));
        assert!(!lines.advance().unwrap());
        assert_eq!(lines.bytes_read(), 300_006);
    }

    #[test]
    fn exactly_the_bound_is_not_too_long() {
        let line = vec![b'x'; LINE_MAX_BYTES];
        let mut lines = Lines::new(line.as_slice());
        assert!(lines.advance().unwrap());
        assert!(!lines.too_long());
    }
}
