//! Office passwords: asked for on a terminal or made. `mizili-edge password` sets a new one.
//!
//! A password is shown once, when it was made here, and is in no log, no file and no database after that.

use super::{Out, Place};
use crate::db::Db;
use crate::staff::forget_sessions_of;
use crate::staff::password::{FIRST_USER, hashed, store};
use anyhow::{Context as _, bail};
use mizili_node::deps::Deps;
use mizili_node::prompt;
use mizili_node::weak_password::usable;
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _};

/// Groups of five letters in a password that is made here; each holds 16 bits.
const MADE_GROUPS: usize = 4;

const _: () = assert!(MADE_GROUPS * 16 >= 60);

/// Arguments of `password`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge password                       asks for the new password twice\n  \
    echo 'my new password' | mizili-edge password --stdin\n  \
    mizili-edge password --make --json         makes one and prints it")]
pub struct PasswordArgs {
    /// Make a password and print it instead of asking for one
    #[arg(long, conflicts_with = "stdin")]
    make: bool,
    /// Read the password from standard input, one line
    #[arg(long)]
    stdin: bool,
}

/// Sets a new office password and ends every session opened with the old one.
pub(super) async fn run(args: PasswordArgs, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    let db = place.open_enrolled().await?;
    let (chosen, made) = match (args.make, args.stdin) {
        (true, _) => made_pair(&place.deps),
        (_, true) => (from_stdin()?, None),
        _ if std::io::stdin().is_terminal() => (asked_twice("New office password").await?, None),
        _ => bail!(
            "there is no terminal to ask on. Give --stdin to read the password, or --make to have one made"
        ),
    };
    set(&db, &place.deps, &chosen).await?;
    out.say(
        &json!({ "user": FIRST_USER, "office_password": made }),
        &match &made {
            Some(made) => format!("The office password is now: {made}\nSign in with the name '{FIRST_USER}'. It is shown only this once."),
            None => format!("The office password is changed. Sign in with the name '{FIRST_USER}'."),
        },
    )
}

async fn set(db: &Db, deps: &Deps, password: &str) -> anyhow::Result<()> {
    let hash = hashed(password, deps).await?;
    let now_s = deps.clock.now_s();
    db.write(move |tx| {
        store(tx, FIRST_USER, &hash, now_s)?;
        forget_sessions_of(tx, FIRST_USER)
    })
    .await?;
    Ok(())
}

/// The first office password at enrolment: asked for on a terminal, unless the output is for a program; else made. With it
/// comes what is to be shown, if it was made.
pub(super) async fn first(place: &Place, json: bool) -> anyhow::Result<(String, Option<String>)> {
    if !json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok((asked_twice("Choose the office password").await?, None));
    }
    Ok(made_pair(&place.deps))
}

fn made_pair(deps: &Deps) -> (String, Option<String>) {
    let password = made(deps);
    (password.clone(), Some(password))
}

/// A password that can be read aloud and typed on any keyboard: groups of consonants and vowels, 64 bits in all.
pub fn made(deps: &Deps) -> String {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 4] = b"aiou";
    let random: [u8; MADE_GROUPS * 2] = deps.ids.random();
    let (groups, _) = random.as_chunks::<2>();
    let group = |bytes: &[u8; 2]| -> String {
        let bits = u16::from_be_bytes(*bytes);
        let consonant = |shift: u32| char::from(CONSONANTS[usize::from(bits >> shift & 15)]);
        let vowel = |shift: u32| char::from(VOWELS[usize::from(bits >> shift & 3)]);
        [consonant(12), vowel(10), consonant(6), vowel(4), consonant(0)].iter().collect()
    };
    groups.iter().map(group).collect::<Vec<_>>().join("-")
}

async fn asked_twice(question: &str) -> anyhow::Result<String> {
    Ok(prompt::new_password(question, super::tell).await?)
}

fn from_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    usable(&password).map_err(anyhow::Error::msg)?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DbError;
    use crate::testing::TestEdge;
    use mizili_node::password::Passwords;

    #[test]
    fn a_made_password_can_be_read_aloud_and_is_never_twice_the_same() {
        let deps = Deps::fixed(5);
        let (one, two) = (made(&deps), made(&deps));
        assert_ne!(one, two);
        assert_eq!(one.len(), MADE_GROUPS * 6 - 1);
        assert!(one.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{one}");
        assert!(usable(&one).is_ok());
    }

    #[test]
    fn weak_ones_are_refused_with_a_reason() {
        assert!(
            usable("seven77").is_err()
                && usable("aaaaaaaaaaaa").is_err()
                && usable(&"ab".repeat(300)).is_err()
        );
        assert!(usable("chimanga 2026").is_ok());
    }

    #[tokio::test]
    async fn what_is_stored_is_argon2id_and_ends_old_sessions() {
        let edge = TestEdge::enrolled();
        edge.write(|tx| {
            tx.execute(
                "INSERT INTO office_session VALUES (x'01', 'office', 'b', 0, 0), (x'02', 'mercy', 'b', 0, 0)",
                [],
            )?;
            Ok::<_, DbError>(())
        });
        set(edge.db(), edge.deps(), "chimanga 2026").await.unwrap();
        set(edge.db(), edge.deps(), "nyemba 2026").await.unwrap();
        let (hash, sessions): (String, u32) = edge.read(|conn| {
            let hash =
                conn.query_row("SELECT hash FROM office_password WHERE user = 'office'", [], |row| {
                    row.get(0)
                })?;
            let left = conn.query_row("SELECT count(*) FROM office_session", [], |row| row.get(0))?;
            Ok::<_, DbError>((hash, left))
        });
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert_eq!(sessions, 1, "only the others' sessions go on");
        let pool = Passwords::new(1);
        assert!(pool.verify("nyemba 2026", Some(&hash)).await.unwrap());
        assert!(!pool.verify("chimanga 2026", Some(&hash)).await.unwrap());
    }
}
