//! `mizili-hub user`, as the real program: accounts from their making to the number that is given free, and what is asked before.

use crate::program::{fails, json, run, with_stdin};
use std::path::Path;

#[test]
fn accounts_are_listed_closed_opened_given_passwords_and_numbers_given_free() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    json(&run(dir, &["cooperative", "add", "--name", "Mbewu Farmers", "--country", "MWI", "--json"]));
    let clerk = [
        "user",
        "add",
        "--phone",
        "+265991000001",
        "--role",
        "clerk",
        "--cooperative",
        "1",
        "--office-password-stdin",
        "--json",
    ];
    let made = json(&with_stdin(dir, &clerk, "correct horse\noffice words\n")).remove(0);
    let whose = ["--phone", "0991000001", "--country", "MWI", "--json"];
    let user = |word: &str| run(dir, &[&["user", word][..], &whose].concat());
    let state = || json(&run(dir, &["user", "list", "--json"])).remove(0);
    assert_eq!((state()["id"].clone(), state()["state"].as_str()), (made["id"].clone(), Some("open")));
    json(&user("disable"));
    assert_eq!(state()["state"], "closed");
    json(&user("enable"));
    assert_eq!(state()["state"], "open");
    let new = [&["user", "password"][..], &whose].concat();
    fails(&with_stdin(dir, &new, "password1\n"), "everybody tries first");
    json(&with_stdin(dir, &new, "battery staple\n"));
    let help = String::from_utf8(run(dir, &["user", "release", "--help"]).stdout).unwrap();
    for said in ["Give a phone number free", "says whose account it is and asks", "by calling that number"] {
        assert!(help.contains(said), "{help}");
    }
    fails(
        &user("release"),
        "The number was CONFIRMED to be this person's own. Shall +265991000001 (+265991000001, clerk, number confirmed, no open orders) lose",
    );
    assert_eq!(state()["state"], "open", "nobody has said yes");
    json(&run(dir, &[&["user", "release", "--yes"][..], &whose].concat()));
    let freed = state();
    assert_eq!((freed["state"].as_str(), freed["phone"].is_null()), (Some("released"), true));
    fails(&user("release"), "No account has the number +265991000001.");
    // Its owner registers now.
    json(&with_stdin(
        dir,
        &["user", "add", "--phone", "+265991000001", "--role", "buyer", "--json"],
        "gift of rain\n",
    ));
    assert_eq!(json(&run(dir, &["user", "list", "--json"])).len(), 2);
    // Without the last administrator nobody could do what only they may.
    let admin = |phone| ["user", "add", "--phone", phone, "--role", "admin", "--json"];
    let close =
        |phone, more: &[&str]| run(dir, &[&["user", "disable", "--phone", phone, "--json"], more].concat());
    json(&with_stdin(dir, &admin("+265991000002"), "gift of rain\n"));
    fails(&close("+265991000002", &[]), "is the last administrator that can sign in");
    json(&with_stdin(dir, &admin("+265991000003"), "gift of rain\n"));
    json(&close("+265991000002", &[]));
    fails(&close("+265991000003", &[]), "Nothing was changed; give --yes");
    json(&close("+265991000003", &["--yes"]));
}

/// Standard input holds no password here: whoever is asked for one says so.
#[test]
fn what_is_typed_is_looked_at_before_a_password_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let new = dir.join("new");
    let add =
        |dir: &Path, phone, more: &[&str]| run(dir, &[&["user", "add", "--phone", phone], more].concat());
    fails(&add(&new, "12", &["--role", "admin"]), "phone: ");
    fails(&add(&new, "+265991000001", &["--role", "clerk"]), "A clerk needs a cooperative.");
    fails(&add(&new, "+265991000001", &["--role", "buyer"]), "no password on standard input");
    assert!(!new.exists(), "nothing was begun");
    let admin = ["user", "add", "--phone", "+265991000001", "--role", "admin", "--json"];
    json(&with_stdin(dir, &admin, "gift of rain\n"));
    fails(
        &add(dir, "+265991000001", &["--role", "buyer"]),
        "there is an account with this phone number already",
    );
    let clerk = ["--role", "clerk", "--cooperative", "7"];
    fails(&add(dir, "+265991000002", &clerk), "--cooperative: There is no such cooperative");
    fails(&add(dir, "+265991000002", &["--role", "buyer"]), "no password on standard input");
    fails(
        &run(dir, &["user", "password", "--phone", "+265991000002"]),
        "No account has the number +265991000002.",
    );
    assert_eq!(json(&run(dir, &["user", "list", "--json"])).len(), 1, "looking made nothing");
}
