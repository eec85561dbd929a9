/** Decodes picture files with the browser's decoder or ours, and resamples them with ours. */

import { FOREIGN, kindOf } from "./kinds.js";
import { repaired } from "./repair.js";
import { takeOrientation, textAt } from "./orientation.js";
import { squarePixels } from "./pixels.js";
import { MAX_PIXELS, TOO_LARGE, Unreadable } from "./refusals.js";
import { declaredPixels, isGreyOf16Bits } from "./sizes.js";
import { readTiff } from "./tiff.js";

/**
 * A picture before it is turned upright: `bitmap` if the browser decoded it, else `data` (RGBA).
 * @typedef {object} Opened
 * @property {number} width
 * @property {number} height
 * @property {ImageBitmap | null} bitmap
 * @property {Uint8ClampedArray<ArrayBuffer> | null} data
 * @property {number} orientation
 * @property {boolean} grey16
 */

const BAND_ROWS = 256;
/** The high byte of 4095, the largest 12-bit value. */
const TWELVE_BITS = 15;
/** @type {ImageBitmapOptions} */
const EXACT = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/**
 * The centre square of a picture, with the same pixels as on the server. Throws an Error.
 * @param {Blob} file
 * @param {{image_size: number, channels: number}} architecture
 * @returns {Promise<Uint8Array>} pixels (channels, size, size)
 */
export async function decodeSquare(file, { image_size: size, channels }) {
  const opened = await openPicture(file, EXACT);
  try {
    const { width, height, orientation } = opened;
    return squarePixels({ width, height, channels: 4, data: pixelsOf(opened) }, size, channels, orientation);
  } finally {
    opened.bitmap?.close();
  }
}

/**
 * As `decodeSquare`; errors name the picture.
 * @param {Blob} file
 * @param {string} name
 * @param {{image_size: number, channels: number}} architecture
 */
export async function decodeNamed(file, name, architecture) {
  try {
    return await decodeSquare(file, architecture);
  } catch (error) {
    if (error instanceof Unreadable) throw new Error(`“${name}” ${error.reason}`, { cause: error });
    throw new Error(`“${name}”: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
}

/**
 * Throws Unreadable if the file cannot be decoded, and Error for other problems.
 * @param {Blob} file
 * @param {ImageBitmapOptions} [options]
 * @returns {Promise<Opened>} the caller closes `bitmap`
 */
export async function openPicture(file, options) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const kind = kindOf(bytes);
  if (kind in FOREIGN) {
    const { one, advice } = FOREIGN[kind];
    throw new Unreadable(`is ${one}, which Freehold cannot read; ${advice("it")}.`);
  }
  const orientation = kind === "AVIF" ? asOnePicture(bytes) : takeOrientation(bytes);
  if (kind === "TIFF") return { ...(await readTiff(bytes)), bitmap: null, orientation: orientation || 1 };
  if (declaredPixels(bytes, kind) > MAX_PIXELS) throw new Error(TOO_LARGE);
  const bitmap = await bitmapOf(orientation ? new Blob([bytes], { type: file.type }) : file, bytes, options);
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) {
    bitmap.close();
    throw new Error(TOO_LARGE);
  }
  return {
    width,
    height,
    bitmap,
    data: null,
    orientation: orientation || 1,
    grey16: isGreyOf16Bits(bytes, kind),
  };
}

/**
 * Reduce an animated AVIF to its still picture, because decoders may read the track's colours differently.
 * @param {Uint8Array} bytes changed in place
 * @returns {number} 1 if they were changed; the browser itself turns such a picture
 */
function asOnePicture(bytes) {
  if (textAt(bytes, 8) !== "avis") return 0;
  bytes[11] = "f".charCodeAt(0);
  return 1;
}

/**
 * Whether 16-bit samples hold 12-bit values, so that the picture looks nearly black.
 * @param {Opened} opened
 */
export function isNearlyBlack(opened) {
  if (!opened.grey16) return false;
  const data = pixelsOf(opened);
  for (let at = 0; at < data.length; at += 4) if (data[at] > TWELVE_BITS) return false;
  return true;
}

/**
 * @param {Blob} file
 * @param {Uint8Array<ArrayBuffer>} bytes of the file
 * @param {ImageBitmapOptions} [options]
 */
async function bitmapOf(file, bytes, options) {
  try {
    return await createImageBitmap(file, options);
  } catch {
    const better = await repaired(bytes, alike).catch(() => null);
    if (!better) throw new Unreadable();
    return createImageBitmap(new Blob([better]), options).catch(() => {
      throw new Unreadable();
    });
  }
}

/**
 * Whether two files decode to the same pixels, compared a few rows at a time.
 * @param {Uint8Array<ArrayBuffer>} one
 * @param {Uint8Array<ArrayBuffer>} other
 */
async function alike(one, other) {
  const first = await createImageBitmap(new Blob([one]), EXACT);
  const second = await createImageBitmap(new Blob([other]), EXACT);
  const { width, height } = first;
  let same = width * height <= MAX_PIXELS;
  for (let top = 0; same && top < height; top += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, height - top);
    const there = drawn(second, width, rows, -top);
    same = drawn(first, width, rows, -top).every((value, index) => value === there[index]);
  }
  first.close();
  second.close();
  return same;
}

/** @param {Opened} opened */
function pixelsOf({ width, height, bitmap, data }) {
  return data ?? drawn(/** @type {ImageBitmap} */ (bitmap), width, height, 0);
}

/**
 * Draw over white: a canvas stores colours multiplied by their opacity and would return rounded ones.
 * @param {ImageBitmap} bitmap
 * @param {number} width
 * @param {number} height
 * @param {number} top vertical position of the first row
 */
function drawn(bitmap, width, height, top) {
  const canvas =
    typeof OffscreenCanvas === "undefined"
      ? element(width, height)
      : new OffscreenCanvas(width, height);
  const options = { willReadFrequently: true, alpha: true };
  const context = /** @type {CanvasRenderingContext2D | null} */ (canvas.getContext("2d", options));
  if (!context) throw new Error("Your browser cannot draw pictures; try another one.");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, top);
  return context.getImageData(0, 0, width, height).data;
}

/**
 * @param {number} width
 * @param {number} height
 */
function element(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}
