/** The adaptation page: takes classes and pictures, adapts, and labels other pictures. */

import { csrfToken, find, icon, make } from "../dom.js";
import { ServerBackend } from "./backend_server.js";
import { ClassCard } from "./class_card.js";
import { byFolder, filesOfDrop, filesOfFolder, LeftOut, picturesAmong } from "./files.js";
import { forget, gather } from "./images.js";
import { fetchMaterial } from "./material.js";
import { embeddedAdaptation, embeddedMaterial, isOfflinePage, offlinePage } from "./offline_page.js";
import { Place } from "./place.js";
import { Results } from "./results.js";
import { sourceButtons, takeDropsAndPastes } from "./sources.js";
import { TakeAway } from "./take_away.js";

/** Query pictures per request to the server. */
const AT_A_TIME = 50;

/** @typedef {import("./images.js").Picture} Picture */

const root = find("[data-adaptation]");
const limits = JSON.parse(find("#limits").textContent ?? "{}");
const side = Number(root.dataset.imageSide);
const list = find("[data-classes]", root);
const adaptButton = /** @type {HTMLButtonElement} */ (find("[data-adapt]", root));
const addButton = /** @type {HTMLButtonElement} */ (find("[data-add-class]", root));
const calibrate = /** @type {HTMLInputElement} */ (find("[data-calibrate]", root));
const calibration = /** @type {HTMLSelectElement} */ (find("[data-calibration]", root));
const status = find("[data-status]", root);
const problemBox = find("[data-problem]", root);
const queryDrop = find("[data-query-drop]", root);
const results = new Results(find("[data-results]", root));

/** @type {ClassCard[]} */
let cards = [];
/** @type {import("./backend_server.js").Session | null} */
let session = null;
let busy = false;
/** Counts changes, because the user can change pictures while an adaptation runs. */
let changes = 0;
/** Queries run one after another. */
let asking = Promise.resolve();
const inOneFile = isOfflinePage();
const place = new Place(find("[data-place]", root), {
  server: inOneFile ? null : new ServerBackend(root.dataset.url ?? "", csrfToken()),
  material: inOneFile ? embeddedMaterial : materialOfServer(),
  owner: { changed, status: (sentence) => (status.textContent = sentence) },
});
const takeAway = new TakeAway({ problem, page: inOneFile ? null : asOneFile });

/** @returns {(() => Promise<import("./material.js").Material>) | null} null if this server has none */
function materialOfServer() {
  const addresses = JSON.parse(find("#browser").textContent ?? "null");
  return addresses && (() => fetchMaterial(addresses, (bytes) => place.fetching(bytes)));
}

/** @param {import("./take_away.js").Source | null} source the adapted classifier to include */
async function asOneFile(source) {
  const material = place.browser?.material;
  if (!material) throw new Error("This browser has not loaded the meta-learner.");
  return offlinePage(
    material,
    source && { labels: source.labels, classifier: await source.file("safetensors") },
  );
}

/** @param {string} sentence empty to hide the note */
function problem(sentence) {
  problemBox.hidden = !sentence;
  find("[data-problem-text]", problemBox).textContent = sentence;
  if (sentence) problemBox.scrollIntoView({ block: "nearest" });
}

