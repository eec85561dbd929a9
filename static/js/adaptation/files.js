/** Files as people give them, by drop, paste and choice; which are pictures, and what is said of the others. */

/** @typedef {{file: File, folder: string}} Found `folder` is the one that it lies in; empty for none */

const IMAGE_NAME = /\.(png|jpe?g|webp|gif|bmp|avif|hei[cf]|hif)$/i;
const HEIC_HELP =
  "Save as JPEG or PNG; an iPhone takes JPEG pictures when Settings > Camera > Formats says “Most Compatible”.";

/** What was given and is not there, said in one go. */
export class LeftOut {
  constructor() {
    /** @type {string[]} names of files that are no pictures */
    this.others = [];
    /** @type {string[]} names of what this browser cannot read */
    this.unreadable = [];
    /** @type {string[]} the same, where we know why */
    this.heic = [];
    /** @type {Set<string>} sentences */
    this.reasons = new Set();
  }

  /** @returns {string} empty where nothing was left out */
  get sentence() {
    const said = [
      told(this.others, ["is not a picture and was left out.", "files are not pictures and were left out."]),
      told(this.unreadable, [
        "is not a picture that your browser can read; save it as PNG or JPEG.",
        "files are not pictures that your browser can read; save them as PNG or JPEG.",
      ]),
      told(this.heic, [
        `is a HEIC picture, which your browser cannot read. ${HEIC_HELP}`,
        `pictures are HEIC files, which your browser cannot read. ${HEIC_HELP}`,
      ]),
    ];
    return [...said, ...this.reasons].filter(Boolean).join(" ");
  }

  /** @param {(sentence: string) => void} problem hears of it, if there is anything */
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

/** @param {Blob} file */
export function nameOf(file) {
  return file instanceof File ? file.name : "camera picture";
}

/**
 * The pictures among files. What systems hide is skipped without a word: nobody knows of it.
 * @template {Blob} T
 * @param {T[]} files
 * @param {LeftOut} leftOut hears of the others
 * @returns {T[]}
 */
export function picturesAmong(files, leftOut) {
  const seen = files.filter((file) => !isHidden(nameOf(file)));
  leftOut.others.push(...seen.filter((file) => !looksLikePicture(file)).map(nameOf));
  return seen.filter(looksLikePicture);
}

/** @param {Blob} file */
function looksLikePicture(file) {
  const name = nameOf(file);
  if (file.type.startsWith("image/") || IMAGE_NAME.test(name)) return true;
  // A name without an ending says nothing: the decoder finds out.
  return !file.type && !name.includes(".");
}

/** @param {string} name */
function isHidden(name) {
  return name.startsWith(".");
}

/**
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<boolean>} whether it is a HEIC file, also under a wrong name
 */
export async function isHeic(file, name) {
  if (/\.(hei[cf]|hif)$/i.test(name) || /^image\/hei[cf]/.test(file.type)) return true;
  const head = String.fromCharCode(...new Uint8Array(await file.slice(4, 12).arrayBuffer()));
  return /^ftyp(he[iv][cmsx]|mif1|msf1)$/.test(head);
}

/**
 * All files of a drop, also those in folders.
 * @param {DataTransfer} transfer
 * @returns {Promise<{found: Found[], folders: number}>} with the number of folders that were dropped
 */
export async function filesOfDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  /** @type {any[]} */
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return { found: [...transfer.files].map((file) => ({ file, folder: "" })), folders: 0 };
  const found = await Promise.all(entries.map((entry) => walk(entry, "")));
  return { found: found.flat(), folders: entries.filter((entry) => entry.isDirectory).length };
}

/**
 * @param {any} entry a FileSystemEntry
 * @param {string} folder
 * @returns {Promise<Found[]>}
 */
async function walk(entry, folder) {
  if (isHidden(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, folder }];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader gives at most a hundred entries at a time.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await walk(inner, entry.name)));
  }
}

/**
 * The files of a chosen folder.
 * @param {Iterable<File>} files
 * @returns {Found[]}
 */
export function filesOfFolder(files) {
  const paths = [...files].map((file) => ({ file, parts: file.webkitRelativePath.split("/") }));
  const seen = paths.filter(({ parts }) => !parts.some(isHidden));
  return seen.map(({ file, parts }) => ({ file, folder: parts.at(-2) ?? "" }));
}

/**
 * The pictures by the name of the folder that they lie in.
 * @param {Found[]} found
 * @param {LeftOut} leftOut
 * @returns {Map<string, File[]>}
 */
export function byFolder(found, leftOut) {
  /** @type {Map<string, File[]>} */
  const folders = new Map();
  const pictures = new Set(picturesAmong(found.map(({ file }) => file), leftOut));
  for (const { file, folder } of found.filter((one) => pictures.has(one.file))) {
    if (folder) folders.set(folder, [...(folders.get(folder) ?? []), file]);
    else leftOut.reasons.add("Drop pictures on their class, or on the place of pictures to label; folders become classes.");
  }
  return folders;
}
