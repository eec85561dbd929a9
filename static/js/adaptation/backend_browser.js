/** Adapts in this browser, in workers that never send a picture anywhere. */

import { decodeNamed } from "../device/decode.js";
import { missingInBrowser, moduleWorker } from "../device/support.js";
import { ASKED, Refused } from "./backend_server.js";
import { Calls } from "./calls.js";

/** @typedef {import("./backend_server.js").Example} Example */
/** @typedef {import("./backend_server.js").Settings} Settings */
/** @typedef {import("./backend_server.js").Prediction} Prediction */
/** @typedef {import("./images.js").Picture} Picture */
/** @typedef {import("./material.js").Material} Material */
/** @typedef {import("../device/adaptation.js").Progress} Progress */

const INSTEAD = "use a current Firefox, Chrome or Safari.";
const BROKEN = `This browser cannot run the adaptation; ${INSTEAD}`;
const LOST =
  "The browser stopped the adaptation, most likely because it ran out of memory. " +
  "Use fewer pictures and try again.";
const TOO_OLD = "This meta-learner is too old for this calibration; choose ICFIL, or turn calibration off.";
const STOPPED = "Stopped. Nothing was kept.";
const STOPPED_ASKING = "Stopped. The adapted classifier is still here; you can ask again.";
/** A step of a deep network can take seconds; after this time Stop ends the worker instead. */
const PATIENCE_MS = 300;
/** Query pictures per request: enough to use the network well, few enough to answer soon. */
const AT_A_TIME = 100;

/** Adapts in this browser; after `load` it fetches nothing. */
export class BrowserBackend {
  /**
   * @param {() => Promise<Material>} material
   * @param {(progress: Progress) => void} onProgress
   */
  constructor(material, onProgress) {
    this.getMaterial = material;
    this.onProgress = onProgress;
    /** @type {Material | null} */
    this.material = null;
    /** @type {Calls | null} the worker that holds the learner */
    this.numbers = null;
    /** @type {Calls | null} the worker that reads pictures while the other is busy */
    this.reader = null;
    /** @type {Promise<void> | null} */
    this.ready = null;
    /** @type {WeakMap<Picture, Promise<Uint8Array>>} pixels, as long as the page holds the picture */
    this.squares = new WeakMap();
    this.stopping = false;
    /** @type {Promise<any> | null} the running command that Stop ends */
    this.working = null;
    /** @type {BrowserSession | null} the session whose classifier the worker holds */
    this.held = null;
    /** Why there is no worker now. */
    this.reason = LOST;
  }

  /** Fetch everything once and start the workers. Throws Refused with the reason. */
  load() {
    if (this.ready) return this.ready;
    const ready = this.begin();
    this.ready = ready;
    ready.catch(() => {
      if (this.ready === ready) this.ready = null;
    });
    return ready;
  }

  async begin() {
    const missing = missingInBrowser(window);
    if (missing) throw new Refused(`This browser has no ${missing}, which adapting here needs; ${INSTEAD}`);
    this.material ??= await this.getMaterial();
    const { description, files, weights, runtime, wasm } = this.material;
    let loaded = false;
    const lost = () => this.end(loaded ? LOST : BROKEN);
    const numbers = this.newWorker(lost);
    this.numbers = numbers;
    this.reader = this.newWorker(lost);
    try {
      await numbers.ask("load", { description, files, weights, runtime, wasm });
    } catch (error) {
      // Free the memory of workers that cannot be used.
      if (this.numbers === numbers) this.end(BROKEN);
      throw error;
    }
    loaded = true;
  }

  /** @param {() => void} lost */
  newWorker(lost) {
    const { runtime, worker } = /** @type {Material} */ (this.material);
    // In the one-file page the worker is one script: files on a disk cannot import each other.
    const made = typeof runtime === "string" ? moduleWorker(worker) : new Worker(worker);
    if (!made) throw new Refused(`This browser has no module workers, which adapting here needs; ${INSTEAD}`);
    return new Calls(made, { progress: this.onProgress, lost });
  }

  /**
   * A picture's pixels as the network takes them, read once and cached.
   * @param {Picture} picture
   * @returns {Promise<Uint8Array>}
   */
  read(picture) {
    const known = this.squares.get(picture);
    if (known) return known;
    const square = this.decode(picture);
    this.squares.set(picture, square);
    // A failure such as lack of memory may not happen again: allow another attempt.
    square.catch(() => this.squares.delete(picture));
    return square;
  }

  /** @param {Picture} picture */
  async decode({ file, name }) {
    await this.load();
    const { architecture } = /** @type {Material} */ (this.material).description;
    // If workers have no canvas, the page decodes.
    if (typeof OffscreenCanvas === "undefined") return decodeNamed(file, name, architecture);
    return this.asked(this.reader, "decode", { file, name, architecture });
  }

