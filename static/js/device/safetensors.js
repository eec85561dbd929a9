/** Reads and writes safetensors files. */

/** @typedef {import("../types.d.ts").Weight} Weight */

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 10_000_000;

/**
 * The float32 tensors of a file by name; tensors of other types are left out.
 * @param {ArrayBuffer} file
 * @returns {Map<string, Weight>}
 */
export function readSafetensors(file) {
  const length = Number(new DataView(file).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || LENGTH_BYTES + length > file.byteLength) {
    throw new Error("The weights are damaged; reload the page.");
  }
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, LENGTH_BYTES, length)));
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (entry.dtype !== "F32") continue;
    const [start, end] = entry.data_offsets.map(
      (/** @type {number} */ offset) => LENGTH_BYTES + length + offset,
    );
    // A copy, because the offset need not be a multiple of four.
    tensors.set(name, { dims: entry.shape, data: new Float32Array(file.slice(start, end)) });
  }
  return tensors;
}

/**
 * @param {Map<string, Weight>} tensors
 * @param {Record<string, string>} about becomes the file's metadata
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function writeSafetensors(tensors, about = {}) {
  /** @type {Record<string, object>} */
  const header = { __metadata__: about };
  let size = 0;
  for (const [name, { dims, data }] of tensors) {
    header[name] = { dtype: "F32", shape: dims, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  let text = JSON.stringify(header);
  // Pad the header so that the numbers begin at a multiple of eight bytes.
  let bytes = new TextEncoder().encode(text);
  text += " ".repeat((LENGTH_BYTES - (bytes.length % LENGTH_BYTES)) % LENGTH_BYTES);
  bytes = new TextEncoder().encode(text);
  const file = new Uint8Array(LENGTH_BYTES + bytes.length + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
  file.set(bytes, LENGTH_BYTES);
  let at = LENGTH_BYTES + bytes.length;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
