/** Shows the predictions for query pictures as cards with bars and as a table. */

import { find, make } from "../dom.js";
import { forget } from "./images.js";

/** @typedef {import("./images.js").Picture} Picture */
/** @typedef {import("./backend_server.js").Prediction} Prediction */

const N_BARS = 4;

/** @param {number} probability */
function percent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}

/** @param {Prediction} prediction */
function ranked(prediction) {
  return Object.entries(prediction.probabilities).sort(([, one], [, other]) => other - one);
}

/** The results on the page. */
export class Results {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.cards = find("[data-result-cards]", root);
    this.table = find("[data-result-table]", root);
    /** @type {{picture: Picture, prediction: Prediction}[]} */
    this.answers = [];
  }

  /**
   * @param {Picture[]} pictures
   * @param {Prediction[]} predictions one for each picture
   */
  add(pictures, predictions) {
    const answers = pictures.map((picture, index) => ({ picture, prediction: predictions[index] }));
    this.answers.unshift(...answers);
    this.cards.prepend(...answers.map(({ picture, prediction }) => card(picture, prediction)));
    this.showTable();
    this.root.hidden = false;
  }

  clear() {
    forget(this.answers.map(({ picture }) => picture));
    this.answers = [];
    this.cards.replaceChildren();
    this.table.replaceChildren();
    this.root.hidden = true;
  }

  showTable() {
    const labels = Object.keys(this.answers[0].prediction.probabilities);
    const head = ["Picture", "Label"].map((text) => make("th", { scope: "col" }, text));
    head.push(...labels.map((label) => make("th", { scope: "col", class: "numeric" }, label)));
    const rows = this.answers.map(({ picture, prediction }) => {
      const cells = labels.map((label) =>
        make("td", { class: "numeric" }, percent(prediction.probabilities[label])),
      );
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, picture.name),
        make("td", {}, prediction.label),
        ...cells,
      );
    });
    this.table.replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  }
}

/**
 * @param {Picture} picture
 * @param {Prediction} prediction
 */
function card(picture, prediction) {
  const bars = ranked(prediction).slice(0, N_BARS).map(([label, probability]) =>
    make(
      "li",
      {},
      make("span", { class: "truncate" }, label),
      make("span", { class: "numeric" }, percent(probability)),
      make("progress", { max: "1", value: String(probability), "aria-label": `Probability of ${label}` }),
    ),
  );
  const about = make(
    "div",
    {},
    make("p", { class: "result__label truncate" }, prediction.label),
    make("p", { class: "muted small truncate" }, picture.name),
    make("ul", { class: "bars" }, ...bars),
  );
  return make("li", { class: "result" }, make("img", { src: picture.url, alt: picture.name }), about);
}
