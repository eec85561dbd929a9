/** Takes every step once on nothing much, so that the person's first adaptation is not the slow one. */

import { Adaptation } from "./adaptation.js";

const FEW = { inner_steps: 2, calibrate: "icfil", pseudo_images: 1, inversion_steps: 2, calibration_steps: 2 };
const PICTURES = 4;

/**
 * Runtimes compile a graph when it is first run, and browsers make code quick that ran before.
 * @param {import("./graphs.js").Graphs} graphs
 * @param {Map<string, import("./safetensors.js").Weight>} tensors
 */
export async function warmUp(graphs, tensors) {
  const { architecture, adaptation: settings } = graphs.description;
  const size = architecture.channels * architecture.image_size ** 2;
  const pixels = Float32Array.from({ length: size }, (_, index) => Math.sin(index));
  const support = Array.from({ length: PICTURES }, (_, index) => ({ label: index % 2, pixels }));
  const adaptation = new Adaptation(graphs, tensors, { ...settings, ...FEW });
  await adaptation.adapt(support);
  await adaptation.predict([pixels]);
}
