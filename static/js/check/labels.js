/** Which class of a model a folder is named after; `metalearn.evaluation.picture_check.class_called` goes by the same rule. */

/** @param {string} name */
function plain(name) {
  return name.toLowerCase().replace(/[\s_-]+/g, " ").trim();
}

/**
 * The class of this name; one that differs in capitals, spaces, `-` or `_` only will do.
 * @param {string} name
 * @param {string[]} classNames
 * @returns {string} empty where there is none, or where several would do
 */
export function classCalled(name, classNames) {
  if (classNames.includes(name)) return name;
  const alike = classNames.filter((one) => plain(one) === plain(name));
  return alike.length === 1 ? alike[0] : "";
}
