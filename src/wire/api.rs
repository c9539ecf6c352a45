//! What a request asks of the chat: from a method and an address to one of a
//! dozen calls, or to the answer that refuses it.

use super::http::{Method, Problem, Request, Response};
use super::json;
use super::query::{Query, cursor};
use super::stream::Format;
use super::websocket::Codec;
use super::websocket::dialog::Lesson;
use crate::chat::{Draft, Nick, RoomName, Seq};

/// What a request asks for.
#[derive(Debug)]
pub enum Call {
    /// The web app.
    Page,
    /// A file of the web app, by its path under `/static/`.
    Asset(String),
    /// A room's messages: at once, or held for `query.wait` seconds.
    Messages(RoomName, Query),
    /// A message for a room.
    Post(RoomName, Draft),
    /// A stream of a room's news.
    Stream(Reading, Format),
    /// A WebSocket to a room.
    Socket(Reading, Codec),
    /// A WebSocket that sends everything back.
    Echo(Codec),
    /// What this server is.
    Server,
    /// Whether it is well.
    Health,
    /// The demonstration of work for the processor.
    Work(Work),
    /// A look at the bytes of a WebSocket.
    Xray(Xray),
    /// Nothing more: this is the answer.
    Answer(Response),
}

/// Someone who begins to read a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The room.
    pub room: RoomName,
    /// Where the reader stopped, if it has read before.
    pub after: Option<Seq>,
    /// What it is called, if it says so.
    pub nick: Option<Nick>,
}

/// A demonstration of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// How many milliseconds of processor time to burn.
    pub ms: u64,
    /// Whether a thread of its own may do it.
    pub offload: bool,
}

/// A dialog with one of the sockets, to be looked at.
#[derive(Clone, Debug)]
pub struct Xray {
    /// The socket's address.
    pub path: String,
    /// What is said to it.
    pub lesson: Lesson,
    /// The text, where one is said.
    pub text: String,
}

/// What the operator decided about requests.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Origins of pages that may post and connect besides our own.
    pub allow_origins: Vec<String>,
    /// Hosts this server may be called; any, if there are none.
    pub allow_hosts: Vec<String>,
    /// Whether `/api/work` is there.
    pub demo: bool,
    /// The codec behind `socket` and `echo`.
    pub codec: Codec,
}

/// Finds out what a request asks for.
///
/// # Errors
/// 403 for another host or a page of another origin, 404, 405, and whatever is wrong with the
/// query or the body.
pub fn route(request: &Request, rules: &Rules) -> Result<Call, Problem> {
    check_host(request, rules)?;
    if request.method == Method::Connect {
        return Err(Problem::not_allowed(Known::Everything.allow()));
    }
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, query),
        None => (request.target.as_str(), ""),
    };
    let known = Known::find(path, rules)?;
    let allow = known.allow();
    match request.method {
        Method::Options => Ok(Call::Answer(options(request, allow))),
        Method::Get | Method::Head => known.read(request, query, rules),
        Method::Post => known.post(request, rules),
        _ => Err(Problem::not_allowed(allow)),
    }
}

