/** Reloads a page when the server has finished what the page waits for. */

import { find } from "./dom.js";

const EVERY_MS = 1500;
const box = find("[data-wait]");
const url = box.dataset.wait ?? "";

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      const { state, final } = await answer.json();
      if (final || state !== box.dataset.waitState) {
        location.reload();
        return;
      }
    } catch {
      // The server may be restarting; look again later.
    }
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
