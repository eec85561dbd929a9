/** Where the numbers are made: here in this browser, in workers that no picture leaves. */

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
const LOST = "The browser stopped the adaptation, most likely because it ran out of memory. Use fewer pictures and try again.";
const TOO_OLD = "This meta-learner is too old for this calibration; choose ICFIL, or turn calibration off.";
const STOPPED = "Stopped. Nothing was kept.";
const STOPPED_ASKING = "Stopped. The adapted classifier is still here; you can ask again.";
/** A step of a deep network takes seconds, and who presses Stop has waited long enough. */
const PATIENCE_MS = 300;
/** Questions in one go: enough that a network is used well, few enough that answers come soon. */
const AT_A_TIME = 100;

/** Adapts in this browser; nothing is fetched any more once `load` is done. */
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
    /** @type {Calls | null} the worker that reads pictures, while the other one is busy */
    this.reader = null;
    /** @type {Promise<void> | null} */
    this.ready = null;
    /** @type {WeakMap<Picture, Promise<Uint8Array>>} pixels, for as long as the page has the picture */
    this.squares = new WeakMap();
    this.stopping = false;
    /** @type {Promise<any> | null} what takes long and can be stopped */
    this.working = null;
    /** @type {BrowserSession | null} whose classifier the worker has */
    this.held = null;
    /** Why there is no worker. */
    this.reason = LOST;
  }

  /** Get all that is needed, once, and make the workers ready. Throws Refused with the reason. */
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
      // What cannot be used shall not keep memory.
      if (this.numbers === numbers) this.end(BROKEN);
      throw error;
    }
    loaded = true;
  }

  /** @param {() => void} lost */
  newWorker(lost) {
    const { runtime, worker } = /** @type {Material} */ (this.material);
    // In one file the worker is one script, as files on a disk cannot import one another.
    const made = typeof runtime === "string" ? moduleWorker(worker) : new Worker(worker);
    if (!made) throw new Refused(`This browser has no module workers, which adapting here needs; ${INSTEAD}`);
    return new Calls(made, { progress: this.onProgress, lost });
  }

  /**
   * A picture's pixels as the network takes them; read once, best before they are needed.
   * @param {Picture} picture
   * @returns {Promise<Uint8Array>}
   */
  read(picture) {
    const known = this.squares.get(picture);
    if (known) return known;
    const square = this.decode(picture);
    this.squares.set(picture, square);
    // What went wrong once, as for want of memory, may go well the next time.
    square.catch(() => this.squares.delete(picture));
    return square;
  }

  /** @param {Picture} picture */
  async decode({ file, name }) {
    await this.load();
    const { architecture } = /** @type {Material} */ (this.material).description;
    // Where workers have no canvas, the page decodes.
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
    const given = support.map(({ label }, index) => ({ label: labels.indexOf(label), square: squares[index] }));
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
   * A session of an adaptation that was made before.
   * @param {{labels: string[], classifier: Blob}} kept
   */
  async restore({ labels, classifier }) {
    const session = new BrowserSession(this, labels, classifier);
    await session.hold();
    return session;
  }

  /** What comes now has not been stopped. */
  begins() {
    this.stopping = false;
  }

  /**
   * End what is under way before its next step, and at once where a step takes long: then with the
   * worker and its memory, and another one gets ready from what the page still has.
   */
  stop() {
    this.stopping = true;
    this.numbers?.tell("stop");
    const { working } = this;
    setTimeout(() => {
      if (!working || this.working !== working) return;
      this.end(STOPPED);
      // What goes wrong is said to whoever adapts next, which tries again.
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
   * Give all memory back; whoever still waits gets the reason.
   * @param {string} reason
   */
  end(reason) {
    this.numbers?.end(reason);
    this.reader?.end(reason);
    // Without a worker it is still being fetched, and that may go on.
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

/** A classifier that lives in the worker, and as a file on this page: workers end, and others begin. */
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

  /** See to it that the worker has this classifier. */
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
    return new Blob([await this.backend.asked(this.backend.numbers, "export", { kind, about: {} })], { type });
  }
}
