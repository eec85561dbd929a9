/** The module `static/js/device` by itself, in Node: `node --test tests/javascript`. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc32 } from "node:zlib";

import { Adaptation, Stopped } from "../../static/js/device/adaptation.js";
import { balancedTargets, withMirrorImages } from "../../static/js/device/arrays.js";
import { drawBatch, everyNth } from "../../static/js/device/batches.js";
import { Graphs } from "../../static/js/device/graphs.js";
import { withValues } from "../../static/js/device/onnx_file.js";
import { takeOrientation } from "../../static/js/device/orientation.js";
import { squarePixels } from "../../static/js/device/pixels.js";
import { Work } from "../../static/js/device/work.js";
import { missingInBrowser, moduleWorker } from "../../static/js/device/support.js";
import { TorchRandom } from "../../static/js/device/random.js";
import { ridgeHead } from "../../static/js/device/ridge.js";
import { readSafetensors, writeSafetensors } from "../../static/js/device/safetensors.js";
import { Moments, shareOf } from "../../static/js/device/statistics.js";

// What Python says, written by tests/javascript/test_device.py; see there.
const expected = JSON.parse(readFileSync(process.env.FREEHOLD_EXPECTED, "utf8"));

test("random numbers are PyTorch's", () => {
  for (const { seed, permutation, normal } of expected.random) {
    assert.deepEqual(new TorchRandom(seed).permutation(permutation.length), permutation);
    const found = new TorchRandom(seed).normal(normal.length);
    normal.forEach((value, index) => assert.ok(Math.abs(value - found[index]) < 2e-6));
  }
});

test("batches are those that the server draws", () => {
  for (const { labels, size, seed, batches } of expected.batches) {
    const random = new TorchRandom(seed);
    for (const batch of batches) assert.deepEqual(drawBatch(labels, size, random), batch);
  }
});

test("targets give every class the same weight", () => {
  for (const { labels, nWay, targets } of expected.targets) {
    balancedTargets(labels, nWay).data.forEach((value, index) => assert.ok(Math.abs(value - targets[index]) < 1e-6));
  }
});

test("ridge is the server's, whether there are more pictures or more features", () => {
  for (const { labels, nWay, features, weight, bias } of expected.ridges) {
    const rows = features.map((row) => Float32Array.from(row));
    const found = ridgeHead(rows, balancedTargets(labels, nWay), 0.2);
    weight.forEach((value, index) => assert.ok(Math.abs(value - found.weight.data[index]) < 1e-5));
    bias.forEach((value, index) => assert.ok(Math.abs(value - found.bias.data[index]) < 1e-5));
  }
});

test("statistics that come in parts are mixed as those of all pictures together", () => {
  const given = (/** @type {number[]} */ data) => ({ dims: [data.length], data: Float32Array.from(data) });
  for (const { parts, mean, variance } of expected.mixtures) {
    const moments = new Moments();
    for (const [n, mean_, var_] of parts) {
      moments.add(n, new Map([["batch.a.running_mean", given(mean_)], ["batch.a.running_var", given(var_)]]));
    }
    const ones = given(mean.map(() => 1));
    const mixed = moments.mixedWith(new Map([["a.running_mean", ones], ["a.running_var", ones]]), 0.5);
    for (const [name, values] of [["a.running_mean", mean], ["a.running_var", variance]]) {
      values.forEach((value, index) => assert.ok(Math.abs(value - mixed.get(name).data[index]) < 1e-5));
    }
  }
  assert.deepEqual([shareOf(25, 0), shareOf(25, 0.1)], [0.5, 0.1]);
});

test("a mirror image has the rows of its picture from right to left", () => {
  const picture = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const [first, second] = withMirrorImages([picture], { image_size: 2 });
  assert.equal(first, picture);
  assert.deepEqual([...second], [2, 1, 4, 3, 6, 5, 8, 7]);
});

test("pictures that are sorted by class are spread over chunks that fit with their mirror images", () => {
  assert.deepEqual(everyNth([0, 0, 1, 1, 2], 6), [[0, 1, 2], [0, 1]]);
  assert.deepEqual(everyNth([0, 1], 256), [[0, 1]]);
});

