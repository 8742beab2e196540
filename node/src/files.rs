//! Files that are part of a program: pages, scripts, pictures. The build packs them (`node/packing`), so that none is packed while the
//! program runs. A browser keeps what it has under a name that holds the hash of all files for ever, and asks whether the rest has
//! changed.

use crate::encoding::Encoding;
use crate::etag;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;
use std::io::{self, Read as _};

/// What the build says of a folder that it has packed.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// A hash of all its files.
    pub hash: &'static str,
    /// The files.
    pub files: &'static [Listed],
}

/// What the build says of a file.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its name, without a folder.
    pub name: &'static str,
    /// What it is, as `Content-Type` says it.
    pub content_type: &'static str,
    /// A hash of it as it is, unpacked.
    pub tag: &'static str,
}

/// A file as the build has left it.
#[derive(Debug)]
pub struct File {
    /// What it is.
    pub listed: Listed,
    /// What is kept of it.
    pub form: Form,
}

/// What is kept of a file.
#[derive(Debug)]
pub enum Form {
    /// It as it is: packing would not make it smaller.
    Plain(Bytes),
    /// It packed in two ways, and nothing else.
    Packed {
        /// In the way that is smallest, which browsers take over TLS and from their own machine.
        brotli: Bytes,
        /// In the way that everything takes.
        gzip: Bytes,
    },
}

/// How long a browser may keep a file without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It asks each time, and is told in a few bytes that nothing has changed.
    Asking,
    /// For ever: the name would be another one if the file were.
    ForEver,
}

impl File {
    /// The answer to a GET or a HEAD of it.
    pub fn answer(&self, headers: &HeaderMap, kept: Kept) -> Response {
        let (encoding, bytes) = match &self.form {
            Form::Plain(_) => (None, None),
            Form::Packed { brotli, gzip } => {
                match Encoding::wanted_of(headers, &[Encoding::Brotli, Encoding::Gzip]) {
                    Some(Encoding::Brotli) => (Some(Encoding::Brotli), Some(brotli)),
                    Some(_) => (Some(Encoding::Gzip), Some(gzip)),
                    None => (None, None),
                }
            }
        };
        let tag = etag::header_value(&format!("\"{}\"", self.listed.tag));
        let tag = encoding.map_or_else(|| tag.clone(), |encoding| encoding.tag(&tag));
        let cache = match kept {
            Kept::Asking => "no-cache",
            Kept::ForEver => "public, max-age=31536000, immutable",
        };
        let fixed = [
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::VARY, HeaderValue::from_static("Accept-Encoding")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::ETAG, tag.clone()),
        ];
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| etag::lists(known, &tag)) {
            return (StatusCode::NOT_MODIFIED, fixed).into_response();
        }
        let named = [(header::CONTENT_TYPE, HeaderValue::from_static(self.listed.content_type))];
        match (encoding, bytes) {
            (Some(encoding), Some(bytes)) => {
                let encoded = [(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()))];
                (fixed, named, encoded, bytes.clone()).into_response()
            }
            _ => match self.plain() {
                Ok(bytes) => (fixed, named, bytes).into_response(),
                Err(error) => Problem::internal(error).into_response(),
            },
        }
    }

    /// The file as it is. What is kept packed alone is unpacked each time: hardly anybody asks for that.
    ///
    /// # Errors
    /// None that a caller could act on.
    pub fn plain(&self) -> io::Result<Bytes> {
        match &self.form {
            Form::Plain(bytes) => Ok(bytes.clone()),
            Form::Packed { gzip, .. } => {
                let mut content = Vec::new();
                flate2::read::GzDecoder::new(&**gzip).read_to_end(&mut content)?;
                Ok(content.into())
            }
        }
    }
}

/// The files of a page, and a hash of them all, which stands in the names by which they name each other.
#[derive(Debug)]
pub struct Folder {
    /// The hash.
    pub hash: &'static str,
    /// The files.
    pub files: Vec<File>,
}

