/** Sends a file in pieces (tus 1.0.0) and resumes after a broken connection. */

import { csrfToken } from "./dom.js";

const HEADERS = { "Tus-Resumable": "1.0.0" };
const PIECE_BYTES = 64 * 2 ** 20;
const WAITS_MS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000];
const NOT_HERE = [405, 415, 501];

/** The server or a proxy in front of it does not accept uploads in pieces. */
export class PiecesRefused extends Error {}

/** The upload cannot continue; `message` is shown to the user. */
export class UploadEnded extends Error {}

/**
 * @typedef {object} Sending
 * @property {File} file
 * @property {string} address
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} progress
 * @property {(seconds: number) => void} waiting
 */

/**
 * Send what the server still lacks; returns when it has everything.
 * @param {Sending} sending
 * @returns {Promise<void>}
 */
export async function sendPieces(sending) {
  let offset = 0;
  let failures = 0;
  let asked = false;
  while (!asked || offset < sending.file.size) {
    try {
      const before = offset;
      offset = asked ? await sendPiece(sending, offset) : await askOffset(sending);
      asked = true;
      if (offset > before) failures = 0;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      // As with fetch, a TypeError is a failure that may pass; everything else is final.
      if (failures === WAITS_MS.length)
        throw new UploadEnded("The connection broke and could not be restored.");
      await wait(sending, WAITS_MS[failures]);
      failures += 1;
      asked = false;
    }
  }
}

/**
 * Delete what the server has received so far.
 * @param {string} address
 */
export async function forgetPieces(address) {
  const headers = { ...HEADERS, "X-CSRFToken": csrfToken() };
  await fetch(address, { method: "DELETE", headers }).catch(() => undefined);
}

/**
 * @param {Sending} sending
 * @returns {Promise<number>}
 */
async function askOffset({ address, signal }) {
  const answer = await fetch(address, { method: "HEAD", headers: HEADERS, signal, cache: "no-store" });
  if (!answer.ok) throw problem(answer.status);
  return Number(answer.headers.get("Upload-Offset"));
}

/**
 * Send one piece with XMLHttpRequest, because `fetch` reports no progress.
 * @param {Sending} sending
 * @param {number} offset
 * @returns {Promise<number>}
 */
function sendPiece({ file, address, signal, progress }, offset) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PATCH", address);
    const headers = {
      ...HEADERS,
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(offset),
      "X-CSRFToken": csrfToken(),
    };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress(offset + event.loaded));
    request.addEventListener("load", () => {
      if (request.status === 204) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else reject(problem(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new TypeError("the connection broke")));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    signal.addEventListener("abort", stop);
    request.send(file.slice(offset, offset + PIECE_BYTES));
  });
}

/**
 * @param {number} status
 * @param {string} [text]
 * @returns {Error}
 */
function problem(status, text = "") {
  if (NOT_HERE.includes(status)) return new PiecesRefused(`status ${status}`);
  if (status === 404) return new UploadEnded("The server has discarded this upload; start again.");
  if (status === 401 || status === 403)
    return new UploadEnded("You are signed out; sign in and start again.");
  const passes = status === 409 || status === 423 || status === 429 || status >= 500;
  return passes && status !== 507 ? new TypeError(`status ${status}`) : new UploadEnded(detail(text));
}

/** @param {string} text */
function detail(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return "The server did not accept the file; try again in a minute, or ask your operator.";
  }
}

/**
 * @param {Sending} sending
 * @param {number} ms
 */
function wait({ signal, waiting }, ms) {
  waiting(ms / 1000);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    window.addEventListener("online", resolve, { once: true });
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    });
  });
}
