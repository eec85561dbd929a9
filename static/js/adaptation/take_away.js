/** The adapted classifier as a file for the person's own disk. */

import { find } from "../dom.js";

const NAMES = { safetensors: "classifier.safetensors", onnx: "classifier.onnx" };

/** @typedef {{file: (kind: "safetensors" | "onnx") => Promise<Blob>}} Source */

/** Buttons that give the classifier of a session that lives in this browser. */
export class TakeAway {
  /** @param {(sentence: string) => void} problem */
  constructor(problem) {
    this.root = /** @type {HTMLElement} */ (find("[data-take-away]"));
    /** @type {Source | null} */
    this.source = null;
    for (const button of this.root.querySelectorAll("button")) {
      const kind = /** @type {"onnx"} */ (button.dataset.kind);
      button.addEventListener("click", () => this.give(kind).catch((error) => problem(error.message)));
    }
  }

  /** @param {object | null} session */
  offer(session) {
    this.source = session && "file" in session ? /** @type {Source} */ (session) : null;
    this.root.hidden = this.source === null;
  }

  /** @param {"safetensors" | "onnx"} kind */
  async give(kind) {
    if (!this.source) return;
    const url = URL.createObjectURL(await this.source.file(kind));
    const link = Object.assign(document.createElement("a"), { href: url, download: NAMES[kind] });
    link.click();
    // The browser has taken hold of the file by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}
