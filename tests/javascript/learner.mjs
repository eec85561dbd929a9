/** A learner directory in Node: its graphs in the browsers' runtime, and what they take of memory. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { Graphs } from "../../static/js/device/graphs.js";
import { readSafetensors } from "../../static/js/device/safetensors.js";
import { tryOut } from "../../static/js/device/warm_up.js";

/** @param {string} path */
export function bytes(path) {
  const file = readFileSync(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

// Every memory of the runtime, so that one can tell how large it has grown.
/** @type {WebAssembly.Memory[]} */
const heaps = [];
const Memory = WebAssembly.Memory;
WebAssembly.Memory = new Proxy(Memory, {
  construct(target, given) {
    const memory = Reflect.construct(target, given);
    heaps.push(memory);
    return memory;
  },
});

/** What all memories of the runtime hold together. */
export function heapBytes() {
  return heaps.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}

/**
 * The graphs of a learner, tried out, with its weights and its description.
 *
 * @param {string} runtime the folder of the browsers' runtime
 * @param {string} learner the learner directory
 */
export async function openLearner(runtime, learner) {
  const ort = await import(pathToFileURL(`${runtime}/ort.wasm.bundle.min.mjs`).href);
  ort.env.wasm.wasmBinary = bytes(`${runtime}/ort-wasm-simd-threaded.wasm`);
  const description = JSON.parse(readFileSync(`${learner}/browser/browser.json`, "utf8"));
  const files = new Map(
    Object.entries(description.graphs).map(([name, { file }]) => [name, new Uint8Array(bytes(`${learner}/browser/${file}`))]),
  );
  const graphs = new Graphs(ort, description, files);
  const tensors = readSafetensors(bytes(`${learner}/model.safetensors`));
  await tryOut(graphs, tensors);
  return { graphs, tensors, description };
}
