/**
 * Adapts a learner directory to two colours in Node, with the module that the page runs:
 *
 *     node docs/examples/adapt.mjs static/vendor/onnxruntime-web LEARNER
 *
 * In a browser, `decodeSquare` of `decode.js` gives the squares of picture files.
 */

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { Adaptation } from "../../static/js/device/adaptation.js";
import { Graphs } from "../../static/js/device/graphs.js";
import { normalised, squarePixels } from "../../static/js/device/pixels.js";
import { readSafetensors } from "../../static/js/device/safetensors.js";

const [runtime, learner] = process.argv.slice(2);

// The runtime: one module, and the WebAssembly that it would otherwise fetch.
const ort = await import(pathToFileURL(`${runtime}/ort.wasm.bundle.min.mjs`).href);
ort.env.wasm.wasmBinary = await readFile(`${runtime}/ort-wasm-simd-threaded.wasm`);

// The learner: its description, its graphs, its weights.
const description = JSON.parse(await readFile(`${learner}/browser/browser.json`, "utf8"));
const files = new Map();
for (const [name, { file }] of Object.entries(description.graphs)) {
  files.set(name, new Uint8Array(await readFile(`${learner}/browser/${file}`)));
}
const weights = await readFile(`${learner}/model.safetensors`);
const tensors = readSafetensors(Uint8Array.from(weights).buffer);
const graphs = new Graphs(ort, description, files);

/** A picture of one colour, as a canvas would give it, made ready for the network. */
function picture(red, green, blue) {
  const [width, height] = [60, 40];
  const data = Uint8Array.from({ length: 4 * width * height }, (_, index) => [red, green, blue, 255][index % 4]);
  const { image_size: size, channels } = description.architecture;
  return normalised(squarePixels({ width, height, channels: 4, data }, size, channels), description.normalisation);
}

const labels = ["red", "green"];
const support = [
  { label: 0, pixels: picture(220, 30, 40) },
  { label: 0, pixels: picture(180, 20, 20) },
  { label: 1, pixels: picture(30, 200, 60) },
  { label: 1, pixels: picture(60, 170, 40) },
];
const adaptation = new Adaptation(graphs, tensors, { ...description.adaptation, ...description.calibrated });
await adaptation.adapt(support, {
  progress: ({ stage, step, steps, loss }) => console.error(`${stage} ${step}/${steps} ${loss}`),
});
for (const row of await adaptation.predict([picture(200, 40, 30), picture(40, 190, 50)])) {
  console.log(labels[row.indexOf(Math.max(...row))], [...row].map((value) => value.toFixed(4)).join(" "));
}
await graphs.release();
