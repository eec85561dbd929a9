/** Ridge regression in closed form and double precision, like `metalearn/numerics/ridge.py`. */

/** @typedef {import("./safetensors.js").Weight} Weight */

/** As `REGULARISER` there. */
const REGULARISER = 1;

/**
 * As `share_of_mean` there: the mean of few pictures is unreliable.
 * @param {number} rows
 * @param {number} classes
 */
const shareOfMean = (rows, classes) => rows / (rows + 2 * classes);

/**
 * Weight (classes, features) and bias (classes) for features of length 1.
 * @param {Float32Array[]} features one row for each picture, of any length
 * @param {Weight} targets as `balancedTargets` makes them
 * @param {number} temperature
 * @returns {{weight: Weight, bias: Weight}}
 */
export function ridgeHead(features, { dims: [n, classes], data: targets }, temperature) {
  const width = features[0].length;
  const shares = Array.from({ length: n }, (_, row) =>
    sum(targets.subarray(row * classes, (row + 1) * classes)),
  );
  const rows = features.map(unit);
  const mean = new Float64Array(width);
  rows.forEach((row, index) => row.forEach((value, at) => (mean[at] += (shares[index] * value) / n)));
  const expected = Array.from(
    { length: classes },
    (_, one) => sum(shares.map((_, row) => targets[row * classes + one])) / n,
  );
  const centred = rows.map((row, index) =>
    row.map((value, at) => Math.sqrt(shares[index]) * (value - mean[at])),
  );
  const lower = cholesky(centred);
  const weight = { dims: [classes, width], data: new Float32Array(classes * width) };
  const bias = { dims: [classes], data: new Float32Array(classes) };
  for (let one = 0; one < classes; one += 1) {
    const wanted = shares.map(
      (share, row) =>
        targets[row * classes + one] / Math.sqrt(share) - Math.sqrt(share) * expected[one],
    );
    const line = combined(solved(lower, wanted), centred);
    line.forEach((value, at) => (weight.data[one * width + at] = value / temperature));
    bias.data[one] = (expected[one] - shareOfMean(n, classes) * dot(line, mean)) / temperature;
  }
  return { weight, bias };
}

/** @param {ArrayLike<number>} values */
function sum(values) {
  let total = 0;
  for (let index = 0; index < values.length; index += 1) total += values[index];
  return total;
}

/**
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} other
 */
function dot(one, other) {
  let total = 0;
  for (let index = 0; index < one.length; index += 1) total += one[index] * other[index];
  return total;
}

/** @param {Float32Array} row */
function unit(row) {
  // As in PyTorch, a zero vector stays zero.
  const length = Math.max(Math.sqrt(dot(row, row)), 1e-12);
  return Float64Array.from(row, (value) => value / length);
}

/**
 * @param {number[]} shares
 * @param {Float64Array[]} rows
 */
function combined(shares, rows) {
  const line = new Float64Array(rows[0].length);
  rows.forEach((row, index) => row.forEach((value, at) => (line[at] += shares[index] * value)));
  return line;
}

/**
 * The lower triangle L with L L' = rows rows' + REGULARISER; that matrix is never singular.
 * @param {Float64Array[]} rows
 */
function cholesky(rows) {
  /** @type {Float64Array[]} */
  const lower = [];
  rows.forEach((row, i) => {
    const line = new Float64Array(i + 1);
    for (let j = 0; j < i; j += 1)
      line[j] = (dot(row, rows[j]) - dot(line.subarray(0, j), lower[j])) / lower[j][j];
    line[i] = Math.sqrt(dot(row, row) + REGULARISER - dot(line.subarray(0, i), line));
    lower.push(line);
  });
  return lower;
}

/**
 * @param {Float64Array[]} lower
 * @param {number[]} wanted
 */
function solved(lower, wanted) {
  const found = wanted.slice();
  for (let i = 0; i < found.length; i += 1) {
    for (let j = 0; j < i; j += 1) found[i] -= lower[i][j] * found[j];
    found[i] /= lower[i][i];
  }
  for (let i = found.length - 1; i >= 0; i -= 1) {
    for (let j = i + 1; j < found.length; j += 1) found[i] -= lower[j][i] * found[j];
    found[i] /= lower[i][i];
  }
  return found;
}
