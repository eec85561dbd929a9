/** Mixes batch-norm statistics with the support pictures' (metalearn/learning/support_statistics.py). */

import { withMirrorImages } from "./arrays.js";
import { everyNth } from "./batches.js";

/** @typedef {import("./safetensors.js").Weight} Weight */

/** Prefix of a running statistic's name in a graph's outputs. */
const BATCH = "batch.";
const MEAN = "running_mean";
/** As `PICTURES_FOR_HALF` there. */
const HALF = 25;

/**
 * @param {number} pictures
 * @param {number} share 0 asks for the rule n / (n + 25)
 */
export function shareOf(pictures, share) {
  return share || pictures / (pictures + HALF);
}

/**
 * Pictures with their mirror images, in chunks of about the size of a gradient step.
 * @param {Float32Array[]} pictures
 * @param {{images_at_once: number, architecture: {image_size: number}}} description
 */
export function chunksForStatistics(pictures, { images_at_once: atOnce, architecture }) {
  return everyNth(pictures, Math.max(2, atOnce)).map((some) => withMirrorImages(some, architecture));
}

/** Combines means and variances of chunks into those of all pictures. */
export class Moments {
  constructor() {
    this.pictures = 0;
    /**
     * By the name of the mean; `square` is the sum of squared distances from it.
     * @type {Map<string, {mean: Float64Array, square: Float64Array}>}
     */
    this.layers = new Map();
  }

  /**
   * @param {number} pictures
   * @param {Map<string, Weight>} found the graph's outputs for them
   */
  add(pictures, found) {
    const all = this.pictures + pictures;
    for (const [output, { data: mean }] of found) {
      if (!output.endsWith(MEAN)) continue;
      const { data: variance } = /** @type {Weight} */ (found.get(varianceOf(output)));
      const layer = this.layer(output.slice(BATCH.length), mean.length);
      mean.forEach((value, at) => {
        const apart = value - layer.mean[at];
        layer.mean[at] += (apart * pictures) / all;
        layer.square[at] += pictures * variance[at] + (apart * apart * pictures * this.pictures) / all;
      });
    }
    this.pictures = all;
  }

  /**
   * @param {string} name
   * @param {number} width
   */
  layer(name, width) {
    const layer = this.layers.get(name) ?? { mean: new Float64Array(width), square: new Float64Array(width) };
    this.layers.set(name, layer);
    return layer;
  }

  /**
   * @param {Map<string, Weight>} running the learner's statistics; they are not changed
   * @param {number} share of the pictures
   * @returns {Map<string, Weight>} new ones
   */
  mixedWith(running, share) {
    const mixed = new Map();
    const mix = (/** @type {string} */ name, /** @type {Float64Array} */ own) => {
      const { dims, data } = /** @type {Weight} */ (running.get(name));
      mixed.set(name, { dims, data: data.map((value, at) => (1 - share) * value + share * own[at]) });
    };
    for (const [name, { mean, square }] of this.layers) {
      mix(name, mean);
      mix(varianceOf(name), square.map((value) => value / this.pictures));
    }
    return mixed;
  }
}

/** @param {string} mean */
function varianceOf(mean) {
  return `${mean.slice(0, -MEAN.length)}running_var`;
}
