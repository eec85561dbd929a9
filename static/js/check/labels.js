/** Finds the class that a folder is named after, like metalearn.evaluation.picture_check.class_called. */

/** @param {string} name */
function plain(name) {
  return name.toLowerCase().replace(/[\s_-]+/g, " ").trim();
}

/**
 * The class of this name, ignoring case, spaces, `-` and `_`.
 * @param {string} name
 * @param {string[]} classNames
 * @returns {string} empty if there is none or more than one
 */
export function classCalled(name, classNames) {
  if (classNames.includes(name)) return name;
  const alike = classNames.filter((one) => plain(one) === plain(name));
  return alike.length === 1 ? alike[0] : "";
}
