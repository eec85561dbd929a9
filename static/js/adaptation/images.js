/** Decodes the user's pictures, turns them upright and scales them down. */

import { isNearlyBlack, openPicture } from "../device/decode.js";
import { Unreadable } from "../device/refusals.js";
import { nameOf } from "./files.js";

/**
 * `url` shows it on this page, `file` is the original, `small` is what a server gets.
 * @typedef {{name: string, url: string, file: Blob, small: Blob}} Picture
 */

const KEEP_AS_IS_BYTES = 300_000;
const JPEG_QUALITY = 0.92;
/** EXIF orientations from this one on swap rows and columns. */
const LYING = 5;

/**
 * Decode a file, turn it and scale it down. Throws Unreadable when it does not decode.
 * @param {Blob} file
 * @param {number} side the longest side that is sent, in pixels
 * @param {import("./files.js").LeftOut} leftOut collects pictures that look nearly black
 * @returns {Promise<Picture>}
 */
async function prepare(file, side, leftOut) {
  const opened = await openPicture(file);
  const { width, height, orientation, data } = opened;
  const bitmap =
    opened.bitmap ??
    (await createImageBitmap(
      new ImageData(/** @type {Uint8ClampedArray<ArrayBuffer>} */ (data), width),
    ));
  try {
    const scale = Math.min(1, side / Math.max(width, height));
    const asIs =
      scale === 1 && orientation === 1 &&
      file.type === "image/png" && file.size <= KEEP_AS_IS_BYTES;
    const blob = asIs ? file : await encode(bitmap, { scale, orientation, type: file.type });
    if (isNearlyBlack(opened)) leftOut.black.push(nameOf(file));
    return { name: nameOf(file), url: URL.createObjectURL(blob), file, small: blob };
  } finally {
    bitmap.close();
  }
}

/**
 * Prepare pictures, one after another.
 * @param {Blob[]} files
 * @param {number} side
 * @param {object} to
 * @param {(picture: Picture) => void} to.take
 * @param {import("./files.js").LeftOut} to.leftOut
 * @param {() => boolean} [to.stopped]
 */
export async function gather(files, side, { take, leftOut, stopped = () => false }) {
  for (const file of files) {
    if (stopped()) return;
    try {
      take(await prepare(file, side, leftOut));
    } catch (error) {
      if (!(error instanceof Unreadable))
        leftOut.reasons.add(`“${nameOf(file)}”: ${/** @type {Error} */ (error).message}`);
      else if (error.isDamage) leftOut.unreadable.push(nameOf(file));
      else leftOut.reasons.add(`“${nameOf(file)}” ${error.reason}`);
    }
  }
}

/**
 * Free the memory of pictures.
 * @param {Picture[]} pictures
 */
export function forget(pictures) {
  for (const { url } of pictures) URL.revokeObjectURL(url);
}

/**
 * @param {ImageBitmap} bitmap
 * @param {{scale: number, orientation: number, type: string}} how
 * @returns {Promise<Blob>}
 */
async function encode(bitmap, { scale, orientation, type }) {
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = orientation >= LYING ? [height, width] : [width, height];
  const context = canvas.getContext("2d");
  if (!context) throw new Error("Your browser cannot draw pictures; try another one.");
  const lossless = type === "image/png";
  if (!lossless) {
    // JPEG has no transparency: without this, transparent pixels would become black.
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.imageSmoothingQuality = "high";
  turn(context, orientation, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be encoded."))),
      lossless ? "image/png" : "image/jpeg",
      JPEG_QUALITY,
    );
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} orientation as EXIF has it
 * @param {number} width before it is turned
 * @param {number} height
 */
function turn(context, orientation, width, height) {
  if (orientation === 2) context.setTransform(-1, 0, 0, 1, width, 0);
  if (orientation === 3) context.setTransform(-1, 0, 0, -1, width, height);
  if (orientation === 4) context.setTransform(1, 0, 0, -1, 0, height);
  if (orientation === 5) context.setTransform(0, 1, 1, 0, 0, 0);
  if (orientation === 6) context.setTransform(0, 1, -1, 0, height, 0);
  if (orientation === 7) context.setTransform(0, -1, -1, 0, height, width);
  if (orientation === 8) context.setTransform(0, -1, 1, 0, 0, width);
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
export function toBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1]));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
