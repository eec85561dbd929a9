/** Finds the models among dropped or chosen files, and the files of a folder to upload with each. */

import { MAX_ZIP_BYTES, MAX_ZIP_FILES, zipOf, zipSize } from "./zip.js";

/**
 * `path` begins with the dropped folder; for a single file it is its name.
 * @typedef {{ path: string, file: File }} Found
 */
/** @typedef {import("./zip.js").Entry} Entry */
/** @typedef {import("./zip.js").Watching} Watching */
/** @typedef {{ name: string, fileName: string, files: Found[], packed: boolean, size: number }} Model */
/** @typedef {{ models: Model[], leftOut: number, tooLarge: string[] }} Given */

// What a worker reads from a folder: metalearn/checkpoint/folder.py.
const WEIGHTS = /\.(safetensors|pt|pth|bin|ckpt|pt2)$/i;
const FACTS = /\.(json|md|txt)$/i;
const ZIP = /\.zip$/i;
const NOT_WEIGHTS = /^(training_args|optimizer|scheduler|rng_state|scaler)/;
const INDEXES = ["model.safetensors.index.json", "pytorch_model.bin.index.json"];
const USUAL = ["model.safetensors", "pytorch_model.bin", "best.pt"];
const SAME_MODEL = ["model.safetensors", "pytorch_model.bin"];
const SHARD = /-\d+-of-\d+\.\w+$/;
const OF_TRAINERS = /^checkpoints?-/;

/**
 * Find the models among files.
 * @param {Found[]} found
 * @returns {Promise<Given>} `leftOut` counts files that no worker needs; `tooLarge` names folders that do
 *   not fit into a zip
 */
export async function modelsIn(found) {
  const alone = found.length === 1 && !found[0].path.includes("/");
  const wanted = alone ? found : found.filter(({ path }) => isWanted(path));
  /** @type {Model[]} */
  const models = [];
  for (const [folder, files] of byFolder(wanted)) {
    models.push(...(alone ? files.map(plain) : await modelsOf(folder, files)));
  }
  const taken = new Set(models.flatMap(({ files }) => files));
  const fits = models.filter(fitsIntoZip);
  const tooLarge = models.filter((model) => !fits.includes(model)).map(({ name }) => name);
  return { models: toldApart(fits), leftOut: found.length - taken.size, tooLarge };
}

/**
 * The file to upload: the model's own, or a zip of its folder.
 * @param {Model} model
 * @param {Watching} watching
 * @returns {Promise<File>}
 */
export async function fileOf({ files, fileName, packed }, watching) {
  if (!packed) return files[0].file;
  const blob = await zipOf(entriesOf(files), watching);
  const lastModified = Math.max(...files.map(({ file }) => file.lastModified));
  return new File([blob], fileName, { type: blob.type, lastModified });
}

/**
 * All files of a drop, also those in folders.
 * @param {DataTransfer} transfer
 * @returns {Promise<Found[]>}
 */
export async function filesOfDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter((entry) => !!entry);
  if (entries.length === 0) return filesOfChoice(transfer.files);
  return (await Promise.all(entries.map((entry) => walk(entry, "")))).flat();
}

/**
 * Files that were chosen, also as a folder.
 * @param {Iterable<File>} files
 * @returns {Found[]}
 */
export function filesOfChoice(files) {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} above
 * @returns {Promise<Found[]>}
 */
async function walk(entry, above) {
  const path = above + entry.name;
  if (entry.isFile) return [{ path, file: await fileOfEntry(entry) }];
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {Found[]} */
  const found = [];
  // A reader gives at most a hundred entries at a time.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await walk(inner, `${path}/`)));
  }
}

/**
 * @param {FileSystemEntry} entry of a file
 * @returns {Promise<File>}
 */
function fileOfEntry(entry) {
  return new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
}

/** @param {string} path */
function isWanted(path) {
  const [name, ...folders] = path.split("/").reverse();
  const inner = folders.slice(0, -1);
  const hidden = [name, ...inner].some((part) => part.startsWith(".")) || folders.includes("__MACOSX");
  if (hidden || inner.some((folder) => OF_TRAINERS.test(folder)) || NOT_WEIGHTS.test(name)) return false;
  return WEIGHTS.test(name) || FACTS.test(name) || ZIP.test(name);
}

