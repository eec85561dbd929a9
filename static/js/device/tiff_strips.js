/** Decompresses the strips of a TIFF picture. Each must have exactly the size of its rows. */

import { Unreadable } from "./refusals.js";

/**
 * @typedef {object} Strips
 * @property {number} rows
 * @property {number} count
 * @property {number[]} offsets
 * @property {number[]} sizes
 * @property {number} compression
 * @property {number} predictor
 */
/** @typedef {{width: number, height: number, bits: number, samples: number, little: boolean}} Form */

const NONE = 1;
const LZW = 5;
const DEFLATE = 8;
const PACK_BITS = 32773;
const OLD_DEFLATE = 32946;
/** The supported compressions, with the maximum number of output bytes per input byte. */
export const EXPANSION = new Map([
  [NONE, 1],
  [LZW, 4096],
  [DEFLATE, 1040],
  [PACK_BITS, 64],
  [OLD_DEFLATE, 1040],
]);
const DIFFERENCES = 2;
/** Control codes of LZW. */
const CLEAR = 256;
const END = 257;
const MAX_CODES = 4096;

/**
 * @param {Uint8Array} bytes
 * @param {Form} form
 * @param {Strips} strips
 * @yields {Uint8Array} one byte for each sample, the high one of 16 bits
 */
export async function* readStrips(bytes, form, { rows, count, offsets, sizes, compression, predictor }) {
  const rowBytes = Math.ceil((form.width * form.samples * form.bits) / 8);
  for (let index = 0; index < count; index += 1) {
    const height = Math.min(rows, form.height - index * rows);
    const size = sizes[index] ?? rowBytes * height;
    const packed = bytes.subarray(offsets[index], compression === NONE ? undefined : offsets[index] + size);
    const plain = await unpacked(packed, compression, rowBytes * height);
    if (predictor === DIFFERENCES && compression !== NONE && compression !== PACK_BITS) addUp(plain, form);
    yield samplesOf(plain, form, rowBytes);
  }
}

/**
 * @param {Uint8Array} packed
 * @param {number} compression
 * @param {number} size the expected size
 */
async function unpacked(packed, compression, size) {
  if (compression === NONE) {
    if (packed.length < size) throw new Unreadable();
    return packed.subarray(0, size);
  }
  if (compression === PACK_BITS) return packBits(packed, size);
  return compression === LZW ? lzw(packed, size) : inflated(packed, size);
}

/**
 * PackBits: runs of one byte, and literal bytes (TIFF 6.0, section 9).
 * @param {Uint8Array} packed
 * @param {number} size
 */
export function packBits(packed, size) {
  const plain = new Uint8Array(size);
  let to = 0;
  for (let at = 0; to < size && at < packed.length; ) {
    const control = packed[at];
    const length = control < 128 ? control + 1 : control === 128 ? 0 : 257 - control;
    const end = Math.min(to + length, size);
    if (control > 128) plain.fill(packed[at + 1], to, end);
    else if (control < 128) plain.set(packed.subarray(at + 1, at + 1 + end - to), to);
    if (control !== 128 && at + 1 + (control < 128 ? length : 1) > packed.length) throw new Unreadable();
    at += control < 128 ? length + 1 : control === 128 ? 1 : 2;
    to = end;
  }
  if (to < size) throw new Unreadable();
  return plain;
}

/**
 * LZW with codes of 9 to 12 bits (TIFF 6.0, section 13). A code's string is that of the previous code and
 * one more byte, and is part of the output so far.
 * @param {Uint8Array} packed
 * @param {number} size
 */
export function lzw(packed, size) {
  const plain = new Uint8Array(size);
  const starts = new Uint32Array(MAX_CODES);
  const lengths = new Uint32Array(MAX_CODES);
  let to = 0;
  let next = END + 1;
  let before = -1;
  let width = 9;
  for (let bit = 0; to < size && bit + width <= 8 * packed.length; ) {
    const code = bitsAt(packed, bit, width);
    bit += width;
    if (code === END) break;
    if (code === CLEAR) {
      next = END + 1;
      before = -1;
      width = 9;
      continue;
    }
    const isNew = before >= 0 && next < MAX_CODES;
    if (code > next || (code === next && !isNew)) throw new Unreadable();
    if (isNew) {
      // The previous code's string and this one's first byte, which is written below.
      starts[next] = before;
      lengths[next] = to - before + 1;
      next += 1;
    }
    before = to;
    if (code < CLEAR) plain[to++] = code;
    else to = copied(plain, to, starts[code], lengths[code]);
    if (next + 1 >= 1 << width && width < 12) width += 1;
  }
  if (to < size) throw new Unreadable();
  return plain;
}

/**
 * @param {Uint8Array} plain
 * @param {number} to
 * @param {number} from
 * @param {number} length may overlap the bytes written here
 * @returns {number} the end
 */
function copied(plain, to, from, length) {
  const end = Math.min(to + length, plain.length);
  for (let at = to; at < end; at += 1) plain[at] = plain[from + at - to];
  return end;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} bit position of the first
 * @param {number} width at most 12
 */
function bitsAt(bytes, bit, width) {
  const at = bit >> 3;
  const word = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  return (word >> (24 - (bit & 7) - width)) & ((1 << width) - 1);
}

/**
 * Inflate at most `size` bytes.
 * @param {Uint8Array} packed
 * @param {number} size
 */
async function inflated(packed, size) {
  const plain = new Uint8Array(size);
  const source = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (packed)]).stream();
  const reader = source.pipeThrough(new DecompressionStream("deflate")).getReader();
  let to = 0;
  try {
    while (to < size) {
      const { done, value } = await reader.read();
      if (done) break;
      plain.set(value.subarray(0, size - to), to);
      to += value.length;
    }
  } catch {
    throw new Unreadable();
  }
  await reader.cancel().catch(() => {});
  if (to < size) throw new Unreadable();
  return plain;
}

/**
 * Undo horizontal differencing.
 * @param {Uint8Array} plain changed in place
 * @param {Form} form
 */
function addUp(plain, { width, samples, bits, little }) {
  if (bits < 8) throw new Unreadable();
  const step = bits / 8;
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const rowBytes = width * samples * step;
  for (let row = 0; row < plain.length; row += rowBytes) {
    for (let at = row + samples * step; at < row + rowBytes; at += step) {
      const left = at - samples * step;
      if (step === 1) plain[at] += plain[left];
      else view.setUint16(at, view.getUint16(at, little) + view.getUint16(left, little), little);
    }
  }
}

/**
 * @param {Uint8Array} plain
 * @param {Form} form
 * @param {number} rowBytes
 * @returns {Uint8Array} one byte for each sample
 */
function samplesOf(plain, { width, samples, bits, little }, rowBytes) {
  if (bits === 8) return plain;
  const each = width * samples;
  const result = new Uint8Array((plain.length / rowBytes) * each);
  for (let at = 0; at < result.length; at += 1) {
    const column = at % each;
    const row = ((at - column) / each) * rowBytes;
    if (bits === 16) result[at] = plain[row + 2 * column + (little ? 1 : 0)];
    else {
      const byte = plain[row + ((column * bits) >> 3)];
      result[at] = (byte >> (8 - bits - ((column * bits) & 7))) & (2 ** bits - 1);
    }
  }
  return result;
}
