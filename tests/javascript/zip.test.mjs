/** Bounds of the page's writer of zips, with files that exist only while they are read. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { modelsIn } from "../../static/js/upload/given.js";
import { crc32, MAX_ZIP_BYTES, zipOf, zipSize } from "../../static/js/upload/zip.js";

/** A file of zeros that remembers how much of it was asked for at once. */
class Zeros extends Blob {
  constructor(size) {
    super([]);
    this.most = 0;
    Object.defineProperty(this, "size", { value: size });
  }

  slice(start, end) {
    const length = Math.min(end, this.size) - start;
    this.most = Math.max(this.most, length);
    return { arrayBuffer: async () => new ArrayBuffer(length) };
  }
}

test("the checksum is that of zip, also piece by piece", () => {
  const bytes = new TextEncoder().encode("123456789");
  assert.equal(crc32(bytes), 0xcbf43926);
  assert.equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
});

test("a file is read in pieces of four mebibytes, and says how far it is", async () => {
  const file = new Zeros(10 * 2 ** 20 + 7);
  const heard = [];
  await zipOf([{ path: "a.bin", file }], { progress: (bytes) => heard.push(bytes) });
  assert.equal(file.most, 4 * 2 ** 20);
  assert.deepEqual(heard, [4 * 2 ** 20, 8 * 2 ** 20, file.size]);
});

test("the length is known before a byte is read", async () => {
  const entries = [{ path: "ä.json", file: new Blob(["{}"]) }, { path: "b.bin", file: new Blob(["xyz"]) }];
  assert.equal(zipSize(entries), (await zipOf(entries)).size);
});

test("more than four gibibytes are refused before they are read", async () => {
  const file = new Zeros(MAX_ZIP_BYTES - 100);
  await assert.rejects(zipOf([{ path: "model.safetensors", file }]), RangeError);
  assert.equal(file.most, 0);
  file.name = "model.safetensors";
  const { models, tooLarge } = await modelsIn([{ path: "huge/model.safetensors", file }]);
  assert.deepEqual([models, tooLarge], [[], ["huge"]]);
});

test("packing stops when it is asked to", async () => {
  const stop = new AbortController();
  const file = new Zeros(2 ** 30);
  const packing = zipOf([{ path: "a.bin", file }], { signal: stop.signal, progress: () => stop.abort() });
  await assert.rejects(packing, { name: "AbortError" });
});
