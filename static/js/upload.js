/** The upload page: chosen files, progress, class counts and presets. */

import { find, make, megabytes } from "./dom.js";
import { UploadEnded } from "./pieces.js";
import { Batch } from "./upload/batch.js";
import { fileOf, filesOfChoice, filesOfDrop, modelsIn } from "./upload/given.js";
import { FormErrors, sendModel } from "./upload/sending.js";

/** @typedef {import("./upload/given.js").Model} Model */

const form = /** @type {HTMLFormElement} */ (find("[data-upload]"));
const file = /** @type {HTMLInputElement} */ (find("input[type=file]", form));
const drop = find("[data-drop]", form);
const classNames = /** @type {HTMLTextAreaElement} */ (find("[name=class_names]", form));
const channels = /** @type {HTMLSelectElement} */ (find("[name=channels]", form));
const recovery = /** @type {HTMLInputElement} */ (find("[name=consent_recovery]", form));
const preview = /** @type {HTMLInputElement} */ (find("[name=consent_preview]", form));
const progress = find("[data-progress]", form);
const submit = /** @type {HTMLButtonElement} */ (find("button[type=submit]", form));
const table = find("[data-batch]", form);
const batch = new Batch(table, () => {
  const began = busy || batch.waiting.length < batch.rows.length;
  if (batch.rows.length < 2 && !began) show(batch.clear());
});
const NO_WEIGHTS =
  "It has no weights file. Choose a .safetensors, .pt, .pth or .ckpt file, or a folder that has one.";
const UNTOUCHED = find("[data-file-name]", form).textContent ?? "";
/** @type {Model | undefined} the only model, while there is no table */
let model;
let busy = false;
/** The name taken from a file; the next file may replace it. */
let suggested = "";

/** @param {string} name */
function field(name) {
  return /** @type {HTMLInputElement} */ (find(`[name=${name}]`, form));
}

/**
 * Show what was chosen: one model in the form, several in the table.
 * @param {import("./upload/given.js").Found[]} found
 */
async function take(found) {
  if (found.length === 0 || (busy && !batch.rows.length)) return;
  const { models, leftOut, tooLarge } = await modelsIn(found);
  tellLeftOut(leftOut);
  showErrors(problemsOf(models, tooLarge));
  if (models.length === 0) return;
  if (batch.rows.length) batch.add(models);
  else if (models.length === 1) show(models);
  else show([...(model ? [{ ...model, name: field("name").value }] : []), ...models]);
}

/**
 * @param {Model[]} models
 * @param {string[]} tooLarge
 * @returns {Record<string, string[]>}
 */
function problemsOf(models, tooLarge) {
  const large = tooLarge.map(
    (name) =>
      `“${name}” is larger than 4 GiB, too large for a zip; upload its weights file alone.`,
  );
  if (large.length) return { file: large };
  return models.length
    ? {}
    : { file: [NO_WEIGHTS] };
}

/** @param {number} count */
function tellLeftOut(count) {
  const files =
    count === 1
      ? "1 file is left out: no worker needs it."
      : `${count} files are left out: no worker needs them.`;
  find("[data-left-out]", form).textContent = count ? files : "";
}

/** @param {Model[]} models one or none in the form, more in the table */
function show(models) {
  model = models.length === 1 ? models[0] : undefined;
  table.hidden = models.length < 2;
  const single = /** @type {HTMLElement} */ (field("name").closest(".field"));
  single.hidden = models.length > 1;
  if (models.length > 1) batch.add(models);
  find("[data-file-name]", form).textContent =
    models.length > 1
      ? "Drop more models here"
      : model
        ? described(model)
        : UNTOUCHED;
  const name = field("name");
  if (!model) name.value = "";
  else if (!name.value || name.value === suggested) name.value = suggested = model.name;
}

/** @param {Model} one */
function described({ fileName, files, packed, size }) {
  return packed
    ? `${fileName} (${files.length} files, ${megabytes(size)})`
    : `${fileName} (${megabytes(size)})`;
}

