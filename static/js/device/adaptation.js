/**
 * Adapts a learner to a support set: inner loop, optional calibration, head, prediction. Stages,
 * batches and noise are the same as on the server.
 */

import { balancedTargets, joined, oneHot, rowsOf, softmax, vector, withMirrorImages } from "./arrays.js";
import { check, drawBatch } from "./batches.js";
import { breath } from "./breath.js";
import { TorchRandom } from "./random.js";
import { ridgeHead } from "./ridge.js";
import { chunksForStatistics, Moments, shareOf } from "./statistics.js";
import { Work } from "./work.js";

/** @typedef {import("../types.d.ts").Weight} Weight */
/** @typedef {import("../types.d.ts").AdaptationSettings} Settings */
/** @typedef {{label: number, pixels: Float32Array}} Example a normalised picture, channels first */
/**
 * Reported after each step: stage, number, the loss before it, and the fraction of the work done. In
 * the stage `looking` a step is a picture that passed through the network, and `done` stays 0.
 * @typedef {{stage: string, step: number, steps: number, loss: number | null, done: number}} Progress
 */
/** @typedef {{progress?: (progress: Progress) => void, stopped?: () => boolean, seed?: number}} Options */

const NEW = "new.";
/**
 * Pictures per forward pass. More are no faster, and with a deep network Stop would wait for minutes.
 */
const AT_ONCE = 8;

/** The user stopped the adaptation. */
export class Stopped extends Error {}

/** One learner, adapted to one support set. */
export class Adaptation {
  /**
   * @param {import("../types.d.ts").GraphRunner} graphs
   * @param {Map<string, Weight>} tensors the learner's tensors; they are not changed
   * @param {Settings} settings
   */
  constructor(graphs, tensors, settings) {
    this.graphs = graphs;
    this.description = graphs.description;
    /** @type {Settings} */
    this.settings = settings;
    const { extractor, head, statistics } = this.description.weights;
    const needed = [...extractor, ...head, ...statistics];
    /** @type {Map<string, Weight>} */
    this.tensors = new Map(needed.map((name) => [name, /** @type {Weight} */ (tensors.get(name))]));
    const [headWeight, headBias] = head;
    this.headWeight = headWeight;
    this.headBias = headBias;
    /** @type {Example[]} */
    this.support = [];
    this.nWay = 0;
    this.random = new TorchRandom(0);
    /** @type {Options} */
    this.options = {};
    /** @type {Work | null} */
    this.work = null;
    /** @type {Weight | undefined} */
    this.centroids = undefined;
    /** @type {{weight?: Weight, bias?: Weight}} */
    this.ridge = {};
  }

  /**
   * Throws an Error if there is no picture, or if the labels are not 0, 1, 2 and so on.
   * @param {Example[]} support
   * @param {Options} [options]
   */
  async adapt(support, options = {}) {
    check(support);
    this.support = support;
    this.nWay = 1 + Math.max(...support.map(({ label }) => label));
    this.random = new TorchRandom(options.seed ?? 0);
    this.options = options;
    const batch = Math.min(support.length, this.batchSize);
    this.work = new Work(this.settings, { batch, classes: this.nWay });
    const { head, calibrate } = this.settings;
    if (calibrate === "statistics") await this.mixStatistics();
    if (head === "sgd") await this.innerLoop();
    if (calibrate === "icfil") {
      // For ridge, the inversion uses centroids, as on the server.
      if (head !== "sgd") await this.findCentroids();
      await this.calibrate();
    }
    if (head === "prototypes") await this.findCentroids();
    if (head === "ridge") await this.findRidge();
  }

  /**
   * Probabilities of each class for each picture.
   * @param {Float32Array[]} pictures normalised
   * @param {Options} [options]
   * @returns {Promise<Float32Array[]>}
   */
  async predict(pictures, options = {}) {
    this.options = options;
    const rows = (await this.look(this.predictor, "logits", pictures)).map(softmax);
    if (rows.some((row) => row.some((value) => !Number.isFinite(value)))) {
      throw new Error("The adaptation diverged; try fewer steps or turn calibration off.");
    }
    return rows;
  }

