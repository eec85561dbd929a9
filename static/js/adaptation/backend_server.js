/**
 * Adapts on a worker of the server, through the REST API.
 *
 * Every backend has `adapt(support, settings)`, which returns a session with `predict(pictures)`.
 */

import { toBase64 } from "./images.js";

/** @typedef {import("./images.js").Picture} Picture */
/** @typedef {{label: string, picture: Picture}} Example one labelled picture */
/** @typedef {{calibration: "none" | "recommended" | "statistics" | "icfil"}} Settings */
/** @typedef {{label: string, probabilities: Record<string, number>}} Prediction */
/** @typedef {{predict: (pictures: Picture[]) => Promise<Prediction[]>, atATime?: number}} Session */

/**
 * The request for each choice. `calibrate` asks for the recommended calibration. Statistics are added
 * to it; ICFIL, the calibration of PURER's authors, is used without it.
 * @type {Record<Settings["calibration"], {calibrate: boolean, settings: Record<string, string>}>}
 */
export const ASKED = {
  none: { calibrate: false, settings: {} },
  recommended: { calibrate: true, settings: {} },
  statistics: { calibrate: true, settings: { calibrate: "statistics" } },
  icfil: { calibrate: false, settings: { calibrate: "icfil" } },
};

/** A refusal whose message is shown to the user. */
export class Refused extends Error {}

/** Sends stateless requests to the server. */
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
   * Adapt once to check the support set; the server keeps nothing.
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
   * @returns {Promise<any>} the JSON that the server answers
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

/** Keeps support set and settings and sends them with every query, because the server forgets them. */
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
 * The message of a problem document.
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
