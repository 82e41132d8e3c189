// An answer's text as nodes: paragraphs, lists, bold, code, citation markers, doubtful sentences.

import { h } from "./dom.js";

const INLINE = /\[(\d{1,3})\]|\*\*([^*\n]+)\*\*|`([^`\n]+)`/g;
const BULLET = /^\s*(?:[-*•]|\d{1,2}[.)、])\s+/;

/** Drop white space and markers; remember where each kept character stood. */
function bare(text) {
  const kept = [];
  const places = [];
  const skip = [...text.matchAll(/\[\d{1,3}\]|\s+/g)].map((match) => [match.index, match.index + match[0].length]);
  let next = 0;
  for (let place = 0; place < text.length; place += 1) {
    while (next < skip.length && place >= skip[next][1]) next += 1;
    if (next < skip.length && place >= skip[next][0]) continue;
    kept.push(text[place]);
    places.push(place);
  }
  return { text: kept.join(""), places };
}

/**
 * Find each sentence in the answer's text; returns `[{start, end, sentence}]` in order. White space
 * and markers may differ between the two.
 */
export function locate(text, sentences) {
  const whole = bare(text);
  const found = [];
  let from = 0;
  for (const sentence of sentences) {
    const wanted = bare(sentence.text).text;
    const at = wanted ? whole.text.indexOf(wanted, from) : -1;
    if (at < 0) continue;
    from = at + wanted.length;
    let end = whole.places[from - 1] + 1;
    const trailing = /^(?:\s*\[\d{1,3}\])+/.exec(text.slice(end)); // markers after the full stop belong to it
    if (trailing) end += trailing[0].length;
    found.push({ start: whole.places[at], end, sentence });
  }
  return found;
}

function inline(text, marker) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(last, match.index));
    if (match[1]) nodes.push(marker(Number(match[1])));
    else if (match[2]) nodes.push(h("strong", {}, inline(match[2], marker)));
    else nodes.push(h("code", {}, match[3]));
    last = match.index + match[0].length;
  }
  nodes.push(text.slice(last));
  return nodes;
}

/** Render `[start, end)` of the text, wrapping what lies in a doubtful sentence. */
function stretch(text, start, end, doubts, { marker, doubt }) {
  const nodes = [];
  let at = start;
  for (const range of doubts) {
    if (range.end <= at || range.start >= end) continue;
    if (range.start > at) nodes.push(inline(text.slice(at, range.start), marker));
    const stop = Math.min(range.end, end);
    const content = inline(text.slice(Math.max(at, range.start), stop), marker);
    nodes.push(doubt(content, range.sentence, stop === range.end));
    at = stop;
  }
  if (at < end) nodes.push(inline(text.slice(at, end), marker));
  return nodes;
}

/**
 * Nodes for an answer. `marker(n)` makes the node of `[n]`; `doubt(nodes, sentence, last)` wraps a
 * sentence that its sources do not bear out, `last` on its last piece.
 */
export function formatAnswer(text, sentences, { marker, doubt }) {
  const doubts = locate(text, sentences).filter(({ sentence }) => !sentence.supported);
  const blocks = [];
  let list = null;
  let paragraph = null;
  let at = 0;
  for (const line of text.split("\n")) {
    const start = at;
    const end = at + line.length;
    at = end + 1;
    const lead = (BULLET.exec(line) ?? /^#{1,6}\s+/.exec(line))?.[0] ?? "";
    const render = () => stretch(text, start + lead.length, end, doubts, { marker, doubt });
    if (!line.trim()) {
      list = paragraph = null;
    } else if (BULLET.test(line)) {
      const ordered = /\d/.test(lead);
      if (list?.tagName !== (ordered ? "OL" : "UL")) {
        list = ordered ? h("ol", { start: Number.parseInt(lead, 10) }) : h("ul");
        blocks.push(list);
      }
      list.append(h("li", {}, render()));
      paragraph = null;
    } else if (lead) {
      blocks.push(h("p", { class: "heading" }, render()));
      list = paragraph = null;
    } else {
      if (paragraph) paragraph.append("\n", ...render().flat(3));
      else blocks.push((paragraph = h("p", {}, render())));
      list = null;
    }
  }
  return blocks;
}

/** The answer as Markdown with its sources, for pasting elsewhere. */
export function toMarkdown(answer, { page, source }) {
  const lines = [`**${answer.question.replace(/\s+/g, " ")}**`, "", answer.text.trim(), ""];
  if (answer.citations.length) lines.push(`${source}:`, "");
  for (const citation of answer.citations) {
    const quote = citation.quote.replace(/\s+/g, " ").trim();
    lines.push(`- [${citation.marker}] *${citation.filename.replace(/[*_\\]/g, "\\$&")}*, ${page(citation.page)}: “${quote}”`);
  }
  return `${lines.join("\n").trim()}\n`;
}
