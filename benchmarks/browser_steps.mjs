/** What each step costs in the browser's runtime: `node browser_steps.mjs RUNTIME LEARNER PICTURES`. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { Adaptation } from "../static/js/device/adaptation.js";
import { Graphs } from "../static/js/device/graphs.js";
import { readSafetensors } from "../static/js/device/safetensors.js";
import { tryOut } from "../static/js/device/warm_up.js";

const [runtime, learner, each] = process.argv.slice(2);
const CLASSES = 5;
const QUESTIONS = 75;

/** @param {string} path */
function bytes(path) {
  const file = readFileSync(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

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

/** @type {Record<string, number[]>} processor seconds of each step, by its stage */
const seconds = {};
let before = process.cpuUsage();
/** @param {string} stage */
function lap(stage) {
  const { user, system } = process.cpuUsage(before);
  before = process.cpuUsage();
  (seconds[stage] ??= []).push((user + system) / 1e6);
}

const ort = await import(pathToFileURL(`${runtime}/ort.wasm.bundle.min.mjs`).href);
ort.env.wasm.wasmBinary = bytes(`${runtime}/ort-wasm-simd-threaded.wasm`);
const description = JSON.parse(readFileSync(`${learner}/browser/browser.json`, "utf8"));
const files = new Map(
  Object.entries(description.graphs).map(([name, { file }]) => [name, new Uint8Array(bytes(`${learner}/browser/${file}`))]),
);
const graphs = new Graphs(ort, description, files);
const tensors = readSafetensors(bytes(`${learner}/model.safetensors`));
await tryOut(graphs, tensors);
lap("ready");
const { channels, image_size: side } = description.architecture;
const picture = (/** @type {number} */ kind) =>
  Float32Array.from({ length: channels * side * side }, (_, index) => Math.sin((index * (1 + (kind % CLASSES))) / 7));
const support = Array.from({ length: CLASSES * Number(each) }, (_, index) => ({ label: index % CLASSES, pixels: picture(index) }));
const adaptation = new Adaptation(graphs, tensors, description.adaptation);
await adaptation.adapt(support, { progress: ({ stage }) => lap(stage) });
// Rounding may have led a network that learned nothing astray, which costs as much time as if not.
await adaptation.predict(Array.from({ length: QUESTIONS }, (_, index) => picture(index)));
lap("questions");
const middle = (/** @type {number[]} */ values) => values.toSorted((one, other) => one - other)[values.length >> 1];
const found = Object.fromEntries(Object.entries(seconds).map(([stage, values]) => [stage, Number(middle(values).toFixed(2))]));
console.log(JSON.stringify({ ...found, heapMb: Math.round(heaps.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) / 1e6) }));
