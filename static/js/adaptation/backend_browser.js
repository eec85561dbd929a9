/** Where the numbers are made: here in this browser, in a worker that no picture leaves. */

import { decodeSquare } from "../device/decode.js";
import { missingInBrowser, moduleWorker } from "../device/support.js";
import { Refused } from "./backend_server.js";

/** @typedef {import("./backend_server.js").Example} Example */
/** @typedef {import("./backend_server.js").Settings} Settings */
/** @typedef {import("./backend_server.js").Prediction} Prediction */
/** @typedef {import("./images.js").Picture} Picture */
/** @typedef {import("./material.js").Material} Material */
/** @typedef {{stage: string, step: number, steps: number, loss: number | null}} Progress */

const INSTEAD = "a current Firefox, Chrome or Safari can.";
const BROKEN = `This browser cannot run the adaptation; ${INSTEAD}`;
const LOST = "The browser ended the adaptation, most likely for want of memory. Give fewer pictures and try again.";

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
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Promise<unknown> | null} */
    this.ready = null;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
  }

  /** Get all that is needed, once, and make the worker ready. Throws Refused with the reason. */
  load() {
    this.ready ??= this.freshWorker();
    return this.ready;
  }

  async freshWorker() {
    const missing = missingInBrowser(window);
    if (missing) throw new Refused(`This browser has no ${missing}, so it cannot adapt by itself; ${INSTEAD}`);
    this.material ??= await this.getMaterial();
    const { description, files, weights, runtime, wasm, worker } = this.material;
    // In one file the worker is one script, as files on a disk cannot import one another.
    this.worker = typeof runtime === "string" ? moduleWorker(worker) : new Worker(worker);
    if (!this.worker) throw new Refused(`This browser has no workers made of modules, so it cannot adapt by itself; ${INSTEAD}`);
    this.worker.addEventListener("message", (event) => this.answer(event.data));
    let loaded = false;
    this.worker.addEventListener("error", () => this.end(loaded ? LOST : BROKEN));
    await this.ask("load", { description, files, weights, runtime, wasm });
    loaded = true;
  }

  /**
   * @param {Example[]} support
   * @param {Settings} settings
   */
  async adapt(support, { calibrate }) {
    await this.load();
    const labels = [...new Set(support.map(({ label }) => label))];
    const given = [];
    for (const { label, picture } of support) given.push({ label: labels.indexOf(label), picture: await this.given(picture) });
    await this.ask("adapt", { support: given, settings: { calibrate: calibrate ? "icfil" : "none" } });
    return new BrowserSession(this, labels);
  }

  /**
   * A session of an adaptation that was made before.
   * @param {{labels: string[], classifier: Blob}} kept
   */
  async restore({ labels, classifier }) {
    await this.load();
    await this.ask("restore", { classifier });
    return new BrowserSession(this, labels);
  }

  /** End the adaptation before its next step; the learner stays loaded. */
  stop() {
    this.worker?.postMessage({ command: "stop" });
  }

  /**
   * Give all memory back; whoever still waits gets the reason.
   * @param {string} reason
   */
  end(reason) {
    this.worker?.terminate();
    this.worker = null;
    this.ready = null;
    for (const { reject } of this.waiting.values()) reject(new Refused(reason));
    this.waiting.clear();
  }

  /**
   * @param {string} command
   * @param {object} given
   * @returns {Promise<any>}
   */
  ask(command, given) {
    const { worker } = this;
    if (!worker) return Promise.reject(new Refused(LOST));
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, command, given });
    });
  }

  /** @param {{id: number, progress?: Progress, result?: unknown, error?: string, lost?: boolean}} message */
  answer({ id, progress, result, error, lost = false }) {
    if (lost) this.end(LOST);
    if (progress) {
      this.onProgress(progress);
      return;
    }
    const asker = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) asker?.resolve(result);
    else asker?.reject(new Refused(error));
  }

  /** @param {Picture} picture as the worker can take it */
  given({ file }) {
    // Where workers have no canvas, the page decodes.
    return typeof OffscreenCanvas === "undefined" ? decodeSquare(file, this.material?.description.architecture) : file;
  }
}

/** A classifier that lives in the worker. */
class BrowserSession {
  /**
   * @param {BrowserBackend} backend
   * @param {string[]} labels
   */
  constructor(backend, labels) {
    this.backend = backend;
    this.labels = labels;
  }

  /**
   * @param {Picture[]} pictures
   * @returns {Promise<Prediction[]>}
   */
  async predict(pictures) {
    const given = [];
    for (const picture of pictures) given.push(await this.backend.given(picture));
    /** @type {Float32Array[]} */
    const rows = await this.backend.ask("predict", { pictures: given });
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
    const { normalisation } = this.backend.material?.description ?? {};
    const about = { labels: JSON.stringify(this.labels), normalisation: JSON.stringify(normalisation) };
    return new Blob([await this.backend.ask("export", { kind, about })], { type: "application/octet-stream" });
  }
}
