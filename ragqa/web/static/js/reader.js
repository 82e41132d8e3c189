// A document, page by page: the image with the recognised blocks over it, the text beside it.

import { call, load, pageImage } from "./api.js";
import { button, fill, h, icon, iconButton } from "./dom.js";
import { fetchDocument, path } from "./documents.js";
import { has, percent, t } from "./i18n.js";
import { problemBox } from "./problems.js";
import { address, go } from "./routes.js";

let overlaid = true;

function tableOf(block) {
  return h("table", {}, h("tbody", {}, block.rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))));
}

function blockNode(block, index, light) {
  const content = block.rows?.length ? h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": t("kind.table") }, tableOf(block)) : h("p", {}, block.text);
  return h(
    "div",
    { class: `block ${block.kind}`, dataset: { block: index }, onmouseenter: () => light(index, true), onmouseleave: () => light(index, false) },
    h("span", { class: "block-kind" }, t(`kind.${block.kind}`)),
    content,
  );
}

function overlay(page, light) {
  return page.blocks.map((block, index) => {
    const [x0, top, x1, bottom] = block.bbox;
    const style = { left: `${(100 * x0) / page.width}%`, top: `${(100 * top) / page.height}%`, width: `${(100 * (x1 - x0)) / page.width}%`, height: `${(100 * (bottom - top)) / page.height}%` };
    return h("div", { class: `block-box ${block.kind}`, style, dataset: { block: index }, title: t(`kind.${block.kind}`), onmouseenter: () => light(index, true), onmouseleave: () => light(index, false) });
  });
}

function origin(page) {
  const read = t(`source.${page.source}.page`);
  return page.source === "ocr" && page.ocr_confidence !== null ? `${read} · ${t("ocr.confidence", { share: percent(page.ocr_confidence) })}` : read;
}

function warningsOf(document, number) {
  return document.warnings
    .filter((warning) => warning.page === number)
    .map(({ code, message }) => h("p", { class: "page-warning" }, icon("alert"), h("span", {}, has(`warning.${code}`) ? t(`warning.${code}`) : message)));
}

/** Pages something was noted about, those first that may be read wrongly. */
function flagged(document, place) {
  const pages = [...new Set(document.warnings.map((warning) => warning.page).filter(Boolean))].sort((a, b) => a - b);
  if (!pages.length) return null;
  return h(
    "nav",
    { class: "flagged", "aria-label": t("warnings.pages") },
    h("span", { class: "quiet" }, t("warnings.pages")),
    pages.slice(0, 40).map((page) => h("a", { class: "chip", href: address({ ...place, page }), "aria-current": page === place.page ? "page" : null }, String(page))),
  );
}

export function readerView(place) {
  const head = h("header", { class: "reader-head" });
  const image = h("div", { class: "reader-image", tabindex: "0", role: "region", "aria-label": t("page.image") });
  const text = h("div", { class: "reader-text", tabindex: "0", role: "region", "aria-label": t("page.text") });
  const controller = new AbortController();
  const node = h("section", { class: "view reader", "aria-label": t("document") }, head, h("div", { class: "reader-body" }, image, text));
  const turn = (page) => go({ ...place, page }, { replace: true });

  const light = (index, on) => node.querySelectorAll(`[data-block="${index}"]`).forEach((one) => one.classList.toggle("lit", on));

  function drawHead(document) {
    const last = document.pages || 1;
    const input = h("input", { type: "number", min: 1, max: last, value: place.page, "aria-label": t("page.goto"), onchange: () => turn(Math.min(last, Math.max(1, Number(input.value) || 1))) });
    const toggle = button(t("blocks.show"), () => {
      overlaid = !overlaid;
      toggle.setAttribute("aria-pressed", String(overlaid));
      image.classList.toggle("bare", !overlaid);
    }, { icon: "blocks", class: "link", "aria-pressed": String(overlaid) });
    const original = h("a", { class: "link", href: `${path(document.id)}/file`, download: "" }, icon("open"), h("span", {}, t("document.original")));
    fill(
      head,
      h("div", { class: "reader-title" }, h("a", { class: "icon-button", href: address({ collection: place.collection }), "aria-label": t("back"), title: t("back") }, icon("back")), h("h1", { title: document.filename }, h("bdi", {}, document.filename))),
      h(
        "div",
        { class: "reader-tools" },
        h("div", { class: "stepper" }, iconButton("left", t("page.previous"), () => turn(place.page - 1), { disabled: place.page <= 1 }), input, h("span", {}, `/ ${last}`), iconButton("right", t("page.next"), () => turn(place.page + 1), { disabled: place.page >= last })),
        toggle,
        original,
      ),
      flagged(document, place),
    );
  }

  async function drawPage(document) {
    fill(image, h("div", { class: "sheet loading" }));
    fill(text, h("p", { class: "quiet" }, t("loading")));
    const page = await call("GET", `${path(place.id)}/pages/${place.page}`, { signal: controller.signal });
    fill(
      text,
      h("p", { class: "page-origin" }, origin(page)),
      warningsOf(document, place.page),
      page.blocks.length ? page.blocks.map((block, index) => blockNode(block, index, light)) : page.text ? h("div", { class: "block text" }, h("p", {}, page.text)) : h("p", { class: "quiet" }, t("page.empty")),
    );
    const img = h("img", { class: "page-image", alt: t("page.alt", { n: place.page, name: document.filename }) });
    const sheet = h("div", { class: "sheet loading", style: { aspectRatio: `${page.width} / ${page.height}` } }, img);
    image.classList.toggle("bare", !overlaid);
    fill(image, sheet);
    await load(img, pageImage(place.id, place.page), controller.signal);
    sheet.classList.remove("loading");
    sheet.append(...overlay(page, light));
  }

  async function draw() {
    try {
      const document = await fetchDocument(place.id);
      if (controller.signal.aborted) return;
      drawHead(document);
      await drawPage(document);
    } catch (problem) {
      if (controller.signal.aborted || problem.name === "AbortError") return;
      fill(text);
      fill(image, problemBox(problem, button(t("retry"), draw, { icon: "retry" }), h("a", { class: "link", href: address({ collection: place.collection }) }, t("back"))));
    }
  }

  node.addEventListener("keydown", (event) => {
    const step = { PageDown: 1, PageUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.tagName === "INPUT") return;
    const next = node.querySelectorAll(".stepper .icon-button")[step > 0 ? 1 : 0];
    if (!next || next.disabled) return;
    event.preventDefault();
    turn(place.page + step);
  });

  draw();
  return { node, focus: () => image.focus({ preventScroll: true }), end: () => controller.abort() };
}
