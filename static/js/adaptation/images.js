/** Pictures: gathered from files, folders and the clipboard, scaled down, ready to be looked at. */

/**
 * `url` shows it on this page; `file` is as it was given, `small` what would be sent to a server.
 * @typedef {{name: string, url: string, file: Blob, small: Blob}} Picture
 */

const KEEP_AS_IS_BYTES = 300_000;
const JPEG_QUALITY = 0.92;
const IMAGE_NAME = /\.(png|jpe?g|webp|gif|bmp|avif)$/i;

/**
 * @param {File} file
 * @returns {boolean} whether it looks like a picture
 */
export function isPicture(file) {
  return file.type.startsWith("image/") || IMAGE_NAME.test(file.name);
}

/**
 * Decode a file and scale it down. Throws an Error with a sentence when it does not decode.
 * @param {Blob} file
 * @param {string} name
 * @param {number} side the longest side that is sent, in pixels
 * @returns {Promise<Picture>}
 */
async function prepare(file, name, side) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`“${name}” is not a picture that your browser can read; save it as PNG or JPEG.`);
  }
  try {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const asIs = scale === 1 && file.type === "image/png" && file.size <= KEEP_AS_IS_BYTES;
    const blob = asIs ? file : await encode(bitmap, scale, file.type);
    return { name, url: URL.createObjectURL(blob), file, small: blob };
  } finally {
    bitmap.close();
  }
}

/**
 * Make every file ready that is a picture, one after the other.
 * @param {Blob[]} files
 * @param {number} side
 * @param {{take: (picture: Picture) => void, problem: (sentence: string) => void}} to `problem` hears of the others
 */
export async function gather(files, side, { take, problem }) {
  for (const file of files) {
    const name = file instanceof File ? file.name : "camera picture";
    try {
      take(await prepare(file, name, side));
    } catch (error) {
      problem(/** @type {Error} */ (error).message);
    }
  }
}

/**
 * Give back what pictures hold in memory.
 * @param {Picture[]} pictures
 */
export function forget(pictures) {
  for (const { url } of pictures) URL.revokeObjectURL(url);
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number} scale
 * @param {string} type
 * @returns {Promise<Blob>}
 */
async function encode(bitmap, scale, type) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("Your browser cannot draw pictures; try another one.");
  const lossless = type === "image/png";
  if (!lossless) {
    // JPEG knows no transparency; without this it would turn black.
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be encoded."))),
      lossless ? "image/png" : "image/jpeg",
      JPEG_QUALITY,
    );
  });
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
export function toBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1]));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/**
 * All pictures of a drop, also those in folders.
 * @param {DataTransfer} transfer
 * @returns {Promise<{file: File, folder: string}[]>}
 */
export async function picturesOfDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, folder: "" }));
  const found = await Promise.all(entries.map((entry) => walk(/** @type {any} */ (entry), "")));
  return found.flat().filter(({ file }) => isPicture(file));
}

/**
 * @param {any} entry a FileSystemEntry
 * @param {string} folder
 * @returns {Promise<{file: File, folder: string}[]>}
 */
async function walk(entry, folder) {
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
 * The pictures in the clipboard.
 * @param {ClipboardEvent} event
 * @returns {File[]}
 */
export function picturesOfPaste(event) {
  return [...(event.clipboardData?.files ?? [])].filter(isPicture);
}

/**
 * The files of a chosen folder by the name of the folder that they lie in.
 * @param {Iterable<File>} files
 * @returns {Map<string, File[]>}
 */
export function byFolder(files) {
  /** @type {Map<string, File[]>} */
  const folders = new Map();
  for (const file of files) {
    if (!isPicture(file)) continue;
    const folder = file.webkitRelativePath.split("/").at(-2) ?? "";
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return folders;
}
