/** Downloads: the adapted classifier, or the whole page as one file. */

import { find } from "../dom.js";

/** @typedef {"safetensors" | "onnx" | "page"} Kind */
/** @type {Record<Kind, string>} */
const NAMES = { safetensors: "classifier.safetensors", onnx: "classifier.onnx", page: "adapt-offline.html" };

/** @typedef {{labels: string[], file: (kind: "safetensors" | "onnx") => Promise<Blob>}} Source */
/**
 * `page` makes the page as one file; null if it cannot.
 * @typedef {object} Options
 * @property {(sentence: string) => void} problem
 * @property {((source: Source | null) => Promise<Blob>) | null} page
 */

/** The download buttons for what exists only in this browser. */
export class TakeAway {
  /** @param {Options} options */
  constructor({ problem, page }) {
    this.root = find("[data-take-away]");
    this.page = page;
    /** @type {Source | null} */
    this.source = null;
    this.buttons = [...this.root.querySelectorAll("button")];
    for (const button of this.buttons) {
      const kind = /** @type {Kind} */ (button.dataset.kind);
      button.addEventListener("click", () => this.give(kind).catch((error) => problem(error.message)));
    }
  }

  /**
   * @param {object | null} session
   * @param {boolean} ready whether the browser has everything that the one-file page needs
   */
  offer(session, ready) {
    this.source = session && "file" in session ? /** @type {Source} */ (session) : null;
    for (const button of this.buttons) {
      button.hidden = button.dataset.kind === "page" ? !(ready && this.page) : this.source === null;
    }
    this.root.hidden = this.buttons.every((button) => button.hidden);
  }

  /** @param {Kind} kind */
  async give(kind) {
    const file = kind === "page" ? await this.page?.(this.source) : await this.source?.file(kind);
    if (!file) return;
    const url = URL.createObjectURL(file);
    const link = Object.assign(document.createElement("a"), { href: url, download: NAMES[kind] });
    link.click();
    // By then the browser has read the file.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}
