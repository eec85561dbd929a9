/** Uploads one file: in pieces, or whole if the server or a proxy does not accept pieces. */

import { forgetPieces, PiecesRefused, sendPieces, UploadEnded } from "../pieces.js";
import { crc32 } from "./zip.js";

/**
 * @typedef {object} Sending
 * @property {HTMLFormElement} form
 * @property {File} file
 * @property {string} name
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} progress
 * @property {(seconds: number) => void} waiting
 */
/** @typedef {{ upload: string, url: string }} Places */

const BROKE = "The connection broke. Submit the form again to continue where it stopped.";

/** The errors of the form, by field. */
export class FormErrors extends Error {
  /** @param {Record<string, string[]>} fields */
  constructor(fields) {
    super(Object.values(fields).flat().join(" "));
    this.fields = fields;
  }
}

/**
 * Upload a file with the current values of the form.
 * @param {Sending} sending
 * @returns {Promise<string>} the page of the new model; throws FormErrors or UploadEnded, both to be shown
 *   to the user
 */
export async function sendModel(sending) {
  try {
    return await sendInPieces(sending);
  } catch (error) {
    if (error instanceof PiecesRefused) return sendWhole(sending);
    const told = error instanceof FormErrors || error instanceof UploadEnded;
    throw told || sending.signal.aborted ? error : new UploadEnded(BROKE);
  }
}

/** @param {Sending} sending */
async function sendInPieces(sending) {
  const { file, signal, progress, waiting } = sending;
  const places = await begin(sending);
  try {
    await sendPieces({ file, address: places.upload, signal, progress, waiting });
  } catch (error) {
    if (signal.aborted || error instanceof PiecesRefused) {
      sessionStorage.removeItem(keyOf(sending));
      await forgetPieces(places.upload);
    }
    throw error;
  }
  sessionStorage.removeItem(keyOf(sending));
  return places.url;
}

/**
 * Where to send the pieces: an upload begun before, or a new one.
 * @param {Sending} sending
 * @returns {Promise<Places>}
 */
async function begin(sending) {
  const { form, file, signal } = sending;
  const kept = JSON.parse(sessionStorage.getItem(keyOf(sending)) ?? "null");
  if (kept?.identity === identity(sending)) {
    const headers = { "Tus-Resumable": "1.0.0" };
    const answer = await fetch(kept.upload, { method: "HEAD", headers, signal, cache: "no-store" });
    if (answer.ok) return kept;
  }
  const body = fieldsOf(sending);
  body.set("file_name", file.name);
  const headers = { Accept: "application/json", "Upload-Length": String(file.size) };
  const answer = await fetch(form.action, { method: "POST", headers, body, signal });
  if (answer.status === 422) throw new FormErrors((await answer.json()).errors);
  if (answer.status !== 201) throw new PiecesRefused(`status ${answer.status}`);
  const places = await answer.json();
  sessionStorage.setItem(keyOf(sending), JSON.stringify({ ...places, identity: identity(sending) }));
  return places;
}

/**
 * The fields of the form, without the file.
 * @param {Sending} sending
 */
function fieldsOf({ form, name }) {
  const data = new FormData(form);
  data.delete("file");
  data.set("name", name);
  return data;
}

/**
 * Identifies the file and the form's values: an upload resumes only if both are unchanged.
 * @param {Sending} sending
 */
function identity(sending) {
  const data = fieldsOf(sending);
  data.delete("csrfmiddlewaretoken");
  const { name, size, lastModified } = sending.file;
  return JSON.stringify([name, size, lastModified, JSON.stringify([...data.entries()])]);
}

/** @param {Sending} sending */
function keyOf(sending) {
  return `freehold-upload-${crc32(new TextEncoder().encode(identity(sending)))}`;
}

/**
 * Send the whole form in one request.
 * @param {Sending} sending
 * @returns {Promise<string>}
 */
function sendWhole(sending) {
  const { form, file, signal, progress } = sending;
  const body = fieldsOf(sending);
  body.set("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText).url);
      else reject(refusal(request));
    });
    request.addEventListener("error", () => reject(refusal(request)));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function refusal(request) {
  if (request.status === 422) return new FormErrors(JSON.parse(request.responseText).errors);
  return new UploadEnded(
    request.status
      ? "The server did not accept the file; try again in a minute, or ask your operator."
      : "The connection broke; nothing was stored. Try again.",
  );
}