  /** @returns {"ridge" | "logits" | "compare"} the graph that predicts */
  get predictor() {
    const { head } = this.settings;
    if (head === "ridge") return "ridge";
    return head === "sgd" ? "logits" : "compare";
  }

  /** @returns {Map<string, Weight>} all inputs of the predicting graph except the pictures */
  classifier() {
    const inputs = Object.keys(this.description.graphs[this.predictor].inputs);
    const tensors = new Map();
    for (const name of inputs.filter((one) => one !== "images")) {
      const value = this.value(name, {});
      tensors.set(name, typeof value === "number" ? { dims: [], data: Float32Array.of(value) } : value);
    }
    return tensors;
  }

  /**
   * Restore the state of another adaptation.
   * @param {Map<string, Weight>} classifier the result of its `classifier()`
   */
  restore(classifier) {
    for (const [name, value] of classifier) {
      if (this.tensors.has(name)) this.tensors.set(name, value);
    }
    this.centroids = classifier.get("centroids");
    const weight = classifier.get("ridge_weight");
    // The tensors determine the head.
    if (weight) this.settings = { ...this.settings, head: "ridge" };
    this.ridge = { weight, bias: classifier.get("ridge_bias") };
  }

  /** Mix the statistics of batch norm with those of the support pictures; does nothing without batch norm. */
  async mixStatistics() {
    if (!this.description.weights.statistics.length) return;
    if (!this.description.graphs.statistics)
      throw new Error("This meta-learner is too old to be calibrated in a browser.");
    const share = shareOf(this.support.length, this.settings.statistics_share);
    const moments = new Moments();
    for (const some of chunksForStatistics(this.support.map((one) => one.pixels), this.description)) {
      moments.add(some.length, await this.run("statistics", { images: this.images(some), share }));
      this.sayLooked(moments.pictures, 2 * this.support.length);
    }
    for (const [name, value] of moments.mixedWith(this.tensors, share)) this.tensors.set(name, value);
  }

  async innerLoop() {
    const { head_init: start, inner_steps: steps, inner_lr: lr, temperature } = this.settings;
    const learned = this.tensors.get(this.headWeight)?.dims[0] === this.nWay;
    if (start !== "learned" || !learned) {
      const made = await this.run("head", {
        features: await this.features(),
        targets: this.allTargets(),
        temperature,
      });
      this.tensors.set(this.headWeight, /** @type {Weight} */ (made.get("weight")));
      this.tensors.set(this.headBias, /** @type {Weight} */ (made.get("bias")));
    }
    for (let step = 1; step <= steps; step += 1) {
      const batch = this.batch();
      const targets = balancedTargets(batch.map(({ label }) => label), this.nWay);
      const found = await this.run("sgd", {
        images: this.images(batch.map(({ pixels }) => pixels)),
        targets,
        lr,
      });
      this.take(found, "adapting", step, steps);
    }
  }

  async findCentroids() {
    const found = await this.run("centroids", {
      features: await this.features(),
      targets: this.allTargets(),
    });
    this.centroids = /** @type {Weight} */ (found.get("centroids"));
  }

  async findRidge() {
    const { mirror_support: mirror, temperature } = this.settings;
    const pixels = this.support.map((one) => one.pixels);
    const labels = this.support.map(({ label }) => label);
    const seen = mirror ? withMirrorImages(pixels, this.description.architecture) : pixels;
    const features = await this.look("features", "features", seen);
    const targets = balancedTargets(mirror ? [...labels, ...labels] : labels, this.nWay);
    this.ridge = ridgeHead(features, targets, temperature);
  }

  async calibrate() {
    const {
      calibration_steps: steps,
      calibration_lr: lr,
      calibration_temperature: temperature,
    } = this.settings;
    const labels = [];
    for (let label = 0; label < this.nWay; label += 1) {
      for (let n = 0; n < this.settings.pseudo_images; n += 1) labels.push(label);
    }
    let pseudo = null;
    for (let step = 1; step <= steps; step += 1) {
      // The first batch is drawn before the noise, as on the server.
      const batch = this.batch();
      pseudo ??= await this.invert(labels);
      const found = await this.run(this.settings.icfil_loss === "poster" ? "contrast_poster" : "contrast", {
        real: this.images(batch.map(({ pixels }) => pixels)),
        real_labels: vector(batch.map(({ label }) => label)),
        pseudo,
        pseudo_labels: vector(labels),
        temperature,
        lr,
      });
      this.take(found, "calibrating", step, steps);
    }
  }

