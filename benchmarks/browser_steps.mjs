/** What each step costs in the browser's runtime: `node browser_steps.mjs RUNTIME LEARNER PICTURES`. */

import { Adaptation } from "../static/js/device/adaptation.js";
import { heapBytes, openLearner } from "../tests/javascript/learner.mjs";

const [runtime, learner, each] = process.argv.slice(2);
const CLASSES = 5;
const QUESTIONS = 75;

/** @type {Record<string, number[]>} processor seconds of each step, by its stage */
const seconds = {};
let before = process.cpuUsage();
/** @param {string} stage */
function lap(stage) {
  const { user, system } = process.cpuUsage(before);
  before = process.cpuUsage();
  (seconds[stage] ??= []).push((user + system) / 1e6);
}

const { graphs, tensors, description } = await openLearner(runtime, learner);
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
console.log(JSON.stringify({ ...found, heapMb: Math.round(heapBytes() / 1e6) }));
