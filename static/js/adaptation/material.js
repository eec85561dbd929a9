/** Fetches everything that adapting in the browser needs, so that it works offline afterwards. */

import { Refused } from "./backend_server.js";

/**
 * @typedef {{description: string, worker: string, runtime: string, wasm: string, offline: string}}
 *   Addresses
 */
/**
 * `runtime` is an address on the normal page and the module itself in the one-file page; `frame` and
 * `runtimeFile` serve to make such a page. Blobs rather than buffers, because a browser may keep blobs
 * on disk.
 * @typedef {object} Material
 * @property {import("../types.d.ts").LearnerDescription} description
 * @property {Map<string, Blob>} files
 * @property {Blob} weights
 * @property {Blob} wasm
 * @property {string | Blob} runtime
 * @property {string} worker
 * @property {Blob} [frame]
 * @property {Blob} [runtimeFile]
 */

/**
 * @param {Addresses} addresses
 * @param {(bytes: number) => void} [progress] called with the number of bytes loaded so far
 * @returns {Promise<Material>}
 */
export async function fetchMaterial(addresses, progress = () => {}) {
  /** @type {import("../types.d.ts").LearnerDescription} */
  const description = JSON.parse(await (await fetched(addresses.description)).text());
  if (!description.available) throw new Refused(description.reason);
  const beside = (/** @type {string} */ file) =>
    new URL(file, new URL(addresses.description, location.href)).href;
  const names = Object.keys(description.graphs);
  let bytes = 0;
  const came = (/** @type {number} */ more) => progress((bytes += more));
  const get = (/** @type {string} */ address, /** @type {string} */ sha256 = "") =>
    fetched(address, { sha256, came });
  const [weights, wasm, frame, runtimeFile, ...graphs] = await Promise.all([
    get(beside(description.weights.file), description.weights.sha256),
    get(addresses.wasm),
    get(addresses.offline),
    get(addresses.runtime),
    ...names.map((name) => get(beside(description.graphs[name].file), description.graphs[name].sha256)),
  ]);
  const files = new Map(names.map((name, index) => [name, graphs[index]]));
  const runtime = new URL(addresses.runtime, location.href).href;
  return { description, files, weights, wasm, runtime, worker: addresses.worker, frame, runtimeFile };
}

/**
 * @param {string} address
 * @param {{sha256?: string, came?: (bytes: number) => void}} [options] the expected hash; a callback for the
 *   bytes of each chunk
 * @returns {Promise<Blob>}
 */
export async function fetched(address, { sha256, came } = {}) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Refused("The server does not answer; reload the page.");
  }
  if (!answer.ok) throw new Refused("The files of the meta-learner could not be loaded.");
  const content = await whole(answer, came);
  const found = sha256 ? await hash(content) : null;
  if (found !== null && found !== sha256) throw new Refused("The download is damaged; reload the page.");
  return content;
}

/**
 * @param {Response} answer
 * @param {((bytes: number) => void) | undefined} came
 * @returns {Promise<Blob>}
 */
async function whole(answer, came) {
  if (!came || !answer.body) return answer.blob();
  const counter = new TransformStream({
    transform(piece, onward) {
      came(piece.byteLength);
      onward.enqueue(piece);
    },
  });
  const { headers } = answer;
  try {
    return await new Response(answer.body.pipeThrough(counter), { headers }).blob();
  } catch {
    throw new Refused("The server does not answer; reload the page.");
  }
}

/**
 * The SHA-256 in hexadecimal; null if the browser offers hashes over HTTPS only.
 * @param {Blob} content
 */
async function hash(content) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await content.arrayBuffer()));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
