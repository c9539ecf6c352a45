//! Both servers side by side on one page: `/?twin=…`. The one file here where
//! tests name them.

use serde_json::json;

use crate::chromium::Chromium;
use crate::harness::{Kind, Setup, get, texts};

#[test]
fn a_page_shows_both_and_posts_to_both() {
    let _alone = crate::one_at_a_time();
    // Each is to allow the other, so one is started a second time.
    let threads = Setup::new(Kind("threads"));
    let mut one = threads.start();
    let event_loop = Setup::new(Kind("event-loop"));
    let other = event_loop.option("--allow-origin", one.url("")).start();
    one.stop();
    let threads = threads.option("--listen", one.host());
    let one = threads.option("--allow-origin", other.url("")).start();

    let chromium = Chromium::start();
    let remembered = "if (origin !== 'null') {
        localStorage['twinchat.nick'] = 'ada';
    }";
    let path = format!("/r/lobby?twin={}", other.url(""));
    let page = chromium.open(&one.url(&path), remembered);
    page.until(
        "document.querySelector('#connection').dataset.state === 'open'",
    );
    page.until("document.querySelector('#twin .event-loop')");
    page.value_of("document.querySelector('#text').focus()");
    for text in ["to both", "and again"] {
        page.type_text(text);
        page.press_enter();
        for column in ["#conversation", "#twin"] {
            page.until(&format!(
                "[...document.querySelectorAll('{column} .message .body')]
                    .some((body) => body.textContent === {})",
                json!(text)
            ));
        }
    }
    page.until("document.querySelector('#twin .figures strong')");
    for server in [&one, &other] {
        let messages = get(server, "/api/rooms/lobby/messages").messages();
        assert_eq!(texts(&messages), ["to both", "and again"]);
    }
    page.screenshot("twins-1280.png");
    let errors = page.errors();
    assert!(errors.is_empty(), "{errors:#?}");
}
