// Reads flowcharts with Mermaid's own parser: node check_mermaid.mjs FILE...
//
// Prints a line of JSON for each: its direction, boxes, arrows and frames as Mermaid understood them, or its error.
// The status is 1 where a file was refused, and 2 where there was none. Needs `npm install` in this folder.

import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!DOCTYPE html><body></body>");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");

const said = (text) =>
  (text ?? "").replaceAll("<br>", "\n").replaceAll(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(code)).replaceAll("\u200b", "");

async function understood(file) {
  const text = readFileSync(file, "utf8");
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  return {
    file,
    direction: db.getDirection(),
    boxes: Object.fromEntries([...db.getVertices().values()].map((box) => [box.id, said(box.text)])),
    arrows: db.getEdges().map((arrow) => [arrow.start, arrow.end, said(arrow.text)]),
    frames: Object.fromEntries(db.getSubGraphs().map((frame) => [frame.id, [said(frame.title), frame.nodes]])),
    clicks: [...db.getVertices().values()].some((box) => box.link || box.haveCallback),
  };
}

const files = process.argv.slice(2);
process.exitCode = files.length ? 0 : 2;
for (const file of files) {
  let report;
  try {
    report = await understood(file);
  } catch (error) {
    report = { file, error: String(error?.message ?? error) };
    process.exitCode = 1;
  }
  console.log(JSON.stringify(report));
}
