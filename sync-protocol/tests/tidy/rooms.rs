//! The rooms of each crate, which are the folders and files right under its `src/`, stand in one order: none takes anything from one above
//! it. ARCHITECTURE.md has the order, and what each stands on, and this holds it to what the imports say.

use crate::sources::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The crates that have rooms.
const CRATES: [&str; 4] = ["edge", "hub", "node", "sync-protocol"];
/// What a crate has besides: its lists of modules, and tools of tests.
const NO_ROOMS: [&str; 4] = ["lib", "main", "testing", "testing_disk"];

/// What each room of a crate takes from which other.
type Rooms = BTreeMap<String, BTreeSet<String>>;

/// The room of a file; `None` for one that is of no room.
fn room<'a>(path: &'a str, crate_name: &str) -> Option<&'a str> {
    let inner = path.strip_prefix(crate_name)?.strip_prefix("/src/")?;
    let is_test = inner.contains("/tests/") || inner.ends_with("/tests.rs");
    let first = inner.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!is_test && inner.ends_with(".rs") && !NO_ROOMS.contains(&name)).then_some(name)
}

/// How many modules a file lies under the crate's own.
fn depth(path: &str) -> usize {
    let inner = path.split_once("/src/").map_or(path, |(_, inner)| inner);
    let is_of_folder = inner.ends_with("/mod.rs");
    inner.split('/').count() - usize::from(is_of_folder)
}

/// The code of a file without its tests and its comments.
fn code(source: &Source) -> String {
    let lines = source.production().lines();
    let without = lines.map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    without.collect::<Vec<_>>().join("\n")
}

/// The first names behind each `crate::`, and behind as many `super::` as lead there.
fn taken(code: &str, depth: usize) -> BTreeSet<String> {
    let up = "super::".repeat(depth);
    let mut names = BTreeSet::new();
    for prefix in ["crate::", up.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            // `super::` once more leads elsewhere, and a longer name is another.
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => names.extend(in_group(group)),
                None => names.extend(first_word(rest)),
            }
        }
    }
    names
}

/// The first names of each part of `{a::b, c}`.
fn in_group(group: &str) -> Vec<String> {
    let (mut parts, mut open, mut start) = (Vec::new(), 0usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => {
                parts.push(&group[start..at]);
                break;
            }
            '}' => open -= 1,
            ',' if open == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.into_iter().filter_map(|part| first_word(part.trim())).collect()
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!["", "super", "self", "crate"].contains(&&*word)).then_some(word)
}

/// What the imports of a crate say.
fn imports(crate_name: &str, all: &[Source]) -> Rooms {
    let mut rooms = Rooms::new();
    for source in all {
        let Some(from) = room(&source.path, crate_name) else { continue };
        let names = taken(&code(source), depth(&source.path));
        rooms.entry(from.to_owned()).or_default().extend(names);
    }
    let known: BTreeSet<String> = rooms.keys().cloned().collect();
    for (from, to) in &mut rooms {
        to.retain(|name| known.contains(name) && name != from);
    }
    rooms
}

/// The rooms below one, however many steps down.
fn below<'a>(rooms: &'a Rooms, from: &str, found: &mut BTreeSet<&'a str>) {
    for to in rooms.get(from).into_iter().flatten() {
        if found.insert(to) {
            below(rooms, to, found);
        }
    }
}

/// What a room takes from and no other room that it takes from does: the arrows that a drawing needs.
fn stands_on<'a>(rooms: &'a Rooms, from: &str) -> Vec<&'a str> {
    let direct = &rooms[from];
    let through = |to: &&String| {
        direct.iter().filter(|other| other != to).any(|other| {
            let mut found = BTreeSet::new();
            below(rooms, other, &mut found);
            found.contains(to.as_str())
        })
    };
    direct.iter().filter(|to| !through(to)).map(String::as_str).collect()
}

/// On how many floors under it a room stands.
fn height(rooms: &Rooms, room: &str) -> usize {
    rooms[room].iter().map(|to| 1 + height(rooms, to)).max().unwrap_or(0)
}

/// The drawing of a crate: a line a floor, the highest first, its rooms in the order of the table.
fn floors(rooms: &Rooms, order: &[&str]) -> Vec<String> {
    let of = |room: &&&str| rooms.get(**room).map(|_| height(rooms, room));
    let top = order.iter().filter_map(|room| of(&room)).max().unwrap_or(0);
    let floor = |at: usize| {
        let rooms: Vec<&str> = order.iter().filter(|room| of(room) == Some(at)).copied().collect();
        rooms.join(" ")
    };
    (0..=top).rev().map(floor).collect()
}

