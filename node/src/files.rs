//! Files that are part of a program: pages, scripts, pictures. Each is packed once, in the ways that callers ask for, and kept so; a
//! browser keeps what it has under a name that holds the hash of all files for ever, and asks whether the rest has changed.

use crate::encoding::{Effort, Encoding, LEAST_BYTES};
use crate::etag;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A file.
#[derive(Debug)]
pub struct File {
    content: Bytes,
    content_type: HeaderValue,
    tag: HeaderValue,
    packed: [OnceLock<Bytes>; Encoding::ALL.len()],
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
    /// A file of such a type.
    pub fn new(content: impl Into<Bytes>, content_type: &'static str) -> Self {
        let content = content.into();
        let tag = etag::of(&content);
        Self {
            content,
            content_type: HeaderValue::from_static(content_type),
            tag,
            packed: Default::default(),
        }
    }

    /// The answer to a GET or a HEAD of it.
    pub async fn answer(self: Arc<Self>, headers: &HeaderMap, kept: Kept) -> Response {
        let is_text = !self.content_type.as_bytes().starts_with(b"image/png");
        let encoding = Encoding::wanted(headers).filter(|_| is_text && self.content.len() >= LEAST_BYTES);
        let tag = encoding.map_or_else(|| self.tag.clone(), |encoding| encoding.tag(&self.tag));
        let cache = match kept {
            Kept::Asking => "no-cache",
            Kept::ForEver => "public, max-age=31536000, immutable",
        };
        let fixed = [
            (header::CONTENT_TYPE, self.content_type.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::VARY, HeaderValue::from_static("Accept-Encoding")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::ETAG, tag.clone()),
        ];
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| etag::lists(known, &tag)) {
            let (status, mut response) = (StatusCode::NOT_MODIFIED, fixed.into_response());
            response.headers_mut().remove(header::CONTENT_TYPE);
            *response.status_mut() = status;
            return response;
        }
        let Some(encoding) = encoding else { return (fixed, self.content.clone()).into_response() };
        let packing = tokio::task::spawn_blocking(move || self.packed(encoding));
        match packing.await {
            Ok(packed) => {
                let named = [(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()))];
                (fixed, named, Body::from(packed)).into_response()
            }
            Err(error) => crate::problem::Problem::internal(error).into_response(),
        }
    }

    fn packed(&self, encoding: Encoding) -> Bytes {
        let place = Encoding::ALL.iter().position(|one| *one == encoding).unwrap_or_default();
        let pack =
            || encoding.pack(&self.content, Effort::Thorough).map_or_else(|_| Bytes::new(), Bytes::from);
        self.packed[place].get_or_init(pack).clone()
    }
}

/// The files of a page by their names, and a hash of them all.
#[derive(Debug)]
pub struct Folder {
    files: BTreeMap<String, Arc<File>>,
    hash: String,
}

impl Folder {
    /// The files, in which each `stem` is followed by the folder's hash: so a page names its scripts, and they each other, under
    /// names that a browser may keep for ever.
    pub fn new(stem: &str, files: impl IntoIterator<Item = (String, Vec<u8>, &'static str)>) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        let mut hasher = blake3::Hasher::new();
        for (name, content, _) in &files {
            hasher.update(name.as_bytes()).update(&[0]).update(blake3::hash(content).as_bytes());
        }
        let hash = hasher.finalize().to_hex()[..16].to_owned();
        let hashed = format!("{stem}{hash}/");
        let named = |(name, content, content_type): (String, Vec<u8>, &'static str)| {
            let content = match String::from_utf8(content) {
                Ok(text) => text.replace(stem, &hashed).into_bytes(),
                Err(bytes) => bytes.into_bytes(),
            };
            (name, Arc::new(File::new(content, content_type)))
        };
        Self { files: files.into_iter().map(named).collect(), hash }
    }

    /// A file by its name.
    pub fn get(&self, name: &str) -> Option<Arc<File>> {
        self.files.get(name).cloned()
    }

    /// A file by its name behind a hash; another hash is that of another version of the program.
    pub fn get_hashed(&self, hash: &str, name: &str) -> Option<Arc<File>> {
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

    #[tokio::test]
    async fn a_file_is_sent_packed_and_not_again_where_it_is_there() {
        let file = Arc::new(File::new("words ".repeat(1_000), "text/plain"));
        let plain = file.clone().answer(&HeaderMap::new(), Kept::Asking).await;
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "no-cache");
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        let mut tags = vec![plain.headers()[header::ETAG].clone()];
        assert_eq!(to_bytes(plain.into_body(), 10_000).await.unwrap().len(), 6_000);
        for encoding in Encoding::ALL {
            let mut headers = accepting(encoding.name());
            let packed = file.clone().answer(&headers, Kept::ForEver).await;
            assert_eq!(packed.headers()[header::CONTENT_ENCODING], encoding.name());
            assert_eq!(packed.headers()[header::VARY], "Accept-Encoding");
            assert!(packed.headers()[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"));
            let tag = packed.headers()[header::ETAG].clone();
            assert!(!tags.contains(&tag), "{tag:?}");
            assert!(to_bytes(packed.into_body(), 10_000).await.unwrap().len() < 300);
            headers.insert(header::IF_NONE_MATCH, tags[0].clone());
            let other = file.clone().answer(&headers, Kept::Asking).await;
            assert_eq!(other.status(), StatusCode::OK, "another representation");
            headers.insert(header::IF_NONE_MATCH, tag.clone());
            let again = file.clone().answer(&headers, Kept::Asking).await;
            assert_eq!((again.status(), &again.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
            tags.push(tag);
        }
    }

    #[test]
    fn files_name_each_other_with_the_hash_of_all() {
        let folder = |script: &str| {
            let page = b"<script src=\"/assets/a.js\">".to_vec();
            let files = [("p.html", page), ("a.js", script.as_bytes().to_vec())];
            Folder::new("/assets/", files.map(|(name, content)| (name.to_owned(), content, "text/plain")))
        };
        let (one, two) = (folder("let a"), folder("let b"));
        assert_ne!(one.hash, two.hash);
        let page = one.get("p.html").unwrap();
        assert_eq!(page.content, format!("<script src=\"/assets/{}/a.js\">", one.hash));
        assert!(one.get_hashed(&one.hash, "a.js").is_some());
        assert!(one.get_hashed(&two.hash, "a.js").is_none() && one.get("b.js").is_none());
    }
}
