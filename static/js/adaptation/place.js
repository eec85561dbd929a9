/** Where the person wants the numbers to be made: in this browser, or on the server if they say so. */

import { find } from "../dom.js";
import { BrowserBackend } from "./backend_browser.js";

const STAGES = {
  reading: "Reading pictures",
  adapting: "Adapting",
  inverting: "Calibrating: inverting",
  calibrating: "Calibrating",
};

const READY = "Ready; works without a network from now on, until you leave the page.";

/** @typedef {import("./backend_server.js").ServerBackend} ServerBackend */
/** @typedef {import("./material.js").Material} Material */
/** @typedef {{changed: () => void, status: (sentence: string) => void}} Owner */

/** The choice, and the backend that follows from it. */
export class Place {
  /**
   * @param {HTMLElement} root
   * @param {{server: ServerBackend | null, material: (() => Promise<Material>) | null, owner: Owner}} options
   */
  constructor(root, { server, material, owner }) {
    this.root = root;
    this.server = server;
    this.owner = owner;
    this.note = find("[data-browser-state]", root);
    this.bar = /** @type {HTMLProgressElement} */ (find("[data-progress]"));
    this.stopButton = /** @type {HTMLButtonElement} */ (find("[data-stop]"));
    this.browser = material && new BrowserBackend(material, (progress) => this.show(progress));
    this.isReady = false;
    this.stopButton.addEventListener("click", () => this.browser?.stop());
    for (const radio of this.radios()) radio.addEventListener("change", () => this.choose());
    window.addEventListener("pagehide", () => this.browser?.end("The page was left."));
  }

  /** @returns {HTMLInputElement[]} */
  radios() {
    return [...this.root.querySelectorAll("input[name=place]")].map((radio) => /** @type {HTMLInputElement} */ (radio));
  }

  /** @returns {string} `browser`, `server`, or nothing before the person has said it */
  get chosen() {
    return this.radios().find((radio) => radio.checked)?.value ?? "";
  }

  /** @returns {string} why one cannot adapt yet; empty when one can */
  get lacking() {
    if (this.chosen === "server" || (this.chosen === "browser" && this.isReady)) return "";
    return this.chosen ? "Getting this browser ready…" : "Say where to adapt.";
  }

  /** @returns {ServerBackend | BrowserBackend} */
  get backend() {
    return /** @type {BrowserBackend} */ (this.chosen === "server" ? this.server : this.browser);
  }

  choose() {
    for (const text of this.root.querySelectorAll("[data-for-place]")) {
      /** @type {HTMLElement} */ (text).hidden = /** @type {HTMLElement} */ (text).dataset.forPlace !== this.chosen;
    }
    this.owner.changed();
  }

  /** Fetch what the browser needs, so that afterwards the page works without a network. */
  async load() {
    if (!this.browser) return;
    try {
      await this.browser.load();
      this.isReady = true;
      this.note.textContent = this.server ? READY : "Ready.";
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
      const own = this.radios().find((radio) => radio.value === "browser");
      if (own) Object.assign(own, { checked: false, disabled: true });
      this.choose();
    }
    this.owner.changed();
  }

  /** @param {boolean} busy */
  working(busy) {
    const here = busy && this.chosen === "browser";
    this.stopButton.hidden = !here;
    this.bar.hidden = !here;
    this.bar.removeAttribute("value");
  }

  /** @param {import("./backend_browser.js").Progress} progress */
  show({ stage, step, steps, loss }) {
    this.bar.max = steps;
    this.bar.value = step;
    const about = loss === null ? "" : `, loss ${loss.toFixed(3)}`;
    this.owner.status(`${STAGES[/** @type {"adapting"} */ (stage)]}: ${step} of ${steps}${about}`);
  }
}
