// The page: header, documents at the side, the view in the middle, the page panel at the other side.

import { learnWho, may, signIn, signOut, whenKeyIsNeeded, who } from "./api.js";
import { collections, loadCollections, open, preferred } from "./collections.js";
import { banner, checkAtStart } from "./connection.js";
import { resume } from "./conversations.js";
import { attempt, prompt } from "./dialogs.js";
import { button, fill, h, icon, iconButton, isNarrow, keepingFocus } from "./dom.js";
import { isActive, documents } from "./documents.js";
import { emit, on } from "./events.js";
import { onlyDocument } from "./filters.js";
import { language, speak, t } from "./i18n.js";
import { askView } from "./ask.js";
import { closePanel, panelIsOpen, panelPlace } from "./panel.js";
import { manageView } from "./manage.js";
import { firstCollection, picker } from "./picker.js";
import { problemBox } from "./problems.js";
import { readerView } from "./reader.js";
import { address, go, where } from "./routes.js";
import { searchView } from "./search.js";
import { acceptDrops, dropPlace, shelf } from "./shelf.js";
import { choices } from "./storage.js";

const root = document.getElementById("page");
const THEMES = { auto: "screen", light: "sun", dark: "moon" };
let view = null;
let side = null;
let lost = null;
let counted = 0; // documents being read, as the header says

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function chooseTheme() {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(theme()) + 1) % names.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  choices.set("theme", next === "auto" ? null : next);
  drawHeader();
}

async function askForKey() {
  const given = await prompt({
    title: t("key.title"),
    label: t("key.label"),
    hint: t("key.hint"),
    go: t("key.go"),
    type: "password",
    maxlength: 400,
    act: enter,
  });
  return Boolean(given);
}

async function enter(value) {
  try {
    await signIn(value);
  } catch (problem) {
    throw problem.status === 401 ? { code: "key_refused", message: problem.message } : problem;
  }
}

async function leave() {
  if (await attempt(signOut)) location.reload();
}

function tab(place, name, iconName, label, count) {
  const here = where();
  const current = here.view === name || (name === "documents" && here.view === "document");
  return h(
    "a",
    { class: `tab tab-${name}`, href: address({ collection: place, view: name }), "aria-current": current ? "page" : null },
    icon(iconName),
    h("span", {}, label),
    count ? h("span", { class: "tab-count" }, String(count)) : null,
  );
}

const header = h("header", { class: "top" });

const countActive = () => [...documents.byId.values()].filter(isActive).length;

/** Draw the header again only if it would differ: what is drawn again cannot be clicked meanwhile. */
function recount() {
  if (countActive() !== counted) drawHeader();
}

function drawHeader() {
  keepingFocus(header, fillHeader);
}

function fillHeader() {
  const place = collections.current;
  const active = (counted = countActive());
  fill(
    header,
    h("a", { class: "brand", href: place ? address({ collection: place }) : "#/", "aria-label": "ragqa" }, h("span", { class: "brand-mark", "aria-hidden": "true" }), h("span", {}, "ragqa")),
    place ? h("nav", { class: "tabs", "aria-label": t("views") }, tab(place, "ask", "ask", t("ask")), tab(place, "search", "search", t("search")), tab(place, "documents", "folder", t("documents"), active)) : null,
    h(
      "div",
      { class: "top-tools" },
      place && may("writer") ? h("a", { class: "icon-button", href: address({ collection: place, view: "manage" }), "aria-label": t("manage"), title: t("manage"), "aria-current": where().view === "manage" ? "page" : null }, icon("gear")) : null,
      who.is && !who.is.open ? iconButton("key", t("key.change", { name: who.is.name }), leave) : null,
      h("button", { type: "button", class: "icon-button words", lang: language() === "zh" ? "en" : "zh-CN", onclick: () => speak(language() === "zh" ? "en" : "zh"), "aria-label": language() === "zh" ? "Switch to English" : "切换到中文", title: language() === "zh" ? "English" : "中文" }, language() === "zh" ? "EN" : "中"),
      iconButton(THEMES[theme()], t(`theme.${theme()}`), chooseTheme),
    ),
  );
}

function drawSide() {
  side?.end();
  side = null;
  const place = root.querySelector(".side");
  if (!place) return;
  side = shelf();
  fill(place, picker(), collections.current ? [may("writer") ? dropPlace() : null, side.node] : null);
}

function makeView() {
  const here = where();
  if (here.view === "document") return readerView(here);
  if (here.view === "manage") return manageView(here);
  if (here.view === "search") return searchView();
  if (here.view === "documents") return { node: h("section", { class: "view documents-view", "aria-label": t("documents") }), focus: () => {}, end: () => {} };
  return askView();
}

function drawView({ focus = false } = {}) {
  view?.end();
  view = null;
  const main = root.querySelector("main");
  const here = where();
  root.dataset.view = collections.current || here.view === "document" ? here.view : "none";
  if (collections.problem && !collections.list) {
    fill(main, h("div", { class: "empty" }, problemBox(collections.problem, button(t("retry"), start, { icon: "retry" }))));
  } else if (!collections.list) {
    fill(main, h("div", { class: "empty" }, h("p", { class: "quiet" }, t("loading"))));
  } else if (!collections.current) {
    fill(main, firstCollection());
  } else {
    view = makeView();
    fill(main, view.node);
    if (focus && matchMedia("(hover: hover)").matches) view.focus();
  }
  const name = { search: t("search"), documents: t("documents"), document: t("document"), manage: t("manage"), ask: t("ask") }[here.view];
  document.title = collections.current ? `${name} · ${collections.current} · ragqa` : "ragqa";
}

function drawAll() {
  lost?.end();
  lost = banner();
  drawHeader();
  fill(
    root,
    h("a", { class: "skip", href: "#main", onclick: skip }, t("skip")),
    header,
    lost.node,
    h("div", { class: "body" }, h("aside", { class: "side", "aria-label": t("documents") }), h("main", { id: "main", tabindex: "-1" }), panelPlace()),
    h("div", { class: "drop-veil", "aria-hidden": "true" }, icon("upload"), h("span", {}, t("upload.release"))),
  );
  drawSide();
  drawView();
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

/** Follow the address: open its collection, show its view. */
function follow({ focus = true } = {}) {
  const names = (collections.list ?? []).map((one) => one.name);
  const wanted = where().collection;
  if (collections.list && !names.includes(wanted)) {
    const next = preferred();
    if (next) return go({ collection: next }, { replace: true });
    open(null);
  } else if (collections.list && wanted !== collections.current) {
    open(wanted);
    resume();
  }
  drawHeader();
  drawView({ focus });
  return undefined;
}

async function start() {
  await loadCollections();
  if (who.is === null) learnWho().catch(() => {}); // the page does without
  follow({ focus: true });
}

on("route", () => follow());
on("language", drawAll);
on("who", () => {
  drawHeader();
  drawSide(); // what one may not do is not offered
});
on("collection", drawSide);
on("document", recount);
on("documents", recount);
on("back", () => collections.list === null && start());
on("panel", () => {
  // A sheet that covers the page keeps the keyboard to itself.
  for (const one of root.querySelectorAll(".top, .side, main")) one.inert = panelIsOpen() && isNarrow();
});
on("ask-only", (document) => {
  onlyDocument(document);
  if (where().view !== "ask") go({ collection: collections.current });
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) closePanel();
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key === "/" && !typing && view) {
    event.preventDefault();
    view.focus();
  }
});

whenKeyIsNeeded(askForKey);
acceptDrops();
drawAll();
checkAtStart();
start().then(() => emit("started"));
