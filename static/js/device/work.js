/** Computes how much of an adaptation is done, to forecast the remaining time. */

/**
 * The cost per picture of a step, relative to a step on all weights. Steps on pixels need no gradient
 * of the weights.
 * @type {Record<string, number>}
 */
const COST = { adapting: 1, inverting: 0.75, calibrating: 0.9 };

/** The steps of one adaptation, and what each costs. */
export class Work {
  /**
   * @param {import("../types.d.ts").AdaptationSettings} settings
   * @param {{batch: number, classes: number}} sizes pictures in a step, and classes
   */
  constructor(settings, { batch, classes }) {
    const pseudo = classes * settings.pseudo_images;
    /** @type {{stage: string, steps: number, each: number}[]} */
    this.stages = [];
    if (settings.head === "sgd") this.add("adapting", settings.inner_steps, batch);
    if (settings.calibrate === "icfil") {
      this.add("inverting", settings.inversion_steps, pseudo);
      this.add("calibrating", settings.calibration_steps, batch + pseudo);
    }
    this.whole = this.stages.reduce((sum, { steps, each }) => sum + steps * each, 0);
  }

  /**
   * @param {string} stage
   * @param {number} steps
   * @param {number} pictures
   */
  add(stage, steps, pictures) {
    this.stages.push({ stage, steps, each: pictures * COST[stage] });
  }

  /**
   * @param {string} stage
   * @param {number} step of it, the first is 1
   * @returns {number} the share of all work that is done after it, 0 to 1
   */
  done(stage, step) {
    let sum = 0;
    for (const one of this.stages) {
      if (one.stage === stage) return (sum + step * one.each) / this.whole;
      sum += one.steps * one.each;
    }
    throw new Error(`There is no stage ${stage}.`);
  }
}