/** @returns {string} what is missing before adapting; empty if nothing is */
function missing() {
  const filled = cards.filter((card) => card.pictures.length);
  if (filled.length < limits.minClasses) return `Add pictures for at least ${limits.minClasses} classes.`;
  if (filled.some((card) => !card.name)) return "Every class with pictures needs a name.";
  const names = filled.map((card) => card.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice ? `Two classes are called “${twice}”; give each its own name.` : place.lacking;
}

function summary() {
  const known = session && "labels" in session ? /** @type {string[]} */ (session.labels) : [];
  const filled = cards.filter((card) => card.pictures.length);
  const pictures = filled.reduce((sum, card) => sum + card.pictures.length, 0);
  // Adapted before the page was saved as one file, which has no pictures.
  return pictures || !known.length
    ? `${filled.length} classes, ${pictures} pictures.`
    : `Knows ${known.join(", ")}.`;
}

function refresh() {
  const lacking = missing();
  place.working(busy);
  adaptButton.disabled = busy || Boolean(lacking);
  addButton.disabled = cards.length >= limits.maxClasses;
  takeAway.offer(busy ? null : session, place.isReady && !busy);
  queryDrop.setAttribute("aria-disabled", String(!session));
  if (!busy) status.textContent = session ? `Adapted. ${summary()}` : lacking || `Ready. ${summary()}`;
  showQueryHint();
}

/** Discard the session after a change of classes, pictures or settings. */
function changed() {
  changes += 1;
  session = null;
  refresh();
}

/** @param {string} name */
function addClass(name) {
  const given = (/** @type {Picture} */ picture) => place.readAhead(picture);
  const owner = { changed, problem, removed: removeClass, given, folders: addFolders };
  const card = new ClassCard(name, { limits, side, owner });
  cards.push(card);
  list.append(card.element);
  refresh();
  return card;
}

/** @param {ClassCard} card */
function removeClass(card) {
  card.forget();
  card.element.remove();
  cards = cards.filter((one) => one !== card);
  changed();
  addButton.focus();
}

/** @param {import("./files.js").Found[]} found */
async function addFolders(found) {
  problem("");
  const leftOut = new LeftOut();
  const folders = await byFolder(found, leftOut);
  if (folders.size) {
    for (const card of cards.filter((one) => !one.name && !one.pictures.length)) removeClass(card);
  }
  for (const [name, pictures] of folders) {
    // The user may add classes while pictures are being prepared.
    if (cards.length >= limits.maxClasses) {
      leftOut.reasons.add(
        `At most ${limits.maxClasses} classes are possible; the other folders are left out.`,
      );
      break;
    }
    await addClass(className(name, leftOut)).add(pictures, leftOut);
  }
  leftOut.tell(problem);
}

/**
 * @param {string} folder
 * @param {LeftOut} leftOut
 */
function className(folder, leftOut) {
  const letters = [...folder];
  if (letters.length <= limits.maxLabelLength) return folder;
  leftOut.reasons.add(`A class name has at most ${limits.maxLabelLength} characters; longer ones are cut.`);
  return letters.slice(0, limits.maxLabelLength).join("");
}

/** @param {DragEvent} event */
async function dropBesideEverything(event) {
  const taken = event.defaultPrevented;
  // Otherwise the browser opens the file in place of the page, and the user's input is lost.
  event.preventDefault();
  if (taken || !event.dataTransfer) return;
  try {
    const { found } = await filesOfDrop(event.dataTransfer);
    if (found.length) await addFolders(found);
  } catch {
    problem("The dropped files cannot be read; choose them with the button.");
  }
}

/**
 * @param {string} doing
 * @param {() => Promise<void>} work
 */
async function whileBusy(doing, work) {
  busy = true;
  problem("");
  status.textContent = doing;
  refresh();
  try {
    await work();
  } catch (error) {
    problem(/** @type {Error} */ (error).message);
  }
  busy = false;
  refresh();
}

function support() {
  return cards.flatMap((card) => card.pictures.map((picture) => ({ label: card.name, picture })));
}

/** @returns {import("./backend_server.js").Settings} */
function chosenSettings() {
  return { calibration: calibrate.checked ? /** @type {"icfil"} */ (calibration.value) : "none" };
}

async function adapt() {
  results.clear();
  session = null;
  const before = changes;
  await whileBusy("Adapting…", async () => {
    const made = await place.backend.adapt(support(), chosenSettings());
    if (changes !== before) throw new Error("Something changed in the meantime; adapt again.");
    session = made;
  });
  place.giveFocus(session ? queryDrop.querySelector("input") : adaptButton);
}

/** @param {Blob[]} files */
function askAbout(files) {
  asking = asking.then(() => answer(files));
}

/** @param {Blob[]} files */
async function answer(files) {
  const asked = session;
  if (!asked) {
    problem("Adapt first, then ask about other pictures.");
    return;
  }
  const leftOut = new LeftOut();
  const pictures = await picturesAmong(files, leftOut);
  if (!pictures.length) {
    leftOut.tell(problem);
    return;
  }
  const count = pictures.length === 1 ? "1 picture" : `${pictures.length} pictures`;
  await whileBusy(`Looking at ${count}…`, async () => {
    /** @type {Picture[]} */
    const left = [];
    const take = (/** @type {Picture} */ picture) => {
      left.push(picture);
      place.readAhead(picture);
    };
    await gather(pictures, side, { take, leftOut, stopped: () => place.isStopped });
    leftOut.tell(problem);
    const atATime = asked.atATime ?? AT_A_TIME;
    try {
      while (left.length) {
        const some = left.slice(0, atATime);
        results.add(some, await asked.predict(some));
        left.splice(0, some.length);
      }
    } finally {
      forget(left);
    }
  });
  place.giveFocus(queryDrop.querySelector("input"));
}

const queryHint = make("p", { class: "strong" });
function showQueryHint() {
  queryHint.textContent = session
    ? "Drop, paste or choose pictures to label"
    : "Adapt first; then drop pictures here";
}

const queryTaker = { files: askAbout, problem, title: () => "Pictures to label" };
const formats = make("p", { class: "muted small" }, "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF");
queryDrop.append(
  icon("target"),
  queryHint,
  formats,
  make("div", { class: "query-drop__tools" }, ...sourceButtons(queryTaker, "to label")),
);
takeDropsAndPastes(queryDrop, queryTaker);
document.addEventListener("paste", (event) => {
  // Pasted outside of a class, after adapting: pictures to label.
  const target = /** @type {Element} */ (event.target);
  if (!event.defaultPrevented && session && !target.closest("input, .class-card, [data-query-drop]")) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) askAbout(files);
  }
});
addButton.addEventListener("click", () => addClass("").input.focus());
adaptButton.addEventListener("click", () => void adapt());
calibrate.addEventListener("change", changed);
calibration.addEventListener("change", changed);
find("[data-folder]", root).addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  void addFolders(filesOfFolder(field.files ?? []));
  field.value = "";
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => void dropBesideEverything(event));
/** Load, and restore the state in which the page was saved. */
async function begin() {
  await place.load();
  const kept = inOneFile ? await embeddedAdaptation() : null;
  if (!kept || !place.browser) return;
  await whileBusy("Getting ready…", async () => {
    session = (await place.browser?.restore(kept)) ?? null;
  });
}

addClass("");
addClass("");
void begin();
