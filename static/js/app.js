/** Behaviour of every page: theme, menus, confirmations, copy buttons, filters that submit themselves. */

const THEMES = ["auto", "light", "dark"];

/** @returns {string} the current theme */
function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}

/** @param {string} theme */
function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("freehold-theme", theme);
  } catch {
    // Without storage the choice applies to this page only.
  }
  document.dispatchEvent(new CustomEvent("themechange"));
}

/** @param {HTMLElement} button */
function nameThemeButton(button) {
  button.setAttribute("aria-label", `Theme: ${currentTheme()}. Press to change.`);
  button.title = `Theme: ${currentTheme()}`;
}

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  nameThemeButton(/** @type {HTMLElement} */ (button));
  button.addEventListener("click", () => {
    applyTheme(THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length]);
    nameThemeButton(/** @type {HTMLElement} */ (button));
  });
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
  }
});

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const question = form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  if (form.method === "get") dropEmptyFields(form);
});

/**
 * Keep addresses short: do not send empty fields.
 * @param {HTMLFormElement} form
 */
function dropEmptyFields(form) {
  const empty = [...form.querySelectorAll("input, select")].filter(
    (field) => !(/** @type {HTMLInputElement} */ (field).value),
  );
  for (const field of empty) field.setAttribute("disabled", "");
  setTimeout(() => empty.forEach((field) => field.removeAttribute("disabled")), 0);
}

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.addEventListener("change", (event) => {
    const field = /** @type {HTMLElement} */ (event.target);
    if (field.matches("select, input[type=checkbox]")) {
      /** @type {HTMLFormElement} */ (form).requestSubmit();
    }
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.getAttribute("data-copy") ?? "");
    await navigator.clipboard.writeText(source?.textContent?.trim() ?? "");
    const label = button.querySelector("[data-copy-label]");
    if (label) label.textContent = "Copied";
  });
}

if (window.matchMedia("(max-width: 60rem)").matches) {
  for (const details of document.querySelectorAll("[data-open-when-wide]")) details.removeAttribute("open");
}
