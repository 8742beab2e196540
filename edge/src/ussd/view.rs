//! Lays out one screen: lines, numbered choices, keys at the foot, all within the room that a telephone gives.
//!
//! Names give way when a screen would be too long; numbers, prices and keys never do.

use super::market::Market;
use super::settings::Settings;
use crate::text::gsm7::{SCREEN_AIM_SEPTETS, SCREEN_MAX_SEPTETS, length, sanitise};
use crate::text::numbers::NumberError;
use crate::text::shorten::{fitting_bytes, shorten, shorten_all};
pub(super) use crate::text::units::word;
use crate::text::{Lang, Messages, Msg};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Write as _;
use sync_protocol::phone::Phone;
use sync_protocol::units::Month;
use uuid::Uuid;

/// Choices on one page of a list. More would need two keys, and would not fit.
pub(super) const ROWS_MAX: usize = 8;

/// Choices that a page should show before names may take all the room they want.
const ROWS_WANTED: usize = 5;

/// Name lengths that are tried, in septets, the longest first.
const WIDTHS: &[usize] = &[40, 28, 22, 17, 13, 10, 8];

/// What a screen is shown and taken with.
#[derive(Clone, Copy)]
pub(super) struct Cx<'a> {
    pub(super) market: &'a dyn Market,
    pub(super) words: &'a Messages,
    pub(super) settings: &'a Settings,
    pub(super) phone: &'a Phone,
    pub(super) lang: Lang,
    pub(super) month: Month,
    /// Septets that this screen may take; less than the aim where a hint stands on top.
    pub(super) room: usize,
}

impl<'a> Cx<'a> {
    /// A message without variables.
    pub(super) fn text(&self, msg: Msg) -> String {
        self.words.text(self.lang, msg)
    }

    /// The same, to be put into another text.
    fn plain(&self, msg: Msg) -> &'a str {
        self.words.plain(self.lang, msg)
    }

    /// A message with variables.
    pub(super) fn fill(&self, msg: Msg, values: &[(&str, &str)]) -> String {
        self.words.fill(self.lang, msg, values)
    }

    /// A quantity of something: `50 kg Maize`.
    pub(super) fn what(&self, quantity: &str, name: &str) -> String {
        self.fill(Msg::What, &[("quantity", quantity), ("crop", name)])
    }
}

/// What a choice on a screen stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Key {
    /// A commodity, market, unit or language.
    Small(u32),
    /// A listing or order.
    Id(Uuid),
}

/// A screen, laid out.
#[derive(Debug)]
pub(super) struct View {
    pub(super) text: String,
    /// What the numbers from 1 stand for.
    pub(super) shown: Vec<Key>,
    /// Where `98` goes on, if it does.
    pub(super) next_offset: Option<u32>,
}

/// The keys at the foot.
#[derive(Clone, Copy)]
pub(super) enum Foot {
    /// None: the first screen, or the last.
    Bare,
    /// `0 Back 00 Home`
    Back,
    /// `98 More 0 Back 00 Home`, with where it goes on.
    More(u32),
    /// `00 Home`
    Home,
}

impl Foot {
    pub(super) fn line(self, cx: &Cx<'_>) -> String {
        self.parts(cx).concat()
    }

    fn septets(self, cx: &Cx<'_>) -> usize {
        self.parts(cx).into_iter().map(length).sum()
    }

    fn parts<'a>(self, cx: &Cx<'a>) -> [&'a str; 6] {
        let (back, home) = (cx.plain(Msg::NavBack), cx.plain(Msg::NavHome));
        match self {
            Self::Bare => [""; 6],
            Self::Back => ["", "", "0 ", back, " 00 ", home],
            Self::More(_) => ["98 ", cx.plain(Msg::NavMore), " 0 ", back, " 00 ", home],
            Self::Home => ["", "", "", "", "00 ", home],
        }
    }
}

/// Lays out a text with a few fixed choices. `body` gets the septets that a name may take; it is asked again with fewer
/// until the screen fits.
pub(super) fn page(cx: &Cx<'_>, foot: Foot, options: &[(u8, Msg)], body: impl Fn(usize) -> String) -> View {
    let mut tail = String::new();
    for (key, msg) in options {
        // Writing to a text never fails.
        let _ = write!(tail, "\n{key} {}", cx.plain(*msg));
    }
    let line = foot.line(cx);
    if !line.is_empty() {
        tail.push('\n');
        tail.push_str(&line);
    }
    let next_offset = if let Foot::More(offset) = foot { Some(offset) } else { None };
    View { text: fit(cx.room, &tail, body), shown: Vec::new(), next_offset }
}

/// The first text that fits together with its tail, with names as long as possible.
pub(super) fn fit(room: usize, tail: &str, body: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for width in WIDTHS {
        text = body(*width);
        text.push_str(tail);
        if length(&text) <= room {
            break;
        }
    }
    text
}

/// One row of a list. Only the name gives way.
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) head: String,
    pub(super) name: String,
    pub(super) tail: String,
}

impl Row {
    /// Whether nobody could tell it from another.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        (&self.head, &self.name, &self.tail) == (&other.head, &other.name, &other.tail)
    }

    /// A row that is a name alone.
    pub(super) fn name(key: Key, name: String) -> Self {
        Self { key, head: String::new(), name, tail: String::new() }
    }
}

