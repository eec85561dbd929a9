/** A class card whose name is one of the model's classes. */

import { ClassCard } from "../adaptation/class_card.js";
import { make } from "../dom.js";

/** With more names than this, a text field with suggestions replaces the select. */
const MOST_IN_A_SELECT = 60;

/** A class of the model, with its pictures. */
export class KnownClass extends ClassCard {
  /**
   * @param {string} name one of the model's, or empty
   * @override
   */
  nameField(name) {
    const names = this.limits.classNames ?? [];
    if (names.length > MOST_IN_A_SELECT) {
      const field = super.nameField(name);
      field.setAttribute("list", suggestions(names).id);
      field.setAttribute("placeholder", "Class of these pictures");
      field.setAttribute("aria-label", "Class of these pictures");
      return field;
    }
    const change = () => this.owner.changed();
    const field = make("select", { "aria-label": "Class of these pictures", change });
    field.append(
      make("option", { value: "" }, "Choose a class"),
      ...names.map((one) => make("option", {}, one)),
    );
    /** @type {HTMLSelectElement} */ (field).value = name;
    return field;
  }
}

/**
 * The list of suggestions that all cards share.
 * @param {string[]} names
 */
function suggestions(names) {
  const there = document.querySelector("#check-class-names");
  if (there) return there;
  const list = make(
    "datalist",
    { id: "check-class-names" },
    ...names.map((value) => make("option", { value })),
  );
  document.body.append(list);
  return list;
}
