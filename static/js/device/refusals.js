/** Reasons for not reading a picture. */

export const MAX_PIXELS = 50_000_000;
export const TOO_LARGE = "This picture has more than 50 megapixels; make it smaller first.";
const DAMAGED = "cannot be read; use a whole PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.";

/** A picture that is damaged or of a format that Freehold does not read. */
export class Unreadable extends Error {
  /** @param {string} [reason] what is wrong and what to do; follows “This picture” or its name */
  constructor(reason) {
    super(`This picture ${reason ?? DAMAGED}`);
    this.reason = reason ?? DAMAGED;
    this.isDamage = reason === undefined;
  }
}
