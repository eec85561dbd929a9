/** The camera as a source of pictures. */

import { find } from "../dom.js";

const dialog = /** @type {HTMLDialogElement} */ (find("[data-camera]"));
const video = /** @type {HTMLVideoElement} */ (find("[data-camera-video]"));
const count = find("[data-camera-count]");
const takeButton = /** @type {HTMLButtonElement} */ (find("[data-camera-take]"));

/** @type {((picture: Blob) => void) | null} */
let give = null;
let taken = 0;
let opening = false;

/** @returns {boolean} whether this browser lets pages use a camera here (HTTPS or this machine) */
export function hasCamera() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * Open the camera and pass on every picture taken until the dialog closes.
 * @param {string} title
 * @param {(picture: Blob) => void} onPicture
 */
export async function openCamera(title, onPicture) {
  // A second press while the browser asks for permission would leave a camera on with no way to stop it.
  if (opening || dialog.open) return;
  opening = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    throw new Error("The camera cannot be used: there is none, or the browser does not allow it.");
  } finally {
    opening = false;
  }
  give = onPicture;
  taken = 0;
  count.textContent = "Getting the camera ready…";
  // Before the first frame a picture would be empty.
  takeButton.disabled = true;
  find("[data-camera-title]").textContent = title;
  video.srcObject = stream;
  dialog.showModal();
}

video.addEventListener("loadeddata", () => {
  takeButton.disabled = false;
  takeButton.focus();
  count.textContent = "";
});

dialog.addEventListener("close", () => {
  const stream = /** @type {MediaStream | null} */ (video.srcObject);
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  give = null;
});

takeButton.addEventListener("click", () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  canvas.toBlob((blob) => {
    if (!blob || !give) return;
    taken += 1;
    count.textContent = `${taken} taken`;
    give(blob);
  }, "image/jpeg", 0.95);
});
