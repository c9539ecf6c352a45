//! The least chat that axum can be, as its own example has it: a broadcast
//! channel for each room, a task for each reader. Only there to be measured.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, Sender, error::RecvError};

/// Messages kept for a reader that falls behind.
const BEHIND: usize = 4096;

#[derive(Default)]
struct Chat {
    rooms: HashMap<String, Sender<Utf8Bytes>>,
    seq: u64,
}

type Shared = Arc<Mutex<Chat>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip_while(|word| word != "--listen");
    let address = words.nth(1).ok_or("--listen 127.0.0.1:PORT")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let seq = now.as_micros() as u64;
    let chat = Shared::new(Mutex::new(Chat { seq, ..Chat::default() }));
    let app = Router::new()
        .route("/api/rooms/{room}/socket", get(upgrade))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(chat);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

async fn upgrade(
    ws: WebSocketUpgrade,
    Path(room): Path<String>,
    State(chat): State<Shared>,
) -> Response {
    ws.on_upgrade(move |socket| async move {
        // The reader has left: there is nobody to tell.
        let _ = serve(socket, room, chat).await;
    })
}

async fn serve(
    mut socket: WebSocket,
    room: String,
    chat: Shared,
) -> Result<(), Box<dyn Error>> {
    let (sender, seq) = {
        let mut chat = chat.lock().map_err(|_| "poisoned")?;
        let seq = chat.seq;
        let new = || broadcast::channel(BEHIND).0;
        (chat.rooms.entry(room).or_insert_with(new).clone(), seq)
    };
    let mut messages = sender.subscribe();
    let hello = json!({"type": "hello", "last": seq, "gap": false});
    socket.send(Message::text(hello.to_string())).await?;
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(text) => socket.send(Message::Text(text)).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            frame = socket.recv() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let ack = post(&text, &sender, &chat)?;
                    socket.send(Message::text(ack)).await?;
                }
                Some(Ok(_)) => {}
                _ => return Ok(()),
            },
        }
    }
}

fn post(
    text: &str,
    sender: &Sender<Utf8Bytes>,
    chat: &Shared,
) -> Result<String, Box<dyn Error>> {
    let post: Value = serde_json::from_str(text)?;
    let mut chat = chat.lock().map_err(|_| "poisoned")?;
    chat.seq += 1;
    let message = json!({
        "type": "message", "seq": chat.seq, "nick": post["nick"],
        "text": post["text"], "id": post["id"],
    });
    // Fails only if nobody reads, and we do.
    let _ = sender.send(message.to_string().into());
    let ack = json!({"type": "ack", "id": post["id"], "seq": chat.seq});
    Ok(ack.to_string())
}
