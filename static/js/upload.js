/** The upload page: a form that shows how far it is, counts classes and fills in presets. */

import { find, make, megabytes } from "./dom.js";

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
  if (!name.value) name.value = chosen.name.replace(/\.(safetensors|pth?|bin)$/i, "").replaceAll("_", " ");
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
 * @param {ProgressEvent} event
 * @param {number} began
 */
function showProgress(event, began) {
  const percent = Math.floor((100 * event.loaded) / Math.max(1, event.total));
  const speed = event.loaded / Math.max(0.1, (performance.now() - began) / 1000);
  /** @type {HTMLProgressElement} */ (find("progress", progress)).value = percent;
  find("[data-progress-percent]", progress).textContent = `${percent} %`;
  find("[data-progress-text]", progress).textContent = percent < 100 ? "Uploading" : "Storing";
  find("[data-progress-detail]", progress).textContent =
    `${megabytes(event.loaded)} of ${megabytes(event.total)}, ${megabytes(speed)} a second`;
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

function send() {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const request = new XMLHttpRequest();
  const began = performance.now();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => showProgress(event, began));
  request.addEventListener("load", () => finish(request));
  request.addEventListener("error", () => finish(request));
  request.addEventListener("abort", () => setBusy(false));
  find("[data-abort]", progress).addEventListener("click", () => request.abort(), { once: true });
  setBusy(true);
  request.send(new FormData(form));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
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
