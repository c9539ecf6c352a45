import { connect } from "/static/realtime/index.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

const chat = connect({
  room: query.get("room") ?? "lobby",
  nick: query.get("nick") ?? "guest",
  transport: query.get("transport") ?? "auto",
  onState({ state, transport, why }) {
    $("state").textContent = `${state} by ${transport}. ${why ?? ""}`;
  },
  onMessage({ nick, text }) {
    const line = document.createElement("li");
    line.textContent = `${nick}: ${text}`;
    $("messages").append(line);
  },
});

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  chat.post($("text").value);
  $("form").reset();
});
