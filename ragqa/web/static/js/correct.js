// Misread lines put right: the line as the page shows it, what was read, and what it says.

import { call, may, pageImage } from "./api.js";
import { attempt, showDialog } from "./dialogs.js";
import { documents, path, take, watchActive } from "./documents.js";
import { button, fill, h, icon, iconButton } from "./dom.js";
import { emit } from "./events.js";
import { day, percent, t } from "./i18n.js";
import { explain } from "./problems.js";
import { address } from "./routes.js";

const LONGEST = 2000; // what the service takes

const says = (line) => line.correction?.text ?? line.text;
const area = ([x0, top, x1, bottom]) => (x1 - x0) * (bottom - top);

/** Which block each line belongs to, -1: none (nothing of it is in the page's text). */
function owners(blocks, lines) {
  return lines.map(({ bbox }) => {
    const [x, y] = [(bbox[0] + bbox[2]) / 2, (bbox[1] + bbox[3]) / 2];
    const around = blocks.map((block, index) => ({ index, bbox: block.bbox })).filter(({ bbox: [x0, top, x1, bottom] }) => x0 <= x && x <= x1 && top <= y && y <= bottom);
    return around.sort((a, b) => area(a.bbox) - area(b.bbox))[0]?.index ?? -1;
  });
}

/** The line cut out of the page's image, a little air around it. */
function cutOut(place, page, [left, up, right, down]) {
  const air = 3;
  const [x0, top, x1, bottom] = [Math.max(0, left - air), Math.max(0, up - air), Math.min(page.width, right + air), Math.min(page.height, down + air)];
  const [wide, high] = [x1 - x0, bottom - top];
  const img = h("img", { src: pageImage(place.id, place.page, { dpi: 160 }), alt: "", style: { width: `${(100 * page.width) / wide}%`, marginLeft: `${(-100 * x0) / wide}%`, marginTop: `${(-100 * top) / wide}%` } });
  return h("div", { class: "cut-out", "aria-hidden": "true", style: { aspectRatio: `${wide} / ${high}`, maxWidth: `${Math.round(wide * 2)}px`, maxHeight: `${Math.round(high * 2)}px` } }, img);
}

const bear = (document) => {
  take(document);
  emit(documents.byId.has(document.id) ? "document" : "documents", document.id);
  watchActive();
};

async function undo(id, { page, line }) {
  return attempt(async () => bear((await call("DELETE", `${path(id)}/pages/${page}/corrections?line=${line}`)).document));
}

/** What a line was read as, who says what it is, and the way back. */
function noteOf(id, page, line, number) {
  const { text, correction } = line;
  return h(
    "p",
    { class: "was", title: `${correction.corrected_by} · ${day(correction.corrected_at)}` },
    h("span", {}, t(correction.text ? "correct.was" : "correct.wasNothing", { read: text, text: correction.text })),
    may("writer") ? button(t("correct.undo"), () => undo(id, { page, line: number }), { class: "link", "aria-label": t("correct.undo.named", { text: correction.text || text }) }) : null,
  );
}

/** All corrections of a document, page by page. */
function showList(place, corrections) {
  return showDialog(t("correct.list"), (close) =>
    h(
      "ul",
      { class: "corrections" },
      corrections.map((one) => {
        const node = h(
          "li",
          {},
          h("a", { href: address({ ...place, page: one.page }), onclick: () => close() }, t("page.n", { n: one.page })),
          h("p", { class: "read-as" }, h("del", {}, one.read_as), " ", h("ins", {}, one.text || t("correct.nothing"))),
          h("p", { class: "small-print" }, `${one.corrected_by} · ${day(one.corrected_at)}`),
          may("writer") ? button(t("correct.undo"), async () => (await undo(place.id, one)) && node.remove(), { class: "link", "aria-label": t("correct.undo.named", { text: one.text || one.read_as }) }) : null,
        );
        return node;
      }),
    ),
  );
}

/** A button that shows the document's corrections; nothing while there are none. */
export async function correctionsButton(place, signal) {
  const { corrections } = await call("GET", `${path(place.id)}/corrections`, { signal });
  return corrections.length ? button(t("correct.count", { n: corrections.length }), () => showList(place, corrections), { class: "link", icon: "pen" }) : null;
}

/**
 * What makes the blocks of a page correctable. `spot(bbox)` marks a place on the image, null: none.
 */
