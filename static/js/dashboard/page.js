/** The dashboard of a job: polls once a second until the job is final. */

import { duration, find, make } from "../dom.js";
import { Charts } from "./charts.js";

/** @typedef {import("../types.d.ts").JobLive} JobLive */

const EVERY_MS = 1000;
const PREVIEW_EVERY_MS = 5000;
const PATIENCE = 3;
/** @type {Record<JobLive["state"], string>} */
const STATE_COLOURS = {
  succeeded: "badge--good",
  failed: "badge--bad",
  running: "badge--accent badge--live",
  cancelling: "badge--warn badge--live",
  cancelled: "badge--warn",
  queued: "badge--info",
};

const root = find("[data-job]");
const charts = new Charts(find("[data-charts]", root));
const log = find("[data-log]", root);
const logBox = find("[data-log-box]", root);
const quiet = find("[data-quiet]", root);
const seen = { step: 0, event: 0 };
let missed = 0;
let previewAt = -Infinity;

/**
 * @param {string} name
 * @param {string} text
 */
function show(name, text) {
  const place = find(`[data-show=${name}]`, root);
  if (place.textContent?.trim() !== text) place.textContent = text;
}

/** @param {JobLive} live */
function showProgress(live) {
  show("state", live.state_title);
  find("[data-show=state]", root).className = `badge ${STATE_COLOURS[live.state]}`;
  show("stage", live.stage);
  find("[data-show=stage]", root).hidden = !live.stage;
  show("steps", `${live.steps_done.toLocaleString("en")} / ${live.total_steps.toLocaleString("en")}`);
  show("percent", `${live.percent} %`);
  show("eta", live.final ? "–" : duration(live.eta_s));
  show("elapsed", duration(live.elapsed_s));
  show("attempt", String(live.attempt));
  /** @type {HTMLProgressElement} */ (find("[data-bar]", root)).value = live.percent;
  show("error", live.error);
  find("[data-error]", root).hidden = !live.error;
}

/** @param {JobLive} live */
function showActions(live) {
  for (const form of root.querySelectorAll("[data-when]")) {
    const when = /** @type {"can_cancel" | "can_resume"} */ (/** @type {HTMLElement} */ (form).dataset.when);
    const hidden = !live[when];
    /** @type {HTMLElement} */ (form).hidden = hidden;
    find("button", form).hidden = hidden;
  }
  const learner = /** @type {HTMLAnchorElement} */ (find("[data-learner]", root));
  learner.hidden = !live.learner_url;
  if (live.learner_url) learner.href = live.learner_url;
}

/** @param {{id: number, at: string, text: string}[]} events */
function addEvents(events) {
  const atEnd = logBox.scrollHeight - logBox.scrollTop - logBox.clientHeight < 20;
  for (const event of events) {
    const at = new Date(event.at);
    const time = make(
      "time",
      { datetime: event.at, title: at.toLocaleString() },
      at.toLocaleTimeString("en-GB"),
    );
    log.append(make("li", {}, time, make("span", {}, event.text)));
    seen.event = Math.max(seen.event, event.id);
  }
  if (atEnd && events.length) logBox.scrollTop = logBox.scrollHeight;
}

async function showPreview() {
  const url = root.dataset.previewUrl;
  if (!url || performance.now() - previewAt < PREVIEW_EVERY_MS) return;
  previewAt = performance.now();
  const answer = await fetch(url);
  if (answer.status !== 200) return;
  const image = /** @type {HTMLImageElement} */ (find("[data-preview]", root));
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(await answer.blob());
  image.hidden = false;
  find("[data-preview-note]", root).hidden = true;
}

/** @param {JobLive} live */
function apply(live) {
  showProgress(live);
  showActions(live);
  charts.add(live.curves);
  addEvents(live.events);
  for (const points of Object.values(live.curves)) {
    for (const [step] of points) seen.step = Math.max(seen.step, step);
  }
  if (live.state !== "queued") showPreview().catch(() => undefined);
}

/** @param {boolean} answered */
function noteSilence(answered) {
  missed = answered ? 0 : missed + 1;
  quiet.hidden = missed < PATIENCE;
  if (missed >= PATIENCE)
    quiet.textContent = "The server does not answer; this page may be out of date. Trying again.";
}

async function look() {
  let final = false;
  if (!document.hidden) {
    try {
      const query = `since=${seen.step}&event=${seen.event}`;
      const answer = await fetch(`${root.dataset.liveUrl}?${query}`, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const live = await answer.json();
      apply(live);
      final = live.final;
      noteSilence(true);
    } catch {
      noteSilence(false);
    }
  }
  if (!final) setTimeout(look, EVERY_MS * Math.max(1, Math.min(missed, 10)));
}

const first = JSON.parse(find("#live").textContent ?? "{}");
apply(first);
if (!first.final) setTimeout(look, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) for (const chart of charts.charts.values()) chart.fit();
});
