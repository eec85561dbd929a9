/** Shows a check: how many pictures are right, and the prediction for each. */

import { icon, make } from "../dom.js";

/** @typedef {import("../adaptation/images.js").Picture} Picture */
/** @typedef {{label: string, predicted: string, probability: number, right: boolean}} Judged */
/**
 * @typedef {object} Answer
 * @property {number} n_pictures
 * @property {number | null} n_right_top5
 * @property {Judged[]} predictions
 * @property {string} summary
 * @property {string} advice
 * @property {boolean} recorded
 * @property {string[]} warnings
 */

/**
 * @param {HTMLElement} place
 * @param {Picture[]} pictures
 * @param {Answer} answer one prediction for each picture, in their order
 */
export function showResult(place, pictures, answer) {
  const cards = answer.predictions.map((judged, index) => card(pictures[index], judged));
  place.replaceChildren(note(answer), make("ul", { class: "results check-results" }, ...cards));
  place.hidden = false;
}

/** @param {Answer} answer */
function note(answer) {
  const top = answer.n_right_top5;
  const more = top === null ? "" : `For ${top} of ${answer.n_pictures} the class is among the first five.`;
  const said = [more, answer.advice, ...answer.warnings].filter(Boolean);
  const kind = answer.advice ? "warn" : "good";
  const text = make("div", { class: "stack stack--tight" }, make("p", { class: "strong" }, answer.summary));
  text.append(...said.map((sentence) => make("p", {}, sentence)));
  return make("div", { class: `note note--${kind}` }, icon(answer.advice ? "alert" : "check"), text);
}

/**
 * @param {Picture} picture
 * @param {Judged} judged
 */
function card(picture, judged) {
  const [kind, word] = judged.right ? ["good", "Right"] : ["bad", "Wrong"];
  const percent = `${(100 * judged.probability).toFixed(1)} %`;
  const about = make(
    "div",
    { class: "stack stack--tight" },
    make("p", { class: "result__label truncate" }, judged.predicted),
    make(
      "p",
      { class: "row" },
      make("span", { class: `badge badge--${kind}` }, word),
      make("span", { class: "numeric small" }, percent),
    ),
    make(
      "p",
      { class: "muted small truncate" },
      judged.right ? picture.name : `Given as ${judged.label} · ${picture.name}`,
    ),
  );
  return make("li", { class: "result" }, make("img", { src: picture.url, alt: picture.name }), about);
}
