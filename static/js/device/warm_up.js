/**
 * Rehearses an adaptation on made-up pictures while the user chooses their own. Browsers optimise code
 * only after it has run for a while, so the first adaptation would be slow.
 */

import { Adaptation, Stopped } from "./adaptation.js";

/** Steps of one rehearsal, with ICFIL because it uses all graphs of a head. */
/** @type {Partial<import("../types.d.ts").AdaptationSettings>} */
const STEPS = { calibrate: "icfil", inner_steps: 4, inversion_steps: 3, calibration_steps: 3 };
/** Small enough to run every graph once even if a step takes seconds. */
const FIRST = { classes: 2, each: 1, questions: 1, pseudo_images: 1 };
/** A usual number of pictures: large matrices use different code. */
const USUAL = { classes: 5, each: 5, questions: 25 };
/** If the small rehearsal takes longer, a step of usual size would keep the user waiting. */
const SLOW_MS = 600;
/** Stop when a rehearsal takes more than this fraction of the time of the one before. */
const SETTLED = 0.9;

/**
 * Run every graph once; throws if this browser cannot run them.
 * @param {import("./graphs.js").Graphs} graphs
 * @param {Map<string, import("./safetensors.js").Weight>} tensors
 */
export async function tryOut(graphs, tensors) {
  await rehearse(graphs, tensors, FIRST, () => false);
}

/**
 * Rehearse until the time settles.
 * @param {import("./graphs.js").Graphs} graphs
 * @param {Map<string, import("./safetensors.js").Weight>} tensors
 * @param {{stopped?: () => boolean, milliseconds?: number}} [options] `milliseconds`: approximate time limit
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
  // All pictures differ, because some steps need differences between classes.
  const picture = (/** @type {number} */ number) =>
    Float32Array.from({ length: area }, (_, index) => Math.sin(index * (number + 1)));
  const support = Array.from({ length: classes * each }, (_, index) => ({
    label: index % classes,
    pixels: picture(index),
  }));
  const pixels = picture(0);
  const start = performance.now();
  // A learner without gradient graphs has fewer steps to rehearse; an old learner has no graphs for the
  // recommended calibration.
  /** @type {Partial<import("../types.d.ts").AdaptationSettings>[]} */
  const kinds = limited ? [{}] : [STEPS];
  if (calibrated) kinds.push(limited ? calibrated : { ...STEPS, ...calibrated, calibrate: "statistics" });
  for (const kind of kinds) {
    // Steps of length 0 cost the same and cannot diverge.
    const still = { inner_lr: 0, inversion_lr: 0, calibration_lr: 0 };
    const adaptation = new Adaptation(graphs, tensors, { ...settings, ...kind, ...fewer, ...still });
    await adaptation.adapt(support, { stopped });
    await adaptation.predict(Array.from({ length: questions }, () => pixels), { stopped });
  }
  return performance.now() - start;
}
