/** Adapts a learner directory in Node, as a browser does: `node adapt.mjs RUNTIME LEARNER EPISODES ANSWER [warm]`. */

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { Adaptation } from "../../static/js/device/adaptation.js";
import { Graphs } from "../../static/js/device/graphs.js";
import { readSafetensors, writeSafetensors } from "../../static/js/device/safetensors.js";
import { tryOut, warmUp } from "../../static/js/device/warm_up.js";

const [runtime, learner, episodes, answer, warm = "cold"] = process.argv.slice(2);

/** @param {string} path */
function bytes(path) {
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

const ort = await import(pathToFileURL(`${runtime}/ort.wasm.bundle.min.mjs`).href);
ort.env.wasm.wasmBinary = bytes(`${runtime}/ort-wasm-simd-threaded.wasm`);
const description = JSON.parse(readFileSync(`${learner}/browser/browser.json`, "utf8"));
const files = new Map(
  Object.entries(description.graphs).map(([name, { file }]) => [name, new Uint8Array(bytes(`${learner}/browser/${file}`))]),
);
const graphs = new Graphs(ort, description, files);
const tensors = readSafetensors(bytes(`${learner}/model.safetensors`));
await tryOut(graphs, tensors);
if (warm !== "cold") await warmUp(graphs, tensors);
const { channels, image_size: side } = description.architecture;
const area = channels * side * side;
const answers = [];
for (const { support, labels, query, settings } of JSON.parse(readFileSync(episodes, "utf8"))) {
  const pictures = (/** @type {string} */ path) => {
    const all = new Float32Array(bytes(path));
    return Array.from({ length: all.length / area }, (_, index) => all.slice(index * area, (index + 1) * area));
  };
  const [given, asked] = [pictures(support), pictures(query)];
  const before = process.cpuUsage();
  const start = performance.now();
  const adaptation = new Adaptation(graphs, tensors, { ...description.adaptation, ...settings });
  await adaptation.adapt(given.map((pixels, index) => ({ label: labels[index], pixels })));
  const rows = await adaptation.predict(asked);
  const { user, system } = process.cpuUsage(before);
  answers.push({
    probabilities: rows.map((row) => [...row]),
    wallS: (performance.now() - start) / 1000,
    cpuS: (user + system) / 1e6,
    heapBytes: heaps.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
  });
  writeFileSync(`${answer}.${answers.length - 1}.safetensors`, writeSafetensors(adaptation.classifier()));
}
writeFileSync(answer, JSON.stringify(answers));
