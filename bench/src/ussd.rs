//! The price walk through an edge's phone menu: home, prices, a crop, a market, the price. It learns from the screens
//! themselves which keys lead to a price, so that no key is measured that only says "choose again".

use crate::web;
use anyhow::{Context as _, Result, ensure};
use mizili_edge::config::Config;
use std::fmt::Write as _;
use std::path::Path;

/// Choices that are walked at most, of crops and of markets each.
const CHOICES_MAX: u32 = 9;

/// Path of the first gateway's callback at an edge.
pub(crate) fn path(edge_dir: &Path) -> Result<String> {
    let config = Config::load(edge_dir)?;
    Ok(config.gateways.first().context("the edge has no gateway")?.ussd_path())
}

/// Where the walk goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Path of the callback.
    pub(crate) path: String,
    /// Keys of crops, all of which have prices at every key of `markets`.
    pub(crate) crops: u32,
    /// Keys of markets.
    pub(crate) markets: u32,
}

/// The gateway's texts of one walk, each with everything that was pressed before.
const TEXTS: [&str; 4] = ["", "1", "1*{crop}", "1*{crop}*{market}"];

impl Walk {
    /// Learns the keys from an edge that serves at `address`.
    pub(crate) async fn learn(address: &str, path: &str) -> Result<Self> {
        let crops = choices(&screen(address, path, "learn-0", "1").await?).min(CHOICES_MAX);
        ensure!(crops > 0, "the menu shows no crops");
        let mut markets = CHOICES_MAX;
        for crop in 1..=crops {
            let screen = screen(address, path, &format!("learn-{crop}"), &format!("1*{crop}")).await?;
            markets = markets.min(choices(&screen));
        }
        ensure!(markets > 0, "a crop on the first page has no markets");
        let walk = Self { path: path.to_owned(), crops, markets };
        for (crop, market) in [(1, 1), (crops, markets)] {
            let text = form_text(TEXTS[3], crop, market);
            let screen = screen(address, path, &format!("learn-{crop}-{market}"), &text).await?;
            let has_price = ["KES", "MWK", "KSh", "MK"].iter().any(|currency| screen.contains(currency));
            ensure!(has_price, "the walk does not end at a price but at: {screen}");
        }
        Ok(walk)
    }

    /// What load/ussd.lua takes from the environment.
    pub(crate) fn variables(&self) -> [(&'static str, String); 4] {
        let keys = |count: u32| (1..=count).map(|key| key.to_string()).collect::<Vec<_>>().join(" ");
        [
            ("USSD_PATH", self.path.clone()),
            ("USSD_TEXTS", TEXTS.join("|")),
            ("USSD_CROPS", keys(self.crops)),
            ("USSD_MARKETS", keys(self.markets)),
        ]
    }

    /// The same as lines that a shell reads.
    pub(crate) fn shell(&self) -> String {
        let mut out = String::new();
        for (name, value) in self.variables() {
            // The values hold no quotes: paths, digits and the texts above.
            let _ = writeln!(out, "{name}='{value}'");
        }
        out
    }

    /// The body of each request of the n-th walk.
    pub(crate) fn forms(&self, n: u32) -> Vec<String> {
        let (crop, market) = (1 + n % self.crops, 1 + n / self.crops % self.markets);
        let session = format!("in-process-{n}");
        let of = |text: &&str| form(&session, 254_710_000_000 + u64::from(n), &form_text(text, crop, market));
        TEXTS.iter().map(of).collect()
    }
}

fn form_text(template: &str, crop: u32, market: u32) -> String {
    template.replace("{crop}", &crop.to_string()).replace("{market}", &market.to_string())
}

fn form(session: &str, phone: u64, text: &str) -> String {
    let text = text.replace('*', "%2A");
    format!("sessionId={session}&serviceCode=%2A384%23&phoneNumber=%2B{phone}&text={text}")
}

async fn screen(address: &str, path: &str, session: &str, text: &str) -> Result<String> {
    let answer = web::post_form(address, path, &form(session, 254_711_000_000, text)).await?;
    ensure!(answer.status == 200, "the menu answered {}: {}", answer.status, answer.body);
    Ok(answer.body)
}

/// How many lines begin with 1, 2, 3 and so on.
fn choices(screen: &str) -> u32 {
    let mut next = 1;
    for line in screen.lines() {
        if line.strip_prefix(&next.to_string()).is_some_and(|rest| rest.starts_with([' ', '.', ':'])) {
            next += 1;
        }
    }
    next - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_counted_from_one_without_the_foot() {
        assert_eq!(choices("CON Which crop?\n1 Maize\n2 Beans\n3 Rice\n98 More 0 Back 00 Home"), 3);
        assert_eq!(choices("CON Nothing here.\n0 Back"), 0);
        assert_eq!(choices("END Maize\n1,500 KES"), 0);
    }

    #[test]
    fn a_walk_goes_through_all_keys_and_tells_a_shell() {
        let walk = Walk { path: "/gateway/x/ussd".into(), crops: 2, markets: 3 };
        let last = |n: u32| walk.forms(n).pop().unwrap();
        assert_eq!(walk.forms(0).len(), TEXTS.len());
        assert!(last(0).ends_with("text=1%2A1%2A1") && last(1).ends_with("text=1%2A2%2A1"));
        assert!(last(5).ends_with("text=1%2A2%2A3") && last(6).ends_with("text=1%2A1%2A1"));
        let shell = walk.shell();
        assert!(shell.contains("USSD_TEXTS='|1|1*{crop}|1*{crop}*{market}'\nUSSD_CROPS='1 2'"), "{shell}");
    }
}
