/** Kinds of files, and our own reader of TIFF, against what Python says (test_pictures.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { FOREIGN, kindOf } from "../../static/js/device/kinds.js";
import { takeOrientation } from "../../static/js/device/orientation.js";
import { MAX_PIXELS, Unreadable } from "../../static/js/device/refusals.js";
import { squarePixels } from "../../static/js/device/pixels.js";
import { declaredPixels } from "../../static/js/device/sizes.js";
import { readTiff } from "../../static/js/device/tiff.js";

const expected = JSON.parse(readFileSync(process.env.FREEHOLD_EXPECTED, "utf8"));
const bytesOf = (text) => Uint8Array.from(Buffer.from(text, "base64"));

/** What a TIFF is made of: pixels, or the sentence of a refusal. */
async function outcome(bytes) {
  const allocated = [];
  const Clamped = globalThis.Uint8ClampedArray;
  globalThis.Uint8ClampedArray = class extends Clamped {
    constructor(...given) {
      super(...given);
      if (typeof given[0] === "number") allocated.push(given[0]);
    }
  };
  try {
    return { picture: await readTiff(bytes), allocated };
  } catch (error) {
    return { error, allocated };
  } finally {
    globalThis.Uint8ClampedArray = Clamped;
  }
}

test("what is refused by its name is what the server refuses", () => {
  for (const { file, what } of expected.kinds) {
    assert.equal(FOREIGN[kindOf(bytesOf(file))]?.one ?? "", what, file.slice(0, 60));
  }
});

test("each sentence is the server's", () => {
  for (const { what, advice } of expected.sentences) {
    const same = Object.values(FOREIGN).find(({ one }) => one === what);
    assert.equal(same?.advice("it"), advice);
  }
});

test("the formats that are read are told apart", () => {
  for (const [kind, file] of Object.entries(expected.readable)) {
    assert.equal(kindOf(bytesOf(file)), kind);
    if (["PNG", "GIF", "BMP", "AVIF"].includes(kind)) assert.equal(declaredPixels(bytesOf(file), kind), 1200);
  }
});

test("every TIFF that is read gives the server's pixels", async () => {
  for (const { name, file, square } of expected.tiffs) {
    const bytes = bytesOf(file);
    const orientation = takeOrientation(bytes) || 1;
    const { width, height, data } = await readTiff(bytes);
    const found = squarePixels({ width, height, channels: 4, data }, 32, 3, orientation);
    assert.deepEqual(Buffer.from(found).toString("base64"), square, name);
  }
});

test("an unusual TIFF is named with what to do", async () => {
  for (const { file, what } of expected.unusual) {
    const { error, allocated } = await outcome(bytesOf(file));
    assert.equal(error?.reason, `is a TIFF picture with ${what}, which this page cannot read; save it as PNG.`);
    assert.deepEqual(allocated, []);
  }
});

test("a TIFF of too many pixels is refused before anything is allocated", async () => {
  for (const file of expected.large) {
    const { error, allocated } = await outcome(bytesOf(file));
    assert.match(error.message, /megapixels|cannot be read/);
    assert.deepEqual(allocated, []);
  }
});

test("a damaged TIFF gives pixels or a refusal, soon and within its limits", async () => {
  const begun = performance.now();
  let refused = 0;
  for (const file of expected.damaged) {
    const { picture, error, allocated } = await outcome(bytesOf(file));
    assert.ok(allocated.every((size) => size <= 4 * MAX_PIXELS));
    if (picture) assert.equal(picture.data.length, 4 * picture.width * picture.height);
    else {
      const known = error instanceof Unreadable || /megapixels/.test(error.message);
      assert.ok(known, `${error.stack}\n${file}`);
      refused += 1;
    }
  }
  assert.ok(refused > expected.damaged.length / 20);
  assert.ok(performance.now() - begun < 60_000);
});

test("a TIFF that was cut off is refused, wherever it was cut", async () => {
  for (const file of expected.cut) {
    const { error } = await outcome(bytesOf(file));
    assert.ok(error instanceof Unreadable, file);
  }
});
