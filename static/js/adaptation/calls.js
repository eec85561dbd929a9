/** Requests to one worker, and its answers. */

import { Refused } from "./backend_server.js";

/** @typedef {import("../device/adaptation.js").Progress} Progress */
/**
 * `lost`: the worker can no longer be used.
 * @typedef {{progress: (progress: Progress) => void, lost: () => void}} Listener
 */

/** A worker that answers the messages of `device/worker.js`. */
export class Calls {
  /**
   * @param {Worker} worker
   * @param {Listener} listener
   */
  constructor(worker, listener) {
    this.worker = worker;
    this.listener = listener;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
    worker.addEventListener("message", (event) => this.answer(event.data));
    worker.addEventListener("error", () => listener.lost());
  }

  /**
   * @param {string} command
   * @param {object} given
   * @returns {Promise<any>}
   */
  ask(command, given) {
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, command, given });
    });
  }

  /** @param {string} command one without an answer */
  tell(command) {
    this.worker.postMessage({ command });
  }

  /**
   * End the worker, which frees its memory; pending requests are rejected with the reason.
   * @param {string} reason
   */
  end(reason) {
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new Refused(reason));
    this.waiting.clear();
  }

  /** @param {{id: number, progress?: Progress, result?: unknown, error?: string, lost?: boolean}} message */
  answer({ id, progress, result, error, lost = false }) {
    if (progress) {
      this.listener.progress(progress);
      return;
    }
    if (lost) this.listener.lost();
    const asker = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) asker?.resolve(result);
    else asker?.reject(new Refused(error));
  }
}
