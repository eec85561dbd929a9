/**
 * Where the numbers are made: here on a worker of the server, through the REST API.
 *
 * A page needs `backend.adapt(support, settings)`, which gives a session, and
 * `session.predict(pictures)`. Whatever else makes the numbers has these two and nothing more.
 */

import { toBase64 } from "./images.js";

/** @typedef {import("./images.js").Picture} Picture */
/** @typedef {{label: string, picture: Picture}} Example one labelled picture */
/** @typedef {{calibration: "none" | "recommended" | "statistics" | "icfil"}} Settings */
/** @typedef {{label: string, probabilities: Record<string, number>}} Prediction */
/** @typedef {{predict: (pictures: Picture[]) => Promise<Prediction[]>, atATime?: number}} Session */

/**
 * What the server is asked for; `calibrate` is what we recommend. Statistics come on top of it, and
 * ICFIL, the calibration of PURER's authors, stands alone.
 * @type {Record<Settings["calibration"], {calibrate: boolean, settings: Record<string, string>}>}
 */
export const ASKED = {
  none: { calibrate: false, settings: {} },
  recommended: { calibrate: true, settings: {} },
  statistics: { calibrate: true, settings: { calibrate: "statistics" } },
  icfil: { calibrate: false, settings: { calibrate: "icfil" } },
};

/** A refusal in words that may be shown. */
export class Refused extends Error {}

/** The server's answer to one stateless call. */
export class ServerBackend {
  /**
   * @param {string} url of the learner's adaptations
   * @param {string} csrfToken
   */
  constructor(url, csrfToken) {
    this.url = url;
    this.csrfToken = csrfToken;
  }

  /**
   * Check the support set by adapting once; the server keeps nothing of it.
   * @param {Example[]} support
   * @param {Settings} settings
   * @returns {Promise<Session>}
   */
  async adapt(support, settings) {
    const sent = await Promise.all(
      support.map(async ({ label, picture }) => ({ label, image: await toBase64(picture.small) })),
    );
    const asked = ASKED[settings.calibration];
    await this.ask({ support: sent, query: [], ...asked });
    return new ServerSession(this, sent, asked);
  }

  /**
   * @param {object} body
   * @returns {Promise<any>} what the server answers
   */
  async ask(body) {
    const headers = {
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-CSRFToken": this.csrfToken,
    };
    let answer;
    try {
      answer = await fetch(this.url, { method: "POST", headers, body: JSON.stringify(body) });
    } catch {
      throw new Refused("The server does not answer. Your pictures are still on this page; try again.");
    }
    if (answer.ok) return answer.json();
    throw new Refused(await sentence(answer));
  }
}

/** Support set and settings, sent again with every question because the server forgets them. */
class ServerSession {
  /**
   * @param {ServerBackend} backend
   * @param {{label: string, image: string}[]} support
   * @param {{calibrate: boolean, settings: object}} asked
   */
  constructor(backend, support, asked) {
    this.backend = backend;
    this.support = support;
    this.asked = asked;
  }

  /**
   * @param {Picture[]} pictures
   * @returns {Promise<Prediction[]>} one for each picture, in their order
   */
  async predict(pictures) {
    const query = await Promise.all(pictures.map((picture) => toBase64(picture.small)));
    const answer = await this.backend.ask({ support: this.support, query, ...this.asked });
    return answer.predictions;
  }
}

/**
 * What went wrong, as the problem document says it.
 * @param {Response} answer
 * @returns {Promise<string>}
 */
async function sentence(answer) {
  if (answer.status === 413) return "The pictures are too large together; use fewer.";
  try {
    const problem = await answer.json();
    const details = Object.values(problem.errors ?? {}).flat(3).filter((text) => typeof text === "string");
    return details.length ? details.join(" ") : problem.detail;
  } catch {
    return "Something went wrong on the server; try again in a minute, or ask your operator.";
  }
}
