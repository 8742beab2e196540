//! Takes files out of a zip archive that is part of a build dependency. It reads what such an archive has and no more: no encryption, no
//! parts, no sizes beyond 4 GiB.

use std::io::{self, Read as _};

/// The first bytes of an entry of the directory, which stands behind the files.
const IN_DIRECTORY: &[u8] = b"PK\x01\x02";
/// The first bytes of the end of the directory.
const END: &[u8] = b"PK\x05\x06";

/// The content of the file whose path ends so.
///
/// # Errors
/// When there is none, or the archive cannot be read.
pub fn file(archive: &[u8], ending: &str) -> io::Result<Vec<u8>> {
    let end =
        archive.windows(END.len()).rposition(|bytes| bytes == END).ok_or_else(|| bad("it has no end"))?;
    let mut at = number(archive, end + 16, 4)?;
    while archive.get(at..).is_some_and(|rest| rest.starts_with(IN_DIRECTORY)) {
        let [name, extra, comment] = [28, 30, 32].map(|place| number(archive, at + place, 2));
        let (name, extra, comment) = (name?, extra?, comment?);
        if part(archive, at + 46, name)?.ends_with(ending.as_bytes()) {
            return entry(archive, at);
        }
        at += 46 + name + extra + comment;
    }
    Err(bad(&format!("it has no {ending}")))
}

/// The content of the file that an entry of the directory names.
fn entry(archive: &[u8], at: usize) -> io::Result<Vec<u8>> {
    let (method, packed, size) =
        (number(archive, at + 10, 2)?, number(archive, at + 20, 4)?, number(archive, at + 24, 4)?);
    let head = number(archive, at + 42, 4)?;
    let begin = head + 30 + number(archive, head + 26, 2)? + number(archive, head + 28, 2)?;
    let bytes = part(archive, begin, packed)?;
    let mut content = Vec::with_capacity(size);
    match method {
        0 => content.extend_from_slice(bytes),
        8 => drop(flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut content)?),
        other => return Err(bad(&format!("it is packed in way {other}"))),
    }
    if content.len() == size { Ok(content) } else { Err(bad("a file is shorter than it says")) }
}

/// A number of the archive, the lowest byte first.
fn number(archive: &[u8], at: usize, bytes: usize) -> io::Result<usize> {
    Ok(part(archive, at, bytes)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn part(archive: &[u8], at: usize, bytes: usize) -> io::Result<&[u8]> {
    archive.get(at..at.saturating_add(bytes)).ok_or_else(|| bad("it ends too early"))
}

fn bad(why: &str) -> io::Error {
    io::Error::other(format!("the archive cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `zip -0` and `zip -9` write them: `dir/plain.txt` as it is, `dir/packed.txt` packed.
    fn archive() -> Vec<u8> {
        let mut packed = Vec::new();
        flate2::read::DeflateEncoder::new("words ".repeat(100).as_bytes(), flate2::Compression::best())
            .read_to_end(&mut packed)
            .unwrap();
        let files = [("dir/plain.txt", 0u16, b"few".to_vec(), 3u32), ("dir/packed.txt", 8, packed, 600)];
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, method, content, size) in &files {
            let head = u32::try_from(bytes.len()).unwrap();
            let length = u32::try_from(content.len()).unwrap();
            let name_length = u16::try_from(name.len()).unwrap();
            let common = [
                &[20, 0, 0, 0][..],
                &method.to_le_bytes(),
                &[0; 8],
                &length.to_le_bytes(),
                &size.to_le_bytes(),
                &name_length.to_le_bytes(),
                &[0; 2],
            ]
            .concat();
            bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), content].concat());
            let entry =
                [IN_DIRECTORY, &[20, 0], &common, &[0; 10], &head.to_le_bytes(), name.as_bytes()].concat();
            directory.extend(entry);
        }
        let begin = u32::try_from(bytes.len()).unwrap();
        let length = u32::try_from(directory.len()).unwrap();
        bytes.extend(directory);
        bytes.extend(
            [END, &[0, 0, 0, 0, 2, 0, 2, 0], &length.to_le_bytes(), &begin.to_le_bytes(), &[0, 0]].concat(),
        );
        bytes
    }

    #[test]
    fn a_file_comes_out_as_it_went_in() {
        let archive = archive();
        assert_eq!(file(&archive, "/plain.txt").unwrap(), b"few");
        assert_eq!(file(&archive, "/packed.txt").unwrap(), "words ".repeat(100).as_bytes());
        assert!(file(&archive, "/other.txt").unwrap_err().to_string().ends_with("it has no /other.txt"));
        for short in [0, 10, archive.len() / 2, archive.len() - 5] {
            assert!(file(&archive[..short], "/packed.txt").is_err(), "{short}");
        }
    }
}
