/** Runs a learner's graphs with onnxruntime-web. */

/** @typedef {import("./safetensors.js").Weight} Weight */
/** @typedef {Record<string, Weight | number>} Given */

const ONE_THREAD = { wasm: { numThreads: 1, proxy: false } };

/** The graphs of one learner, each loaded when it first runs. */
export class Graphs {
  /**
   * @param {import("../types.d.ts").Ort} ort the module onnxruntime-web
   * @param {import("../types.d.ts").LearnerDescription} description
   * @param {Map<string, Uint8Array>} files the graphs by their names in browser.json
   */
  constructor(ort, description, files) {
    Object.assign(ort.env.wasm, ONE_THREAD.wasm);
    ort.env.logLevel = "error";
    this.ort = ort;
    this.description = description;
    this.files = files;
    /** @type {Map<string, Promise<import("../types.d.ts").InferenceSession>>} */
    this.sessions = new Map();
  }

  /** @param {string} name */
  session(name) {
    const known = this.sessions.get(name);
    if (known) return known;
    /** @type {import("../types.d.ts").SessionOptions} */
    const options = { executionProviders: ["wasm"], graphOptimizationLevel: "disabled" };
    const file = /** @type {Uint8Array} */ (this.files.get(name));
    const made = this.ort.InferenceSession.create(file, options);
    this.sessions.set(name, made);
    // A failure such as lack of memory may not happen again: allow another attempt.
    made.catch(() => this.sessions.delete(name));
    return made;
  }

  /**
   * @param {string} name of a graph
   * @param {(input: string) => Weight | number} find the value of an input
   * @returns {Promise<Map<string, Weight>>} its outputs
   */
  async run(name, find) {
    if (!(name in this.description.graphs))
      throw new Error(this.description.limited || `There is no graph ${name}.`);
    const session = await this.session(name);
    /** @type {Record<string, import("../types.d.ts").Tensor>} */
    const feeds = {};
    for (const input of Object.keys(this.description.graphs[name].inputs))
      feeds[input] = this.tensor(find(input));
    const results = await session.run(feeds);
    const found = new Map();
    for (const output of session.outputNames) {
      const { dims, data } = results[output];
      found.set(output, { dims: [...dims], data });
    }
    return found;
  }

  /** @param {Weight | number} value */
  tensor(value) {
    if (typeof value === "number") return new this.ort.Tensor("float32", Float32Array.of(value), []);
    return new this.ort.Tensor("float32", value.data, value.dims);
  }

  /** Free the memory of all sessions. */
  async release() {
    const sessions = await Promise.allSettled(this.sessions.values());
    this.sessions.clear();
    for (const one of sessions) if (one.status === "fulfilled") await one.value.release();
  }
}
