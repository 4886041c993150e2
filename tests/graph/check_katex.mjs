// Sets every formula between `$$` of Markdown files with KaTeX, strictly: node check_katex.mjs FILE...
//
// Prints the formulas that are refused, and how many were read. The status is 1 where one was refused, and 2 where a
// file had none. Needs `npm install` in this folder.

import { readFileSync } from "node:fs";
import katex from "katex";

const files = process.argv.slice(2);
let read = 0;
process.exitCode = files.length ? 0 : 2;
for (const file of files) {
  const formulas = [...readFileSync(file, "utf8").matchAll(/^\$\$(.+)\$\$$/gm)].map((found) => found[1]);
  if (!formulas.length) process.exitCode = 2;
  for (const formula of formulas) {
    read += 1;
    try {
      katex.renderToString(formula, { displayMode: true, throwOnError: true, strict: "error", trust: false });
    } catch (error) {
      console.log(`${file}: ${formula}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
console.log(`${read} formulas`);
