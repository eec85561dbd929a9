/** Several models: a table with one row each, uploaded one after another. */

import { find, icon, make, megabytes } from "../dom.js";
import { fileOf } from "./given.js";
import { FormErrors, sendModel } from "./sending.js";

/** @typedef {import("./given.js").Model} Model */
/** @typedef {"ready" | "packing" | "sending" | "sent" | "failed"} State */
/**
 * @typedef {object} Row
 * @property {Model} model
 * @property {State} state
 * @property {string} url
 * @property {HTMLInputElement} name
 * @property {HTMLElement} element
 * @property {HTMLElement} told
 * @property {HTMLButtonElement} remove
 */
/**
 * @typedef {object} Sending
 * @property {HTMLFormElement} form
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} progress
 * @property {(seconds: number) => void} waiting
 */

const EVERY_MS = 1500;
/** Fields of a single row; errors in other fields concern all rows. */
const OF_A_ROW = ["name", "file", "__all__", "form"];

export class Batch {
  /**
   * @param {HTMLElement} place that contains the table
   * @param {() => void} changed called after a row was removed
   */
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    /** @type {Row[]} */
    this.rows = [];
    this.body = find("[data-rows]", place);
    this.summary = find("[data-batch-summary]", place);
    this.looking = false;
  }

  /** @returns {Row[]} those not uploaded yet */
  get waiting() {
    return this.rows.filter(({ state }) => state === "ready" || state === "failed");
  }

  /** @returns {number} */
  get bytes() {
    return this.waiting.reduce((sum, { model }) => sum + model.size, 0);
  }

  /** @param {Model[]} models */
  add(models) {
    for (const model of models) {
      const row = this.rowOf(model);
      this.rows.push(row);
      this.body.append(row.element);
    }
    this.summarise();
  }

  /** @returns {Model[]} the remaining models under their typed names; empties the table */
  clear() {
    const models = this.rows.map(({ model, name }) => ({ ...model, name: name.value }));
    this.rows = [];
    this.body.replaceChildren();
    return models;
  }

  /**
   * Upload the waiting rows; a row that fails does not stop the others. Throws FormErrors when a field
   * that all rows share is wrong.
   * @param {Sending} sending
   */
  async send(sending) {
    const tried = new Set();
    const next = () => this.waiting.find((row) => !tried.has(row));
    let done = 0;
    for (let row = next(); row && !sending.signal.aborted; row = next()) {
      tried.add(row);
      const before = done;
      try {
        await this.sendRow(row, { ...sending, progress: (bytes) => sending.progress(before + bytes) });
      } catch (error) {
        this.fail(row, /** @type {Error} */ (error), sending.signal);
      }
      done += row.model.size;
    }
  }

  /**
   * @param {Row} row
   * @param {Sending} sending
   */
  async sendRow(row, { form, signal, progress, waiting }) {
    if (!row.name.value.trim()) throw new FormErrors({ name: ["Give the model a name."] });
    row.name.readOnly = row.remove.hidden = true;
    this.tell(row, "packing", badge("Packing", "info"));
    const file = await fileOf(row.model, { signal });
    const bar = make("progress", { max: "100", value: "0", "aria-label": `Upload of ${row.name.value}` });
    const bytes = make("span", { class: "muted small numeric" });
    this.tell(row, "sending", badge("Uploading", "info"), bar, bytes);
    const show = (/** @type {number} */ sent) => {
      /** @type {HTMLProgressElement} */ (bar).value = (100 * sent) / Math.max(1, file.size);
      bytes.textContent = `${megabytes(sent)} of ${megabytes(file.size)}`;
      progress(sent);
    };
    row.url = await sendModel({ form, file, name: row.name.value, signal, progress: show, waiting });
    this.tell(row, "sent", badge("Waiting for a worker"), opened(row.url, "Open"));
    void this.lookAtAll();
  }

  /**
   * @param {Row} row
   * @param {Error} error
   * @param {AbortSignal} signal
   */
  fail(row, error, signal) {
    row.name.readOnly = row.remove.hidden = false;
    const shared =
      error instanceof FormErrors &&
      Object.keys(error.fields).some((name) => !OF_A_ROW.includes(name));
    if (signal.aborted || shared) this.tell(row, "ready", badge("Ready"));
    else {
      const reason = make("span", { class: "small" }, sentenceOf(error));
      this.tell(row, "failed", badge("Not uploaded", "bad"), reason);
    }
    if (shared) throw error;
  }

  /** Poll the state of every row until the workers have finished them all. */
  async lookAtAll() {
    if (this.looking) return;
    this.looking = true;
    for (let open = this.open; open.length; open = this.open) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (document.hidden) continue;
      for (const row of open) await this.look(row).catch(() => undefined);
    }
    this.looking = false;
  }

  /** @returns {Row[]} those that no worker has finished */
  get open() {
    return this.rows.filter(({ state, told }) => state === "sent" && !told.dataset.final);
  }

  /** @param {Row} row */
  async look(row) {
    const answer = await fetch(`${row.url}status/`, { headers: { Accept: "application/json" } });
    const { state, final, reason } = await answer.json();
    if (state === "validating")
      this.tell(row, "sent", badge("Being checked", "info"), opened(row.url, "Open"));
    if (!final) return;
    if (state === "valid") this.tell(row, "sent", badge("Valid", "good"), opened(row.url, "Open"));
    else {
      const why = make("span", { class: "small" }, reason);
      this.tell(row, "sent", badge("Refused", "bad"), why, opened(`${row.url}#fix`, "Fix it"));
    }
    row.told.dataset.final = state;
    this.summarise();
  }

  /**
   * @param {Row} row
   * @param {State} state
   * @param {...Node} what
   */
  tell(row, state, ...what) {
    row.state = state;
    row.told.replaceChildren(...what);
    this.summarise();
  }

  summarise() {
    const count = (/** @type {string} */ final) =>
      this.rows.filter(({ told }) => told.dataset.final === final).length;
    const said = [
      `${this.rows.length} models`,
      this.waiting.length ? `${megabytes(this.bytes)} to upload` : "",
      count("valid") ? `${count("valid")} valid` : "",
      count("rejected") ? `${count("rejected")} refused` : "",
    ];
    const text = said.filter(Boolean).join(" · ");
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }

  /**
   * @param {Model} model
   * @returns {Row}
   */
  rowOf(model) {
    const name = /** @type {HTMLInputElement} */ (
      make("input", {
        type: "text",
        maxlength: "120",
        value: model.name,
        "aria-label": `Name of ${model.fileName}`,
      })
    );
    const remove = /** @type {HTMLButtonElement} */ (
      make(
        "button",
        {
          class: "button button--quiet button--icon",
          type: "button",
          "aria-label": `Remove ${model.fileName}`,
          click: () => this.remove(row),
        },
        icon("close"),
      )
    );
    const files = model.packed ? `${model.fileName}, ${model.files.length} files` : model.fileName;
    const told = make("div", { class: "batch__state" }, badge("Ready"));
    const element = make(
      "tr",
      { role: "row" },
      make(
        "td",
        { role: "cell", class: "batch__name" },
        name,
        make("span", { class: "muted small" }, `${files} · ${megabytes(model.size)}`),
      ),
      make("td", { role: "cell" }, told),
      make("td", { role: "cell", class: "batch__remove" }, remove),
    );
    /** @type {Row} */
    const row = { model, state: "ready", url: "", name, element, told, remove };
    return row;
  }

  /** @param {Row} row */
  remove(row) {
    const next = this.rows[this.rows.indexOf(row) + 1] ?? this.rows.at(-2);
    this.rows = this.rows.filter((one) => one !== row);
    row.element.remove();
    next?.remove.focus();
    this.summarise();
    this.changed();
  }
}

/**
 * @param {string} text
 * @param {string} [kind]
 */
function badge(text, kind) {
  return make("span", { class: kind ? `badge badge--${kind}` : "badge" }, text);
}

/**
 * A link in a new tab, because this page may still be uploading.
 * @param {string} href
 * @param {string} text
 */
function opened(href, text) {
  return make("a", { href, target: "_blank" }, text);
}

/** @param {Error} error */
function sentenceOf(error) {
  const unreadable = error instanceof DOMException || error instanceof RangeError;
  return unreadable
    ? "The file changed or cannot be read; remove it here and choose it again."
    : error.message;
}
