/** ESLint's recommended rules for the pages' modules, and for what runs them in Node. */

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["static/vendor/", "staticfiles/", "var/", ".venv/", ".tools/"] },
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { files: ["static/js/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["static/js/device/worker.js"], languageOptions: { globals: globals.worker } },
  { files: ["**/*.mjs", "*.config.js"], languageOptions: { globals: globals.node } },
  { rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" } },
];
