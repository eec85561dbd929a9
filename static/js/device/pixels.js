/**
 * Prepares decoded pixels for a network, bit for bit like Pillow on the server: opaque, box-filtered by an
 * integer factor, cropped to the centre square, resized bicubically.
 */

/** @typedef {Uint8Array | Uint8ClampedArray} Bytes */
/** @typedef {{width: number, height: number, channels: number, data: Bytes}} Picture */

const PRECISION_BITS = 22;
const SUPPORT = 2;
/** EXIF orientations from this one on swap rows and columns. */
const LYING = 5;

/**
 * @param {Picture} rgba four channels
 * @param {number} size of the result
 * @param {number} channels 1 or 3
 * @param {number} orientation EXIF orientation
 * @returns {Uint8Array} pixels (channels, size, size)
 */
export function squarePixels(rgba, size, channels, orientation = 1) {
  const small = shrink(opaque(rgba), size);
  const side = Math.min(small.width, small.height);
  const left = (small.width - side) / 2;
  const top = (small.height - side) / 2;
  // Resize rows of the upright picture first, because the order affects rounding.
  const lying = orientation >= LYING && orientation <= 8;
  const square = lying
    ? resizeRows(resizeColumns(small, top, side, size), left, side, size)
    : resizeColumns(resizeRows(small, left, side, size), top, side, size);
  return planes(turned(square, orientation), channels);
}

/**
 * @param {Uint8Array} pixels (channels, size, size)
 * @param {{mean: number[], std: number[]}} normalisation
 * @returns {Float32Array}
 */
export function normalised(pixels, { mean, std }) {
  const area = pixels.length / mean.length;
  const round = Math.fround;
  return Float32Array.from(pixels, (value, index) => {
    const channel = Math.floor(index / area);
    return round(round(round(value / 255) - round(mean[channel])) / round(std[channel]));
  });
}

/**
 * Composite over white, rounding like Pillow's `alpha_composite`.
 * @param {Picture} rgba
 * @returns {Picture} three channels
 */
function opaque({ width, height, data }) {
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3];
    for (let c = 0; c < 3; c += 1)
      rgb[to + c] = alpha === 255 ? data[from + c] : overWhite(data[from + c], alpha);
  }
  return { width, height, channels: 3, data: rgb };
}

/**
 * @param {number} value
 * @param {number} alpha
 */
function overWhite(value, alpha) {
  // Pillow uses seven more bits of precision than a byte.
  const share = alpha << 7;
  const sum = value * share + 255 * ((255 << 7) - share) + (0x80 << 7);
  return ((sum >> 8) + sum) >> 8 >> 7;
}

/**
 * Reduce by box averages to no less than about twice the size.
 * @param {Picture} picture
 * @param {number} size
 * @returns {Picture}
 */
function shrink(picture, size) {
  const factor = Math.max(1, Math.floor(Math.min(picture.width, picture.height) / (2 * size)));
  if (factor === 1) return picture;
  const width = Math.ceil(picture.width / factor);
  const height = Math.ceil(picture.height / factor);
  const data = new Uint8Array(width * height * picture.channels);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) box(picture, data, { x, y, width, factor });
  }
  return { width, height, channels: picture.channels, data };
}

/**
 * @param {Picture} from
 * @param {Uint8Array} to
 * @param {{x: number, y: number, width: number, factor: number}} at
 */
function box({ width, height, channels, data }, to, { x, y, width: newWidth, factor }) {
  const right = Math.min((x + 1) * factor, width);
  const bottom = Math.min((y + 1) * factor, height);
  const area = (right - x * factor) * (bottom - y * factor);
  // Pillow divides by multiplying with 2^24 / area.
  const share = Math.floor(2 ** 24 / area);
  for (let c = 0; c < channels; c += 1) {
    let sum = Math.floor(area / 2);
    for (let row = y * factor; row < bottom; row += 1) {
      for (let column = x * factor; column < right; column += 1)
        sum += data[(row * width + column) * channels + c];
    }
    to[(y * newWidth + x) * channels + c] = Math.floor((sum * share) / 2 ** 24);
  }
}

