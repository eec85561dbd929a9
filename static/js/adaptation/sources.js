/** Ways to add pictures: choose, drop, paste, camera. */

import { icon, make } from "../dom.js";
import { hasCamera, openCamera } from "./camera.js";
import { filesOfDrop } from "./files.js";

/** An explicit list makes phones convert HEIC to JPEG; extensions are for systems that lack the types. */
const ACCEPT =
  "image/png,image/jpeg,image/webp,image/gif,image/bmp,image/tiff,image/avif," +
  ".tif,.tiff,.bmp,.avif";

/** @typedef {import("./files.js").Found} Found */
/**
 * `folders` takes several folders at once; without it, their files are taken.
 * @typedef {object} Taker
 * @property {(files: Blob[]) => void} files
 * @property {(found: Found[]) => void} [folders]
 * @property {(sentence: string) => void} problem
 * @property {() => string} title
 */

/**
 * Buttons that choose files or open the camera.
 * @param {Taker} taker
 * @param {string} what tells screen readers what the buttons are for
 * @returns {HTMLElement[]}
 */
export function sourceButtons(taker, what) {
  const input = pictureField(taker, { multiple: true, "aria-label": `Choose pictures ${what}` });
  const choose = make("label", { class: "button button--small" }, icon("image"), "Choose", input);
  return [choose, hasCamera() ? cameraButton(taker, what) : captureButton(taker, what)];
}

/**
 * @param {Taker} taker
 * @param {string} what
 */
function cameraButton(taker, what) {
  const open = () =>
    openCamera(taker.title(), (picture) => taker.files([picture]))
      .catch((error) => taker.problem(error.message));
  const attributes = {
    class: "button button--small",
    type: "button",
    "aria-label": `Camera ${what}`,
    click: open,
  };
  return make("button", attributes, icon("camera"), "Camera");
}

/**
 * If pages may not use the camera, phones can still take a picture for a file field.
 * @param {Taker} taker
 * @param {string} what
 */
function captureButton(taker, what) {
  const input = pictureField(taker, {
    accept: "image/*",
    capture: "environment",
    "aria-label": `Take a picture ${what}`,
  });
  return make("label", { class: "button button--small" }, icon("camera"), "Camera", input);
}

/**
 * A field for picture files that accepts the same file twice.
 * @param {Taker} taker
 * @param {Record<string, string | boolean>} attributes
 */
function pictureField(taker, attributes) {
  const change = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    taker.files([...(field.files ?? [])]);
    field.value = "";
  };
  return make("input", { class: "file-input", type: "file", accept: ACCEPT, change, ...attributes });
}

/**
 * Accept pictures dropped on an element, or pasted while it has the focus.
 * @param {HTMLElement} place
 * @param {Taker} taker
 */
export function takeDropsAndPastes(place, taker) {
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("is-over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("is-over"));
  place.addEventListener("drop", async (event) => {
    event.preventDefault();
    place.classList.remove("is-over");
    if (!event.dataTransfer) return;
    try {
      const { found, folders } = await filesOfDrop(event.dataTransfer);
      if (taker.folders && folders > 1) taker.folders(found);
      else taker.files(found.map(({ file }) => file));
    } catch {
      taker.problem("The dropped files cannot be read; choose them with the button.");
    }
  });
  place.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    taker.files(files);
  });
}
