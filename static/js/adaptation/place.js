/** Where the person wants the numbers to be made: in this browser, or on the server if they say so. */

import { duration, find } from "../dom.js";
import { BrowserBackend } from "./backend_browser.js";

const STAGES = {
  reading: "Reading pictures",
  looking: "Looking at pictures",
  adapting: "Adapting",
  inverting: "Calibrating: inverting",
  calibrating: "Calibrating",
};

/** How often those who listen hear how long it will still take. */
const SAY_EVERY_MS = 10_000;
/** Those who listen would hear every change, so there are few. */
const FETCH_STEP_BYTES = 5_000_000;
/** What is over sooner than this needs no forecast. */
const SHORT_S = 3;
const LEFT = "You left the page before this finished; try again.";
const READY = "Ready. This page now works offline until you leave it.";

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
    this.step = find("[data-step]");
    this.bar = /** @type {HTMLProgressElement} */ (find("[data-progress]"));
    this.stopButton = /** @type {HTMLButtonElement} */ (find("[data-stop]"));
    this.browser = material && new BrowserBackend(material, (progress) => this.show(progress));
    this.isReady = false;
    /** @type {{at: number, done: number} | null} when the first step was done */
    this.first = null;
    this.said = { stage: "", at: 0 };
    this.stopButton.addEventListener("click", () => this.browser?.stop());
    for (const radio of this.radios()) radio.addEventListener("change", () => this.choose());
    window.addEventListener("pagehide", () => this.browser?.end(LEFT));
    window.addEventListener("pageshow", ({ persisted }) => void (persisted && this.comeBack()));
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
    if (this.chosen) return "Getting this browser ready…";
    return this.server ? "Choose where to adapt." : (this.note.textContent ?? "").trim();
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

  /** @param {number} bytes that have come so far */
  fetching(bytes) {
    const steps = Math.floor(bytes / FETCH_STEP_BYTES);
    if (!this.isReady && steps) this.note.textContent = `Getting ready… ${(steps * FETCH_STEP_BYTES) / 1e6} MB loaded.`;
  }

  /** Browsers keep a page that was left as it is, but its workers have ended. */
  async comeBack() {
    const own = this.radios().find((radio) => radio.value === "browser");
    if (!this.browser) return;
    if (this.isReady) {
      // What was adapted before still holds; what goes wrong is said to whoever asks.
      await this.browser.load().catch(() => {});
      return;
    }
    if (own?.disabled) {
      // It was left before it was ready, which was no fault of the browser.
      Object.assign(own, { checked: !this.chosen, disabled: false });
      this.note.textContent = "Getting ready…";
      this.choose();
    }
    await this.load();
  }

  /** @returns {boolean} whether the person has stopped what is under way */
  get isStopped() {
    return this.chosen === "browser" && Boolean(this.browser?.stopping);
  }

  /**
   * Have a picture ready before somebody presses a button; what is wrong with it is said then.
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

  /** Nothing is known yet of how far it is. */
  fresh() {
    this.bar.removeAttribute("value");
    this.step.textContent = "";
    this.first = null;
    this.said = { stage: "", at: 0 };
  }

  /**
   * Where the keyboard goes on, unless the person is somewhere else by now.
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
    this.step.textContent = `${step} of ${steps}${loss === null ? "" : `, loss ${loss.toFixed(3)}`}${forecast}`;
    // Every step is shown, but not said aloud: there can be twenty in a second.
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
