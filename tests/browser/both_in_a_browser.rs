//! Both servers side by side on one page, and what only one of them speaks to
//! a browser. The one file here where tests name them.

use serde_json::json;

use crate::chromium::Chromium;
use crate::harness::{Kind, Setup, TempDir, get, texts};

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

/// Reads a room in three ways at once, and resolves when each has brought
/// something: how each came.
const THREE_WAYS: &str = "(async () => {
    const room = '/api/rooms/lobby/';
    const events = new EventSource(room + 'events');
    const heard = new Promise((done) => {
        events.addEventListener('hello', done, { once: true });
    });
    const lines = (await fetch(room + 'stream')).body.getReader();
    await heard;
    await lines.read();
    for (let n = 0; n < 5; n += 1) {
        await (await fetch(room + 'messages?poll=' + n)).json();
    }
    const { connections } = await (await fetch('/api/server')).json();
    events.close();
    await lines.cancel();
    const entries = performance.getEntriesByType('resource');
    const ways = new Set(entries.map((entry) => entry.nextHopProtocol));
    return { connections, ways: [...ways].filter(Boolean) };
})()";

/// How a page over TLS is served: by which protocols, and over how many
/// connections while it reads in three ways and by its own.
fn over_tls(server: &'static str) -> serde_json::Value {
    let _alone = crate::one_at_a_time();
    let dir = TempDir::new();
    let setup = Setup::new(Kind(server));
    let setup = setup.option("--history", dir.file("chat.db"));
    let server = setup.option("--tls", "self-signed").start();
    let chromium = Chromium::start();
    let remembered = "if (origin !== 'null') {
        localStorage['twinchat.transport'] = 'events';
    }";
    let url = format!("https://{}/r/lobby", server.address);
    let page = chromium.open(&url, remembered);
    page.until(
        "document.querySelector('#connection').dataset.state === 'open'",
    );
    let told = page.value_of(THREE_WAYS);
    let errors = page.errors();
    assert!(errors.is_empty(), "{errors:#?}");
    told
}

#[test]
fn a_loop_serves_a_page_on_one_connection() {
    let told = over_tls("event-loop");
    assert_eq!(told["ways"], json!(["h2"]), "{told}");
    assert_eq!(told["connections"], 1, "{told}");
}

#[test]
fn a_thread_per_client_needs_more_of_them() {
    let told = over_tls("threads");
    assert_eq!(told["ways"], json!(["http/1.1"]), "{told}");
    assert!(told["connections"].as_u64().unwrap() >= 3, "{told}");
}