  /**
   * @param {Picture[]} pictures
   * @returns {Promise<Uint8Array[]>}
   */
  async readAll(pictures) {
    const reading = pictures.map((picture) => this.read(picture));
    const squares = [];
    for (const one of reading) {
      squares.push(await one);
      if (this.stopping) throw new Refused(STOPPED);
      const step = squares.length;
      this.onProgress({ stage: "reading", step, steps: pictures.length, loss: null, done: 0 });
    }
    return squares;
  }

  /**
   * @param {Example[]} support
   * @param {Settings} settings
   */
  async adapt(support, { calibration }) {
    await this.load();
    const settings = this.settingsOf(calibration);
    const labels = [...new Set(support.map(({ label }) => label))];
    const squares = await this.readAll(support.map(({ picture }) => picture));
    const given = support.map(({ label }, index) => ({
      label: labels.indexOf(label),
      square: squares[index],
    }));
    this.held = null;
    await this.work("adapt", { support: given, settings });
    const { normalisation } = /** @type {Material} */ (this.material).description;
    const about = { labels: JSON.stringify(labels), normalisation: JSON.stringify(normalisation) };
    const classifier = await this.asked(this.numbers, "export", { kind: "safetensors", about });
    this.held = new BrowserSession(this, labels, classifier);
    return this.held;
  }

  /** @param {Settings["calibration"]} calibration */
  settingsOf(calibration) {
    const { calibrated } = /** @type {Material} */ (this.material).description;
    const { calibrate, settings } = ASKED[calibration];
    if (calibrate && !calibrated) throw new Refused(TOO_OLD);
    return { calibrate: "none", ...(calibrate ? calibrated : {}), ...settings };
  }

  /**
   * A session with a classifier that was adapted before.
   * @param {{labels: string[], classifier: Blob}} kept
   */
  async restore({ labels, classifier }) {
    const session = new BrowserSession(this, labels, classifier);
    await session.hold();
    return session;
  }

  /** Called when new work begins: it has not been stopped yet. */
  begins() {
    this.stopping = false;
  }

  /**
   * Stop before the next step. If that step takes long, end the worker at once and load another one
   * from the material that the page still holds.
   */
  stop() {
    this.stopping = true;
    this.numbers?.tell("stop");
    const { working } = this;
    setTimeout(() => {
      if (!working || this.working !== working) return;
      this.end(STOPPED);
      // If this fails, the next adaptation tries again and reports the reason.
      this.load().catch(() => {});
    }, PATIENCE_MS);
  }

  /**
   * @param {"adapt" | "predict"} command
   * @param {object} given
   */
  async work(command, given) {
    const working = this.asked(this.numbers, command, given);
    this.working = working;
    try {
      return await working;
    } finally {
      this.working = null;
    }
  }

  /**
   * End both workers, which frees their memory; pending requests are rejected with the reason.
   * @param {string} reason
   */
  end(reason) {
    this.numbers?.end(reason);
    this.reader?.end(reason);
    // Without a worker the material is still being fetched; let that continue.
    if (this.numbers) this.ready = null;
    this.numbers = null;
    this.reader = null;
    this.held = null;
    this.reason = reason;
  }

  /**
   * @param {Calls | null} worker
   * @param {string} command
   * @param {object} given
   */
  asked(worker, command, given) {
    return worker ? worker.ask(command, given) : Promise.reject(new Refused(this.reason));
  }
}

/** An adapted classifier: in the worker, and as a file on this page because workers can end. */
class BrowserSession {
  /**
   * @param {BrowserBackend} backend
   * @param {string[]} labels
   * @param {Uint8Array<ArrayBuffer> | Blob} classifier as a safetensors file
   */
  constructor(backend, labels, classifier) {
    this.backend = backend;
    this.labels = labels;
    this.classifier = classifier;
    this.atATime = AT_A_TIME;
  }

  /** Make sure that the worker holds this classifier. */
  async hold() {
    const { backend, classifier } = this;
    await backend.load();
    if (backend.held === this) return;
    await backend.asked(backend.numbers, "restore", { classifier });
    backend.held = this;
  }

  /**
   * @param {Picture[]} pictures
   * @returns {Promise<Prediction[]>}
   */
  async predict(pictures) {
    /** @type {Float32Array[]} */
    let rows;
    try {
      const squares = await this.backend.readAll(pictures);
      await this.hold();
      rows = await this.backend.work("predict", { squares });
    } catch (error) {
      throw this.backend.stopping ? new Refused(STOPPED_ASKING) : error;
    }
    return rows.map((row) => ({
      label: this.labels[row.indexOf(Math.max(...row))],
      probabilities: Object.fromEntries(this.labels.map((label, index) => [label, row[index]])),
    }));
  }

  /**
   * The adapted classifier as a file.
   * @param {"safetensors" | "onnx"} kind
   * @returns {Promise<Blob>}
   */
  async file(kind) {
    const type = "application/octet-stream";
    if (kind === "safetensors") return new Blob([this.classifier], { type });
    await this.hold();
    return new Blob(
      [await this.backend.asked(this.backend.numbers, "export", { kind, about: {} })],
      { type },
    );
  }
}
