/** Converts between arrays per picture and the tensors of the graphs. */

/** @typedef {import("./safetensors.js").Weight} Weight */

/** @param {number[]} values */
export function vector(values) {
  return { dims: [values.length], data: Float32Array.from(values) };
}

/**
 * @param {number[]} labels
 * @param {number} nWay
 */
export function oneHot(labels, nWay) {
  const data = new Float32Array(labels.length * nWay);
  labels.forEach((label, row) => (data[row * nWay + label] = 1));
  return { dims: [labels.length, nWay], data };
}

/**
 * Rows of one-hot targets, scaled so that every class has the same weight.
 * @param {number[]} labels
 * @param {number} nWay
 */
export function balancedTargets(labels, nWay) {
  const counts = new Array(nWay).fill(0);
  for (const label of labels) counts[label] += 1;
  const targets = oneHot(labels, nWay);
  labels.forEach((label, row) => {
    targets.data[row * nWay + label] = labels.length / (nWay * Math.max(counts[label], 1));
  });
  return targets;
}

/** @param {Float32Array[]} parts */
export function joined(parts) {
  const whole = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, index) => whole.set(part, index * part.length));
  return whole;
}

/** @param {Weight} matrix */
export function rowsOf({ dims: [n, width], data }) {
  return Array.from({ length: n }, (_, row) => data.slice(row * width, (row + 1) * width));
}

/** @param {Float32Array} logits */
export function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((one, other) => one + other, 0);
  return powers.map((value) => value / sum);
}

/**
 * The pictures, then the mirror image of each.
 * @param {Float32Array[]} pictures channels first
 * @param {{image_size: number}} architecture
 */
export function withMirrorImages(pictures, { image_size: side }) {
  const mirrored = pictures.map((pixels) =>
    pixels.map((_, at) => pixels[at - (at % side) + side - 1 - (at % side)]),
  );
  return [...pictures, ...mirrored];
}
