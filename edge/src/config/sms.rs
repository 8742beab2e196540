//! Settings for outgoing SMS.

use serde::Deserialize;

/// Pieces of SMS that are paid for in a day unless the settings say otherwise.
const SEGMENTS_A_DAY: u32 = 2_000;

/// Settings for outgoing SMS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmsSettings {
    /// The hour of the day, in the country's time, from which nothing is sent that nobody waits for.
    pub quiet_from: u8,
    /// The hour at which that ends. The same as `quiet_from`: never quiet.
    pub quiet_to: u8,
    /// Pieces of SMS that this office pays for in a day; what is over waits for the next.
    pub segments_per_day: u32,
}

impl Default for SmsSettings {
    fn default() -> Self {
        Self { quiet_from: 21, quiet_to: 6, segments_per_day: SEGMENTS_A_DAY }
    }
}

impl SmsSettings {
    /// What is wrong with the settings, in a sentence for whoever wrote them.
    ///
    /// # Errors
    /// When an hour is none.
    pub fn check(&self) -> Result<(), String> {
        match [("quiet_from", self.quiet_from), ("quiet_to", self.quiet_to)]
            .iter()
            .find(|(_, hour)| *hour > 23)
        {
            Some((name, hour)) => Err(format!("{name} {hour} is no hour of the day: write 0 to 23")),
            None => Ok(()),
        }
    }
}