/// Lays out a list that starts at `offset`; `rows` holds up to one more than fits on a page. `title` gets the septets that
/// a name in it may take.
pub(super) fn list(cx: &Cx<'_>, title: impl Fn(usize) -> String, rows: &[Row], offset: u32) -> View {
    let title = title(22);
    let feet = [Foot::Back, Foot::More(0)].map(|foot| foot.septets(cx) + 1);
    let mut best: Option<Packed<'_>> = None;
    for width in &WIDTHS[1..] {
        let packed = pack(cx.room, feet, &title, rows, *width);
        let enough = packed.fits && packed.count >= rows.len().min(ROWS_WANTED);
        if best.as_ref().is_none_or(|best| (packed.fits, packed.count) > (best.fits, best.count)) {
            best = Some(packed);
        }
        if enough {
            break;
        }
    }
    let Packed { names, count, .. } = best.unwrap_or(Packed { names: Vec::new(), count: 0, fits: true });
    let mut text = String::with_capacity(cx.room);
    text.push_str(&title);
    for (place, (row, name)) in rows.iter().zip(&names).take(count).enumerate() {
        // Writing to a text never fails.
        let _ = write!(text, "\n{} {}{name}{}", place + 1, row.head, row.tail);
    }
    let more = rows.len() > count;
    // A page holds at most ROWS_MAX rows.
    let next_offset = more.then(|| offset.saturating_add(count as u32));
    text.push('\n');
    text.push_str(&next_offset.map_or(Foot::Back, Foot::More).line(cx));
    View { text, shown: rows.iter().take(count).map(|row| row.key).collect(), next_offset }
}

/// Which rows are shown, from the first.
struct Packed<'a> {
    /// The names of all that might be.
    names: Vec<Cow<'a, str>>,
    count: usize,
    /// Whether it is within the room; a single row may not be.
    fits: bool,
}

/// Puts as many rows under the title as fit with the keys at the foot; at least one. `feet` are the septets of the keys where the
/// list ends here, and where it goes on.
fn pack<'a>(
    room: usize,
    [plain, with_more]: [usize; 2],
    title: &str,
    rows: &'a [Row],
    width: usize,
) -> Packed<'a> {
    let names = names(&rows[..rows.len().min(ROWS_MAX)], width);
    let (mut used, mut count, mut fits) = (length(title), 0, true);
    for (place, (row, name)) in rows.iter().zip(&names).enumerate() {
        // The end of the line above, a number of one digit, a space.
        let size = 3 + length(&row.head) + length(name) + length(&row.tail);
        let tail = if place + 1 == rows.len() { plain } else { with_more };
        if used + size + tail > room {
            if place > 0 {
                break;
            }
            fits = false;
        }
        used += size;
        count += 1;
    }
    Packed { names, count, fits }
}

/// The rows' names with at most `width` septets each, so that no two rows are the same.
fn names(rows: &[Row], width: usize) -> Vec<Cow<'_, str>> {
    let mut out: Vec<Option<Cow<'_, str>>> = vec![None; rows.len()];
    for place in 0..rows.len() {
        if out[place].is_some() {
            continue;
        }
        // Rows that differ in their other parts need no different names.
        let group: Vec<usize> = (place..rows.len())
            .filter(|i| rows[*i].head == rows[place].head && rows[*i].tail == rows[place].tail)
            .collect();
        let named: Vec<&str> = group.iter().map(|i| rows[*i].name.as_str()).collect();
        for (i, name) in group.into_iter().zip(shorten_all(&named, width)) {
            out[i] = Some(name);
        }
    }
    out.into_iter().flatten().collect()
}

/// What stands on top of the same screen when an input was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// No such choice.
    Choose,
    /// No name starts like that.
    NotFound,
    /// A number that cannot be taken; with the bound, for the one that is too big.
    Number(NumberError, String),
    /// No name of a person.
    Name,
    /// More than there is.
    Only(String),
    /// The caller's own offer.
    Own,
    /// It has gone in between, and there are others.
    Gone,
    /// It has gone in between, and there is no other.
    GoneAll,
}

impl Hint {
    pub(super) fn text(&self, cx: &Cx<'_>) -> String {
        match self {
            Self::Choose => cx.text(Msg::HintChoose),
            Self::NotFound => cx.text(Msg::HintNotFound),
            Self::Number(NumberError::Junk, _) => cx.text(Msg::HintNumber),
            Self::Number(NumberError::Zero | NumberError::Negative, _) => cx.text(Msg::HintZero),
            Self::Number(NumberError::TooFine, _) => cx.text(Msg::HintFine),
            Self::Number(NumberError::TooBig, max) => cx.fill(Msg::HintBig, &[("max", max)]),
            Self::Number(NumberError::Ambiguous, _) => cx.text(Msg::HintComma),
            Self::Number(NumberError::Parts, _) => cx.text(Msg::HintParts),
            Self::Name => cx.text(Msg::HintName),
            Self::Only(left) => cx.fill(Msg::HintOnly, &[("left", left)]),
            Self::Own => cx.text(Msg::HintOwn),
            Self::Gone => cx.text(Msg::HintGone),
            Self::GoneAll => cx.text(Msg::HintGoneAll),
        }
    }
}

/// Septets left for a screen under a line on top.
pub(super) fn room_under(top: &str) -> usize {
    SCREEN_AIM_SEPTETS.saturating_sub(length(top) + 1)
}

/// The last net: what goes out is in the alphabet and within the hard limit, whatever the data held.
pub(super) fn net(text: String) -> String {
    let mut text = match sanitise(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean,
    };
    text.truncate(fitting_bytes(&text, SCREEN_MAX_SEPTETS));
    text
}

/// A name from data for the middle of a sentence.
pub(super) fn short(name: &str, width: usize) -> String {
    shorten(name, width).into_owned()
}
