/**
 * Holds a learner in a thread of its own and adapts it. It is given all that it needs and asks
 * nobody for anything: its own policy forbids every connection.
 */

import { Adaptation, Stopped } from "./adaptation.js";
import { decodeSquare } from "./decode.js";
import { Graphs } from "./graphs.js";
import { withValues } from "./onnx_file.js";
import { normalised } from "./pixels.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { warmUp } from "./warm_up.js";

/** @typedef {Blob | Uint8Array} Given a picture file, or its pixels where a worker cannot decode */

/** @type {{graphs: Graphs, tensors: Map<string, any>, description: any} | null} */
let learner = null;
/** @type {Adaptation | null} */
let adapted = null;
let stopping = false;

/**
 * @param {Given} given
 * @param {string} name how to call it
 */
async function pixels(given, name) {
  const { architecture, normalisation } = loaded().description;
  let square;
  try {
    square = given instanceof Blob ? await decodeSquare(given, architecture) : given;
  } catch {
    throw new Error(`${name} cannot be read; use a whole PNG, JPEG or WebP file.`);
  }
  return normalised(square, normalisation);
}

function loaded() {
  if (!learner) throw new Error("The learner is not loaded.");
  return learner;
}

const commands = {
  /** @param {{description: any, files: Map<string, Uint8Array>, weights: ArrayBuffer, runtime: string, wasm: ArrayBuffer}} given */
  async load({ description, files, weights, runtime, wasm }) {
    const ort = await import(runtime);
    ort.env.wasm.wasmBinary = wasm;
    learner = { graphs: new Graphs(ort, description, files), tensors: readSafetensors(weights), description };
    await warmUp(learner.graphs, learner.tensors);
  },

  /**
   * @param {{support: {label: number, picture: Given}[], settings: any}} given
   * @param {(progress: any) => void} progress
   */
  async adapt({ support, settings }, progress) {
    const { graphs, tensors, description } = loaded();
    const examples = [];
    stopping = false;
    for (const [index, { label, picture }] of support.entries()) {
      if (stopping) throw new Stopped("Stopped. Nothing was kept.");
      examples.push({ label, pixels: await pixels(picture, `Support picture ${index + 1}`) });
      progress({ stage: "reading", step: index + 1, steps: support.length, loss: null });
    }
    adapted = null;
    const adaptation = new Adaptation(graphs, tensors, { ...description.adaptation, ...settings });
    await adaptation.adapt(examples, { progress, stopped: () => stopping });
    adapted = adaptation;
  },

  async stop() {
    stopping = true;
  },

  /** @param {{pictures: Given[]}} given */
  async predict({ pictures }) {
    if (!adapted) throw new Error("Adapt first, then ask about other pictures.");
    const ready = [];
    for (const [index, picture] of pictures.entries()) ready.push(await pixels(picture, `Picture ${index + 1}`));
    return adapted.predict(ready);
  },

  /** @param {{kind: "safetensors" | "onnx", about: Record<string, string>}} given */
  async export({ kind, about }) {
    if (!adapted) throw new Error("Adapt first, then take the classifier with you.");
    const values = adapted.classifier();
    if (kind === "onnx") return withValues(/** @type {Uint8Array} */ (loaded().graphs.files.get(adapted.predictor)), values);
    return writeSafetensors(values, about);
  },
};

self.addEventListener("message", async (event) => {
  const { id, command, given } = event.data;
  const progress = (/** @type {any} */ state) => self.postMessage({ id, progress: state });
  try {
    const result = await commands[/** @type {"load"} */ (command)](given, /** @type {any} */ (progress));
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
