//! A link that the page follows by itself is a link still: who wants it in a tab or window of its own gets that, as everywhere else.

use crate::Office;

const LEFT: u8 = 0;
const MIDDLE: u8 = 1;
const SHIFT: &str = "\u{e008}";
const CONTROL: &str = "\u{e009}";

#[tokio::test(flavor = "multi_thread")]
async fn a_section_opens_beside_the_one_on_show_for_who_holds_a_key_or_presses_the_middle_button() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    let is_shown = |name: &str| {
        format!("location.hash === '#{name}' && document.querySelector('#{name}').checkVisibility()")
    };
    let first = page.tabs(1).await.remove(0);
    page.press("#nav a[href='#stock']", LEFT, &[]).await;
    page.until(is_shown("stock")).await;
    page.tabs(1).await;
    let mut known = vec![first.clone()];
    for (button, keys) in [(LEFT, &[CONTROL][..]), (LEFT, &[SHIFT]), (MIDDLE, &[])] {
        page.press("#nav a[href='#orders']", button, keys).await;
        let tabs = page.tabs(known.len() + 1).await;
        // What was on show is still, where somebody may be in the middle of something.
        page.until(is_shown("stock")).await;
        let new = tabs.iter().find(|tab| !known.contains(tab)).unwrap();
        page.turn_to(new).await;
        page.until(is_shown("orders")).await;
        page.turn_to(&first).await;
        known = tabs;
    }
    // And the page goes on handling the plain click.
    page.press("#nav a[href='#prices']", LEFT, &[]).await;
    page.until(is_shown("prices")).await;
    page.tabs(known.len()).await;
    office.end().await;
}