/**
 * Crop every row to [start, start + length) and resize it bicubically with antialiasing.
 * @param {Picture} picture
 * @param {number} start
 * @param {number} length
 * @param {number} size
 * @returns {Picture}
 */
function resizeRows({ width, height, channels, data }, start, length, size) {
  const taps = bicubicTaps(width, start, length, size);
  const result = new Uint8Array(size * height * channels);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const { first, weights } = taps[x];
      for (let c = 0; c < channels; c += 1) {
        let sum = 1 << (PRECISION_BITS - 1);
        for (let k = 0; k < weights.length; k += 1)
          sum += data[(y * width + first + k) * channels + c] * weights[k];
        result[(y * size + x) * channels + c] = Math.max(0, Math.min(255, sum >> PRECISION_BITS));
      }
    }
  }
  return { width: size, height, channels, data: result };
}

/**
 * @param {Picture} picture
 * @param {number} start
 * @param {number} length
 * @param {number} size
 */
function resizeColumns(picture, start, length, size) {
  return transpose(resizeRows(transpose(picture), start, length, size));
}

/**
 * The source pixels of each output pixel, and their weights as integers.
 * @param {number} width
 * @param {number} start
 * @param {number} length
 * @param {number} size
 * @returns {{first: number, weights: number[]}[]}
 */
function bicubicTaps(width, start, length, size) {
  const scale = length / size;
  const stretch = Math.max(scale, 1);
  const reach = SUPPORT * stretch;
  return Array.from({ length: size }, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(width, Math.trunc(centre + reach + 0.5));
    const raw = [];
    for (let k = first; k < end; k += 1) raw.push(bicubic((k - centre + 0.5) * (1 / stretch)));
    const sum = raw.reduce((one, other) => one + other, 0);
    const weights = raw.map((weight) => rounded((weight / sum) * 2 ** PRECISION_BITS));
    return { first, weights };
  });
}

/** @param {number} value rounded half away from zero, like C's round() */
function rounded(value) {
  return value < 0 ? Math.trunc(value - 0.5) : Math.trunc(value + 0.5);
}

/** @param {number} distance */
function bicubic(distance) {
  const x = Math.abs(distance);
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/**
 * Swap rows and columns.
 * @param {Picture} picture
 * @returns {Picture}
 */
function transpose({ width, height, channels, data }) {
  const result = new Uint8Array(data.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < channels; c += 1)
        result[(x * height + y) * channels + c] = data[(y * width + x) * channels + c];
    }
  }
  return { width: height, height: width, channels, data: result };
}

/**
 * Turn a square upright.
 * @param {Picture} square
 * @param {number} orientation 1 to 8
 * @returns {Picture}
 */
function turned(square, orientation) {
  const last = square.width - 1;
  /** @type {Record<number, (x: number, y: number) => [number, number]>} where a pixel comes from */
  const sources = {
    2: (x, y) => [last - x, y],
    3: (x, y) => [last - x, last - y],
    4: (x, y) => [x, last - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, last - x],
    7: (x, y) => [last - y, last - x],
    8: (x, y) => [last - y, x],
  };
  const source = sources[orientation];
  if (!source) return square;
  const { width, channels, data } = square;
  const result = new Uint8Array(data.length);
  for (let y = 0; y < width; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [fromX, fromY] = source(x, y);
      for (let c = 0; c < channels; c += 1)
        result[(y * width + x) * channels + c] = data[(fromY * width + fromX) * channels + c];
    }
  }
  return { ...square, data: result };
}

/**
 * @param {Picture} square
 * @param {number} channels 1 or 3
 */
function planes({ width, data }, channels) {
  const area = width * width;
  const result = new Uint8Array(channels * area);
  for (let pixel = 0; pixel < area; pixel += 1) {
    const [red, green, blue] = data.subarray(3 * pixel, 3 * pixel + 3);
    // ITU-R 601, in Pillow's 16 bits.
    if (channels === 1) result[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    else [red, green, blue].forEach((value, c) => (result[c * area + pixel] = value));
  }
  return result;
}