/** @param {Found[]} found */
function byFolder(found) {
  /** @type {Map<string, Found[]>} */
  const folders = new Map();
  const sorted = [...found].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const one of sorted) {
    const folder = one.path.split("/").slice(0, -1).join("/");
    folders.set(folder, [...(folders.get(folder) ?? []), one]);
  }
  return folders;
}

/**
 * The models of one folder, found as a worker finds them.
 * @param {string} folder its path; empty for files without a folder
 * @param {Found[]} files
 * @returns {Promise<Model[]>}
 */
async function modelsOf(folder, files) {
  const facts = files.filter(({ file }) => FACTS.test(file.name));
  const weights = files.filter(({ file }) => WEIGHTS.test(file.name));
  const zips = files.filter(({ file }) => ZIP.test(file.name)).map(plain);
  const all = await together(folder, weights, facts);
  if (all.length) return [...zips, packed(folder, [...all, ...facts])];
  const config = facts.some(({ file }) => file.name === "config.json");
  if (config || (weights.length === 1 && (folder || facts.length))) {
    const name = weights.length === 1 ? folder : "";
    return [...zips, ...weights.map((one) => packed(name, [one, ...facts]))];
  }
  return [...zips, ...weights.map(plain)];
}

/**
 * The weights files that form one model together; empty if each is a model of its own.
 * @param {string} folder
 * @param {Found[]} weights
 * @param {Found[]} facts
 */
async function together(folder, weights, facts) {
  const index = INDEXES.map((name) => facts.find(({ file }) => file.name === name)).find(Boolean);
  if (index) return shardsOf(index.file, weights);
  if (weights.length > 1 && weights.every(({ file }) => SHARD.test(file.name))) return weights;
  const config = facts.some(({ file }) => file.name === "config.json");
  const twice = folder !== "" && weights.every(({ file }) => SAME_MODEL.includes(file.name));
  if (!config && !twice) return [];
  const usual = USUAL.map((name) => weights.find(({ file }) => file.name === name)).find(Boolean);
  return usual ? [usual] : [];
}

/**
 * @param {File} index
 * @param {Found[]} weights
 */
async function shardsOf(index, weights) {
  try {
    const named = new Set(Object.values(JSON.parse(await index.text()).weight_map));
    const found = weights.filter(({ file }) => named.has(file.name));
    return found.length ? found : weights;
  } catch {
    return weights;
  }
}

/**
 * @param {Found} found
 * @returns {Model}
 */
function plain(found) {
  const { name, size } = found.file;
  return { name: titleOf(name), fileName: name, files: [found], packed: false, size };
}

/**
 * @param {string} folder its path; if empty, the weights file gives the name
 * @param {Found[]} files the weights first
 * @returns {Model}
 */
function packed(folder, files) {
  const name = folder.split("/").at(-1) || files[0].file.name.replace(WEIGHTS, "");
  return {
    name: titleOf(name),
    fileName: `${name}.zip`,
    files,
    packed: true,
    size: zipSize(entriesOf(files)),
  };
}

/**
 * @param {Found[]} files
 * @returns {Entry[]}
 */
function entriesOf(files) {
  return files.map(({ file }) => ({ path: file.name, file }));
}

/** @param {Model} model */
function fitsIntoZip({ files, packed, size }) {
  return !packed || (size <= MAX_ZIP_BYTES && files.length <= MAX_ZIP_FILES);
}

/** @param {string} name of a file or folder */
function titleOf(name) {
  return name.replace(WEIGHTS, "").replace(ZIP, "").replaceAll("_", " ").slice(0, 120);
}

/**
 * Add the name of the folder above to models that share a name.
 * @param {Model[]} models
 * @returns {Model[]}
 */
function toldApart(models) {
  return models.map((model) => {
    const same = models.filter(({ name }) => name === model.name);
    const above = model.files[0].path.split("/").at(model.packed ? -3 : -2);
    return same.length > 1 && above ? { ...model, name: titleOf(`${above} ${model.name}`) } : model;
  });
}
