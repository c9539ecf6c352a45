//! The web app: what is served, and with which fields.

use std::fs;

use crate::harness::{Kind, Server, Setup, TempDir, Wire, get};

on_every_server! {
    the_page_is_served_at_the_root_and_for_a_room,
    it_names_assets_that_are_there,
    its_policy_allows_nothing_inline_and_nobody_to_frame_it,
    a_room_that_breaks_the_rule_has_no_page,
    a_directory_may_stand_in_for_it,
}

/// Paths of this server that a text names in `src="…"`, `href="…"` or
/// `from "…"`.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for start in ["src=\"", "href=\"", "from \"", "import \""] {
        for part in text.split(start).skip(1) {
            let link = part.split('"').next().unwrap();
            if !link.contains(':') && !link.starts_with('#') {
                links.push(link.to_owned());
            }
        }
    }
    links
}

/// Where a link in a file at `base` leads.
fn resolve(base: &str, link: &str) -> String {
    if link.starts_with('/') {
        return link.to_owned();
    }
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn the_page_is_served_at_the_root_and_for_a_room(on: Kind) {
    let server = Server::start(on);
    let root = get(&server, "/");
    assert_eq!(root.status, 200);
    assert!(root.field("content-type").starts_with("text/html"));
    assert!(root.text().contains("<!doctype html>"), "{root}");
    assert_eq!(get(&server, "/r/some-room").body, root.body);
}

fn it_names_assets_that_are_there(on: Kind) {
    let server = Server::start(on);
    let mut found = vec!["/".to_owned()];
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        next += 1;
        let answer = get(&server, &path);
        assert_eq!(answer.status, 200, "{path}");
        let kind = answer.field("content-type").to_owned();
        match path.rsplit_once('.').map(|(_, end)| end) {
            Some("js") => {
                assert!(kind.starts_with("text/javascript"), "{path}")
            }
            Some("css") => assert!(kind.starts_with("text/css"), "{path}"),
            Some("svg") => assert!(kind.starts_with("image/svg"), "{path}"),
            _ => {}
        }
        if !kind.starts_with("text/") {
            continue;
        }
        for link in links(answer.text()) {
            let target = resolve(&path, &link);
            if !found.contains(&target) && !target.starts_with("/r/") {
                found.push(target);
            }
        }
    }
    assert!(found.iter().any(|p| p.ends_with(".js")), "{found:?}");
    assert!(found.iter().any(|p| p.ends_with(".css")), "{found:?}");
}

fn its_policy_allows_nothing_inline_and_nobody_to_frame_it(on: Kind) {
    let server = Server::start(on);
    for path in ["/", "/r/lobby"] {
        let answer = get(&server, path);
        let policy = answer.field("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("base-uri 'none'"), "{policy}");
        assert!(policy.contains("form-action 'none'"), "{policy}");
        for code in ["script-src 'self';", "style-src 'self';"] {
            assert!(policy.contains(code), "{code} in {policy}");
        }
        for open in ["unsafe", "*", "http:", "https:"] {
            assert!(!policy.contains(open), "{open} in {policy}");
        }
        assert_eq!(answer.field("x-content-type-options"), "nosniff");
        assert_eq!(answer.field("referrer-policy"), "no-referrer");
        let html = answer.text();
        assert!(!html.contains("<style"), "no inline style");
        assert!(!html.contains(" style="), "no inline style");
        assert!(!has_handler(html), "no inline handler");
        for script in html.split("<script").skip(1) {
            let (tag, rest) = script.split_once('>').unwrap();
            assert!(tag.contains("src="), "no inline script: {tag}");
            assert!(rest.starts_with("</script>"), "no inline script");
        }
    }
}

/// Whether a tag has an attribute like `onclick=`.
fn has_handler(html: &str) -> bool {
    html.split(" on").skip(1).any(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_lowercase()).next();
        rest[name.unwrap().len()..].starts_with('=')
    })
}

fn a_room_that_breaks_the_rule_has_no_page(on: Kind) {
    let server = Server::start(on);
    for path in ["/r/", "/r/Lobby", "/r/a_b", "/r/-a", "/r/a/b"] {
        let answer = get(&server, path);
        assert!(matches!(answer.status, 404 | 422), "{path}: {answer}");
    }
}

fn a_directory_may_stand_in_for_it(on: Kind) {
    let dir = TempDir::new();
    fs::write(dir.file("index.html"), "<!doctype html><p>mine").unwrap();
    fs::write(dir.file("mine.js"), "mine()").unwrap();
    let outside = TempDir::new();
    fs::write(outside.file("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.file("link")).unwrap();
    let server = Setup::new(on).option("--static", dir.path()).start();
    assert!(get(&server, "/").text().contains("mine"));
    assert!(get(&server, "/r/lobby").text().contains("mine"));
    fs::write(dir.file("index.html"), "<!doctype html><p>changed").unwrap();
    assert!(get(&server, "/").text().contains("changed"));
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret"] {
        let mut wire = Wire::open(&server);
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = wire.answer();
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer}");
    }
}
