/**
 * Reads a picture's orientation and removes it from the file. Browsers differ in which metadata they obey,
 * so they get none, and we turn the pixels by the server's rules (metalearn/datasets/orientation.py).
 */

/** @typedef {{start: number, end: number, exif: boolean}} Block metadata of a file */

const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
const APP1 = 0xe1;
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
export const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Flag of a WebP that has an `EXIF` chunk. */
const HAS_EXIF = 0x08;
const LITTLE = 0x49492a00;
const BIG = 0x4d4d002a;
const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * The orientation of a JPEG, PNG, WebP or TIFF file, 1 if it is invalid, 0 if there is none. Metadata is
 * overwritten with zeros, except in TIFF, which no browser reads. Nothing else changes.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {number} 0 to 8
 */
export function takeOrientation(bytes) {
  if (isTiff(bytes)) return inExif(bytes);
  const png = begins(bytes, 0, PNG);
  let orientation = 0;
  let known = false;
  for (const { start, end, exif } of blocksOf(bytes)) {
    // The first EXIF block of a file counts.
    if (exif && !known) orientation = inExif(bytes.subarray(start, end));
    known ||= exif;
    orientation ||= 1;
    bytes.fill(0, start, end);
    if (png && end + 4 <= bytes.length) viewOf(bytes).setUint32(end, crc32(bytes.subarray(start - 4, end)));
  }
  return orientation;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Iterable<Block>} EXIF and XMP in file order; a generator, as there may be millions
 */
function blocksOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return inJpeg(bytes);
  if (begins(bytes, 0, PNG)) return inPng(bytes);
  if (textAt(bytes, 0) === "RIFF" && textAt(bytes, 8) + textAt(bytes, 12) === "WEBPVP8X")
    return inWebp(bytes);
  return [];
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function* inJpeg(bytes) {
  for (const { marker, start, end } of jpegSegments(bytes)) {
    if (marker === START_OF_SCAN) return;
    if (marker === APP1) yield { start, end, exif: begins(bytes.subarray(0, end), start, EXIF) };
  }
}

/**
 * The markers of a JPEG with content, and its position, up to the end of the picture.
 * @param {Uint8Array} bytes
 * @returns {Generator<{marker: number, start: number, end: number}>}
 */
export function* jpegSegments(bytes) {
  const view = viewOf(bytes);
  let at = 2;
  while (at >= 0 && at + 4 <= bytes.length) {
    const marker = bytes[at + 1];
    // Fill bytes and stray bytes may precede a marker; some markers have no length.
    if (bytes[at] !== 0xff || marker === 0xff || marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at = bytes.indexOf(0xff, at + 1);
      continue;
    }
    if (marker === END_OF_IMAGE) return;
    const next = at + 2 + Math.max(2, view.getUint16(at + 2));
    yield { marker, start: at + 4, end: Math.min(next, bytes.length) };
    at = next;
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function* inPng(bytes) {
  const view = viewOf(bytes);
  let at = PNG.length;
  while (at + 12 <= bytes.length) {
    const next = at + 8 + view.getUint32(at);
    const exif = textAt(bytes, at + 4) === "eXIf";
    const xmp = textAt(bytes, at + 4) === "iTXt" && textAt(bytes, at + 8) === "XML:";
    if (exif || xmp) yield { start: at + 8, end: Math.min(next, bytes.length), exif };
    at = next + 4;
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function* inWebp(bytes) {
  const view = viewOf(bytes);
  if (bytes.length < 21) return;
  const last = Math.min(bytes.length, 8 + view.getUint32(4, true));
  let at = 12;
  while (at + 8 <= last) {
    const size = view.getUint32(at + 4, true);
    const name = textAt(bytes, at);
    const exif = name === "EXIF" && (bytes[20] & HAS_EXIF) !== 0;
    if (name === "EXIF" || name === "XMP ") yield { start: at + 8, end: Math.min(at + 8 + size, last), exif };
    at += 8 + size + (size % 2);
  }
}

/** @param {Uint8Array} bytes */
function isTiff(bytes) {
  const head = bytes.length < 8 ? 0 : viewOf(bytes).getUint32(0);
  return head === LITTLE || head === BIG;
}

/** @param {Uint8Array} block */
function inExif(block) {
  let tiff = block;
  // Some programs repeat this name, or write it in the wrong place.
  for (let times = 0; times < 2 && begins(tiff, 0, EXIF); times += 1) tiff = tiff.subarray(EXIF.length);
  const value = inTiff(viewOf(tiff));
  return value >= 1 && value <= 8 ? value : 1;
}

/**
 * The first orientation tag with one SHORT, as the standard requires (CIPA DC-008, 4.6.5.1).
 * @param {DataView} view
 */
function inTiff(view) {
  const size = view.byteLength;
  if (size < 8) return 1;
  const order = view.getUint32(0);
  if (order !== LITTLE && order !== BIG) return 1;
  const little = order === LITTLE;
  const directory = view.getUint32(4, little);
  if (directory + 2 > size) return 1;
  const end = directory + 2 + 12 * view.getUint16(directory, little);
  for (let entry = directory + 2; entry < end && entry + 10 <= size; entry += 12) {
    const one = view.getUint32(entry + 4, little) === 1;
    const isIt = view.getUint16(entry, little) === ORIENTATION && view.getUint16(entry + 2, little) === SHORT;
    if (isIt && one) return view.getUint16(entry + 8, little);
  }
  return 1;
}

/** @param {Uint8Array} bytes */
export function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number[]} expected
 */
export function begins(bytes, at, expected) {
  return expected.every((byte, index) => bytes[at + index] === byte);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 */
export function textAt(bytes, at) {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/**
 * The CRC-32 of a PNG chunk's name and content (ISO 3309).
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}
