// Citations and hits as things to click, and as items of the side panel.

import { h } from "./dom.js";
import { has, percent, t } from "./i18n.js";
import { showPanel } from "./panel.js";

/** A panel item for a citation of `answer`. One that is not stored yet is shown by its chunk. */
export const citationItem = (citation, answer) => ({
  label: `[${citation.marker}]`,
  documentId: citation.document_id,
  filename: citation.filename,
  page: citation.page,
  quote: citation.quote,
  boxes: citation.boxes ?? [],
  cell: citation.cell ?? null,
  marks: answer.id ? { answer: answer.id, marker: citation.marker } : { chunk: citation.chunk_id },
});

export const hitItem = (hit, index) => ({
  label: `${hit.rank ?? index + 1}`,
  documentId: hit.document_id,
  filename: hit.filename,
  page: hit.page,
  quote: hit.text,
  boxes: hit.boxes ?? [],
  marks: { chunk: hit.chunk_id },
});

const place = (filename, page) => [h("bdi", { class: "source-name" }, filename), h("span", { class: "source-page" }, t("page.n", { n: page }))];

/** A cited cell: where it stands in its table, and what it says. */
export const cellNode = ({ text, row, column }) => h("span", { class: "source-cell" }, h("span", {}, row && column ? t("cell.of", { row, column }) : row || column), h("b", {}, text));

/** The clickable `[n]` in an answer's text; plain text when nothing stands behind it. */
export function markerNode(n, answer) {
  const index = answer.citations.findIndex((citation) => citation.marker === n);
  if (index < 0) return h("span", { class: "marker empty" }, `[${n}]`);
  const { filename, page } = answer.citations[index];
  const label = t("citation.label", { n, name: filename, page });
  const open = (event) => showPanel(answer.citations.map((citation) => citationItem(citation, answer)), index, event.currentTarget);
  return h("button", { type: "button", class: "marker", "aria-label": label, title: `${filename} · ${t("page.n", { n: page })}`, dataset: { marker: n }, onclick: open }, `[${n}]`);
}

export function sourceList(answer) {
  if (!answer.citations.length) return null;
  const items = answer.citations.map((citation) => citationItem(citation, answer));
  return h(
    "ol",
    { class: "sources", "aria-label": t("sources") },
    answer.citations.map((citation, index) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "source", onclick: (event) => showPanel(items, index, event.currentTarget) },
          h("span", { class: "source-head" }, h("span", { class: "source-number" }, `${citation.marker}`), place(citation.filename, citation.page)),
          citation.cell ? cellNode(citation.cell) : h("span", { class: "source-quote" }, citation.quote),
        ),
      ),
    ),
  );
}

/** Words that say nothing about the subject of a question, and are not marked. */
const EMPTY = new Set("a about all am an and any are as at be been but by can could did do does for from had has have he her his how i if in into is it its many may me more most much must my no not of on or our shall she should so than that the their them then there these they this those to us was we were what when where which who whom whose why will with would you your".split(" "));
const WORD = /[a-z0-9](?:[a-z0-9.+#-]*[a-z0-9+#])?/gu;

/** Nodes of `text` with the question's words marked: whole words, in Chinese every two characters. */
export function markTerms(text, question) {
  const asked = question.toLowerCase();
  const words = new Set((asked.match(WORD) ?? []).filter((word) => word.length > 1 && !EMPTY.has(word)));
  const pairs = new Set((asked.match(/\p{Script=Han}{2,}/gu) ?? []).flatMap(bigrams));
  const low = text.toLowerCase();
  const marked = new Uint8Array(text.length);
  for (const { 0: word, index } of low.matchAll(WORD)) {
    if (words.has(word) || words.has(word.replace(/s$/u, "")) || words.has(`${word}s`)) marked.fill(1, index, index + word.length);
  }
  for (const pair of pairs) {
    for (let at = low.indexOf(pair); at >= 0; at = low.indexOf(pair, at + 1)) marked.fill(1, at, at + pair.length);
  }
  const nodes = [];
  for (let start = 0; start < text.length; ) {
    let end = start;
    while (end < text.length && marked[end] === marked[start]) end += 1;
    nodes.push(marked[start] ? h("mark", {}, text.slice(start, end)) : text.slice(start, end));
    start = end;
  }
  return nodes;
}

const bigrams = (term) => [...term].slice(1).map((_, index) => term.slice(index, index + 2));

export function hitList(hits, question, { label, explained = false } = {}) {
  const items = hits.map(hitItem);
  return h(
    "ol",
    { class: "hits", "aria-label": label ?? t("hits") },
    hits.map((hit, index) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "hit", dataset: { chunk: hit.chunk_id }, onclick: (event) => showPanel(items, index, event.currentTarget) },
          h("span", { class: "source-head" }, h("span", { class: "source-number" }, items[index].label), place(hit.filename, hit.page), tags(hit)),
          hit.headings?.length ? h("span", { class: "hit-path" }, hit.headings.join(" › ")) : null,
          h("span", { class: "hit-text" }, markTerms(hit.text, question)),
          explained && hit.stages?.length ? h("span", { class: "hit-stages" }, hit.stages.map(why)) : null,
        ),
      ),
    ),
  );
}

/** Where one stage of retrieval put this hit. */
function why({ stage, rank }) {
  return h("span", {}, t("stage.rank", { stage: has(`retrieval.${stage}`) ? t(`retrieval.${stage}`) : stage, rank }));
}

function tags(hit) {
  return [
    hit.kind === "table" ? h("span", { class: "tag" }, t("kind.table")) : null,
    hit.source === "ocr" ? h("span", { class: "tag" }, hit.ocr_confidence ? `${t("source.ocr")} ${percent(hit.ocr_confidence)}` : t("source.ocr")) : null,
  ];
}
