//! What people see: two pages that chat, over every transport, also when the
//! server is killed under them.

use serde_json::{Value, json};

use crate::chromium::{Chromium, Page};
use crate::harness::{Kind, Server, Setup, TempDir, say, say_many};

on_every_server! {
    two_pages_chat_over_each_transport,
    the_same_over_tls,
    the_transport_may_be_switched_while_chatting,
    a_server_that_went_is_come_back_to,
    text_stays_text,
    older_messages_come_when_scrolled_to,
    it_fits_a_desk_and_a_phone,
}

const TRANSPORTS: [&str; 6] =
    ["socket", "socket-by-hand", "events", "stream", "long-poll", "short-poll"];

/// Opens the page of a room as someone, who has chosen a transport.
#[track_caller]
fn open<'a>(
    chromium: &'a Chromium,
    server: &Server,
    nick: &str,
    transport: &str,
) -> Page<'a> {
    let remembered = format!(
        "if (origin !== 'null') {{
            localStorage['twinchat.nick'] = {};
            localStorage['twinchat.transport'] ??= {};
        }}",
        json!(nick),
        json!(transport)
    );
    let scheme = if server.has_tls() { "https" } else { "http" };
    let url = format!("{scheme}://{}/r/lobby", server.address);
    let page = chromium.open(&url, &remembered);
    is_connected(&page);
    page
}

#[track_caller]
fn is_connected(page: &Page) {
    page.until(
        "document.querySelector('#connection')?.dataset.state === 'open'",
    );
}

/// Writes a message and sends it.
#[track_caller]
fn write(page: &Page, text: &str) {
    page.value_of("document.querySelector('#text').focus()");
    page.type_text(text);
    page.press_enter();
}

/// What the page shows, in its order.
#[track_caller]
fn shown(page: &Page) -> Value {
    page.value_of(
        "[...document.querySelectorAll('#log .message .body')]
            .map((body) => body.textContent)",
    )
}

/// Waits until the page shows so many messages, then holds that it shows
/// exactly these, each once and in this order.
#[track_caller]
fn shows(page: &Page, texts: &[String]) {
    page.until(&format!(
        "document.querySelectorAll('#log .message').length >= {}",
        texts.len()
    ));
    assert_eq!(shown(page), json!(texts));
}

/// Waits until nothing of one's own is still on its way.
#[track_caller]
fn all_is_sent(page: &Page) {
    page.until("!document.querySelector('#log .sending, #log .failed')");
}

/// Chooses a transport as a person does.
#[track_caller]
fn switch_to(page: &Page, transport: &str) {
    page.value_of(
        "document.querySelector('#pick-transport') ??
            document.querySelector('#wire-open').click()",
    );
    page.until("document.querySelector('#pick-transport')");
    page.value_of(&format!(
        "(() => {{
            const pick = document.querySelector('#pick-transport');
            pick.value = {};
            pick.dispatchEvent(new Event('change', {{ bubbles: true }}));
        }})()",
        json!(transport)
    ));
}

