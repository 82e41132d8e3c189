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

/** Nodes of `text` with the question's words marked. */
export function markTerms(text, question) {
  const terms = [...new Set((question.toLowerCase().match(/[a-z0-9][a-z0-9.+#-]+|\p{Script=Han}{2,}/gu) ?? []).flatMap((term) => (/\p{Script=Han}/u.test(term) ? bigrams(term) : [term])))];
  if (!terms.length) return [text];
  const low = text.toLowerCase();
  const marked = new Uint8Array(text.length);
  for (const term of terms) {
    for (let at = low.indexOf(term); at >= 0; at = low.indexOf(term, at + 1)) marked.fill(1, at, at + term.length);
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
