/** One class: its name and its pictures. */

import { icon, make } from "../dom.js";
import { LeftOut, picturesAmong } from "./files.js";
import { forget, gather } from "./images.js";
import { sourceButtons, takeDropsAndPastes } from "./sources.js";

/** @typedef {import("./images.js").Picture} Picture */
/**
 * `classNames`: the only names allowed.
 * @typedef {{maxPerClass: number, maxLabelLength: number, classNames?: string[]}} Limits
 */
/**
 * @typedef {object} Owner
 * @property {() => void} changed
 * @property {(picture: Picture) => void} given
 * @property {(found: import("./files.js").Found[]) => void} folders
 * @property {(card: ClassCard) => void} removed
 * @property {(sentence: string) => void} problem
 */

let made = 0;

/** A class on the page. */
export class ClassCard {
  /**
   * @param {string} name
   * @param {{limits: Limits, side: number, owner: Owner}} options
   */
  constructor(name, { limits, side, owner }) {
    made += 1;
    this.limits = limits;
    this.side = side;
    this.owner = owner;
    /** @type {Picture[]} */
    this.pictures = [];
    this.removed = false;
    this.input = /** @type {HTMLInputElement} */ (this.nameField(name));
    this.counter = make("span", { class: "muted small", "aria-live": "polite" });
    this.thumbs = make("ul", { class: "thumbs", "aria-label": "Pictures", hidden: true });
    this.element = this.build();
    this.show();
  }

  get name() {
    return this.input.value.trim();
  }

  /** @param {string} name */
  nameField(name) {
    return make("input", {
      type: "text",
      value: name,
      id: `class-${made}`,
      maxlength: String(this.limits.maxLabelLength),
      placeholder: `Name of class ${made}`,
      "aria-label": "Name of the class",
      autocomplete: "off",
      input: () => this.owner.changed(),
    });
  }

  build() {
    const remove = make(
      "button",
      {
        class: "button button--quiet button--icon",
        type: "button",
        "aria-label": "Remove this class",
        click: () => this.owner.removed(this),
      },
      icon("trash"),
    );
    const taker = {
      files: (/** @type {Blob[]} */ files) => void this.take(files),
      folders: this.owner.folders,
      problem: this.owner.problem,
      title: () => this.name || "A new class",
    };
    const element = make(
      "li",
      { class: "class-card" },
      make("div", { class: "class-card__head" }, this.input, remove),
      this.thumbs,
      make("div", { class: "class-card__tools" }, ...sourceButtons(taker, "for this class"), this.counter),
    );
    takeDropsAndPastes(element, taker);
    return element;
  }

  /** @param {Blob[]} files */
  async take(files) {
    const leftOut = new LeftOut();
    await this.add(await picturesAmong(files, leftOut), leftOut);
    leftOut.tell(this.owner.problem);
  }

  /**
   * @param {Blob[]} files files that look like pictures
   * @param {LeftOut} leftOut
   */
  async add(files, leftOut) {
    const room = this.limits.maxPerClass - this.pictures.length;
    if (files.length > room) {
      leftOut.reasons.add(
        `A class has at most ${this.limits.maxPerClass} pictures; the others are left out.`,
      );
    }
    await gather(files.slice(0, room), this.side, { take: (picture) => this.keep(picture), leftOut });
    this.show();
    this.owner.changed();
  }

  /** @param {Picture} picture */
  keep(picture) {
    // While this picture was prepared, others may have filled the class or the class may be gone.
    if (this.removed || this.pictures.length >= this.limits.maxPerClass) {
      forget([picture]);
      return;
    }
    this.pictures.push(picture);
    this.owner.given(picture);
  }

  /** @param {Picture} picture */
  leaveOut(picture) {
    forget([picture]);
    this.pictures = this.pictures.filter((one) => one !== picture);
    this.show();
    this.owner.changed();
    this.input.focus();
  }

  /** The class is gone: give back what its pictures hold in memory. */
  forget() {
    forget(this.pictures);
    this.pictures = [];
    this.removed = true;
  }

  show() {
    const n = this.pictures.length;
    this.counter.textContent = n ? `${n} of ${this.limits.maxPerClass}` : "or drop, or paste";
    this.thumbs.hidden = n === 0;
    this.thumbs.replaceChildren(...this.pictures.map((picture) => this.thumb(picture)));
  }

  /** @param {Picture} picture */
  thumb(picture) {
    const remove = make(
      "button",
      { type: "button", "aria-label": `Leave ${picture.name} out`, click: () => this.leaveOut(picture) },
      icon("close"),
    );
    return make("li", { class: "thumb" }, make("img", { src: picture.url, alt: picture.name }), remove);
  }
}
