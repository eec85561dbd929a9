/** Adapts a learner directory in Node, as a browser does: `node adapt.mjs RUNTIME LEARNER EPISODES ANSWER [warm]`. */

import { readFileSync, writeFileSync } from "node:fs";

import { Adaptation } from "../../static/js/device/adaptation.js";
import { writeSafetensors } from "../../static/js/device/safetensors.js";
import { warmUp } from "../../static/js/device/warm_up.js";
import { bytes, heapBytes, openLearner } from "./learner.mjs";

const [runtime, learner, episodes, answer, warm = "cold"] = process.argv.slice(2);

const { graphs, tensors, description } = await openLearner(runtime, learner);
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
    heapBytes: heapBytes(),
  });
  writeFileSync(`${answer}.${answers.length - 1}.safetensors`, writeSafetensors(adaptation.classifier()));
}
writeFileSync(answer, JSON.stringify(answers));