export function correcting(place, page, lines, spot) {
  const owner = owners(page.blocks, lines);
  const nodes = new Map();

  /** Give a block's node its pen, and notes of what was read where it says something else now. */
  function dress(node, index) {
    nodes.set(index, node);
    const mine = lines.map((line, number) => ({ line, number })).filter(({ number }) => owner[number] === index);
    if (may("writer") && mine.length) node.append(iconButton("pen", t("correct.block"), () => edit(index), { class: "pen" }));
    node.append(...mine.filter(({ line }) => line.correction).map(({ line, number }) => noteOf(place.id, place.page, line, number)));
    return node;
  }

  /** Notes of lines that are no text any more, so that no block shows them. */
  const leftOver = () => lines.map((line, number) => (line.correction && owner[number] === -1 ? noteOf(place.id, place.page, line, number) : null));

  /** Open the editor of a line's block, at that line. */
  function editLine(number) {
    if (may("writer") && owner[number] >= 0) edit(owner[number], number);
  }

  function edit(index, first = null) {
    const node = nodes.get(index);
    if (node.querySelector("form")) return node.querySelector(`[data-line="${first}"]`)?.focus();
    const before = [...node.childNodes];
    const inputs = [];
    const rows = lines.flatMap((line, number) => {
      if (owner[number] !== index) return [];
      const input = h("input", { type: "text", value: says(line), maxlength: LONGEST, autocomplete: "off", spellcheck: "false", dataset: { line: number }, "aria-label": t("correct.line", { text: line.text }), onfocus: () => spot(line.bbox) });
      inputs.push({ input, line, number });
      const sure = line.confidence === null ? null : t("ocr.confidence", { share: percent(line.confidence) });
      const was = h("p", { class: "small-print" });
      const tell = () => (was.textContent = [input.value.trim() === line.text ? null : t("correct.read", { text: line.text }), sure].filter(Boolean).join(" · "));
      input.addEventListener("input", tell);
      tell();
      return [h("li", {}, cutOut(place, page, line.bbox), input, was)];
    });
    const wrong = h("p", { class: "field-problem", role: "alert" });
    const save = button(t("correct.save"), null, { class: "button primary", type: "submit" });
    const close = () => {
      spot(null);
      fill(node, before);
      node.querySelector(".pen")?.focus({ preventScroll: true });
    };
    const onsubmit = async (event) => {
      event.preventDefault();
      const changed = inputs.filter(({ input, line }) => input.value.trim() !== says(line));
      if (!changed.length) return close();
      save.disabled = true;
      try {
        const json = { lines: changed.map(({ input, line, number }) => ({ line: number, before: says(line), text: input.value })) };
        const { document } = await call("PUT", `${path(place.id)}/pages/${place.page}/corrections`, { json });
        spot(null);
        fill(node, h("p", { class: "status", role: "status" }, h("span", { class: "spinner" }), h("span", {}, t("correct.going"))), changed.map(({ input }) => h("p", {}, input.value)));
        bear(document);
      } catch (problem) {
        const { sentence, detail } = explain(problem);
        wrong.textContent = detail && detail !== sentence ? `${sentence} ${detail}` : sentence;
        save.disabled = false;
      }
      return undefined;
    };
    const form = h("form", { class: "correct", "aria-label": t("correct.block"), onsubmit }, h("ul", {}, rows), h("p", { class: "hint" }, t("correct.hint")), wrong, h("div", { class: "actions" }, save, button(t("cancel"), close)));
    form.addEventListener("keydown", (event) => {
      event.stopPropagation(); // arrows move in the text, not from page to page
      if (event.key === "Escape") close();
    });
    fill(node, form);
    const start = inputs.find(({ number }) => number === first) ?? inputs[0];
    start.input.focus({ preventScroll: true });
    form.scrollIntoView({ block: "nearest" });
    return undefined;
  }

  return { dress, leftOver, edit, editLine };
}

/** Said while a document with a new correction is made anew. */
export const underWay = () => h("p", { class: "page-why status" }, h("span", { class: "spinner" }), h("span", {}, t("correct.going")));

/** Said when that failed. */
export const failed = (error) => h("p", { class: "page-warning", role: "alert" }, icon("alert"), h("span", {}, t("correct.failed"), " ", explain(error).sentence));