impl Folder {
    /// From what is embedded, by the names under which the build has kept it.
    pub fn embedded(listing: Listing, get: impl Fn(&str) -> Option<Cow<'static, [u8]>>) -> Self {
        let bytes = |name: &str| {
            Some(match get(name)? {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            })
        };
        let form = |name: &str| {
            let packed = |ending| bytes(&format!("{name}{ending}"));
            match packed(".br").zip(packed(".gz")) {
                Some((brotli, gzip)) => Some(Form::Packed { brotli, gzip }),
                None => bytes(name).map(Form::Plain),
            }
        };
        // The build has kept all that it lists: a test of each node's pages holds it to that.
        let file = |listed: &Listed| Some(File { listed: *listed, form: form(listed.name)? });
        Self { hash: listing.hash, files: listing.files.iter().filter_map(file).collect() }
    }

    /// A file by its name.
    pub fn get(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.listed.name == name)
    }

    /// A file by its name behind a hash; another hash is that of another version of the program.
    pub fn get_hashed(&self, hash: &str, name: &str) -> Option<&File> {
        (hash == self.hash).then(|| self.get(name)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    fn accepting(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding))])
    }

    fn file() -> File {
        let words = "words ".repeat(1_000);
        let packed = |encoding: Encoding| encoding.pack(words.as_bytes()).unwrap().into();
        let form = Form::Packed { brotli: packed(Encoding::Brotli), gzip: packed(Encoding::Gzip) };
        File { listed: Listed { name: "words.txt", content_type: "text/plain", tag: "abc" }, form }
    }

    #[tokio::test]
    async fn a_file_is_sent_packed_and_not_again_where_it_is_there() {
        let file = file();
        let mut tags = Vec::new();
        for encoding in ["identity", "br", "gzip"] {
            let mut headers = accepting(encoding);
            let answer = file.answer(&headers, Kept::ForEver);
            assert_eq!(answer.headers()[header::VARY], "Accept-Encoding");
            assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"));
            let named = answer.headers().get(header::CONTENT_ENCODING).cloned();
            assert_eq!(named.as_ref().map_or("identity", |name| name.to_str().unwrap()), encoding);
            let tag = answer.headers()[header::ETAG].clone();
            assert!(!tags.contains(&tag), "{tag:?}");
            let bytes = to_bytes(answer.into_body(), 10_000).await.unwrap().len();
            assert!(if encoding == "identity" { bytes == 6_000 } else { bytes < 300 }, "{bytes}");
            for other in &tags {
                headers.insert(header::IF_NONE_MATCH, HeaderValue::clone(other));
                let answer = file.answer(&headers, Kept::Asking);
                assert_eq!(answer.status(), StatusCode::OK, "another representation");
            }
            headers.insert(header::IF_NONE_MATCH, tag.clone());
            let again = file.answer(&headers, Kept::Asking);
            assert_eq!((again.status(), &again.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
            assert_eq!(again.headers()[header::CACHE_CONTROL], "no-cache");
            assert!(!again.headers().contains_key(header::CONTENT_TYPE));
            tags.push(tag);
        }
        // It is not kept in this way, which everybody who takes it takes beside another.
        let plain = file.answer(&accepting("zstd"), Kept::Asking);
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        let gzip = file.answer(&accepting("zstd, gzip"), Kept::Asking);
        assert_eq!(gzip.headers()[header::CONTENT_ENCODING], "gzip");
    }

    #[tokio::test]
    async fn a_picture_is_sent_as_it_is() {
        let listed = Listed { name: "p.png", content_type: "image/png", tag: "abc" };
        let file = File { listed, form: Form::Plain(Bytes::from_static(b"PNG")) };
        let answer = file.answer(&accepting("br, gzip"), Kept::ForEver);
        assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(answer.headers()[header::ETAG], "\"abc\"");
        assert_eq!(to_bytes(answer.into_body(), 10).await.unwrap(), "PNG");
    }
}
