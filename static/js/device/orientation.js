/** How a JPEG says that it is turned, and the same JPEG without saying it. */

const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
const APP1 = 0xe1;
const START_OF_SCAN = 0xda;
const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * Where the orientation stands in a JPEG.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {{value: number, at: number, little: boolean} | null} `at` is where its two bytes lie
 */
export function findOrientation(bytes) {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== START_OF_SCAN) {
    const length = view.getUint16(at + 2);
    if (bytes[at + 1] === APP1 && EXIF.every((byte, index) => bytes[at + 4 + index] === byte)) {
      return inExif(view, at + 4 + EXIF.length, Math.min(at + 2 + length, bytes.length));
    }
    at += 2 + length;
  }
  return null;
}

/**
 * @param {DataView} view
 * @param {number} start of the TIFF header
 * @param {number} end
 */
function inExif(view, start, end) {
  if (start + 8 > end) return null;
  const little = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, little);
  if (directory + 2 > end) return null;
  const entries = view.getUint16(directory, little);
  for (let entry = directory + 2; entry < directory + 2 + 12 * entries && entry + 12 <= end; entry += 12) {
    const isIt = view.getUint16(entry, little) === ORIENTATION && view.getUint16(entry + 2, little) === SHORT;
    if (isIt) return { value: view.getUint16(entry + 8, little), at: entry + 8, little };
  }
  return null;
}

/**
 * The picture as its pixels lie in the file, and how they must be turned.
 * @param {Blob} file
 * @returns {Promise<{file: Blob, orientation: number}>}
 */
export async function withoutOrientation(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const found = findOrientation(bytes);
  if (!found || found.value < 2 || found.value > 8) return { file, orientation: 1 };
  new DataView(bytes.buffer).setUint16(found.at, 1, found.little);
  return { file: new Blob([bytes], { type: file.type }), orientation: found.value };
}
