/** Saves this page as one file with learner, runtime and code, to be used without a server. */

import { toBase64 } from "./images.js";

/** @typedef {import("./material.js").Material} Material */
/** @typedef {{labels: string[], classifier: Blob}} Kept the adapted classifier to include */

// Contains no comment and no end tag of a script: this code becomes a script inside the page.
const PLACE = "[[material]]";
const ELEMENT = "script";
const ABOUT = "material-about";

/**
 * @param {Material} material with `frame` and `runtimeFile`
 * @param {Kept | null} kept
 * @returns {Promise<Blob>} an HTML file
 */
export async function offlinePage({ frame, description, files, weights, wasm, runtimeFile }, kept) {
  if (!frame || !runtimeFile) throw new Error("This page is already one file; copy that file.");
  const page = await frame.text();
  const place = page.indexOf(PLACE);
  const about = { description, graphs: [...files.keys()], labels: kept?.labels ?? null };
  const parts = [block(ABOUT, "application/json", JSON.stringify(about).replaceAll("<", "\\u003c"))];
  const named = { weights, wasm, runtime: runtimeFile, ...(kept ? { classifier: kept.classifier } : {}) };
  for (const [name, content] of Object.entries(named)) parts.push(await packed(name, content));
  for (const [name, content] of files) parts.push(await packed(`graph-${name}`, content));
  return new Blob([page.slice(0, place), ...parts, page.slice(place + PLACE.length)], { type: "text/html" });
}

/** @returns {boolean} whether this page is the one-file page */
export function isOfflinePage() {
  return document.getElementById(ABOUT) !== null;
}

/** @returns {Promise<Material>} what the file contains */
export async function embeddedMaterial() {
  const { description, graphs } = about();
  const [weights, wasm, runtime] = await Promise.all(["weights", "wasm", "runtime"].map(unpacked));
  const files = new Map();
  for (const name of graphs) files.set(name, await unpacked(`graph-${name}`));
  const code = document.getElementById("worker-script")?.textContent ?? "";
  const worker = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  return {
    description,
    files,
    weights,
    wasm,
    runtime: new Blob([runtime], { type: "text/javascript" }),
    worker,
  };
}

/** @returns {Promise<Kept | null>} the adapted classifier in the file, if there is one */
export async function embeddedAdaptation() {
  const { labels } = about();
  return labels && { labels, classifier: await unpacked("classifier") };
}

/** @typedef {import("../types.d.ts").LearnerDescription} LearnerDescription */

/** @returns {{description: LearnerDescription, graphs: string[], labels: string[] | null}} */
function about() {
  return JSON.parse(document.getElementById(ABOUT)?.textContent ?? "null");
}

/**
 * A script element that browsers do not run.
 * @param {string} id
 * @param {string} type
 * @param {string} text
 */
function block(id, type, text) {
  return `<${ELEMENT} id="${id}" type="${type}">${text}</${ELEMENT}>\n`;
}

/**
 * @param {string} name
 * @param {Blob} content
 */
async function packed(name, content) {
  const small = await new Response(content.stream().pipeThrough(new CompressionStream("gzip"))).blob();
  return block(`material-${name}`, "text/plain", await toBase64(small));
}

/**
 * @param {string} name
 * @returns {Promise<Blob>}
 */
async function unpacked(name) {
  const element = document.getElementById(`material-${name}`);
  const text = atob(element?.textContent ?? "");
  // The text is large and no longer needed.
  element?.remove();
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();
}
