/** Draws the support pictures of each step. */

/**
 * Indices of at most `size` pictures that include every class: all in order if they fit, else one of each
 * class and the rest at random. The same draw as `draw_batch` in Python.
 * @param {number[]} labels
 * @param {number} size
 * @param {import("./random.js").TorchRandom} random
 * @returns {number[]}
 */
export function drawBatch(labels, size, random) {
  if (labels.length <= size) return labels.map((_, index) => index);
  const order = random.permutation(labels.length);
  const seen = new Set();
  const first = order.filter((index) => !seen.has(labels[index]) && seen.add(labels[index]));
  const chosen = new Set(first);
  const rest = order.filter((index) => !chosen.has(index));
  return [...first, ...rest].slice(0, size).sort((one, other) => one - other);
}

/**
 * Split pictures into chunks that have about `atOnce` pictures with their mirror images. A chunk takes
 * every n-th picture, which distributes pictures sorted by class evenly.
 * @template T
 * @param {T[]} pictures
 * @param {number} atOnce at least 2
 * @returns {T[][]}
 */
export function everyNth(pictures, atOnce) {
  const n = Math.ceil((2 * pictures.length) / atOnce);
  return Array.from({ length: n }, (_, first) => pictures.filter((_one, index) => index % n === first));
}

/**
 * Throws an Error if there is no picture, or if the labels are not 0, 1, 2 and so on.
 * @param {{label: number}[]} support
 */
export function check(support) {
  if (support.length === 0)
    throw new Error("There are no pictures to adapt to; add at least one for each class.");
  const labels = new Set(support.map(({ label }) => label));
  if ([...labels].some((label) => !Number.isInteger(label) || label < 0 || label >= labels.size)) {
    throw new Error("Labels are whole numbers that count the classes from 0, and every class has a picture.");
  }
}
