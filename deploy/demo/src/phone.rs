//! A feature phone behind a gateway: dials, presses keys, sends SMS, by the very callbacks a real gateway makes.

use anyhow::{Context, Result, ensure};
use std::sync::atomic::{AtomicU32, Ordering};

static SESSIONS: AtomicU32 = AtomicU32::new(1);

/// A phone with a number.
pub(crate) struct Phone {
    number: &'static str,
    ussd_url: String,
    sms_url: String,
    client: reqwest::Client,
}

/// One USSD session.
pub(crate) struct Session<'a> {
    phone: &'a Phone,
    id: String,
    text: String,
    /// The screen, without the gateway's `CON` or `END`.
    pub(crate) screen: String,
    open: bool,
}

impl Phone {
    /// A phone whose operator reaches the office at these addresses.
    pub(crate) fn new(number: &'static str, ussd_url: &str, sms_url: &str) -> Self {
        Self {
            number,
            ussd_url: ussd_url.to_owned(),
            sms_url: sms_url.to_owned(),
            client: reqwest::Client::new(),
        }
    }

    /// Dials the short code.
    pub(crate) async fn dial(&self) -> Result<Session<'_>> {
        let id = format!("ATUid_demo_{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let mut session = Session { phone: self, id, text: String::new(), screen: String::new(), open: true };
        session.turn().await?;
        Ok(session)
    }

    /// Sends a text to the office's number.
    pub(crate) async fn text(&self, text: &str) -> Result<()> {
        let id = format!("demo-sms-{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let form = [
            ("id", id.as_str()),
            ("from", self.number),
            ("to", "38455"),
            ("text", text),
            ("date", "2026-01-05T08:00:00Z"),
        ];
        let answer =
            self.client.post(&self.sms_url).form(&form).send().await.context("the office does not answer")?;
        ensure!(answer.status().is_success(), "the SMS callback said {}", answer.status());
        Ok(())
    }
}

impl Session<'_> {
    async fn turn(&mut self) -> Result<()> {
        let form = [
            ("sessionId", self.id.as_str()),
            ("serviceCode", "*384*55#"),
            ("phoneNumber", self.phone.number),
            ("networkCode", "65001"),
            ("text", self.text.as_str()),
        ];
        let answer = self
            .phone
            .client
            .post(&self.phone.ussd_url)
            .form(&form)
            .send()
            .await
            .context("the office does not answer")?;
        ensure!(answer.status().is_success(), "the USSD callback said {}", answer.status());
        let body = answer.text().await?;
        let (word, screen) = body.split_once(' ').context("no CON or END")?;
        ensure!(word == "CON" || word == "END", "the reply begins with {word}");
        self.open = word == "CON";
        self.screen = screen.to_owned();
        Ok(())
    }

    /// Types something and sends it.
    pub(crate) async fn enter(&mut self, input: &str) -> Result<&str> {
        ensure!(self.open, "the session has ended: {}", self.screen);
        if !self.text.is_empty() {
            self.text.push('*');
        }
        self.text.push_str(input);
        self.turn().await?;
        Ok(&self.screen)
    }

    /// Chooses the item whose line holds `wanted`, turning pages where needed.
    pub(crate) async fn choose(&mut self, wanted: &str) -> Result<&str> {
        for _ in 0..20 {
            let line = self
                .screen
                .lines()
                .find(|line| line.to_lowercase().contains(&wanted.to_lowercase()) && number(line).is_some());
            if let Some(key) = line.and_then(number) {
                return self.enter(&key).await;
            }
            ensure!(self.screen.contains("98 "), "no '{wanted}' on the screen:\n{}", self.screen);
            self.enter("98").await?;
        }
        anyhow::bail!("no '{wanted}' in twenty pages")
    }

    /// The screen, indented for print.
    pub(crate) fn shown(&self) -> String {
        let lines: Vec<String> = self.screen.lines().map(|line| format!("      | {line}")).collect();
        lines.join("\n")
    }
}

/// The key at the start of a menu line, such as `1` in `1 Prices`.
fn number(line: &str) -> Option<String> {
    let digits: String = line.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty() && line[digits.len()..].starts_with([' ', '.', ')'])).then_some(digits)
}
