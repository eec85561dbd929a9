/**
 * Files whose pixels are all there although something else is missing or wrong, by the rules of the
 * server (metalearn/datasets/repair.py).
 */

import { begins, crc32, jpegSegments, PNG, textAt, viewOf } from "./orientation.js";

/** @typedef {(one: Uint8Array<ArrayBuffer>, other: Uint8Array<ArrayBuffer>) => Promise<boolean>} Alike whether two files decode to the same pixels */

const END = [0xff, 0xd9];
/** More than the blocks need that lie outside of the picture, and no byte that says something. */
const NOISE = Array.from({ length: 512 }, (_, n) => (182 + 13 * n + 7 * n * n) % 251);
/** What a decoder that still waits for pixels makes different ones of, also between restarts. */
const TAILS = [
  [...Array(64).fill(0), ...END],
  [...Array.from({ length: 8 }, (_, n) => [...NOISE, 0xff, 0xd0 + n]).flat(), ...END],
];
const FRAMES = [0xc0, 0xc1, 0xc2];
const SCAN = 0xda;
const COEFFICIENTS = 64;
/** A capital letter at the beginning of a chunk's name: no PNG can be read without it. */
const NEEDED = /^[A-Z]/;
const TEXT = /Xt$/;

/**
 * The file as a strict decoder reads it: a JPEG gets its end marker, a PNG loses the texts and the
 * remarks whose checksum is wrong.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Alike} alike
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} null where pixels are missing, or nothing helps
 */
export async function repaired(bytes, alike) {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return withEnd(bytes, alike);
  return begins(bytes, 0, PNG) ? withoutRemarks(bytes) : null;
}

/**
 * Whatever follows a whole scan changes no pixel, so two endings must give the same ones.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Alike} alike
 */
async function withEnd(bytes, alike) {
  if (!hasEveryScan(bytes)) return null;
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end -= 1;
  const whole = bytes.subarray(0, end);
  return (await alike(joined(whole, TAILS[0]), joined(whole, TAILS[1]))) ? joined(whole, END) : null;
}

/**
 * @param {Uint8Array} bytes
 * @param {number[]} tail
 */
function joined(bytes, tail) {
  const result = new Uint8Array(bytes.length + tail.length);
  result.set(bytes);
  result.set(tail, bytes.length);
  return result;
}

/**
 * Whether each coefficient of each component has come with its last bit.
 * @param {Uint8Array} bytes
 */
function hasEveryScan(bytes) {
  /** @type {Set<number> | null} 64 for each component */
  let left = null;
  for (const { marker, start, end } of jpegSegments(bytes)) {
    const content = bytes.subarray(start, end);
    if (FRAMES.includes(marker)) {
      left = new Set();
      for (let n = 0; n < content[5]; n += 1) {
        for (let k = 0; k < COEFFICIENTS; k += 1) left.add(COEFFICIENTS * content[6 + 3 * n] + k);
      }
    } else if (marker === SCAN && left) finish(content, left);
  }
  return left !== null && left.size === 0;
}

/**
 * @param {Uint8Array} scan
 * @param {Set<number>} left
 */
function finish(scan, left) {
  const n = scan[0];
  const [first, last, bits] = scan.subarray(1 + 2 * n, 4 + 2 * n);
  if (bits === undefined || bits & 15) return;
  for (let component = 0; component < n; component += 1) {
    for (let k = first; k <= last; k += 1) left.delete(COEFFICIENTS * scan[1 + 2 * component] + k);
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function withoutRemarks(bytes) {
  const view = viewOf(bytes);
  const kept = new Uint8Array(bytes.length);
  kept.set(PNG);
  let size = PNG.length;
  for (let at = PNG.length; at + 12 <= bytes.length; ) {
    const end = Math.min(at + 12 + view.getUint32(at), bytes.length);
    const name = textAt(bytes, at + 4);
    const isRight = () => crc32(bytes.subarray(at + 4, end - 4)) === view.getUint32(end - 4);
    if (NEEDED.test(name) || (!TEXT.test(name) && isRight())) {
      kept.set(bytes.subarray(at, end), size);
      size += end - at;
    }
    at = end;
  }
  return kept.slice(0, size);
}