  /** @param {number[]} labels */
  async invert(labels) {
    const { inversion_steps: steps, inversion_lr: lr, head, temperature } = this.settings;
    const side = this.description.noise_grid;
    const dims = [labels.length, this.description.architecture.channels, side, side];
    const data = this.random.normal(dims.reduce((one, other) => one * other));
    let pseudo = /** @type {Weight} */ ((await this.run("start", { noise: { dims, data } })).get("pseudo"));
    const name = head === "sgd" ? "invert_head" : "invert_centroids";
    for (let step = 1; step <= steps; step += 1) {
      const found = await this.run(name, { pseudo, targets: oneHot(labels, this.nWay), lr, temperature });
      pseudo = /** @type {Weight} */ (found.get("new.pseudo"));
      this.take(found, "inverting", step, steps);
    }
    return pseudo;
  }

  /** @returns {Promise<Weight>} features of the whole support set */
  async features() {
    const rows = await this.look("features", "features", this.support.map(({ pixels }) => pixels));
    return { dims: [rows.length, rows[0].length], data: joined(rows) };
  }

  /**
   * @param {string} graph
   * @param {string} output of it, one row for each picture
   * @param {Float32Array[]} pictures
   */
  async look(graph, output, pictures) {
    const atOnce = Math.min(AT_ONCE, this.description.images_at_once);
    const rows = [];
    while (rows.length < pictures.length) {
      const found = await this.run(graph, {
        images: this.images(pictures.slice(rows.length, rows.length + atOnce)),
      });
      rows.push(...rowsOf(/** @type {Weight} */ (found.get(output))));
      this.sayLooked(rows.length, pictures.length);
    }
    return rows;
  }

  /**
   * @param {number} step
   * @param {number} steps
   */
  sayLooked(step, steps) {
    this.options.progress?.({ stage: "looking", step, steps, loss: null, done: 0 });
  }

  allTargets() {
    return balancedTargets(this.support.map(({ label }) => label), this.nWay);
  }

  get batchSize() {
    return Math.max(this.nWay, Math.min(this.settings.batch_size, this.description.images_at_once));
  }

  batch() {
    const labels = this.support.map(({ label }) => label);
    return drawBatch(labels, this.batchSize, this.random).map((index) => this.support[index]);
  }

  /**
   * @param {string} name of a graph
   * @param {Record<string, Weight | number>} given
   */
  async run(name, given) {
    if (this.options.stopped) {
      await breath();
      if (this.options.stopped()) throw new Stopped("Stopped. Nothing was kept.");
    }
    return this.graphs.run(name, (input) => this.value(input, given));
  }

  /**
   * @param {string} input
   * @param {Record<string, Weight | number>} given
   * @returns {Weight | number}
   */
  value(input, given) {
    /** @type {Record<string, Weight | number | undefined>} */
    const own = {
      centroids: this.centroids,
      temperature: this.settings.temperature,
      ridge_weight: this.ridge.weight,
      ridge_bias: this.ridge.bias,
    };
    const found = given[input] ?? this.tensors.get(input) ?? own[input];
    if (found === undefined) throw new Error(`There is no ${input}.`);
    return found;
  }

  /**
   * @param {Map<string, Weight>} found
   * @param {string} stage
   * @param {number} step
   * @param {number} steps
   */
  take(found, stage, step, steps) {
    for (const [name, value] of found) {
      const own = name.slice(NEW.length);
      if (name.startsWith(NEW) && this.tensors.has(own)) this.tensors.set(own, value);
    }
    const done = this.work?.done(stage, step) ?? 0;
    this.options.progress?.({ stage, step, steps, loss: found.get("loss")?.data[0] ?? null, done });
  }

  /** @param {Float32Array[]} pictures */
  images(pictures) {
    const { channels, image_size: size } = this.description.architecture;
    return { dims: [pictures.length, channels, size, size], data: joined(pictures) };
  }
}
