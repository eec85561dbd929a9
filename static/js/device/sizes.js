/** Reads size and depth of a picture from its header, before decoding. */

import { textAt, viewOf } from "./orientation.js";

/** How far into an AVIF to look for its size. */
const BOXES_BYTES = 65_536;

/**
 * @param {Uint8Array} bytes
 * @param {string} kind from `kindOf`
 * @returns {number} 0 if unknown before decoding
 */
export function declaredPixels(bytes, kind) {
  const view = viewOf(bytes);
  if (bytes.length < 26) return 0;
  if (kind === "PNG") return view.getUint32(16) * view.getUint32(20);
  if (kind === "GIF") return view.getUint16(6, true) * view.getUint16(8, true);
  if (kind === "BMP") return inBmp(view);
  return kind === "AVIF" ? inAvif(bytes, view) : 0;
}

/** @param {DataView} view */
function inBmp(view) {
  if (view.getUint32(14, true) === 12) return view.getUint16(18, true) * view.getUint16(20, true);
  // A negative height: the top row comes first.
  return view.getUint32(18, true) * Math.abs(view.getInt32(22, true));
}

/**
 * The size of the largest picture in the file.
 * @param {Uint8Array} bytes
 * @param {DataView} view
 */
function inAvif(bytes, view) {
  let most = 0;
  const end = Math.min(bytes.length, BOXES_BYTES) - 16;
  for (let at = bytes.indexOf(0x69); at >= 0 && at < end; at = bytes.indexOf(0x69, at + 1)) {
    if (textAt(bytes, at) === "ispe") most = Math.max(most, view.getUint32(at + 8) * view.getUint32(at + 12));
  }
  return most;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} kind
 */
export function isGreyOf16Bits(bytes, kind) {
  return kind === "PNG" && bytes[24] === 16 && bytes[25] === 0;
}
