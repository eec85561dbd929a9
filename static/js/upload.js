/** The upload page: a form that shows how far it is, counts classes and fills in presets. */

import { find, make, megabytes } from "./dom.js";
import { forgetPieces, PiecesRefused, sendPieces, UploadEnded } from "./pieces.js";

const KEPT = "freehold-upload";

const form = /** @type {HTMLFormElement} */ (find("[data-upload]"));
const file = /** @type {HTMLInputElement} */ (find("input[type=file]", form));
const drop = find("[data-drop]", form);
const classNames = /** @type {HTMLTextAreaElement} */ (find("[name=class_names]", form));
const channels = /** @type {HTMLSelectElement} */ (find("[name=channels]", form));
const recovery = /** @type {HTMLInputElement} */ (find("[name=consent_recovery]", form));
const preview = /** @type {HTMLInputElement} */ (find("[name=consent_preview]", form));
const progress = /** @type {HTMLElement} */ (find("[data-progress]", form));
const submit = /** @type {HTMLButtonElement} */ (find("button[type=submit]", form));

/** @param {string} name */
function field(name) {
  return /** @type {HTMLInputElement} */ (find(`[name=${name}]`, form));
}

function showFile() {
  const chosen = file.files?.[0];
  if (!chosen) return;
  find("[data-file-name]", form).textContent = `${chosen.name} (${megabytes(chosen.size)})`;
  const name = field("name");
  if (!name.value) name.value = chosen.name.replace(/\.(safetensors|pth?|pt2|bin|ckpt|zip)$/i, "").replaceAll("_", " ");
}

function countClasses() {
  const text = classNames.value.trim().replace(/^\[|\]$/g, "");
  const lines = text.split("\n").length > 1 ? text.split("\n") : text.split(",");
  const names = lines.map((line) => line.replace(/["',]/g, "").trim()).filter(Boolean);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const count = `${names.length} ${names.length === 1 ? "class" : "classes"}`;
  find("[data-class-count]", form).textContent = names.length
    ? twice ? `${count}; “${twice}” stands there twice.` : `${count}. The model must have as many outputs.`
    : "";
}

/** @param {string} numbers */
function forChannels(numbers) {
  return channels.value === "1" ? numbers.split(",")[0] : numbers;
}

function tieConsents() {
  preview.disabled = !recovery.checked;
  if (!recovery.checked) preview.checked = false;
}

/** @param {Record<string, string[]>} errors */
function showErrors(errors) {
  for (const old of form.querySelectorAll(".field__error, .note--bad")) old.remove();
  for (const [name, sentences] of Object.entries(errors)) showError(name, sentences.join(" "));
  const folded = form.querySelector("details:has(.field__error)");
  if (folded instanceof HTMLDetailsElement) folded.open = true;
  const first = form.querySelector("[aria-invalid=true], .note--bad");
  if (first instanceof HTMLElement) {
    first.scrollIntoView({ block: "center" });
    first.focus({ preventScroll: true });
  }
}

/**
 * @param {string} name
 * @param {string} sentence
 */
function showError(name, sentence) {
  const input = form.querySelector(`[name=${CSS.escape(name)}]`);
  const place = input?.closest(".field, .check");
  if (!input || !place) {
    const note = make("div", { class: "note note--bad", role: "alert" }, make("span"), make("p", {}, sentence));
    find("[data-form-errors]", form).append(note);
    return;
  }
  const id = `id_${name}_error`;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `id_${name}_helptext ${id}`);
  place.append(make("div", { class: "field__error", id }, sentence));
}

/** @param {boolean} busy */
function setBusy(busy) {
  progress.hidden = !busy;
  submit.disabled = busy;
  if (busy) progress.scrollIntoView({ block: "nearest" });
}

/**
 * @param {number} loaded
 * @param {number} total
 * @param {{ at: number, bytes: number }} began
 */
function showProgress(loaded, total, began) {
  const percent = Math.floor((100 * loaded) / Math.max(1, total));
  const speed = (loaded - began.bytes) / Math.max(0.1, (performance.now() - began.at) / 1000);
  /** @type {HTMLProgressElement} */ (find("progress", progress)).value = percent;
  find("[data-progress-percent]", progress).textContent = `${percent} %`;
  find("[data-progress-text]", progress).textContent = percent < 100 ? "Uploading" : "Storing";
  find("[data-progress-detail]", progress).textContent =
    `${megabytes(loaded)} of ${megabytes(total)}, ${megabytes(Math.max(0, speed))} a second`;
}

/** @param {number} seconds */
function showWaiting(seconds) {
  find("[data-progress-text]", progress).textContent = "The connection broke; nothing is lost";
  find("[data-progress-detail]", progress).textContent = `Going on in ${Math.ceil(seconds)} s`;
}

/** What is said about the file, as text: an upload goes on only if it is still the same. */
function fieldsText() {
  const data = new FormData(form);
  data.delete("file");
  data.delete("csrfmiddlewaretoken");
  return JSON.stringify([...data.entries()]);
}

/** @param {File} chosen */
function identity(chosen) {
  return JSON.stringify([chosen.name, chosen.size, chosen.lastModified, fieldsText()]);
}

/**
 * Where the pieces go: to the upload that was begun before, or to a new one.
 * @param {File} chosen
 * @param {AbortSignal} signal
 * @returns {Promise<{ upload: string, url: string }>}
 */
async function begin(chosen, signal) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept?.identity === identity(chosen)) {
    const headers = { "Tus-Resumable": "1.0.0" };
    const answer = await fetch(kept.upload, { method: "HEAD", headers, signal, cache: "no-store" });
    if (answer.ok) return kept;
  }
  const body = new FormData(form);
  body.delete("file");
  body.set("file_name", chosen.name);
  const headers = { Accept: "application/json", "Upload-Length": String(chosen.size) };
  const answer = await fetch(form.action, { method: "POST", headers, body, signal });
  if (answer.status === 422) throw new Errors((await answer.json()).errors);
  if (answer.status !== 201) throw new PiecesRefused(`status ${answer.status}`);
  const places = await answer.json();
  sessionStorage.setItem(KEPT, JSON.stringify({ ...places, identity: identity(chosen) }));
  return places;
}

