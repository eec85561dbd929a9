/** An adapted classifier as one ONNX file: a graph together with the weights it was run with. */

/** @typedef {import("./safetensors.js").Weight} Weight */

// Field numbers and wire types of ONNX's protocol buffers.
const GRAPH_OF_MODEL = (7 << 3) | 2;
const INITIALIZER_OF_GRAPH = (5 << 3) | 2;
const DIMS = (1 << 3) | 0;
const DATA_TYPE = (2 << 3) | 0;
const NAME = (8 << 3) | 2;
const RAW_DATA = (9 << 3) | 2;
const FLOAT = 1;

/**
 * Give the inputs of a model default values. In protocol buffers a second `graph` field is merged into
 * the first, so there is no need to parse the graph.
 * @param {Uint8Array} model
 * @param {Map<string, Weight>} values by the names of inputs
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function withValues(model, values) {
  const parts = [...values].map(([name, value]) => field(INITIALIZER_OF_GRAPH, tensor(name, value)));
  return joined([model, field(GRAPH_OF_MODEL, joined(parts))]);
}

/**
 * @param {string} name
 * @param {Weight} value
 */
function tensor(name, { dims, data }) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return joined([
    ...dims.map((size) => joined([number(DIMS), number(size)])),
    joined([number(DATA_TYPE), number(FLOAT)]),
    field(NAME, new TextEncoder().encode(name)),
    field(RAW_DATA, bytes),
  ]);
}

/**
 * @param {number} tag
 * @param {Uint8Array} content
 */
function field(tag, content) {
  return joined([number(tag), number(content.length), content]);
}

/** @param {number} value encoded as a varint: seven bits per byte */
function number(value) {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...bytes, rest]);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
