/**
 * Repairs files that contain all pixels although something else is missing or wrong, by the server's
 * rules (metalearn/datasets/repair.py).
 */

import { begins, crc32, jpegSegments, PNG, textAt, viewOf } from "./orientation.js";

/**
 * Whether two files decode to the same pixels.
 * @typedef {(one: Uint8Array<ArrayBuffer>, other: Uint8Array<ArrayBuffer>) => Promise<boolean>} Alike
 */

const END = [0xff, 0xd9];
/** More bytes than the blocks outside the picture need, without a marker. */
const NOISE = Array.from({ length: 512 }, (_, n) => (182 + 13 * n + 7 * n * n) % 251);
/** Endings that a decoder still missing pixels would decode differently, even between restarts. */
const TAILS = [
  [...Array(64).fill(0), ...END],
  [...Array.from({ length: 8 }, (_, n) => [...NOISE, 0xff, 0xd0 + n]).flat(), ...END],
];
const FRAMES = [0xc0, 0xc1, 0xc2];
const SCAN = 0xda;
const COEFFICIENTS = 64;
/** A critical chunk's name begins with a capital letter; without such a chunk a PNG is unreadable. */
const NEEDED = /^[A-Z]/;
const TEXT = /Xt$/;

/**
 * Make the file readable for a strict decoder: add a JPEG's missing end marker, remove a PNG's ancillary
 * chunks with a wrong checksum.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Alike} alike
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} null if pixels are missing or the repair fails
 */
export async function repaired(bytes, alike) {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return withEnd(bytes, alike);
  return begins(bytes, 0, PNG) ? withoutRemarks(bytes) : null;
}

/**
 * After a complete scan, further bytes change no pixel. Two endings must therefore decode alike.
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
 * Whether the scans contain every coefficient of every component to its last bit.
 * @param {Uint8Array} bytes
 */
function hasEveryScan(bytes) {
  /** @type {Set<number> | null} 64 for each component, until they arrive */
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
