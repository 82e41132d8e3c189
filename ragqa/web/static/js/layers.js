// What can be laid over a page's image: its blocks, its passages, its lines with how sure each is.

import { call } from "./api.js";
import { h } from "./dom.js";
import { path } from "./documents.js";
import { percent, t } from "./i18n.js";

export const LAYERS = ["blocks", "chunks", "lines"];

const within = ([x0, top, x1, bottom], page) => ({
  left: `${(100 * x0) / page.width}%`,
  top: `${(100 * top) / page.height}%`,
  width: `${(100 * (x1 - x0)) / page.width}%`,
  height: `${(100 * (bottom - top)) / page.height}%`,
});

const box = (bbox, page, name, title, light, key) =>
  h("div", { class: `over ${name}`, style: within(bbox, page), title, dataset: { key }, onmouseenter: () => light(key, true), onmouseleave: () => light(key, false) });

/** How sure OCR was, in three steps that differ in line as well as in colour. */
export const sureness = (confidence) => (confidence < 0.8 ? "unsure" : confidence < 0.95 ? "fair" : "sure");

function lineBox(line, index, page, light) {
  const known = line.confidence !== null;
  const title = known ? `${line.text} · ${t("ocr.confidence", { share: percent(line.confidence) })}` : line.text;
  return box(line.bbox, page, known ? sureness(line.confidence) : "typed", title, light, `line-${index}`);
}

const MAKE = {
  blocks: (page, _, light) => page.blocks.map((block, index) => box(block.bbox, page, `block-box ${block.kind}`, t(`kind.${block.kind}`), light, `block-${index}`)),
  chunks: (page, { chunks }, light) =>
    chunks.flatMap((chunk, index) =>
      chunk.boxes.map(({ bbox }) => box(bbox, page, `chunk-box ${index % 2 ? "odd" : "even"}`, [t("layer.chunk", { n: index + 1 }), ...chunk.headings].join(" › "), light, `chunk-${index}`)),
    ),
  lines: (page, { lines }, light) => lines.map((line, index) => lineBox(line, index, page, light)),
};

/** What a layer shows over `page`. */
export const overlay = (name, page, known, light) => h("div", { class: `layer ${name}`, "aria-hidden": "true" }, MAKE[name](page, known, light));

/** A frame around one place, the line that is being corrected. */
export const frame = (bbox, page) => h("div", { class: "line-spot", "aria-hidden": "true", style: within(bbox, page) });

/** Fetch what the layers of a page need beside the page itself. */
export async function fetchLayers(id, number, signal) {
  const [{ chunks }, { ocr_reason, lines }] = await Promise.all([
    call("GET", `${path(id)}/pages/${number}/chunks`, { signal }),
    call("GET", `${path(id)}/pages/${number}/recognition`, { signal }),
  ]);
  return { chunks, reason: ocr_reason, lines };
}

/** All pages that are served, those first that may be read wrongly. */
export async function fetchPages(id, signal) {
  return (await call("GET", `${path(id)}/pages?order=worst`, { signal })).pages;
}

/** Whether there is something to look at on a page. */
export const isDoubtful = (page) => page.warnings.length > 0 || page.ocr_confidence !== null;