/** What is wrong with the form, field by field. */
class Errors extends Error {
  /** @param {Record<string, string[]>} fields */
  constructor(fields) {
    super("the form");
    this.fields = fields;
  }
}

async function send() {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const chosen = file.files?.[0];
  if (!chosen?.size) {
    showErrors({ file: [chosen ? "The file is empty; choose another one." : "Choose a file."] });
    return;
  }
  const stop = new AbortController();
  find("[data-abort]", progress).addEventListener("click", () => stop.abort(), { once: true });
  setBusy(true);
  try {
    location.assign(await sendInPieces(chosen, stop.signal));
  } catch (error) {
    fail(/** @type {Error} */ (error), stop.signal);
  }
}

/**
 * @param {File} chosen
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the page of the new model
 */
async function sendInPieces(chosen, signal) {
  const places = await begin(chosen, signal);
  /** @type {{ at: number, bytes: number } | undefined} */
  let began;
  const progress = (/** @type {number} */ bytes) => {
    began ??= { at: performance.now(), bytes };
    showProgress(bytes, chosen.size, began);
  };
  try {
    await sendPieces({ file: chosen, address: places.upload, signal, progress, waiting: showWaiting });
  } catch (error) {
    if (signal.aborted || error instanceof PiecesRefused) {
      sessionStorage.removeItem(KEPT);
      await forgetPieces(places.upload);
    }
    throw error;
  }
  sessionStorage.removeItem(KEPT);
  return places.url;
}

/**
 * @param {Error} error
 * @param {AbortSignal} signal
 */
function fail(error, signal) {
  if (error instanceof PiecesRefused) {
    sendWhole();
    return;
  }
  setBusy(false);
  if (signal.aborted) return;
  if (error instanceof Errors) showErrors(error.fields);
  else if (error instanceof UploadEnded) showErrors({ form: [error.message] });
  else showErrors({ form: ["The connection broke. Send the form again; it goes on where it was."] });
}

/** The whole form in one request, where something between here and the server takes no pieces. */
function sendWhole() {
  const request = new XMLHttpRequest();
  const began = { at: performance.now(), bytes: 0 };
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => showProgress(event.loaded, event.total, began));
  request.addEventListener("load", () => finish(request));
  request.addEventListener("error", () => finish(request));
  request.addEventListener("abort", () => setBusy(false));
  find("[data-abort]", progress).addEventListener("click", () => request.abort(), { once: true });
  request.send(new FormData(form));
}

/** @param {XMLHttpRequest} request */
function finish(request) {
  if (request.status === 201) {
    location.assign(JSON.parse(request.responseText).url);
    return;
  }
  setBusy(false);
  const known = { 422: () => JSON.parse(request.responseText).errors }[request.status];
  const sentence = request.status
    ? "The server did not take the file; try again in a minute, or ask your operator."
    : "The connection broke; nothing was stored. Try again.";
  showErrors(known ? known() : { form: [sentence] });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void send();
});
file.addEventListener("change", showFile);
classNames.addEventListener("input", countClasses);
recovery.addEventListener("change", tieConsents);
channels.addEventListener("change", () => {
  for (const name of ["mean", "std"]) {
    const first = field(name).value.split(",")[0].trim();
    field(name).value = channels.value === "1" ? first : [first, first, first].join(", ");
  }
});
for (const button of form.querySelectorAll("[data-presets] button")) {
  button.addEventListener("click", () => {
    const { mean, std } = /** @type {HTMLElement} */ (button).dataset;
    field("mean").value = forChannels(mean ?? "");
    field("std").value = forChannels(std ?? "");
  });
}
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const files = /** @type {DragEvent} */ (event).dataTransfer?.files;
  if (files?.length) {
    file.files = files;
    showFile();
  }
});
tieConsents();
countClasses();
