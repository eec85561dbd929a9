/** Picture files to pixels, by the browser's own decoder and our own resampling. */

import { withoutOrientation } from "./orientation.js";
import { squarePixels } from "./pixels.js";

const MAX_PIXELS = 50_000_000;

/**
 * The centre square of a picture as the server sees it. Throws an Error with a sentence.
 * @param {Blob} file
 * @param {{image_size: number, channels: number}} architecture
 * @returns {Promise<Uint8Array>} pixels (channels, size, size)
 */
export async function decodeSquare(file, { image_size: size, channels }) {
  const { file: upright, orientation } = await withoutOrientation(file);
  const bitmap = await bitmapOf(upright);
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS) throw new Error("This picture has more than 50 megapixels; make it smaller first.");
    return squarePixels({ width, height, channels: 4, data: pixelsOf(bitmap) }, size, channels, orientation);
  } finally {
    bitmap.close();
  }
}

/**
 * The same for one of many pictures: what is wrong is said with its name.
 * @param {Blob} file
 * @param {string} name
 * @param {{image_size: number, channels: number}} architecture
 */
export async function decodeNamed(file, name, architecture) {
  try {
    return await decodeSquare(file, architecture);
  } catch (error) {
    throw new Error(`“${name}”: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {Blob} file */
async function bitmapOf(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("This picture cannot be read; use a whole PNG, JPEG or WebP file.");
  }
}

/**
 * Over white: a canvas keeps colours that are multiplied with their opacity, and would give back
 * rounded ones.
 * @param {ImageBitmap} bitmap
 */
function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  const canvas = typeof OffscreenCanvas === "undefined" ? element(width, height) : new OffscreenCanvas(width, height);
  const options = { willReadFrequently: true, alpha: true };
  const context = /** @type {CanvasRenderingContext2D | null} */ (canvas.getContext("2d", options));
  if (!context) throw new Error("Your browser cannot draw pictures; try another one.");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

/**
 * @param {number} width
 * @param {number} height
 */
function element(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}
