// The room's link, to copy and as a QR code for a class with phones.

import { byId, svg } from "./dom.js";
import { qr } from "./qr.js";

/** Light modules that must stand around a code. */
const QUIET = 4;

/** `address` is the room's whole URL. */
export function createShare(room, address) {
  const dialog = byId("share-dialog");
  const done = byId("share-done");
  byId("share-room").textContent = `#${room}`;
  byId("share-link").textContent = address.replace(/^https?:\/\//, "");

  byId("share-open").addEventListener("click", () => {
    const code = qr(address);
    byId("share-code").replaceChildren(...(code ? [draw(code, address)] : []));
    done.textContent = localWords(new URL(address).hostname);
    dialog.showModal();
  });
  byId("share-copy").addEventListener("click", async () => {
    done.textContent = await copy(address)
      ? "Copied."
      : "This browser does not let a page copy. Select the link above.";
  });
}

function draw(code, address) {
  const side = code.length + 2 * QUIET;
  const dark = code.flatMap((row, y) => row.map((on, x) =>
    (on ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ""))).join("");
  return svg("svg", {
    "viewBox": `0 0 ${side} ${side}`,
    "shape-rendering": "crispEdges",
    "role": "img",
    "aria-label": `QR code of ${address}`,
  }, svg("path", { d: dark, fill: "#000000" }));
}

// A class that scans `localhost` finds its own phones there.
function localWords(host) {
  const local = /^(localhost|127\.|\[::1\])/.test(host);
  return local
    ? "This address works on this computer only. Let the server listen on an "
      + "address of the network, and open the page by it."
    : "";
}

// Without https a page has no clipboard, except on localhost.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
