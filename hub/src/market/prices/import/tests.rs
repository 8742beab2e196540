//! The importer on real Postgres: the two real files with their exact counts, and small files for each rule.

mod real_files;
mod rules;
mod support;