/// An address there is.
enum Known<'a> {
    Page,
    Asset(&'a str),
    Server,
    Health,
    Work,
    Xray,
    Echo(Codec),
    Room(RoomName, &'a str),
    Everything,
}

impl<'a> Known<'a> {
    fn find(path: &'a str, rules: &Rules) -> Result<Known<'a>, Problem> {
        match path {
            "/" => return Ok(Known::Page),
            "*" => return Ok(Known::Everything),
            "/healthz" => return Ok(Known::Health),
            "/api/server" => return Ok(Known::Server),
            "/api/echo" => return Ok(Known::Echo(rules.codec)),
            "/api/echo-by-hand" => return Ok(Known::Echo(Codec::ByHand)),
            "/api/work" if rules.demo => return Ok(Known::Work),
            "/api/xray" if rules.demo => return Ok(Known::Xray),
            _ => (),
        }
        if let Some(room) = path.strip_prefix("/r/") {
            return RoomName::new(room).map(|_| Known::Page).map_err(not_found);
        }
        if let Some(asset) = path.strip_prefix("/static/") {
            return Ok(Known::Asset(asset));
        }
        let Some((room, way)) = path
            .strip_prefix("/api/rooms/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return Err(not_found(()));
        };
        match way {
            "messages" | "events" | "stream" | "socket" | "socket-by-hand" => {
                Ok(Known::Room(RoomName::new(room)?, way))
            }
            _ => Err(not_found(())),
        }
    }

    fn allow(&self) -> &'static str {
        match self {
            Known::Room(_, "messages") | Known::Everything => {
                "GET, HEAD, POST, OPTIONS"
            }
            Known::Xray => "POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    fn read(
        self,
        request: &Request,
        query: &str,
        rules: &Rules,
    ) -> Result<Call, Problem> {
        let query = Query::parse(query)?;
        let (room, way) = match self {
            Known::Page => return Ok(Call::Page),
            Known::Asset(path) => return Ok(Call::Asset(path.to_owned())),
            Known::Server => return Ok(Call::Server),
            Known::Health => return Ok(Call::Health),
            Known::Work => return Ok(Call::Work(work(&query)?)),
            Known::Echo(codec) => return Ok(Call::Echo(codec)),
            Known::Everything => return Err(Problem::not_allowed("OPTIONS")),
            Known::Xray => return Err(Problem::not_allowed(self.allow())),
            Known::Room(room, way) => (room, way),
        };
        if way == "messages" {
            return Ok(Call::Messages(room, query));
        }
        let reading = Reading::new(room, query, request)?;
        match way {
            "events" => Ok(Call::Stream(reading, Format::Events)),
            "stream" => Ok(Call::Stream(reading, Format::Lines)),
            "socket" => Ok(Call::Socket(reading, rules.codec)),
            _ => Ok(Call::Socket(reading, Codec::ByHand)),
        }
    }

    fn post(self, request: &Request, rules: &Rules) -> Result<Call, Problem> {
        let allow = self.allow();
        if !matches!(self, Known::Xray | Known::Room(_, "messages")) {
            return Err(Problem::not_allowed(allow));
        }
        check_origin(request, rules)?;
        check_media_type(request)?;
        match self {
            Known::Room(room, _) => {
                Ok(Call::Post(room, json::parse_post(&request.body)?))
            }
            _ => Ok(Call::Xray(Xray::parse(&request.body)?)),
        }
    }
}

impl Reading {
    fn new(
        room: RoomName,
        query: Query,
        request: &Request,
    ) -> Result<Reading, Problem> {
        let Query { mut after, nick, .. } = query;
        // An EventSource that comes back by itself repeats the address it
        // was made with, but knows better where it stopped.
        if let Some(id) = request.field("last-event-id")
            && !id.is_empty()
        {
            after = Some(cursor(id)?);
        }
        Ok(Reading { room, after, nick })
    }
}

impl Xray {
    fn parse(body: &[u8]) -> Result<Xray, Problem> {
        let asked = json::parse_xray(body)?;
        let room = RoomName::new(&asked.room)?;
        let path = match asked.target.as_str() {
            echo @ ("echo" | "echo-by-hand") => format!("/api/{echo}"),
            way @ ("socket" | "socket-by-hand") => {
                format!("/api/rooms/{room}/{way}")
            }
            _ => {
                let detail = "target is echo, echo-by-hand, socket or \
                              socket-by-hand.";
                return Err(Problem::new(400, "bad_json", detail));
            }
        };
        let lesson = Lesson::find(&asked.send)?;
        Ok(Xray { path, lesson, text: asked.text })
    }
}

/// A name that somebody else owns can be made to lead here (DNS rebinding);
/// its pages then have the origin of this server. An operator who minds says
/// what the server is called.
fn check_host(request: &Request, rules: &Rules) -> Result<(), Problem> {
    let host = request.field("host").unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let name = if digits { name } else { host };
    let is_ours = |ours: &String| ours.eq_ignore_ascii_case(name);
    if rules.allow_hosts.is_empty() || rules.allow_hosts.iter().any(is_ours) {
        return Ok(());
    }
    let detail = "This server is not called so; its operator can allow it \
                  with --allow-host.";
    Err(Problem::new(403, "host", detail))
}

/// A page of another site may neither post nor open a socket (RFC 6455,
/// section 10.2): its browser would say who its user is, not what its user
/// wants. Whoever sends no `Origin` is not a browser.
///
/// # Errors
/// 403 `origin`.
pub fn check_origin(request: &Request, rules: &Rules) -> Result<(), Problem> {
    if !request.has_field("origin") {
        return Ok(());
    }
    let origin = request.field("origin").unwrap_or_default();
    let host = request.field("host").unwrap_or_default();
    let own = origin.split_once("://").is_some_and(|(scheme, from)| {
        matches!(scheme, "http" | "https") && from.eq_ignore_ascii_case(host)
    });
    let listed = rules.allow_origins.iter().any(|allowed| allowed == origin);
    if own || listed {
        return Ok(());
    }
    let detail = "This page's origin is not this server's; its operator can \
                  allow it with --allow-origin.";
    Err(Problem::new(403, "origin", detail))
}

/// The origin of the page that asks, if it is another's that is allowed: its
/// browser wants to be told so.
pub fn shared_with(request: &Request, rules: &Rules) -> Option<String> {
    let origin = request.field("origin")?;
    let listed = rules.allow_origins.iter().any(|allowed| allowed == origin);
    listed.then(|| origin.to_owned())
}

/// What may be done here; for a browser that asks before it posts for a page
/// of another origin, also with which fields.
fn options(request: &Request, allow: &'static str) -> Response {
    let answer = Response::new(204).field("allow", allow);
    if request.has_field("access-control-request-method") {
        answer
            .field("access-control-allow-methods", allow)
            .field("access-control-allow-headers", "content-type")
            .field("access-control-max-age", "600")
    } else {
        answer
    }
}

/// A page of another site can send a form, but not JSON under its own name.
fn check_media_type(request: &Request) -> Result<(), Problem> {
    let media_type = request.field("content-type").unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "A post's Content-Type is application/json.";
    Err(Problem::new(415, "media_type", detail))
}

fn work(query: &Query) -> Result<Work, Problem> {
    let missing = || Problem::new(400, "bad_query", "Say how long: ms=N.");
    let ms = query.ms.ok_or_else(missing)?;
    Ok(Work { ms, offload: query.offload == Some(1) })
}

fn not_found<E>(_: E) -> Problem {
    Problem::new(404, "not_found", "There is nothing at this address.")
}
