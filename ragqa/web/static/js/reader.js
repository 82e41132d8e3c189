// A document, page by page: the image with what was recognised over it, the text beside it.

import { call, load, may, pageImage } from "./api.js";
import { correcting, correctionsButton, failed, underWay } from "./correct.js";
import { changeDetails, detailTags } from "./details.js";
import { button, fill, h, icon, iconButton } from "./dom.js";
import { fetchDocument, isActive, path } from "./documents.js";
import { on } from "./events.js";
import { has, percent, t } from "./i18n.js";
import { LAYERS, fetchLayers, fetchPages, frame, isDoubtful, overlay, sureness } from "./layers.js";
import { problemBox } from "./problems.js";
import { address, go } from "./routes.js";

const shown = new Set(["blocks"]); // layers over the image, kept from page to page

function tableOf(block) {
  return h("table", {}, h("tbody", {}, block.rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))));
}

function blockNode(block, index, light) {
  const content = block.rows?.length ? h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": t("kind.table") }, tableOf(block)) : h("p", {}, block.text);
  return h(
    "div",
    { class: `block ${block.kind}`, dataset: { key: `block-${index}` }, onmouseenter: () => light(`block-${index}`, true), onmouseleave: () => light(`block-${index}`, false) },
    h("span", { class: "block-kind" }, t(`kind.${block.kind}`)),
    content,
  );
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

/** Why OCR read the page, in words; nothing when it did not. */
function whyRead({ reason, lines }) {
  const read = lines.some((line) => line.confidence !== null);
  if (!reason && !read) return null;
  return h("p", { class: "page-why" }, t("ocr.why"), " ", t(`ocr.why.${reason && has(`ocr.why.${reason}`) ? reason : reason ? "other" : "pictures"}`));
}

/** Pages to look at, those first that may be read wrongly. */
function worst(pages, place) {
  if (!pages.length) return null;
  const chip = ({ number, warnings, ocr_confidence: sure }) => {
    const label = [t("page.n", { n: number }), sure === null ? null : t("ocr.confidence", { share: percent(sure) }), ...warnings.map((code) => (has(`warning.${code}`) ? t(`warning.${code}`) : code))].filter(Boolean).join(" · ");
    return h("a", { class: `chip${warnings.length ? " noted" : ""}`, href: address({ ...place, page: number }), "aria-label": label, title: label, "aria-current": number === place.page ? "page" : null }, h("b", {}, String(number)), sure === null ? null : h("span", { class: `share ${sureness(sure)}` }, percent(sure)));
  };
  return h("nav", { class: "flagged", "aria-label": t("worst.pages") }, h("span", { class: "quiet" }, t("worst.pages")), pages.slice(0, 24).map(chip));
}

export function readerView(place) {
  const head = h("header", { class: "reader-head" });
  const image = h("div", { class: "reader-image", tabindex: "0", role: "region", "aria-label": t("page.image") });
  const text = h("div", { class: "reader-text", tabindex: "0", role: "region", "aria-label": t("page.text") });
  const controller = new AbortController();
  const node = h("section", { class: "view reader", "aria-label": t("document") }, head, h("div", { class: "reader-body" }, image, text));
  const turn = (page) => go({ ...place, page }, { replace: true });

  const doubted = h("div", {});
  const corrected = h("span", {});
  const details = h("span", { class: "reader-details" });
  const light = (key, on) => node.querySelectorAll(`[data-key="${key}"]`).forEach((one) => one.classList.toggle("lit", on));
  const show = () => LAYERS.forEach((name) => image.classList.toggle(`with-${name}`, shown.has(name)));

  function toggle(name) {
    const one = button(t(`layer.${name}`), () => {
      if (!shown.delete(name)) shown.add(name);
      one.setAttribute("aria-pressed", String(shown.has(name)));
      show();
    }, { class: "toggle", "aria-pressed": String(shown.has(name)), dataset: { layer: name } });
    return one;
  }

  function drawDetails(document) {
    const change = () => changeDetails(document, drawDetails);
    fill(details, detailTags(document.metadata), may("writer") ? button(t("details"), change, { class: "link", icon: "pen" }) : null);
  }

  function drawHead(document, last) {
    const input = h("input", { type: "number", min: 1, max: last, value: place.page, "aria-label": t("page.goto"), onchange: () => turn(Math.min(last, Math.max(1, Number(input.value) || 1))) });
    const original = h("a", { class: "link", href: `${path(document.id)}/file`, download: "" }, icon("open"), h("span", {}, t("document.original")));
    fill(
      head,
      h("div", { class: "reader-title" }, h("a", { class: "icon-button", href: address({ collection: place.collection }), "aria-label": t("back"), title: t("back") }, icon("back")), h("h1", { title: document.filename }, h("bdi", {}, document.filename))),
      h(
        "div",
        { class: "reader-tools" },
        h("div", { class: "stepper" }, iconButton("left", t("page.previous"), () => turn(place.page - 1), { disabled: place.page <= 1 }), input, h("span", {}, `/ ${last}`), iconButton("right", t("page.next"), () => turn(place.page + 1), { disabled: place.page >= last })),
        h("div", { class: "toggles", role: "group", "aria-label": t("layers") }, LAYERS.map(toggle)),
        original,
        corrected,
        details,
      ),
      doubted,
    );
    drawDetails(document);
  }

  async function drawPage(document) {
    fill(image, h("div", { class: "sheet loading" }));
    fill(text, h("p", { class: "quiet" }, t("loading")));
    const { signal } = controller;
    const [page, known] = await Promise.all([call("GET", `${path(place.id)}/pages/${place.page}`, { signal }), fetchLayers(place.id, place.page, signal)]);
    let spotted = null;
    const spot = (bbox) => {
      spotted?.remove();
      spotted = bbox && frame(bbox, page);
      if (!spotted) return;
      image.querySelector(".sheet")?.append(spotted);
      if (image.scrollHeight > image.clientHeight) spotted.scrollIntoView({ block: "nearest" });
    };
    const pens = correcting(place, page, known.lines, spot);
    fill(
      text,
      h("p", { class: "page-origin" }, origin(page)),
      whyRead(known),
      isActive(document) ? underWay() : document.status === "failed" ? failed(document.error) : null,
      warningsOf(document, place.page),
      pens.leftOver(),
      page.blocks.length ? page.blocks.map((block, index) => pens.dress(blockNode(block, index, light), index)) : page.text ? h("div", { class: "block text" }, h("p", {}, page.text)) : h("p", { class: "quiet" }, t("page.empty")),
    );
    const img = h("img", { class: "page-image", alt: t("page.alt", { n: place.page, name: document.filename }) });
    const sheet = h("div", { class: "sheet loading", style: { aspectRatio: `${page.width} / ${page.height}` } }, img);
    show();
    const sure = known.lines.some((line) => line.confidence !== null);
    head.querySelector("[data-layer=lines]").disabled = !sure;
    fill(image, sure ? h("p", { class: "legend" }, t("layer.legend"), ["sure", "fair", "unsure"].map((name) => h("span", { class: `over ${name}` }, t(`ocr.${name}`)))) : null, sheet);
    await load(img, pageImage(place.id, place.page), signal);
    sheet.classList.remove("loading");
    sheet.append(...LAYERS.map((name) => overlay(name, page, known, light)));
    sheet.addEventListener("click", ({ target }) => {
      const [kind, index] = (target.dataset.key ?? "").split("-");
      if (kind === "line") pens.editLine(Number(index));
      else if (kind === "block" && may("writer")) pens.edit(Number(index));
    });
  }

  async function draw() {
    try {
      const document = await fetchDocument(place.id);
      if (controller.signal.aborted) return;
      const all = fetchPages(place.id, controller.signal);
      all.then((pages) => fill(doubted, worst(pages.filter(isDoubtful), place)), () => {}); // a help, not the matter
      correctionsButton(place, controller.signal).then((node) => fill(corrected, node), () => {});
      drawHead(document, document.pages || (await all).length || 1); // a version on its way has none yet
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
  const off = on("settled", (id) => id === place.id && draw()); // a correction is in
  const end = () => {
    off();
    controller.abort();
  };
  return { node, focus: () => image.focus({ preventScroll: true }), end };
}
