/** The pool builder: candidates on one side, the chosen models and their fit on the other. */

import { csrfToken, find, icon, make } from "./dom.js";

const root = find("[data-builder]");
const filters = /** @type {HTMLFormElement} */ (find("[data-filters]", root));
const candidates = find("[data-candidates]", root);
const fit = find("[data-fit]", root);
const list = find("[data-chosen]", root);
const box = find("[data-chosen-box]", root);
const SETTLE_MS = 200;

/** @type {Map<string, string>} chosen models, id to name, in the order in which they were chosen */
const chosen = new Map();
for (const row of list.querySelectorAll("li")) chosen.set(row.dataset.id ?? "", row.dataset.name ?? "");

/** @returns {NodeListOf<HTMLInputElement>} */
function picks() {
  return candidates.querySelectorAll("[data-pick]");
}

function markPicks() {
  for (const pick of picks()) pick.checked = chosen.has(pick.value);
}

/**
 * @param {string} id
 * @param {string} name
 */
function chosenRow(id, name) {
  const drop = make("button", {
    class: "button button--quiet button--small",
    type: "button",
    "aria-label": `Leave ${name} out`,
    click: () => choose(id, name, false),
  }, icon("close"));
  const field = make("input", { type: "hidden", name: "checkpoints", value: id });
  return make("li", {}, field, make("span", { class: "truncate" }, name), drop);
}

function showChosen() {
  list.replaceChildren(...[...chosen].map(([id, name]) => chosenRow(id, name)));
  box.hidden = chosen.size === 0;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
let asked = 0;

async function askFit() {
  const mine = ++asked;
  const body = new FormData();
  for (const id of chosen.keys()) body.append("checkpoints", id);
  const headers = { "X-CSRFToken": csrfToken() };
  const answer = await fetch(root.dataset.fitUrl ?? "", { method: "POST", body, headers });
  if (answer.ok && mine === asked) fit.innerHTML = await answer.text();
}

/**
 * @param {string} id
 * @param {string} name
 * @param {boolean} wanted
 */
function choose(id, name, wanted) {
  if (wanted) chosen.set(id, name);
  else chosen.delete(id);
  showChosen();
  markPicks();
  clearTimeout(settling);
  settling = setTimeout(askFit, SETTLE_MS);
}

/** @param {number} page */
async function showCandidates(page) {
  const query = new URLSearchParams(/** @type {any} */ (new FormData(filters)));
  query.set("page", String(page));
  const answer = await fetch(`${root.dataset.candidatesUrl}?${query}`);
  if (!answer.ok) return;
  candidates.innerHTML = await answer.text();
  markPicks();
}

candidates.addEventListener("change", (event) => {
  const pick = /** @type {HTMLInputElement} */ (event.target);
  if (pick.matches("[data-pick]")) choose(pick.value, pick.dataset.name ?? "", pick.checked);
});
candidates.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-page]");
  if (button instanceof HTMLElement) showCandidates(Number(button.dataset.page));
});
find("[data-pick-all]", root).addEventListener("click", () => {
  for (const pick of picks()) choose(pick.value, pick.dataset.name ?? "", true);
});
filters.addEventListener("submit", (event) => {
  event.preventDefault();
  showCandidates(1);
});
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
filters.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => showCandidates(1), SETTLE_MS);
});

const visibility = root.querySelector("[name=visibility]");
const team = root.querySelector("[data-team]");
if (visibility instanceof HTMLSelectElement && team instanceof HTMLElement) {
  const show = () => {
    team.hidden = visibility.value !== "team";
  };
  visibility.addEventListener("change", show);
  show();
}
showChosen();
markPicks();
