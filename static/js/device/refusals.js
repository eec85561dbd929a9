/** Why a picture is not read. */

export const MAX_PIXELS = 50_000_000;
export const TOO_LARGE = "This picture has more than 50 megapixels; make it smaller first.";
const DAMAGED = "cannot be read; use a whole PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.";

/** A picture that is damaged, or of a kind that is read nowhere here. */
export class Unreadable extends Error {
  /** @param {string} [reason] what it is, and what to do: goes on after “This picture” or its name */
  constructor(reason) {
    super(`This picture ${reason ?? DAMAGED}`);
    this.reason = reason ?? DAMAGED;
    this.isDamage = reason === undefined;
  }
}
