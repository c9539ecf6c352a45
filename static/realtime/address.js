// Where things are: the protocol's paths as whole URLs.

/**
 * @param {{base: string, room: string}} place
 * @param {string} resource "messages", "events", "stream", "socket" …
 * @param {object} query undefined values are left out
 */
export function address({ base, room }, resource, query = {}) {
  const url = new URL(`/api/rooms/${encodeURIComponent(room)}/`, base);
  url.pathname += resource;
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

/** The same place over WebSocket: `http` → `ws`, `https` → `wss`. */
export function socketAddress(place, resource, query) {
  return address(place, resource, query).replace(/^http/, "ws");
}
