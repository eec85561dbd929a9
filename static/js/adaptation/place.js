/** Where the adaptation runs: in this browser, or on the server if the user chooses it. */

import { duration, find } from "../dom.js";
import { BrowserBackend } from "./backend_browser.js";

const STAGES = {
  reading: "Reading pictures",
  looking: "Looking at pictures",
  adapting: "Adapting",
  inverting: "Calibrating: inverting",
  calibrating: "Calibrating",
};

/** How often a screen reader announces the remaining time. */
const SAY_EVERY_MS = 10_000;
/** A screen reader announces every change, so changes are rare. */
const FETCH_STEP_BYTES = 5_000_000;
/** No forecast for less remaining time than this. */
const SHORT_S = 3;
const LEFT = "You left the page before this finished; try again.";
const READY = "Ready. This page now works offline until you leave it.";

/** @typedef {import("./backend_server.js").ServerBackend} ServerBackend */
/** @typedef {import("./material.js").Material} Material */
/** @typedef {{changed: () => void, status: (sentence: string) => void}} Owner */

/** The choice of where to adapt, and its backend. */
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
    this.step = find("[data-step]");
    this.bar = /** @type {HTMLProgressElement} */ (find("[data-progress]"));
    this.stopButton = /** @type {HTMLButtonElement} */ (find("[data-stop]"));
    this.browser = material && new BrowserBackend(material, (progress) => this.show(progress));
    this.isReady = false;
    /** @type {{at: number, done: number} | null} when the first step finished */
    this.first = null;
    this.said = { stage: "", at: 0 };
    this.stopButton.addEventListener("click", () => this.browser?.stop());
    for (const radio of this.radios()) radio.addEventListener("change", () => this.choose());
    window.addEventListener("pagehide", () => this.browser?.end(LEFT));
    window.addEventListener("pageshow", ({ persisted }) => void (persisted && this.comeBack()));
  }

  /** @returns {HTMLInputElement[]} */
  radios() {
    return [...this.root.querySelectorAll("input[name=place]")].map(
      (radio) => /** @type {HTMLInputElement} */ (radio),
    );
  }

  /** @returns {string} `browser`, `server`, or empty before a choice */
  get chosen() {
    return this.radios().find((radio) => radio.checked)?.value ?? "";
  }

  /** @returns {string} why the page cannot adapt yet; empty if it can */
  get lacking() {
    if (this.chosen === "server" || (this.chosen === "browser" && this.isReady)) return "";
    if (this.chosen) return "Getting this browser ready…";
    return this.server ? "Choose where to adapt." : (this.note.textContent ?? "").trim();
  }

  /** @returns {ServerBackend | BrowserBackend} */
  get backend() {
    return /** @type {BrowserBackend} */ (this.chosen === "server" ? this.server : this.browser);
  }

  choose() {
    for (const text of this.root.querySelectorAll("[data-for-place]")) {
      const element = /** @type {HTMLElement} */ (text);
      element.hidden = element.dataset.forPlace !== this.chosen;
    }
    this.owner.changed();
  }

  /** Fetch what the browser needs, so that the page works offline afterwards. */
  async load() {
    if (!this.browser) return;
    try {
      await this.browser.load();
      this.isReady = true;
      const limited = this.browser.material?.description.limited;
      this.note.textContent = [this.server ? READY : "Ready.", limited].filter(Boolean).join(" ");
    } catch (error) {
      this.note.textContent = /** @type {Error} */ (error).message;
      const own = this.radios().find((radio) => radio.value === "browser");
      if (own) Object.assign(own, { checked: false, disabled: true });
      this.choose();
    }
    this.owner.changed();
  }

  /** @param {number} bytes loaded so far */
  fetching(bytes) {
    const steps = Math.floor(bytes / FETCH_STEP_BYTES);
    if (!this.isReady && steps)
      this.note.textContent = `Getting ready… ${(steps * FETCH_STEP_BYTES) / 1e6} MB loaded.`;
  }

  /** The user came back: browsers keep the page as it was, but its workers have ended. */
  async comeBack() {
    const own = this.radios().find((radio) => radio.value === "browser");
    if (!this.browser) return;
    if (this.isReady) {
      // The adapted classifier is still valid; the next request reports a failure.
      await this.browser.load().catch(() => {});
      return;
    }
    if (own?.disabled) {
      // The user left before it was ready; that was no fault of the browser.
      Object.assign(own, { checked: !this.chosen, disabled: false });
      this.note.textContent = "Getting ready…";
      this.choose();
    }
    await this.load();
  }

  /** @returns {boolean} whether the user has stopped the current work */
  get isStopped() {
    return this.chosen === "browser" && Boolean(this.browser?.stopping);
  }

  /**
   * Read a picture before it is needed; an error is reported when it is used.
   * @param {import("./images.js").Picture} picture
   */
  readAhead(picture) {
    if (this.chosen === "browser") this.browser?.read(picture).catch(() => {});
  }

  /** @param {boolean} busy */
  working(busy) {
    const here = busy && this.chosen === "browser";
    const begins = here && this.stopButton.hidden;
    this.stopButton.hidden = !here;
    this.bar.hidden = !here;
    if (begins && document.activeElement?.matches("[data-adapt]")) this.stopButton.focus();
    if (begins) this.browser?.begins();
    if (begins || !here) this.fresh();
  }

  /** Reset the progress. */
  fresh() {
    this.bar.removeAttribute("value");
    this.step.textContent = "";
    this.first = null;
    this.said = { stage: "", at: 0 };
  }

  /**
   * Move the focus, unless the user has moved it elsewhere.
   * @param {HTMLElement | null} element
   */
  giveFocus(element) {
    const at = document.activeElement;
    if (!at || at === document.body || at === this.stopButton) element?.focus({ preventScroll: true });
  }

  /** @param {import("./backend_browser.js").Progress} progress */
  show({ stage, step, steps, loss, done }) {
    const now = performance.now();
    if (done) {
      this.bar.value = done;
      this.first ??= { at: now, done };
    }
    const left = this.first && done > this.first.done ? this.left(now, done) : 0;
    const forecast = left < SHORT_S ? "" : `, about ${duration(left)} left`;
    const lost = loss === null ? "" : `, loss ${loss.toFixed(3)}`;
    this.step.textContent = `${step} of ${steps}${lost}${forecast}`;
    // Every step is shown but not announced: there can be twenty in a second.
    if (stage === this.said.stage && now - this.said.at < SAY_EVERY_MS) return;
    this.said = { stage, at: now };
    this.owner.status(`${STAGES[/** @type {"adapting"} */ (stage)]}${forecast}…`);
  }

  /**
   * @param {number} now
   * @param {number} done
   * @returns {number} seconds
   */
  left(now, done) {
    const { at, done: before } = /** @type {{at: number, done: number}} */ (this.first);
    return (((now - at) / 1000) * (1 - done)) / (done - before);
  }
}
