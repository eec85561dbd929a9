/**
 * Holds a learner in a worker and adapts it. It receives everything that it needs; its content security
 * policy forbids every connection.
 */

import { Adaptation } from "./adaptation.js";
import { decodeNamed } from "./decode.js";
import { Graphs } from "./graphs.js";
import { withValues } from "./onnx_file.js";
import { normalised } from "./pixels.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { tryOut, warmUp } from "./warm_up.js";

/** @typedef {(progress: import("./adaptation.js").Progress) => void} Progress */
/** @typedef {import("../types.d.ts").LearnerDescription} LearnerDescription */
/** @typedef {import("../types.d.ts").AdaptationSettings} Settings */
/** @typedef {import("../types.d.ts").Weight} Weight */

/** Messages of runtimes and browsers that run out of memory, after which the worker is lost. */
const NO_MEMORY = /bad_alloc|out of memory|allocation failed|failed to allocate|memory access out of bounds/i;

/** @type {{graphs: Graphs, tensors: Map<string, Weight>, description: LearnerDescription} | null} */
let learner = null;
/** @type {Adaptation | null} */
let adapted = null;
let stopping = false;
/** Whether the user has asked for something, which ends the warm-up. */
let wanted = false;
/** @type {Promise<void>} */
let warming = Promise.resolve();
/**
 * Reads one picture at a time: a large one takes a hundred megabytes.
 * @type {Promise<unknown>}
 */
let reading = Promise.resolve();

function loaded() {
  if (!learner) throw new Error("The learner is not loaded.");
  return learner;
}

/** @param {string | Blob} runtime its module's address, or the module itself */
async function runtimeOf(runtime) {
  if (typeof runtime === "string") return import(runtime);
  const address = URL.createObjectURL(runtime);
  try {
    return await import(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}

const commands = {
  /**
   * @param {object} given
   * @param {LearnerDescription} given.description
   * @param {Map<string, Blob>} given.files
   * @param {Blob} given.weights
   * @param {string | Blob} given.runtime
   * @param {Blob} given.wasm
   */
  async load({ description, files, weights, runtime, wasm }) {
    const ort = await runtimeOf(runtime);
    ort.env.wasm.wasmBinary = await wasm.arrayBuffer();
    const contents = new Map();
    for (const [name, file] of files) contents.set(name, new Uint8Array(await file.arrayBuffer()));
    const tensors = readSafetensors(await weights.arrayBuffer());
    const graphs = new Graphs(ort, description, contents);
    await tryOut(graphs, tensors);
    learner = { graphs, tensors, description };
    // A failed rehearsal costs nothing but time; a real request reports its own errors.
    warming = warmUp(graphs, tensors, { stopped: () => wanted })
      .catch((error) => console.warn(String(error)));
  },

  /**
   * Decode a picture file to pixels (channels, size, size). Needs no learner, so a second worker can do it.
   * @param {{file: Blob, name: string, architecture: {image_size: number, channels: number}}} given
   */
  decode({ file, name, architecture }) {
    const square = reading.then(() => decodeNamed(file, name, architecture));
    // The caller gets the error; the next picture must not wait forever.
    reading = square.catch(() => {});
    return square;
  },

  /**
   * @param {{support: {label: number, square: Uint8Array}[], settings: Partial<Settings>}} given
   * @param {Progress} progress
   */
  async adapt({ support, settings }, progress) {
    const { graphs, tensors, description } = loaded();
    adapted = null;
    const examples = support.map(({ label, square }) => ({
      label,
      pixels: normalised(square, description.normalisation),
    }));
    const adaptation = new Adaptation(graphs, tensors, { ...description.adaptation, ...settings });
    await adaptation.adapt(examples, { progress, stopped: () => stopping });
    adapted = adaptation;
  },

  /** @param {{classifier: Blob | Uint8Array<ArrayBuffer>}} given a safetensors file from `export` */
  async restore({ classifier }) {
    const { graphs, tensors, description } = loaded();
    const adaptation = new Adaptation(graphs, tensors, description.adaptation);
    adaptation.restore(readSafetensors(await new Response(classifier).arrayBuffer()));
    adapted = adaptation;
  },

  /**
   * @param {{squares: Uint8Array[]}} given pictures as `decode` returns them
   * @param {Progress} progress
   */
  async predict({ squares }, progress) {
    if (!adapted) throw new Error("Adapt first, then ask about other pictures.");
    const { normalisation } = loaded().description;
    const pictures = squares.map((square) => normalised(square, normalisation));
    return adapted.predict(pictures, { progress, stopped: () => stopping });
  },

  /** @param {{kind: "safetensors" | "onnx", about: Record<string, string>}} given */
  async export({ kind, about }) {
    if (!adapted) throw new Error("Adapt first, then download the classifier.");
    const values = adapted.classifier();
    if (kind === "onnx") {
      const graph = loaded().graphs.files.get(adapted.predictor);
      return withValues(/** @type {Uint8Array} */ (graph), values);
    }
    return writeSafetensors(values, about);
  },
};

/**
 * @param {keyof typeof commands} command
 * @param {any} given what this command takes
 * @param {Progress} progress
 * @returns {Promise<unknown>}
 */
async function answer(command, given, progress) {
  if (command !== "load" && command !== "decode") {
    wanted = true;
    stopping = false;
    await warming;
  }
  const run = /** @type {(given: any, progress: Progress) => unknown} */ (commands[command]);
  return run(given, progress);
}

self.addEventListener("message", async (event) => {
  const { id, command, given } = event.data;
  if (command === "stop") {
    stopping = true;
    return;
  }
  try {
    const result = await answer(command, given, (state) => self.postMessage({ id, progress: state }));
    self.postMessage({ id, result }, { transfer: result instanceof Uint8Array ? [result.buffer] : [] });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ id, error: message, lost: NO_MEMORY.test(message) });
  }
});