#[track_caller]
fn has_no_errors(page: &Page) {
    let errors = page.errors();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn two_pages_chat_over_each_transport(on: Kind) {
    two_pages_chat_on(&Server::start(on));
}

fn the_same_over_tls(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    two_pages_chat_on(&setup.option("--tls", "self-signed").start());
}

#[track_caller]
fn two_pages_chat_on(server: &Server) {
    let chromium = Chromium::start();
    let ada = open(&chromium, server, "ada", TRANSPORTS[0]);
    let mut texts = Vec::new();
    for transport in TRANSPORTS {
        let bob = open(&chromium, server, "bob", transport);
        shows(&bob, &texts);
        for (page, who) in [(&ada, "ada"), (&bob, "bob")] {
            let text = format!("{who} while bob has {transport}");
            write(page, &text);
            texts.push(text);
            shows(&ada, &texts);
            shows(&bob, &texts);
        }
        all_is_sent(&bob);
        let mine = bob
            .value_of("[...document.querySelectorAll('.message.mine')].length");
        assert_eq!(mine, 1, "what bob said is told from what ada said");
        has_no_errors(&bob);
    }
    has_no_errors(&ada);
}

fn the_transport_may_be_switched_while_chatting(on: Kind) {
    let server = Server::start(on);
    let chromium = Chromium::start();
    let page = open(&chromium, &server, "ada", "socket");
    let mut texts = Vec::new();
    let mut say_both = |number: usize| {
        let theirs = format!("bob {number}");
        say(&server, "lobby", &theirs);
        texts.push(theirs);
        shows(&page, &texts);
        let mine = format!("ada {number}");
        write(&page, &mine);
        texts.push(mine);
        shows(&page, &texts);
    };
    for (number, transport) in TRANSPORTS.iter().rev().enumerate() {
        say_both(number * 2);
        switch_to(&page, transport);
        // Not waiting for the change: this is when things get lost.
        say_both(number * 2 + 1);
        is_connected(&page);
    }
    all_is_sent(&page);
    has_no_errors(&page);
}

fn a_server_that_went_is_come_back_to(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let again = setup.option("--listen", server.host());
    let chromium = Chromium::start();
    let pages =
        TRANSPORTS.map(|transport| open(&chromium, &server, "ada", transport));
    let mut texts = Vec::new();
    for round in 0..2 {
        say(&server, "lobby", &format!("before {round}"));
        texts.push(format!("before {round}"));
        for page in &pages {
            shows(page, &texts);
        }
        match round {
            0 => server.kill(),
            _ => server.stop(),
        }
        let lost = "document.querySelector('#connection').dataset.state
            !== 'open'";
        pages[0].until(lost);
        write(&pages[0], &format!("while it was away {round}"));
        server = again.start();
        let after = format!("while it was away {round}");
        pages[1].until(&format!(
            "document.querySelector('#log').textContent.includes({})",
            json!(after)
        ));
        texts.push(after);
        for page in &pages {
            is_connected(page);
            shows(page, &texts);
            all_is_sent(page);
        }
    }
    for page in &pages {
        has_no_errors(page);
    }
}

fn text_stays_text(on: Kind) {
    let server = Server::start(on);
    let chromium = Chromium::start();
    let page = open(&chromium, &server, "ada", "socket");
    let mut texts: Vec<String> = [
        "<img src=x onerror=\"window.pwned = 1\">",
        "<script>window.pwned = 1</script>",
        "<svg onload=window.pwned=1><b>bold</b>",
        "javascript:window.pwned=1",
        "\"><iframe srcdoc=\"<script>parent.pwned=1</script>\">",
        "{{constructor.constructor('window.pwned=1')()}}",
        "&lt;b&gt; &amp; ${window.pwned=1}",
    ]
    .map(str::to_owned)
    .into();
    for text in &texts {
        say(&server, "lobby", text);
    }
    shows(&page, &texts);
    write(&page, &texts[0]);
    texts.push(texts[0].clone());
    shows(&page, &texts);
    page.go_to(&server.url("/r/lobby"));
    shows(&page, &texts);
    assert_eq!(page.value_of("window.pwned ?? null"), Value::Null);
    let elements = "document.querySelectorAll(
        '#log img, #log script, #log svg, #log iframe, #log b').length";
    assert_eq!(page.value_of(elements), 0);
    let links = "[...document.querySelectorAll('#log a')]
        .filter((a) => !a.protocol.startsWith('http')).length";
    assert_eq!(page.value_of(links), 0);
    assert_eq!(page.value_of("document.cookie"), "");
    has_no_errors(&page);
}

fn older_messages_come_when_scrolled_to(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..130);
    let texts: Vec<String> = said.into_iter().map(|m| m.text).collect();
    let chromium = Chromium::start();
    let page = open(&chromium, &server, "ada", "events");
    shows(&page, &texts[80..]);
    page.until(
        "(() => {
            document.querySelector('#scroll').scrollTop = 0;
            const count = document.querySelectorAll('#log .message').length;
            return count >= 130;
        })()",
    );
    shows(&page, &texts);
    has_no_errors(&page);
}

fn it_fits_a_desk_and_a_phone(on: Kind) {
    let server = Server::start(on);
    let chromium = Chromium::start();
    for text in [
        "Good morning! Is this thread running?",
        "It is, and so is yours.",
        "A long line, to see it break: the quick brown fox jumps over the \
         lazy dog, again and again, until the window ends.",
        "averyveryveryveryveryveryveryveryveryveryveryveryverylongwordwithout\
         aspaceinitthatmustnotpushanythingaside",
        "two\nlines, `code` and *emphasis* 👋",
    ] {
        say(&server, "lobby", text);
    }
    let page = open(&chromium, &server, "Grace", "socket");
    write(&page, "And this one is mine.");
    all_is_sent(&page);
    for (width, height) in [(1280, 800), (390, 844)] {
        page.resize(width, height);
        page.set_scheme("light");
        page.go_to(&server.url("/r/lobby"));
        is_connected(&page);
        page.until("document.querySelectorAll('#log .message').length === 6");
        for scheme in ["light", "dark"] {
            page.set_scheme(scheme);
            fits(&page, width);
            page.screenshot(&format!("{}-{width}-{scheme}.png", on.0));
        }
    }
    let log = "document.querySelector('[role=log]') !== null";
    assert_eq!(page.value_of(log), true);
    has_no_errors(&page);
}

/// Holds that nothing sticks out of the window, and that there is room to
/// write.
#[track_caller]
fn fits(page: &Page, width: u32) {
    let too_wide = "document.documentElement.scrollWidth > innerWidth";
    assert_eq!(page.value_of(too_wide), false, "at {width} px");
    let can_write = "(() => {
        const box = document.querySelector('#text').getBoundingClientRect();
        return box.bottom <= innerHeight && box.width > 100;
    })()";
    assert_eq!(page.value_of(can_write), true, "at {width} px");
}
