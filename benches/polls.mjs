// The yardstick for short polls: the same answer from Node's own server, which
// has no rooms, no limits and no routes. Prints its address; `polls` runs it.

import { createServer } from "node:http";

const body = JSON.stringify({
  messages: [],
  last: 1763718000000000,
  gap: false,
  more: false,
});

const server = createServer((request, response) => {
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": body.length,
    "cache-control": "no-store",
  });
  response.end(body);
});

server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
