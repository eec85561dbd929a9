/** What the upload page makes of files: `node given.mjs FOLDER OUT [alone]` sends all of a folder into OUT. */

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import { fileOf, modelsIn } from "../../static/js/upload/given.js";

const [, , folder, out, alone] = process.argv;
const paths = readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
const found = paths
  .filter((path) => statSync(path).isFile())
  .map((path) => {
    const inside = relative(folder, path);
    const file = new File([readFileSync(path)], path.split("/").at(-1), { lastModified: 1_000 });
    return { file, path: alone ? inside : `${folder.split("/").at(-1)}/${inside}` };
  });
const { models, leftOut, tooLarge } = await modelsIn(found);
const said = [];
for (const [index, model] of models.entries()) {
  const file = await fileOf(model, {});
  writeFileSync(join(out, `${index}-${file.name}`), new Uint8Array(await file.arrayBuffer()));
  said.push({ name: model.name, file: `${index}-${file.name}`, size: model.size, sent: file.size, lastModified: file.lastModified });
}
console.log(JSON.stringify({ models: said, leftOut, tooLarge }));
