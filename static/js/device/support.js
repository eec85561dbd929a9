/** Tests whether a browser can adapt. */

// The smallest WebAssembly module with a vector instruction: (func (drop (v128.const …))).
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12,
  ...new Array(16).fill(0), 26, 11,
];

/** @type {[string, (scope: any) => boolean][]} */
const NEEDED = [
  ["workers", (scope) => typeof scope.Worker === "function"],
  ["WebAssembly", (scope) => typeof scope.WebAssembly === "object"],
  ["WebAssembly's vector instructions", (scope) => scope.WebAssembly.validate(Uint8Array.from(SIMD))],
  ["createImageBitmap", (scope) => typeof scope.createImageBitmap === "function"],
  ["Blob.arrayBuffer", (scope) => typeof scope.Blob?.prototype.arrayBuffer === "function"],
  ["64-bit integers", (scope) => typeof scope.BigInt === "function"],
];

/**
 * The name of the first missing feature; empty if there is none.
 * @param {any} [scope] the window
 */
export function missingInBrowser(scope = globalThis) {
  const found = NEEDED.find(([, has]) => !has(scope));
  return found ? found[0] : "";
}

/**
 * A module worker; null in browsers that do not support them.
 * @param {string} address
 * @param {typeof Worker} [Kind]
 */
export function moduleWorker(address, Kind = globalThis.Worker) {
  let asked = false;
  const options = {
    /** @returns {"module"} read only by browsers that know it */
    get type() {
      asked = true;
      return "module";
    },
  };
  const worker = new Kind(address, options);
  if (asked) return worker;
  worker.terminate();
  return null;
}