function countClasses() {
  const text = classNames.value.trim().replace(/^\[|\]$/g, "");
  const lines = text.split("\n").length > 1 ? text.split("\n") : text.split(",");
  const names = lines.map((line) => line.replace(/["',]/g, "").trim()).filter(Boolean);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const count = `${names.length} ${names.length === 1 ? "class" : "classes"}`;
  find("[data-class-count]", form).textContent = names.length
    ? twice ? `${count}; “${twice}” appears twice.` : `${count}. The model must have that many outputs.`
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
    const note = make(
      "div",
      { class: "note note--bad", role: "alert" },
      make("span"),
      make("p", {}, sentence),
    );
    find("[data-form-errors]", form).append(note);
    return;
  }
  const id = `id_${name}_error`;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `id_${name}_helptext ${id}`);
  place.append(make("div", { class: "field__error", id }, sentence));
}

/** @param {boolean} now */
function setBusy(now) {
  busy = now;
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
  find("[data-progress-detail]", progress).textContent = `Continuing in ${Math.ceil(seconds)} s`;
}

/** @returns {string} what is missing, as a sentence; empty if nothing is */
function whatIsMissing() {
  if (batch.rows.length) return batch.waiting.length ? "" : "All of these are uploaded; choose more.";
  if (!model) return "Choose a file.";
  return model.size ? "" : "The file is empty; choose another one.";
}

async function send() {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const missing = whatIsMissing();
  if (missing) {
    showErrors({ file: [missing] });
    return;
  }
  const stop = new AbortController();
  find("[data-abort]", progress).addEventListener("click", () => stop.abort(), { once: true });
  setBusy(true);
  try {
    if (batch.rows.length) await sendAll(stop.signal);
    else location.assign(await sendOne(/** @type {Model} */ (model), stop.signal));
  } catch (error) {
    setBusy(false);
    if (!stop.signal.aborted) fail(/** @type {Error} */ (error));
  }
}

/**
 * @param {Model} one
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the page of the new model
 */
async function sendOne(one, signal) {
  showPacking(0, one.size);
  const whole = await fileOf(one, { signal, progress: (bytes) => showPacking(bytes, one.size) });
  const name = field("name").value;
  return sendModel({ form, file: whole, name, signal, progress: shown(whole.size), waiting: showWaiting });
}

/** @param {AbortSignal} signal */
async function sendAll(signal) {
  showErrors({});
  table.scrollIntoView({ block: "center" });
  await batch.send({ form, signal, progress: shown(batch.bytes), waiting: showWaiting });
  setBusy(false);
}

/**
 * @param {number} total
 * @returns {(bytes: number) => void}
 */
function shown(total) {
  /** @type {{ at: number, bytes: number } | undefined} */
  let began;
  return (bytes) => {
    began ??= { at: performance.now(), bytes };
    showProgress(bytes, total, began);
  };
}

/**
 * @param {number} bytes
 * @param {number} total
 */
function showPacking(bytes, total) {
  find("[data-progress-text]", progress).textContent = "Packing";
  find("[data-progress-detail]", progress).textContent = `${megabytes(bytes)} of ${megabytes(total)}`;
}

/** @param {Error} error */
function fail(error) {
  if (error instanceof FormErrors) showErrors(error.fields);
  else if (error instanceof UploadEnded) showErrors({ form: [error.message] });
  else showErrors({ file: ["The file changed or cannot be read; choose it again."] });
}

/** Fill in data set, licence, sharing, consent and description as for the last model. */
function likeLast() {
  const { like: text, likeName } = /** @type {HTMLElement} */ (like).dataset;
  const said = JSON.parse(text ?? "{}");
  for (const [name, value] of Object.entries(said)) {
    if (typeof value === "boolean") field(name).checked = value;
    else field(name).value = value;
  }
  tieConsents();
  find("[data-liked]").textContent =
    `Data set, licence, sharing, consent and description are copied from “${likeName}”.`;
}

function offerFolders() {
  const folder = /** @type {HTMLInputElement} */ (
    make("input", { type: "file", webkitdirectory: true, hidden: true, "data-folder": true })
  );
  if (!("webkitdirectory" in folder)) return;
  const button = find("[data-choose-folder]", form);
  button.hidden = false;
  find("[data-also]", form).hidden = false;
  button.after(folder);
  button.addEventListener("click", () => folder.click());
  folder.addEventListener("change", () => void takeFrom(folder));
}

/** @param {HTMLInputElement} input */
async function takeFrom(input) {
  await take(filesOfChoice(input.files ?? []));
  // Otherwise choosing the same file again fires no event. A single file stays, as the browser shows it.
  if (input !== file || batch.rows.length) input.value = "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void send();
});
file.addEventListener("change", () => void takeFrom(file));
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
  const transfer = /** @type {DragEvent} */ (event).dataTransfer;
  if (transfer)
    void filesOfDrop(transfer).then(take, () =>
      showErrors({ file: ["This cannot be read; choose it with the button."] }),
    );
});
window.addEventListener("beforeunload", (event) => {
  if (busy && batch.rows.length) event.preventDefault();
});
const like = form.querySelector("[data-like]");
like?.addEventListener("click", (event) => {
  event.preventDefault();
  likeLast();
});
// Without this script the form sends one file only.
file.multiple = true;
file.classList.add("file-input");
offerFolders();
void takeFrom(file);
tieConsents();
countClasses();