/// The drawing that ARCHITECTURE.md has of a crate.
fn drawing<'a>(architecture: &'a str, crate_name: &str) -> Vec<&'a str> {
    let heading = format!("### The rooms of `{crate_name}/src`");
    let (_, after) = architecture.split_once(&heading).unwrap();
    after.lines().skip_while(|line| *line != "```").skip(1).take_while(|line| *line != "```").collect()
}

/// A line of a crate's table in ARCHITECTURE.md: the room, and what it says to stand on.
fn lines<'a>(architecture: &'a str, crate_name: &str) -> Vec<(&'a str, BTreeSet<&'a str>)> {
    let heading = format!("### The rooms of `{crate_name}/src`");
    let (_, after) = architecture
        .split_once(&heading)
        .unwrap_or_else(|| panic!("ARCHITECTURE.md has no part `{heading}`"));
    let table =
        after.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let names = |cell: &'a str| cell.split('`').skip(1).step_by(2);
    let rows = table.skip(2).filter_map(|line| {
        let mut cells = line.split('|').skip(1);
        let row = (names(cells.next()?).next()?, names(cells.next()?).collect());
        let what = cells.next().unwrap_or_default();
        let says = what.split_whitespace().any(|word| !word.contains('`'));
        assert!(says, "{}: what is it? `{what}`", row.0);
        Some(row)
    });
    rows.collect()
}

#[test]
fn rooms_stand_in_the_order_of_the_map_and_on_what_it_says() {
    let all = sources();
    let architecture = &all.iter().find(|source| source.path == "ARCHITECTURE.md").unwrap().text;
    let mut wrong = Vec::new();
    for crate_name in CRATES {
        let rooms = imports(crate_name, &all);
        assert!(rooms.len() > 10, "{crate_name}: only {} rooms were found", rooms.len());
        let drawn = lines(architecture, crate_name);
        let order: Vec<&str> = drawn.iter().map(|(room, _)| *room).collect();
        let floors = floors(&rooms, &order);
        if drawing(architecture, crate_name) != floors {
            wrong.push(format!("{crate_name}: the drawing is\n{}", floors.join("\n")));
        }
        for room in rooms.keys().filter(|room| !order.contains(&room.as_str())) {
            wrong.push(format!("{crate_name}: `{room}` is not in the map"));
        }
        for (place, (room, says)) in drawn.iter().enumerate() {
            let Some(takes) = rooms.get(*room) else {
                wrong.push(format!("{crate_name}: there is no room `{room}`"));
                continue;
            };
            for above in takes.iter().filter(|to| order[..place].contains(&to.as_str())) {
                wrong.push(format!(
                    "{crate_name}: `{room}` takes something from `{above}`, which stands above it"
                ));
            }
            let mut is: Vec<&str> = stands_on(&rooms, room);
            is.sort_by_key(|to| order.iter().position(|room| room == to));
            if *says != is.iter().copied().collect() {
                let is = is.iter().map(|to| format!("`{to}`")).collect::<Vec<_>>().join(" ");
                wrong.push(format!("{crate_name}: `{room}` stands on {is}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "The rooms of ARCHITECTURE.md are not those of the imports:\n  {}",
        wrong.join("\n  ")
    );
}

#[test]
fn imports_are_read_as_they_are_written() {
    let code = "use crate::{a::b, c::{d, e}, f};\nlet x = crate::g::h(); use super::super::i; use super::j;";
    let found: Vec<String> = taken(code, 2).into_iter().collect();
    assert_eq!(found, ["a", "c", "f", "g", "i"]);
    assert_eq!(taken(code, 1).into_iter().collect::<Vec<_>>(), ["a", "c", "f", "g", "j"]);
    let path = "edge/src/db/open.rs";
    assert_eq!((room(path, "edge"), depth(path)), (Some("db"), 2));
    assert_eq!((room("edge/src/db/mod.rs", "edge"), depth("edge/src/db/mod.rs")), (Some("db"), 1));
    assert_eq!((room("edge/src/time.rs", "edge"), depth("edge/src/time.rs")), (Some("time"), 1));
    assert_eq!(room("edge/src/db/tests/disk.rs", "edge"), None);
    let mut rooms = Rooms::new();
    for (from, to) in [("a", "b c"), ("b", "c"), ("c", "")] {
        let to = to.split(' ').filter(|to| !to.is_empty()).map(str::to_owned).collect();
        rooms.insert(from.to_owned(), to);
    }
    assert_eq!(
        stands_on(&rooms, "a"),
        ["b"],
        "what stands under what it stands on needs no arrow of its own"
    );
}
