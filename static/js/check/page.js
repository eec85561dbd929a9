/** Checks a model with labelled pictures, on the model's page. */

import { ServerBackend } from "../adaptation/backend_server.js";
import { byFolder, filesOfDrop, filesOfFolder, LeftOut, picturesAmong } from "../adaptation/files.js";
import { toBase64 } from "../adaptation/images.js";
import { csrfToken, find } from "../dom.js";
import { KnownClass } from "./known_class.js";
import { classCalled } from "./labels.js";
import { showResult } from "./result.js";

/** @typedef {import("../adaptation/images.js").Picture} Picture */
/** @typedef {import("../adaptation/files.js").Found} Found */

const root = find("[data-check]");
/**
 * @typedef {object} Facts
 * @property {number} maxPictures
 * @property {number} maxPerClass
 * @property {number} maxLabelLength
 * @property {number} side
 * @property {string[]} classNames
 * @property {string} classNamesUrl
 */
/** @type {Facts} */
const facts = JSON.parse(find("#check-facts").textContent ?? "{}");
const backend = new ServerBackend(root.dataset.url ?? "", csrfToken());
const list = find("[data-check-classes]", root);
const drop = find("[data-check-drop]", root);
const runButton = /** @type {HTMLButtonElement} */ (find("[data-check-run]", root));
const addButton = /** @type {HTMLButtonElement} */ (find("[data-check-add]", root));
const status = find("[data-check-status]", root);
const results = find("[data-check-results]", root);
const problemBox = find("[data-check-problem]", root);

/** @type {KnownClass[]} */
let cards = [];
let busy = false;
/** The summary of the last check of these pictures. */
let said = "";

/** @param {string} sentence empty to hide the note */
function problem(sentence) {
  problemBox.hidden = !sentence;
  find("[data-check-problem-text]", problemBox).textContent = sentence;
  if (sentence) problemBox.scrollIntoView({ block: "nearest" });
}

/** Load the class names when they are needed: there can be thousands. */
async function withNames() {
  if (facts.classNames.length) return;
  const answer = await fetch(facts.classNamesUrl);
  if (!answer.ok) throw new Error("The model's classes could not be loaded; reload the page.");
  facts.classNames = await answer.json();
}

/** @returns {{label: string, picture: Picture}[]} */
function labelled() {
  return cards.flatMap((card) => card.pictures.map((picture) => ({ label: card.name, picture })));
}

/** @returns {string} what is missing before the check; empty if nothing is */
function missing() {
  const pictures = labelled();
  if (!pictures.length) return "Add pictures first.";
  if (pictures.some(({ label }) => !label)) return "Choose the class of every group of pictures.";
  const unknown = pictures.find(({ label }) => !facts.classNames.includes(label));
  if (unknown) return `The model has no class “${unknown.label}”.`;
  const n = pictures.length;
  return n > facts.maxPictures ? `There are ${n} pictures; use at most ${facts.maxPictures}.` : "";
}

function refresh() {
  const lacking = missing();
  const n = labelled().length;
  list.hidden = !cards.length;
  runButton.disabled = busy || Boolean(lacking);
  if (!busy) status.textContent = lacking || said || `Ready: ${n} ${n === 1 ? "picture" : "pictures"}.`;
}

/** Discard the result after a change of classes or pictures. */
function changed() {
  results.hidden = true;
  said = "";
  refresh();
}

/** @param {string} name one of the model's classes, or empty */
function addClass(name) {
  const owner = { changed, problem, removed: removeClass, given: () => {}, folders: addFolders };
  const card = new KnownClass(name, { limits: facts, side: facts.side, owner });
  cards.push(card);
  list.append(card.element);
  refresh();
  return card;
}

/** @param {import("../adaptation/class_card.js").ClassCard} card */
function removeClass(card) {
  card.forget();
  card.element.remove();
  cards = cards.filter((one) => one !== card);
  changed();
  addButton.focus();
}

/** @param {Found[]} found */
async function addFolders(found) {
  problem("");
  await withNames();
  const leftOut = new LeftOut();
  const folders = await byFolder(found, leftOut);
  for (const [folder, pictures] of folders) {
    const name = classCalled(folder, facts.classNames);
    if (!name) leftOut.reasons.add(`The model has no class “${folder}”; choose the class of its pictures.`);
    const card = cards.find((one) => name && one.name === name) ?? addClass(name);
    await card.add(pictures, leftOut);
  }
  leftOut.tell(problem);
}

/** @param {Found[]} found folders become classes; other pictures become one class without a name */
async function addFound(found) {
  await withNames();
  const loose = found.filter(({ folder }) => !folder).map(({ file }) => file);
  const inFolders = found.filter(({ folder }) => folder);
  if (inFolders.length) await addFolders(inFolders);
  const leftOut = new LeftOut();
  const pictures = await picturesAmong(loose, leftOut);
  if (pictures.length) {
    const card = addClass("");
    await card.add(pictures, leftOut);
    card.input.focus();
  }
  leftOut.tell(problem);
}

async function run() {
  const sent = labelled();
  busy = true;
  problem("");
  status.textContent = `A worker is labelling ${sent.length} ${sent.length === 1 ? "picture" : "pictures"}…`;
  refresh();
  try {
    const pictures = await Promise.all(
      sent.map(async ({ label, picture }) => ({ label, image: await toBase64(picture.small) })),
    );
    const answer = /** @type {import("./result.js").Answer} */ (await backend.ask({ pictures }));
    showResult(results, sent.map(({ picture }) => picture), answer);
    said = `${answer.summary}.`;
    if (answer.recorded) await showRecorded();
    results.focus();
  } catch (error) {
    problem(/** @type {Error} */ (error).message);
  }
  busy = false;
  refresh();
}

/** Update the note about checks from the model's page, which now includes this one. */
async function showRecorded() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector("[data-checked]");
  if (now) find("[data-checked]").replaceWith(now);
  // The result shows it already; the note is for the next visit.
  find("[data-doubt]", root).replaceChildren();
}

addButton.addEventListener("click", async () => {
  try {
    await withNames();
    addClass("").input.focus();
  } catch (error) {
    problem(/** @type {Error} */ (error).message);
  }
});
runButton.addEventListener("click", () => void run());
find("[data-check-folder]", root).addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  addFolders(filesOfFolder(field.files ?? [])).catch((error) => problem(error.message));
  field.value = "";
});
drop.addEventListener("dragover", () => drop.classList.add("is-over"));
drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
  const taken = event.defaultPrevented;
  // Otherwise the browser opens the file in place of the page, and the user's input is lost.
  event.preventDefault();
  drop.classList.remove("is-over");
  if (taken || !event.dataTransfer) return;
  try {
    const { found } = await filesOfDrop(event.dataTransfer);
    await addFound(found);
  } catch {
    problem("The dropped files cannot be read; choose them with the button.");
  }
});
refresh();
