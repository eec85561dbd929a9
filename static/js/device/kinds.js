/** Recognises file formats by content, with advice for unsupported ones (metalearn/datasets/kinds.py). */

/** @typedef {{one: string, several: string, advice: (it: string) => string}} Foreign */

/** @type {Record<string, Foreign>} */
export const FOREIGN = {
  HEIC: {
    one: "an HEIC picture",
    several: "HEIC pictures",
    advice: (it) =>
      `export ${it} as JPEG; an iPhone takes JPEG pictures ` +
      `when Settings > Camera > Formats says “Most Compatible”`,
  },
  SVG: { one: "an SVG drawing", several: "SVG drawings", advice: (it) => `export ${it} as PNG` },
  JXL: {
    one: "a JPEG XL picture",
    several: "JPEG XL pictures",
    advice: (it) => `export ${it} as PNG or JPEG`,
  },
  RAW: {
    one: "a camera's raw file",
    several: "raw files of a camera",
    advice: (it) => `export ${it} as JPEG or PNG`,
  },
  PDF: {
    one: "a PDF document",
    several: "PDF documents",
    advice: (it) => `export ${it === "it" ? "its" : "their"} pages as PNG`,
  },
  VIDEO: { one: "a video", several: "videos", advice: (it) => `save single frames of ${it} as PNG or JPEG` },
};

/** How much of a file `kindOf` reads, except for a TIFF whose directory comes later. */
export const HEAD_BYTES = 4096;

/** @type {[string, string][]} magic bytes, one character per byte */
const BEGINNINGS = [
  ["\x89PNG\r\n\x1a\n", "PNG"],
  ["\xff\xd8", "JPEG"],
  ["GIF87a", "GIF"],
  ["GIF89a", "GIF"],
  ["II+\0", "TIFF"],
  ["MM\0+", "TIFF"],
  ["%PDF-", "PDF"],
  ["\xff\x0a", "JXL"],
  ["\0\0\0\x0cJXL \r\n\x87\n", "JXL"],
  ["FUJIFILMCCD-RAW", "RAW"],
  ["IIRO", "RAW"],
  ["IIRS", "RAW"],
  ["MMOR", "RAW"],
  ["IIU\0", "RAW"],
  ["FOVb", "RAW"],
  ["\x1aE\xdf\xa3", "VIDEO"],
  ["\0\0\x01\xba", "VIDEO"],
  ["\0\0\x01\xb3", "VIDEO"],
  ["FLV\x01", "VIDEO"],
  ["OggS", "VIDEO"],
  ["0&\xb2u\x8ef\xcf\x11", "VIDEO"],
];
const AVIF_BRANDS = ["avif", "avis"];
const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1"];
const MAX_BRANDS_BYTES = 256;
const SVG_BEGINNINGS = ["<svg", "<?xml", "<!\x2d-", "<!doctype svg"];
/** Possible sizes of a BMP header. */
const BMP_HEADERS = [12, 40, 52, 56, 64, 108, 124];
const LITTLE = "II*\0";
const BIG = "MM\0*";
const SUBFILE = 254;
const PHOTOMETRIC = 262;
const SUB_IFDS = 330;
const DNG = 50706;
const OF_SENSORS = [32803, 34892];

/**
 * @param {Uint8Array} bytes a file, or its first HEAD_BYTES
 * @returns {string} PNG, JPEG, WEBP, GIF, BMP, TIFF, AVIF, a key of FOREIGN, or an empty string
 */
export function kindOf(bytes) {
  const head = textOf(bytes, 0, 32);
  const known = BEGINNINGS.find(([beginning]) => head.startsWith(beginning));
  if (known) return known[1];
  if (head.slice(4, 8) === "ftyp") return byBrands(bytes);
  if (head.startsWith("RIFF")) return { WEBP: "WEBP", "AVI ": "VIDEO" }[head.slice(8, 12)] ?? "";
  if (head.startsWith(LITTLE) || head.startsWith(BIG)) return isRaw(bytes) ? "RAW" : "TIFF";
  const isBmp = head.startsWith("BM") && bytes.length >= 18;
  if (isBmp && BMP_HEADERS.includes(viewOf(bytes).getUint32(14, true))) return "BMP";
  return isSvg(bytes) ? "SVG" : "";
}

/**
 * The kind of a file in the boxes of ISO 14496-12.
 * @param {Uint8Array} bytes
 */
function byBrands(bytes) {
  const end = Math.min(viewOf(bytes).getUint32(0), MAX_BRANDS_BYTES);
  const brands = [textOf(bytes, 8, 12)];
  for (let at = 16; at < end; at += 4) brands.push(textOf(bytes, at, at + 4));
  if (brands.some((brand) => AVIF_BRANDS.includes(brand))) return "AVIF";
  if (brands.some((brand) => HEIC_BRANDS.includes(brand))) return "HEIC";
  return brands.includes("crx ") ? "RAW" : "VIDEO";
}

/** @param {Uint8Array} bytes */
function isSvg(bytes) {
  const head = textOf(bytes, 0, HEAD_BYTES).replace("\xef\xbb\xbf", "").trimStart().toLowerCase();
  return SVG_BEGINNINGS.some((beginning) => head.startsWith(beginning)) && head.includes("<svg");
}

/**
 * Whether a TIFF holds raw sensor data, alone or beside a small picture.
 * @param {Uint8Array} bytes
 */
function isRaw(bytes) {
  const tags = tagsOf(bytes);
  const beside = tags.get(SUBFILE) === 1 && tags.has(SUB_IFDS);
  if (textOf(bytes, 8, 10) === "CR" || tags.has(DNG) || beside) return true;
  return OF_SENSORS.includes(tags.get(PHOTOMETRIC) ?? 0);
}

/**
 * The numbers in the first directory of a TIFF, as far as `bytes` contains it.
 * @param {Uint8Array} bytes
 * @returns {Map<number, number>}
 */
function tagsOf(bytes) {
  const view = viewOf(bytes);
  const little = bytes[0] === 0x49;
  const tags = new Map();
  if (bytes.length < 8) return tags;
  const directory = view.getUint32(4, little);
  if (directory + 2 > bytes.length) return tags;
  const end = directory + 2 + 12 * view.getUint16(directory, little);
  for (let entry = directory + 2; entry < end && entry + 12 <= bytes.length; entry += 12) {
    const short = view.getUint16(entry + 2, little) === 3;
    const value = short ? view.getUint16(entry + 8, little) : view.getUint32(entry + 8, little);
    tags.set(view.getUint16(entry, little), value);
  }
  return tags;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
function textOf(bytes, start, end) {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** @param {Uint8Array} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
