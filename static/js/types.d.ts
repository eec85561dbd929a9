/** Types of what the server sends as JSON and of what several modules share. */

import type { env, InferenceSession, Tensor } from "onnxruntime-common";

export type { InferenceSession, Tensor };
export type SessionOptions = InferenceSession.SessionOptions;

/** A float32 tensor. */
export interface Weight {
  dims: number[];
  data: Float32Array;
}

/** `AdaptationSettings` of metalearn, as JSON. */
export interface AdaptationSettings {
  head: "sgd" | "prototypes" | "ridge";
  head_init: "learned" | "prototypes";
  inner_steps: number;
  inner_lr: number;
  batch_size: number;
  temperature: number;
  mirror_support: boolean;
  calibrate: "none" | "statistics" | "icfil";
  statistics_share: number;
  icfil_loss: "poster" | "cosine";
  pseudo_images: number;
  inversion_steps: number;
  inversion_lr: number;
  calibration_steps: number;
  calibration_lr: number;
  calibration_temperature: number;
}

/** A file beside browser.json. */
export interface LearnerFile {
  file: string;
  bytes: number;
  sha256: string;
}

export interface GraphDescription extends LearnerFile {
  inputs: Record<string, (string | number)[]>;
  outputs: Record<string, (string | number)[]>;
}

/** browser.json of a learner (metalearn/meta_learner/browser.py). */
export interface LearnerDescription {
  available: boolean;
  /** Why it is not available. */
  reason: string;
  architecture: { channels: number; image_size: number };
  normalisation: { mean: number[]; std: number[] };
  adaptation: AdaptationSettings;
  /** The recommended calibration; learners of the first release have none. */
  calibrated?: Partial<AdaptationSettings>;
  images_at_once: number;
  noise_grid: number;
  graphs: Record<string, GraphDescription>;
  /** What this browser cannot do with the learner, as a sentence. */
  limited?: string;
  weights: LearnerFile & { extractor: string[]; head: [string, string]; statistics: string[] };
}

/** The part of onnxruntime-web that runs graphs. */
export interface Ort {
  env: Pick<typeof env, "wasm" | "logLevel">;
  InferenceSession: Pick<typeof InferenceSession, "create">;
  Tensor: typeof Tensor;
}

/** What `Adaptation` needs of `Graphs`. */
export interface GraphRunner {
  description: LearnerDescription;
  run(name: string, find: (input: string) => Weight | number): Promise<Map<string, Weight>>;
}

/** The state of a job (marketplace/jobs/live.py). */
export interface JobLive {
  state: "queued" | "running" | "cancelling" | "succeeded" | "failed" | "cancelled";
  state_title: string;
  final: boolean;
  stage: string;
  steps_done: number;
  total_steps: number;
  percent: number;
  eta_s: number | null;
  elapsed_s: number | null;
  attempt: number;
  error: string;
  curves: Record<string, [number, number][]>;
  events: { id: number; at: string; text: string }[];
  learner_url: string;
  can_cancel: boolean;
  can_resume: boolean;
}
