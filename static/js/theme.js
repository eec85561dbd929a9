// Runs before the first paint, so that the page does not flash in the wrong theme. Keep it this small.
(() => {
  try {
    const theme = localStorage.getItem("freehold-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be off; then the system's theme applies.
  }
})();
