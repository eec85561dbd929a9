/**
 * Takes every step on nothing much while the person still looks for pictures, so that their first
 * adaptation is not the slow one: browsers make code quick only once it has run for a while.
 */

import { Adaptation, Stopped } from "./adaptation.js";

/** Steps of one rehearsal; by ICFIL, as that takes all graphs of a head. */
/** @type {Partial<import("../types.d.ts").AdaptationSettings>} */
const STEPS = { calibrate: "icfil", inner_steps: 4, inversion_steps: 3, calibration_steps: 3 };
/** Small enough that every graph runs once also where a step takes seconds. */
const FIRST = { classes: 2, each: 1, questions: 1, pseudo_images: 1 };
/** As many pictures as people tend to give: code for large matrices is code of its own. */
const USUAL = { classes: 5, each: 5, questions: 25 };
/** Where the small rehearsal takes longer, a usual step would keep the person waiting for its end. */
const SLOW_MS = 600;
/** A rehearsal that gained less than this over the one before is the last. */
const SETTLED = 0.9;

/**
 * Runs every graph once; throws where this browser cannot run them.
 * @param {import("./graphs.js").Graphs} graphs
 * @param {Map<string, import("./safetensors.js").Weight>} tensors
 */
export async function tryOut(graphs, tensors) {
  await rehearse(graphs, tensors, FIRST, () => false);
}

/**
 * Rehearses until it has become quick.
 * @param {import("./graphs.js").Graphs} graphs
 * @param {Map<string, import("./safetensors.js").Weight>} tensors
 * @param {{stopped?: () => boolean, milliseconds?: number}} [options] how long it may take, about
 */
export async function warmUp(graphs, tensors, { stopped = () => false, milliseconds = 20_000 } = {}) {
  const end = performance.now() + milliseconds;
  const over = () => stopped() || performance.now() > end;
  let before = Infinity;
  try {
    const size = (await rehearse(graphs, tensors, FIRST, over)) > SLOW_MS ? FIRST : USUAL;
    while (!over()) {
      const took = await rehearse(graphs, tensors, size, over);
      if (took > SETTLED * before) return;
      before = took;
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
}

/**
 * @param {import("./graphs.js").Graphs} graphs
 * @param {Map<string, import("./safetensors.js").Weight>} tensors
 * @param {{classes: number, each: number, questions: number, pseudo_images?: number}} size
 * @param {() => boolean} stopped
 * @returns {Promise<number>} milliseconds
 */
async function rehearse(graphs, tensors, { classes, each, questions, ...fewer }, stopped) {
  const { architecture, adaptation: settings, calibrated, limited } = graphs.description;
  const area = architecture.channels * architecture.image_size ** 2;
  // No two alike: what tells classes apart by their differences would find none.
  const picture = (/** @type {number} */ number) => Float32Array.from({ length: area }, (_, index) => Math.sin(index * (number + 1)));
  const support = Array.from({ length: classes * each }, (_, index) => ({ label: index % classes, pixels: picture(index) }));
  const pixels = picture(0);
  const start = performance.now();
  // A learner without graphs of gradients has fewer steps to rehearse; learners of before the
  // calibration that we recommend have no graphs for it.
  /** @type {Partial<import("../types.d.ts").AdaptationSettings>[]} */
  const kinds = limited ? [{}] : [STEPS];
  if (calibrated) kinds.push(limited ? calibrated : { ...STEPS, ...calibrated, calibrate: "statistics" });
  for (const kind of kinds) {
    // Steps of no length cost the same, and cannot run away from pictures that show nothing.
    const still = { inner_lr: 0, inversion_lr: 0, calibration_lr: 0 };
    const adaptation = new Adaptation(graphs, tensors, { ...settings, ...kind, ...fewer, ...still });
    await adaptation.adapt(support, { stopped });
    await adaptation.predict(Array.from({ length: questions }, () => pixels), { stopped });
  }
  return performance.now() - start;
}
