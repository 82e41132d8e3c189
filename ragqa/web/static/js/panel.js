// The side panel: the page a quote stands on, with the quote marked. A sheet from below on a phone.

import { load, pageImage } from "./api.js";
import { announce, fill, h, icon, iconButton, isNarrow } from "./dom.js";
import { collections } from "./collections.js";
import { fetchDocument } from "./documents.js";
import { emit, on } from "./events.js";
import { t } from "./i18n.js";
import { problemBox } from "./problems.js";
import { address } from "./routes.js";

const ZOOMS = [1, 1.5, 2, 3];
const panel = { node: null, items: [], index: 0, page: 1, pages: null, zoom: 0, opener: null, loading: null };

export const panelIsOpen = () => panel.items.length > 0;

/** The panel's place in the page; empty until something is shown. */
export function panelPlace() {
  panel.node = h("aside", { class: "panel", hidden: true, tabindex: "-1", role: "dialog", "aria-label": t("panel") });
  panel.node.addEventListener("keydown", onKey);
  if (panelIsOpen()) draw();
  return panel.node;
}

/** Show `items[index]`; the arrow keys go through the others. */
export function showPanel(items, index, opener = null) {
  Object.assign(panel, { items, opener: opener ?? panel.opener, zoom: isNarrow() ? 1 : panel.zoom });
  choose(index);
  panel.node.focus({ preventScroll: true });
  emit("panel");
}

export function closePanel() {
  if (!panelIsOpen()) return;
  panel.loading?.abort();
  panel.items = [];
  panel.node.hidden = true;
  fill(panel.node);
  emit("panel");
  if (panel.opener?.isConnected) panel.opener.focus({ preventScroll: true });
  panel.opener = null;
}

function choose(index) {
  panel.index = (index + panel.items.length) % panel.items.length;
  panel.page = panel.items[panel.index].page;
  panel.pages = null;
  draw();
  const { label, filename, page } = panel.items[panel.index];
  announce(t("citation.label", { n: label.replace(/\D/g, ""), name: filename, page }));
}

function turn(page) {
  if (page < 1 || (panel.pages && page > panel.pages) || page === panel.page) return;
  panel.page = page;
  draw();
}

/** To the neighbouring quote; where there is only one, to the neighbouring page. */
function step(by) {
  if (panel.items.length > 1) choose(panel.index + by);
  else turn(panel.page + by);
}

