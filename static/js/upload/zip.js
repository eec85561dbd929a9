/** Makes a zip without compression out of files, without holding them in memory. */

/** @typedef {{ path: string, file: Blob }} Entry `path` inside the zip */
/** @typedef {{ signal?: AbortSignal, progress?: (bytes: number) => void }} Watching */

/** The limits of a zip with 32-bit lengths. */
export const MAX_ZIP_BYTES = 2 ** 32 - 2;
export const MAX_ZIP_FILES = 2 ** 16 - 2;

const SLICE_BYTES = 4 * 2 ** 20;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const VERSION = 20;
const UTF8 = 0x0800;
/** 1 January 1980: the same folder always makes the same zip. */
const DATE = 0x0021;
const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * The CRC-32 of zip.
 * @param {Uint8Array} bytes
 * @param {number} [before] CRC of the bytes before these
 */
export function crc32(bytes, before = 0) {
  let value = ~before;
  for (let at = 0; at < bytes.length; at += 1) value = TABLE[(value ^ bytes[at]) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

/**
 * The size of the zip in bytes, computed without reading the files.
 * @param {Entry[]} entries
 */
export function zipSize(entries) {
  const sizes = entries.map(
    ({ path, file }) => LOCAL_BYTES + CENTRAL_BYTES + 2 * nameOf(path).length + file.size,
  );
  return sizes.reduce((sum, size) => sum + size, END_BYTES);
}

/**
 * Make the zip; throws RangeError if the files do not fit into one.
 * @param {Entry[]} entries
 * @param {Watching} [watching] `progress` gets the number of bytes read
 * @returns {Promise<Blob>}
 */
export async function zipOf(entries, watching = {}) {
  if (zipSize(entries) > MAX_ZIP_BYTES || entries.length > MAX_ZIP_FILES)
    throw new RangeError("more than a zip holds");
  /** @type {BlobPart[]} */
  const parts = [];
  const directory = [];
  let offset = 0;
  let read = 0;
  for (const { path, file } of entries) {
    const crc = await crcOf(file, { ...watching, progress: (bytes) => watching.progress?.(read + bytes) });
    const entry = { name: nameOf(path), crc, size: file.size, offset };
    const head = localHeader(entry);
    parts.push(head, file);
    directory.push(centralHeader(entry));
    offset += head.length + file.size;
    read += file.size;
  }
  return new Blob([...parts, ...directory, end(directory, offset)], { type: "application/zip" });
}

/**
 * @param {Blob} file
 * @param {Watching} watching
 */
async function crcOf(file, { signal, progress }) {
  let crc = 0;
  for (let at = 0; at < file.size; at += SLICE_BYTES) {
    signal?.throwIfAborted();
    crc = crc32(new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer()), crc);
    progress?.(Math.min(file.size, at + SLICE_BYTES));
  }
  return crc;
}

/** @param {string} path */
function nameOf(path) {
  return new TextEncoder().encode(path);
}

/** @typedef {{ name: Uint8Array, crc: number, size: number, offset: number }} Written */

/** @param {Written} entry */
function localHeader({ name, crc, size }) {
  const numbers = [
    [4, 0x04034b50], [2, VERSION], [2, UTF8], [2, 0], [2, 0],
    [2, DATE], [4, crc], [4, size], [4, size],
    [2, name.length], [2, 0],
  ];
  return packed(numbers, name);
}

/** @param {Written} entry */
function centralHeader({ name, crc, size, offset }) {
  const same = [
    [2, VERSION], [2, UTF8], [2, 0], [2, 0], [2, DATE],
    [4, crc], [4, size], [4, size], [2, name.length], [2, 0],
  ];
  // No comment, the first disk, no attributes.
  return packed([[4, 0x02014b50], [2, VERSION], ...same, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]], name);
}

/**
 * @param {Uint8Array[]} directory
 * @param {number} offset where it begins
 */
function end(directory, offset) {
  const bytes = directory.reduce((sum, header) => sum + header.length, 0);
  const count = directory.length;
  return packed([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, bytes], [4, offset], [2, 0]]);
}

/**
 * Little-endian numbers, then `tail`.
 * @param {number[][]} numbers pairs of width in bytes and value
 * @param {Uint8Array} [tail]
 */
function packed(numbers, tail = new Uint8Array()) {
  const length = numbers.reduce((sum, [bytes]) => sum + bytes, 0);
  const found = new Uint8Array(length + tail.length);
  const view = new DataView(found.buffer);
  let at = 0;
  for (const [bytes, value] of numbers) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  found.set(tail, length);
  return found;
}
