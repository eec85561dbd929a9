/**
 * Decodes TIFF files, which browsers do not: the first page, in strips, grey, colour or palette, as in
 * baseline TIFF 6.0, with LZW, Deflate and transparency. Errors name anything unsupported. The pixels are
 * the same as Pillow's on the server.
 */

import { MAX_PIXELS, TOO_LARGE, Unreadable } from "./refusals.js";
import { EXPANSION, readStrips } from "./tiff_strips.js";

/** @typedef {(tag: number, otherwise: number) => number} One the first number of a tag */
/** @typedef {(tag: number) => number[]} All the numbers of a tag */
/** @typedef {import("./tiff_strips.js").Form} Form */
/** @typedef {Form & {photometric: number, alpha: number, palette: number[]}} Colours */

const WIDTH = 256;
const HEIGHT = 257;
const BITS = 258;
const COMPRESSION = 259;
const PHOTOMETRIC = 262;
const FILL_ORDER = 266;
const STRIP_OFFSETS = 273;
const SAMPLES = 277;
const ROWS_PER_STRIP = 278;
const STRIP_BYTES = 279;
const PLANES = 284;
const PREDICTOR = 317;
const PALETTE = 320;
const TILES = 322;
const EXTRA_SAMPLES = 338;
const SAMPLE_FORMAT = 339;

const WHITE_IS_ZERO = 0;
const RGB = 2;
const INDEXED = 3;
/** Meanings of an extra sample; an undeclared fourth one counts as opacity. */
const IGNORED = 0;
const MULTIPLIED = 1;
const OPACITY = 2;
const NO_ALPHA = -1;

/** Sizes of BYTE, ASCII, SHORT and LONG; other types are not needed. */
const TYPE_BYTES = [0, 1, 1, 2, 4];
/** One strip per row of a very high picture; more would only waste time. */
const MAX_STRIPS = 65_536;
/** @type {Record<string, number[]>} bits of a sample, by the meaning and number of samples */
const KINDS = {
  "0 1": [1, 2, 4, 8],
  "1 1": [1, 2, 4, 8, 16],
  "1 2": [8],
  "2 3": [8, 16],
  "2 4": [8, 16],
  "3 1": [1, 2, 4, 8],
};

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<{width: number, height: number, data: Uint8ClampedArray<ArrayBuffer>, grey16: boolean}>}
 *   RGBA, not turned
 */
export async function readTiff(bytes) {
  const little = bytes[0] === 0x49;
  const { one, all } = directoryOf(bytes, little);
  const form = {
    width: one(WIDTH, 0),
    height: one(HEIGHT, 0),
    bits: one(BITS, 1),
    samples: one(SAMPLES, 1),
    little,
  };
  if (!form.width || !form.height) throw new Unreadable();
  if (form.width * form.height > MAX_PIXELS) throw new Error(TOO_LARGE);
  const colours = coloursOf(form, one, all);
  const strips = stripsOf(form, one, all);
  // A small file must not make us allocate a large picture.
  const most = bytes.length * (EXPANSION.get(strips.compression) ?? 1) * Math.max(1, strips.count);
  if (most < (form.width * form.height * form.samples * form.bits) / 8) throw new Unreadable();
  const data = new Uint8ClampedArray(4 * form.width * form.height);
  let row = 0;
  for await (const samples of readStrips(bytes, form, strips)) {
    row += paint(samples, colours, data.subarray(4 * form.width * row));
  }
  return { width: form.width, height: form.height, data, grey16: form.bits === 16 && form.samples === 1 };
}

/** @param {string} what the unsupported feature */
function unusual(what) {
  return new Unreadable(`is a TIFF picture with ${what}, which this page cannot read; save it as PNG.`);
}

/**
 * The first directory. Values are read on demand.
 * @param {Uint8Array} bytes
 * @param {boolean} little whether low bytes come first
 * @returns {{one: One, all: All}}
 */
function directoryOf(bytes, little) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || view.getUint16(2, little) !== 42) throw unusual("64-bit offsets");
  const start = view.getUint32(4, little);
  if (start + 2 > bytes.length) throw new Unreadable();
  const end = start + 2 + 12 * view.getUint16(start, little);
  /** @type {Map<number, number>} */
  const entries = new Map();
  for (let at = start + 2; at < end && at + 12 <= bytes.length; at += 12)
    entries.set(view.getUint16(at, little), at);

  const all = (/** @type {number} */ tag, most = MAX_STRIPS) => {
    const entry = entries.get(tag);
    if (entry === undefined) return [];
    const size = TYPE_BYTES[view.getUint16(entry + 2, little)] ?? 0;
    const count = view.getUint32(entry + 4, little);
    const at = count * size > 4 ? view.getUint32(entry + 8, little) : entry + 8;
    if (!size || at + count * size > bytes.length) throw new Unreadable();
    return Array.from({ length: Math.min(count, most) }, (_, index) =>
      number(view, at + index * size, size, little),
    );
  };
  return { all, one: (tag, otherwise) => all(tag, 1)[0] ?? otherwise };
}

