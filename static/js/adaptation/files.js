/** Finds the pictures among dropped, pasted or chosen files, and reports the others. */

import { FOREIGN, HEAD_BYTES, kindOf } from "../device/kinds.js";

/** @typedef {{file: File, folder: string}} Found `folder` is the folder that contains it; empty for none */

const IMAGE_NAME = /\.(png|jpe?g|webp|gif|bmp|tiff?|avif|hei[cf]|hif|svg|jxl)$/i;
const LOOSE = "Drop pictures on their class, or where pictures to label go; folders become classes.";
/** Files that operating systems add to folders of pictures, in lower case. */
const LEFT_BY_SYSTEMS = ["thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"];

/** Collects what was left out, to report it in one message. */
export class LeftOut {
  constructor() {
    /** @type {string[]} names of files that are not pictures */
    this.others = [];
    /** @type {string[]} names of files that this browser cannot read */
    this.unreadable = [];
    /** @type {Map<string, string[]>} names of files of formats that Freehold does not read, by format */
    this.foreign = new Map();
    /** @type {string[]} names of pictures that were taken but look nearly black */
    this.black = [];
    /** @type {Set<string>} sentences */
    this.reasons = new Set();
  }

  /** @returns {string} empty if nothing was left out */
  get sentence() {
    const said = [
      told(this.others, ["is not a picture and was left out.", "files are not pictures and were left out."]),
      told(this.unreadable, [
        "is not a picture that your browser can read; save it as PNG or JPEG.",
        "files are not pictures that your browser can read; save them as PNG or JPEG.",
      ]),
      ...[...this.foreign].map(toldOfForeign),
      toldOfBlack(this.black),
    ];
    return [...said, ...this.reasons].filter(Boolean).join(" ");
  }

  /** @param {(sentence: string) => void} problem called with the message, if there is one */
  tell(problem) {
    if (this.sentence) problem(this.sentence);
  }
}

/**
 * @param {string[]} names
 * @param {[string, string]} endings for one, for several
 */
function told(names, [one, several]) {
  if (names.length === 0) return "";
  return names.length === 1 ? `“${names[0]}” ${one}` : `${names.length} ${several}`;
}

/** @param {[string, string[]]} entry a kind and the names of its files */
function toldOfForeign([kind, names]) {
  const { one, several, advice } = FOREIGN[kind];
  const alone = names.length === 1;
  const are = alone ? `is ${one}` : `are ${several}`;
  return `${named(names)} ${are}, which Freehold cannot read; ${advice(alone ? "it" : "them")}.`;
}

/** @param {string[]} names */
function toldOfBlack(names) {
  if (names.length === 0) return "";
  const looks = names.length === 1 ? "looks" : "look";
  return (
    `${named(names)} ${looks} nearly black: the values have 16 bits, but none is above 4095, ` +
    "as 12-bit cameras write them; multiply them by 16, or save with 8 bits."
  );
}

/** @param {string[]} names at least one */
function named([first, ...others]) {
  if (others.length === 0) return `“${first}”`;
  return `“${first}” and ${others.length} ${others.length === 1 ? "other" : "others"}`;
}

/** @param {Blob} file */
export function nameOf(file) {
  return file instanceof File ? file.name : "camera picture";
}

/**
 * The pictures among files, by their content. Hidden files and those of operating systems are skipped
 * silently, because the user did not choose them.
 * @template {Blob} T
 * @param {T[]} files
 * @param {LeftOut} leftOut collects the others
 * @returns {Promise<T[]>}
 */
export async function picturesAmong(files, leftOut) {
  const pictures = [];
  for (const file of files) {
    const name = nameOf(file);
    if (isPassedOver(name)) continue;
    const kind = kindOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
    if (kind in FOREIGN) leftOut.foreign.set(kind, [...(leftOut.foreign.get(kind) ?? []), name]);
    else if (kind || looksLikePicture(file)) pictures.push(file);
    else leftOut.others.push(name);
  }
  return pictures;
}

/** @param {Blob} file one whose content is not recognised; it may be damaged */
function looksLikePicture(file) {
  const name = nameOf(file);
  if (file.type.startsWith("image/") || IMAGE_NAME.test(name)) return true;
  // Without an extension only the decoder can tell.
  return !file.type && !name.includes(".");
}

/** @param {string} name of a file or a folder */
function isPassedOver(name) {
  return name.startsWith(".") || LEFT_BY_SYSTEMS.includes(name.toLowerCase());
}

/**
 * All files of a drop, also those in folders.
 * @param {DataTransfer} transfer
 * @returns {Promise<{found: Found[], folders: number}>} `folders` is the number of dropped folders
 */
export async function filesOfDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const given = items.map((item) => item.webkitGetAsEntry?.()).filter((entry) => !!entry);
  const entries = given.filter((entry) => !isPassedOver(entry.name));
  if (given.length === 0) {
    return { found: [...transfer.files].map((file) => ({ file, folder: "" })), folders: 0 };
  }
  const found = await Promise.all(entries.map((entry) => walk(entry, "")));
  return { found: found.flat(), folders: entries.filter((entry) => entry.isDirectory).length };
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @returns {Promise<Found[]>}
 */
async function walk(entry, folder) {
  if (isPassedOver(entry.name)) return [];
  if (entry.isFile) {
    return [{ file: await fileOfEntry(entry), folder }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {Found[]} */
  const found = [];
  // A reader gives at most a hundred entries at a time.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await walk(inner, entry.name)));
  }
}

/**
 * @param {FileSystemEntry} entry of a file
 * @returns {Promise<File>}
 */
function fileOfEntry(entry) {
  return new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
}

/**
 * The files of a chosen folder.
 * @param {Iterable<File>} files
 * @returns {Found[]}
 */
export function filesOfFolder(files) {
  const paths = [...files].map((file) => ({ file, parts: file.webkitRelativePath.split("/") }));
  const seen = paths.filter(({ parts }) => !parts.some(isPassedOver));
  return seen.map(({ file, parts }) => ({ file, folder: parts.at(-2) ?? "" }));
}

/**
 * The pictures, grouped by the name of their folder.
 * @param {Found[]} found
 * @param {LeftOut} leftOut
 * @returns {Promise<Map<string, File[]>>}
 */
export async function byFolder(found, leftOut) {
  /** @type {Map<string, File[]>} */
  const folders = new Map();
  const pictures = new Set(await picturesAmong(found.map(({ file }) => file), leftOut));
  for (const { file, folder } of found.filter((one) => pictures.has(one.file))) {
    if (folder) folders.set(folder, [...(folders.get(folder) ?? []), file]);
    else leftOut.reasons.add(LOOSE);
  }
  return folders;
}
