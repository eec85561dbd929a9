/** Types of the copy beside this file, which the npm package of the same version declares. */
export { default } from "uplot";