test("squares of pictures are the server's to the last bit", () => {
  for (const { width, height, size, channels, orientation, rgba, square } of expected.pictures) {
    const data = Uint8Array.from(Buffer.from(rgba, "base64"));
    const found = squarePixels({ width, height, channels: 4, data }, size, channels, orientation);
    assert.deepEqual(Buffer.from(found).toString("base64"), square, `${width} x ${height}, turned ${orientation}`);
  }
});

const files = expected.orientations.map(({ file, orientation }) => ({ bytes: Uint8Array.from(Buffer.from(file, "base64")), orientation }));

test("a file is turned as the server turns it, however it says so and however it is damaged", () => {
  for (const { bytes, orientation } of files) assert.equal(takeOrientation(bytes.slice()) || 1, orientation);
  assert.deepEqual(new Set(files.map(({ orientation }) => orientation)), new Set([1, 2, 3, 4, 5, 6, 7, 8]));
});

test("nothing is found in a file once its orientation was taken, and nothing in it has moved", () => {
  for (const { bytes } of files) {
    const taken = bytes.slice();
    takeOrientation(taken);
    assert.ok(takeOrientation(taken) <= 1);
    assert.equal(taken.length, bytes.length);
    taken.forEach((byte, index) => assert.ok(byte === bytes[index] || byte === 0 || bytes[0] === 0x89));
  }
});

test("a PNG whose orientation was taken has right checksums", () => {
  const [{ bytes }] = files.filter(({ bytes: [first], orientation }) => first === 0x89 && orientation === 6);
  takeOrientation(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let exif = 0;
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const end = at + 8 + view.getUint32(at);
    assert.equal(view.getUint32(end), crc32(bytes.subarray(at + 4, end)));
    exif += Number(String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === "eXIf");
  }
  assert.equal(exif, 1);
});

test("chunks and segments that claim more than there is end with the file", () => {
  const claims = [
    [0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff, 0x45, 0x78, 0x69, 0x66, 0, 0],
    [0xff, 0xd8, 0xff, 0xe1, 0, 0, 0xff, 0xe1, 0, 1, 0xff, 0xff, 0xff],
    [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0xff, 0xff, 0xff, 0xff, 0x65, 0x58, 0x49, 0x66, 0, 0, 0, 0],
    [..."RIFF", 255, 255, 255, 255, ..."WEBPVP8X", 255, 255, 255, 255, 8, 0, 0, 0],
    [..."RIFF", 255, 255, 255, 255, ..."WEBPVP8X", 1, 0, 0, 0, 8, 0, ..."EXIF", 255, 255, 255, 255, 1],
  ];
  for (const claim of claims) {
    const bytes = Uint8Array.from(claim.map((one) => (typeof one === "string" ? one.charCodeAt(0) : one)));
    assert.ok(takeOrientation(bytes) <= 1);
  }
});

