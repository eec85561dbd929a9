/** Which support pictures a step looks at. */

/**
 * Indices of at most `size` pictures with every class among them: all in order when they fit, else
 * one of each class and the rest at random. The same draw as `draw_batch` in Python.
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