function onKey(event) {
  const keys = {
    Escape: closePanel,
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    PageDown: () => turn(panel.page + 1),
    PageUp: () => turn(panel.page - 1),
    "+": () => zoom(1),
    "-": () => zoom(-1),
  };
  const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function zoom(step) {
  panel.zoom = Math.min(ZOOMS.length - 1, Math.max(0, panel.zoom + step));
  draw();
}

function stepper(text, label, back, forward, { first, last, names }) {
  return h(
    "div",
    { class: "stepper", role: "group", "aria-label": label },
    iconButton("left", names[0], back, { disabled: first, dataset: { step: `${names[0]}` } }),
    h("span", {}, text),
    iconButton("right", names[1], forward, { disabled: last, dataset: { step: `${names[1]}` } }),
  );
}

function draw() {
  const item = panel.items[panel.index];
  const { node } = panel;
  const held = node.contains(document.activeElement) ? document.activeElement.title : null;
  node.hidden = false;
  node.setAttribute("aria-label", `${t("panel")}: ${item.filename}`);
  const view = h("div", { class: "page-view", tabindex: "0", role: "region", "aria-label": t("page.image") });
  const pageText = h("span", {}, panel.pages ? t("page.of", { n: panel.page, all: panel.pages }) : t("page.n", { n: panel.page }));
  const many = panel.items.length > 1;
  fill(
    node,
    h(
      "header",
      { class: "panel-head" },
      h("div", { class: "panel-title" }, h("span", { class: "source-number" }, item.label.replace(/[[\]]/g, "")), h("h2", { title: item.filename }, h("bdi", {}, item.filename))),
      h("a", { class: "icon-button", href: address({ collection: collections.current, view: "document", id: item.documentId, page: panel.page }), "aria-label": t("document.open"), title: t("document.open"), onclick: closePanel }, icon("open")),
      iconButton("close", t("close"), closePanel),
    ),
    h("blockquote", { class: "panel-quote", tabindex: "0" }, item.cell ? h("span", { class: "source-cell" }, h("span", {}, [item.cell.row, item.cell.column].filter(Boolean).join(" · ")), h("b", {}, item.cell.text)) : item.quote),
    h(
      "div",
      { class: "panel-tools" },
      many
        ? stepper(t("n.of", { n: panel.index + 1, all: panel.items.length }), t("sources"), () => choose(panel.index - 1), () => choose(panel.index + 1), { names: [t("source.previous"), t("source.next")] })
        : null,
      stepper(pageText, t("pages"), () => turn(panel.page - 1), () => turn(panel.page + 1), { first: panel.page <= 1, last: panel.pages !== null && panel.page >= panel.pages, names: [t("page.previous"), t("page.next")] }),
      h("div", { class: "stepper" }, iconButton("minus", t("zoom.out"), () => zoom(-1), { disabled: panel.zoom === 0 }), iconButton("add", t("zoom.in"), () => zoom(1), { disabled: panel.zoom === ZOOMS.length - 1 })),
    ),
    view,
  );
  if (held) [...node.querySelectorAll("button")].find((one) => one.title === held && !one.disabled)?.focus({ preventScroll: true });
  if (!node.contains(document.activeElement) && held !== null) node.focus({ preventScroll: true });
  picture(view, item);
  countPages(item, pageText);
}

async function countPages(item, place) {
  const known = await fetchDocument(item.documentId).catch(() => null);
  if (!known || panel.items[panel.index] !== item) return;
  const fresh = panel.pages === null;
  panel.pages = known.pages;
  place.textContent = t("page.of", { n: panel.page, all: panel.pages });
  if (fresh && panel.page >= panel.pages) panel.node.querySelectorAll(".stepper button").forEach((one) => one.title === t("page.next") && (one.disabled = true));
}

async function picture(view, item) {
  panel.loading?.abort();
  const controller = new AbortController();
  panel.loading = controller;
  const here = item.boxes.filter((box) => box.page === panel.page);
  const alt = t(here.length ? "page.altMarked" : "page.alt", { n: panel.page, name: item.filename });
  const img = h("img", { alt, class: "page-image" });
  const sheet = h("div", { class: "sheet loading", style: { width: `${ZOOMS[panel.zoom] * 100}%` } }, img);
  fill(view, sheet);
  const dpi = panel.zoom > 0 && !isNarrow() ? 160 : 110;
  try {
    await load(img, pageImage(item.documentId, panel.page, { dpi, ...item.marks }), controller.signal);
    if (controller.signal.aborted) return;
    sheet.classList.remove("loading");
    const cells = (item.cell?.boxes ?? []).filter((box) => box.page === panel.page);
    bring(view, img, cells.length ? cells : here, dpi);
    sheet.append(...cells.map(({ bbox }) => cellBox(bbox, img, dpi)));
  } catch (problem) {
    if (controller.signal.aborted || problem.name === "AbortError") return;
    fill(view, problemBox(problem, h("button", { type: "button", class: "button", onclick: () => picture(view, item) }, t("retry"))));
  }
}

/** A frame around a cell; in shares of the image, as the sheet may change its width. */
function cellBox([x0, top, x1, bottom], img, dpi) {
  const [wide, high] = [(img.naturalWidth * 72) / dpi, (img.naturalHeight * 72) / dpi]; // the page in points
  const gap = 2;
  const share = (value, of) => `${(100 * value) / of}%`;
  return h("div", { class: "cell-box", style: { left: share(x0 - gap, wide), top: share(top - gap, high), width: share(x1 - x0 + 2 * gap, wide), height: share(bottom - top + 2 * gap, high) } });
}

/** Scroll the marked place into the middle, and let it shine for a moment. */
function bring(view, img, boxes, dpi) {
  if (!boxes.length) return;
  const scale = (dpi / 72) * (img.clientWidth / img.naturalWidth); // screen pixels of a point
  const left = Math.min(...boxes.map(({ bbox }) => bbox[0])) * scale;
  const top = Math.min(...boxes.map(({ bbox }) => bbox[1])) * scale;
  const right = Math.max(...boxes.map(({ bbox }) => bbox[2])) * scale;
  const bottom = Math.max(...boxes.map(({ bbox }) => bbox[3])) * scale;
  view.scrollTop = Math.max(0, Math.min(top - 24, (top + bottom - view.clientHeight) / 2));
  view.scrollLeft = Math.max(0, Math.min(left - 16, (left + right - view.clientWidth) / 2));
  const glow = h("div", { class: "glow", style: { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` } });
  img.parentElement.append(glow);
  setTimeout(() => glow.remove(), 1600);
}

on("collection", closePanel);
on("route", closePanel);
