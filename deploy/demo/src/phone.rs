//! A feature phone behind a gateway: dials, presses keys, sends SMS, by the very callbacks a real gateway makes.

use anyhow::{Context, Result, ensure};
use std::sync::atomic::{AtomicU32, Ordering};

static SESSIONS: AtomicU32 = AtomicU32::new(1);

/// A phone with a number.
pub struct Phone {
    number: String,
    ussd_url: String,
    sms_url: String,
    client: reqwest::Client,
}

/// One USSD session.
pub struct Session<'a> {
    phone: &'a Phone,
    id: String,
    text: String,
    /// The screen, without the gateway's `CON` or `END`.
    pub screen: String,
    open: bool,
    answered: bool,
}

impl Phone {
    /// A phone whose operator reaches the office at these addresses.
    pub fn new(number: &str, ussd_url: &str, sms_url: &str) -> Self {
        Self {
            number: number.to_owned(),
            ussd_url: ussd_url.to_owned(),
            sms_url: sms_url.to_owned(),
            client: reqwest::Client::new(),
        }
    }

    /// Dials the short code.
    ///
    /// # Errors
    /// When there is no answer, or none that a gateway would take.
    pub async fn dial(&self) -> Result<Session<'_>> {
        let id = format!("ATUid_demo_{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let mut session = Session {
            phone: self,
            id,
            text: String::new(),
            screen: String::new(),
            open: true,
            answered: false,
        };
        session.turn().await?;
        Ok(session)
    }

    /// The number.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Sends a text to the office's number.
    ///
    /// # Errors
    /// When there is no answer, or it is no success.
    pub async fn text(&self, text: &str) -> Result<()> {
        let id = format!("demo-sms-{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let form = [
            ("id", id.as_str()),
            ("from", self.number.as_str()),
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
        self.answered = false;
        let form = [
            ("sessionId", self.id.as_str()),
            ("serviceCode", "*384*55#"),
            ("phoneNumber", self.phone.number.as_str()),
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
        self.answered = true;
        Ok(())
    }

    /// Whether the last step was answered. One that was not is sent again with [`Session::again`].
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// All that was typed in this call, as the gateway sends it.
    pub fn typed(&self) -> &str {
        &self.text
    }

    /// Whether the call goes on, as far as was heard.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Sends the last step once more, as a gateway does that heard nothing.
    ///
    /// # Errors
    /// When there is no answer again, or none that a gateway would take.
    pub async fn again(&mut self) -> Result<&str> {
        self.turn().await?;
        Ok(&self.screen)
    }

    /// The key of the item whose line holds `wanted`, in small or capital letters, if the screen shows one.
    pub fn key_of(&self, wanted: &str) -> Option<String> {
        let wanted = wanted.to_lowercase();
        self.screen.lines().filter(|line| line.to_lowercase().contains(&wanted)).find_map(number)
    }

    /// The key that turns the page, if there is another page.
    pub fn more_key(&self) -> Option<&'static str> {
        self.screen.contains("98 ").then_some("98")
    }

    /// Types something and sends it.
    ///
    /// # Errors
    /// When the session has ended, there is no answer, or none that a gateway would take.
    pub async fn enter(&mut self, input: &str) -> Result<&str> {
        ensure!(self.open, "the session has ended: {}", self.screen);
        if !self.text.is_empty() {
            self.text.push('*');
        }
        self.text.push_str(input);
        self.turn().await?;
        Ok(&self.screen)
    }

    /// Chooses the item whose line holds `wanted`, turning pages where needed.
    ///
    /// # Errors
    /// As [`Session::enter`], and when no page has such an item.
    pub async fn choose(&mut self, wanted: &str) -> Result<&str> {
        for _ in 0..20 {
            if let Some(key) = self.key_of(wanted) {
                return self.enter(&key).await;
            }
            let more = self.more_key();
            self.enter(more.with_context(|| format!("no '{wanted}' on the screen:\n{}", self.screen))?)
                .await?;
        }
        anyhow::bail!("no '{wanted}' in twenty pages")
    }

    /// The screen, indented for print.
    pub fn shown(&self) -> String {
        let lines: Vec<String> = self.screen.lines().map(|line| format!("      | {line}")).collect();
        lines.join("\n")
    }
}

/// The key at the start of a menu line, such as `1` in `1 Prices`.
fn number(line: &str) -> Option<String> {
    let digits: String = line.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty() && line[digits.len()..].starts_with([' ', '.', ')'])).then_some(digits)
}