test("safetensors are read as they were written", () => {
  const tensors = new Map([
    ["a.weight", { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["größe", { dims: [], data: Float32Array.of(0.5) }],
  ]);
  const file = writeSafetensors(tensors, { labels: "[]" });
  assert.deepEqual(readSafetensors(file.buffer), tensors);
});

test("a file that is no safetensors file is refused", () => {
  assert.throws(() => readSafetensors(new Uint8Array(64).fill(255).buffer));
});

test("a model with values is the model and then some", () => {
  const model = Uint8Array.of(8, 10);
  const whole = withValues(model, new Map([["x", { dims: [300], data: new Float32Array(300) }]]));
  assert.deepEqual(whole.slice(0, 2), model);
  assert.equal(whole[2], (7 << 3) | 2);
});

const BROWSER = { Worker: class {}, WebAssembly, createImageBitmap() {}, Blob, BigInt };

test("a browser that has everything lacks nothing", () => {
  assert.equal(missingInBrowser(BROWSER), "");
});

test("the first thing that a browser lacks is named", () => {
  assert.equal(missingInBrowser({ ...BROWSER, createImageBitmap: undefined }), "createImageBitmap");
  assert.equal(missingInBrowser({ ...BROWSER, WebAssembly: undefined }), "WebAssembly");
  const old = { validate: () => false };
  assert.match(missingInBrowser({ ...BROWSER, WebAssembly: old }), /vector/);
});

test("workers made of modules are asked for, and told from those that ignore it", () => {
  let ended = 0;
  class Old {
    terminate() {
      ended += 1;
    }
  }
  class New extends Old {
    constructor(_address, options) {
      super();
      this.type = options.type;
    }
  }
  assert.equal(moduleWorker("a.js", New).type, "module");
  assert.equal(moduleWorker("a.js", Old), null);
  assert.equal(ended, 1);
});

const SETTINGS = { head: "sgd", calibrate: "icfil", inner_steps: 10, inversion_steps: 5, calibration_steps: 5, pseudo_images: 5 };

test("the share of the work that is done grows with every step, to the whole", () => {
  const work = new Work(SETTINGS, { batch: 25, classes: 5 });
  const shares = work.stages.flatMap(({ stage, steps }) => Array.from({ length: steps }, (_, n) => work.done(stage, n + 1)));
  assert.equal(shares.length, 20);
  shares.forEach((share, index) => assert.ok(share > (shares[index - 1] ?? 0)));
  assert.ok(Math.abs(shares.at(-1) - 1) < 1e-12);
});

test("the work of prototypes that are not calibrated has no steps", () => {
  const work = new Work({ ...SETTINGS, head: "prototypes", calibrate: "none" }, { batch: 25, classes: 5 });
  assert.deepEqual(work.stages, []);
  assert.throws(() => work.done("adapting", 1));
});

test("a graph that could not be made ready is tried again", async () => {
  let tries = 0;
  const create = async () => {
    tries += 1;
    if (tries === 1) throw new Error("no memory");
    return "a session";
  };
  const graphs = new Graphs({ env: { wasm: {} }, InferenceSession: { create } }, {}, new Map());
  await assert.rejects(graphs.session("sgd"), /no memory/);
  assert.equal(await graphs.session("sgd"), "a session");
  assert.equal(await graphs.session("sgd"), "a session");
  assert.equal(tries, 2);
});

/** A learner without a network: its graphs give what is asked of them, and remember how often. */
function playedLearner() {
  const weights = { extractor: [], head: ["weight", "bias"], statistics: [] };
  const description = { weights, images_at_once: 256, architecture: { channels: 1, image_size: 1 } };
  /** @type {number[]} */
  const seen = [];
  const run = async (/** @type {string} */ _name, /** @type {(input: string) => any} */ find) => {
    const { dims, data } = find("images");
    seen.push(dims[0]);
    return new Map([["logits", { dims: [dims[0], 2], data: Float32Array.from({ length: 2 * dims[0] }, (_, n) => data[n >> 1]) }]]);
  };
  return { seen, adaptation: new Adaptation({ description, run }, new Map(), { head: "sgd" }) };
}
const pixels = Float32Array.of(1);

test("without a picture there is nothing to adapt to, and that is said", async () => {
  await assert.rejects(playedLearner().adaptation.adapt([]), /no pictures to adapt to/);
});

test("labels are counted from 0 without a gap, and others are refused with what they should be", async () => {
  for (const labels of [[0, 2], [1], [0, 0.5], [-1, 0], [NaN]]) {
    const support = labels.map((label) => ({ label, pixels }));
    await assert.rejects(playedLearner().adaptation.adapt(support), /count the classes from 0/);
  }
});

test("questions are answered a few at a time, and one can stop between them", async () => {
  const { adaptation, seen } = playedLearner();
  /** @type {number[]} */
  const steps = [];
  const questions = Array.from({ length: 20 }, () => pixels);
  const progress = (/** @type {any} */ { stage, step, steps: all }) => steps.push(step) && assert.deepEqual([stage, all], ["looking", 20]);
  assert.equal((await adaptation.predict(questions, { progress })).length, 20);
  assert.deepEqual([seen, steps], [[8, 8, 4], [8, 16, 20]]);
  await assert.rejects(adaptation.predict(questions, { stopped: () => seen.length === 4 }), Stopped);
});
