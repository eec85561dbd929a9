/** Where the numbers are made: here in this browser, in a worker that no picture leaves. */

import { decodeSquare } from "../device/decode.js";
import { Refused } from "./backend_server.js";

/** @typedef {import("./backend_server.js").Example} Example */
/** @typedef {import("./backend_server.js").Settings} Settings */
/** @typedef {import("./backend_server.js").Prediction} Prediction */
/** @typedef {import("./images.js").Picture} Picture */
/** @typedef {{description: string, worker: string, runtime: string, wasm: string}} Addresses */
/** @typedef {{stage: string, step: number, steps: number, loss: number | null}} Progress */

const OLD_BROWSER = "This browser is too old to adapt by itself; a current Firefox, Chrome or Safari can.";

/** Adapts in this browser; nothing is fetched any more once `load` is done. */
export class BrowserBackend {
  /**
   * @param {Addresses} addresses
   * @param {(progress: Progress) => void} onProgress
   */
  constructor(addresses, onProgress) {
    this.addresses = addresses;
    this.onProgress = onProgress;
    /** @type {any} */
    this.description = null;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Promise<unknown> | null} */
    this.ready = null;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
  }

  /** Fetch all that is needed, once, and make the worker ready. Throws Refused with the reason. */
  load() {
    this.ready ??= this.freshWorker();
    return this.ready;
  }

  async freshWorker() {
    if (typeof Worker === "undefined" || typeof WebAssembly === "undefined") throw new Refused(OLD_BROWSER);
    const material = await fetchMaterial(this.addresses);
    this.description = material.description;
    this.worker = new Worker(this.addresses.worker, { type: "module" });
    this.worker.addEventListener("message", (event) => this.answer(event.data));
    this.worker.addEventListener("error", () => this.end(OLD_BROWSER));
    // Handed over, not copied: the page keeps none of it.
    await this.ask("load", material, [material.wasm, material.weights]);
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

  /** End the adaptation before its next step; the learner stays loaded, for want of a network. */
  stop() {
    if (this.worker) void this.ask("stop", {});
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
   * @param {Transferable[]} [handedOver]
   * @returns {Promise<any>}
   */
  ask(command, given, handedOver = []) {
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker?.postMessage({ id, command, given }, handedOver);
    });
  }

  /** @param {{id: number, progress?: Progress, result?: unknown, error?: string}} message */
  answer({ id, progress, result, error }) {
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
    return typeof OffscreenCanvas === "undefined" ? decodeSquare(file, this.description.architecture) : file;
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
    const { normalisation } = this.backend.description;
    const about = { labels: JSON.stringify(this.labels), normalisation: JSON.stringify(normalisation) };
    return new Blob([await this.backend.ask("export", { kind, about })], { type: "application/octet-stream" });
  }
}

/** @param {Addresses} addresses */
async function fetchMaterial(addresses) {
  const description = JSON.parse(new TextDecoder().decode(await fetched(addresses.description)));
  if (!description.available) throw new Refused(description.reason);
  const beside = (/** @type {string} */ file) => new URL(file, new URL(addresses.description, location.href)).href;
  const names = Object.keys(description.graphs);
  const [weights, wasm, ...graphs] = await Promise.all([
    fetched(beside(description.weights.file), description.weights.sha256),
    fetched(addresses.wasm),
    ...names.map((name) => fetched(beside(description.graphs[name].file), description.graphs[name].sha256)),
  ]);
  const files = new Map(names.map((name, index) => [name, new Uint8Array(graphs[index])]));
  return { description, files, weights, wasm, runtime: new URL(addresses.runtime, location.href).href };
}

/**
 * @param {string} address
 * @param {string} [sha256] what it must be
 * @returns {Promise<ArrayBuffer>}
 */
async function fetched(address, sha256) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Refused("The server does not answer; load the page again.");
  }
  if (!answer.ok) throw new Refused("What this browser needs could not be loaded.");
  const content = await answer.arrayBuffer();
  const found = sha256 ? await hash(content) : null;
  if (found !== null && found !== sha256) throw new Refused("What was loaded is damaged; load the page again.");
  return content;
}

/** @param {ArrayBuffer} content as hexadecimal text; null where the browser keeps hashes to HTTPS */
async function hash(content) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