/**
 * @param {DataView} view
 * @param {number} at
 * @param {number} size in bytes
 * @param {boolean} little
 */
function number(view, at, size, little) {
  if (size === 1) return view.getUint8(at);
  return size === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
}

/**
 * What the samples mean. Throws for unsupported samples.
 * @param {Form} form
 * @param {One} one
 * @param {All} all
 * @returns {Colours}
 */
function coloursOf(form, one, all) {
  const photometric = one(PHOTOMETRIC, 0);
  if (one(TILES, 0)) throw unusual("tiles");
  if (one(PLANES, 1) !== 1 && form.samples > 1) throw unusual("a plane for each colour");
  if (one(FILL_ORDER, 1) !== 1) throw unusual("its bits in reverse");
  if (all(SAMPLE_FORMAT).some((format) => format !== 1)) throw unusual("signed or fractional values");
  const bits = all(BITS);
  const known = KINDS[`${photometric} ${form.samples}`]?.includes(form.bits);
  if (!known || bits.some((some) => some !== form.bits))
    throw unusual(`${form.samples} x ${form.bits} bits of kind ${photometric}`);
  const coloured = photometric === RGB ? 3 : 1;
  const alpha = form.samples > coloured ? one(EXTRA_SAMPLES, OPACITY) : NO_ALPHA;
  const palette = photometric === INDEXED ? all(PALETTE) : [];
  if (photometric === INDEXED && palette.length !== 3 * 2 ** form.bits) throw new Unreadable();
  return { ...form, photometric, alpha, palette };
}

/**
 * @param {Form} form
 * @param {One} one
 * @param {All} all
 * @returns {import("./tiff_strips.js").Strips}
 */
function stripsOf({ height }, one, all) {
  const rows = Math.min(one(ROWS_PER_STRIP, height) || height, height);
  const offsets = all(STRIP_OFFSETS);
  const sizes = all(STRIP_BYTES);
  const count = Math.ceil(height / rows);
  if (count > MAX_STRIPS) throw unusual(`more than ${MAX_STRIPS} strips`);
  if (offsets.length < count || (sizes.length && sizes.length < count)) throw new Unreadable();
  const compression = one(COMPRESSION, 1);
  if (!EXPANSION.has(compression)) {
    const isJpeg = compression === 6 || compression === 7;
    throw unusual(isJpeg ? "JPEG inside" : `compression ${compression}`);
  }
  const predictor = one(PREDICTOR, 1);
  if (predictor > 2) throw unusual("a predictor of fractions");
  return { rows, count, offsets, sizes, compression, predictor };
}

/**
 * A strip's samples as RGBA.
 * @param {Uint8Array} samples one byte each, the high one of 16 bits
 * @param {Colours} colours
 * @param {Uint8ClampedArray} to the output from the strip's start
 * @returns {number} the number of rows
 */
function paint(samples, { width, samples: each, bits, photometric, alpha, palette }, to) {
  const top = 2 ** Math.min(bits, 8) - 1;
  const colours = palette.length / 3;
  const pixels = samples.length / each;
  for (let pixel = 0, from = 0, at = 0; pixel < pixels; pixel += 1, from += each, at += 4) {
    const first = samples[from];
    to[at + 3] = 255;
    for (let c = 0; c < 3; c += 1) {
      if (photometric === RGB) to[at + c] = samples[from + c];
      else if (photometric === INDEXED) to[at + c] = palette[c * colours + first] >> 8;
      else to[at + c] = ((photometric === WHITE_IS_ZERO ? top - first : first) * 255) / top;
    }
    if (alpha !== NO_ALPHA && alpha !== IGNORED) show(to, at, samples[from + each - 1], alpha === MULTIPLIED);
  }
  return pixels / width;
}

/**
 * @param {Uint8ClampedArray} to
 * @param {number} at
 * @param {number} alpha
 * @param {boolean} multiplied whether the colours were multiplied by it
 */
function show(to, at, alpha, multiplied) {
  to[at + 3] = alpha;
  if (!multiplied || alpha === 255) return;
  for (let c = 0; c < 3; c += 1)
    to[at + c] = alpha ? Math.min(255, Math.floor((255 * to[at + c]) / alpha)) : 0;
}
