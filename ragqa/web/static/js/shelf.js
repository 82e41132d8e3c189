// The list of documents, and the place files are dropped on.

import { may } from "./api.js";
import { announce, button, fill, h, icon, iconButton } from "./dom.js";
import { collections } from "./collections.js";
import { askPairs, detailTags } from "./details.js";
import { showDialog, toast } from "./dialogs.js";
import { documents, loadDocuments, isActive } from "./documents.js";
import { on } from "./events.js";
import { bytes, t, timeLeft } from "./i18n.js";
import { problemBox } from "./problems.js";
import { documentRow, uploadRow } from "./rows.js";
import { READ, cancelAll, chosen, gather, send, uploadPace, uploads } from "./uploads.js";

const rows = new Map(); // id → {node, update}
const WAITING_SHOWN = 20; // of thousands of files in a folder, more rows would only be slow
const STEP = 200;
let sought = "";
let most = STEP;

function add(found) {
  if (!collections.current || !found.length || !may("writer")) return;
  send(found);
  const { skipped } = uploads;
  if (skipped.length) toast(t("upload.skipped", { n: skipped.length, names: skipped.slice(0, 3).join(", ") }), { bad: true });
}

/** A hidden file input; `folder` lets a whole folder be chosen. */
function fileInput(folder) {
  const input = h("input", { type: "file", multiple: true, class: "visually-hidden", tabindex: "-1", "aria-label": t(folder ? "upload.folder" : "upload.files") });
  if (folder) input.webkitdirectory = true;
  else input.accept = READ.join(",");
  input.addEventListener("change", () => {
    add(chosen(input.files));
    input.value = "";
  });
  return input;
}

const givenTags = () => detailTags(Object.fromEntries(uploads.details));

/** Ask what new files are to be given; every place to drop on says so then. */
function askDetails() {
  return askPairs({
    title: t("details.upload"),
    hint: t("details.hint"),
    go: t("details.save"),
    given: uploads.details,
    keep: (pairs) => {
      uploads.details = pairs;
      document.querySelectorAll(".drop-details").forEach((place) => fill(place, givenTags()));
    },
  });
}

/** The place to drop on; a click opens the file chooser. */
export function dropPlace({ large = false } = {}) {
  const files = fileInput(false);
  const folder = fileInput(true);
  const given = h("div", { class: "drop-details" }, givenTags());
  return h(
    "div",
    { class: `drop${large ? " large" : ""}` },
    files,
    folder,
    h("button", { type: "button", class: "drop-main", onclick: () => files.click() }, icon("upload"), h("strong", {}, t("upload.drop")), h("span", {}, t("upload.kinds"))),
    h("div", { class: "drop-more" }, h("button", { type: "button", class: "link", onclick: () => folder.click() }, t("upload.folder")), h("button", { type: "button", class: "link", onclick: askDetails }, t("details.give"))),
    given,
  );
}

/** Files may be dropped anywhere on the page. */
export function acceptDrops() {
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (over) => document.documentElement.classList.toggle("dropping", over);
  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    depth += 1;
    mark(Boolean(collections.current) && may("writer"));
  });
  addEventListener("dragleave", (event) => {
    if (!carries(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) mark(false);
  });
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    mark(false);
    add(await gather(event.dataTransfer));
  });
}

function summary() {
  const all = [...documents.byId.values()];
  const active = all.filter(isActive).length + uploads.jobs.filter((job) => job.state !== "failed").length;
  const pages = all.reduce((sum, document) => sum + (document.pages ?? 0), 0);
  const count = documents.next ? `${all.length}+` : all.length;
  return [h("span", {}, t("documents.count", { n: count })), pages ? h("span", {}, t("pages.count", { n: pages })) : null, active ? h("span", { class: "active" }, t("documents.active", { n: active })) : null];
}

/** All files on their way together; its parts stay, so that its button can be pressed. */
function sendingBar() {
  const words = h("span", {});
  const bar = h("progress", {});
  const node = h("div", { class: "sending", hidden: true }, words, iconButton("close", t("upload.cancelAll"), cancelAll), bar);
  const update = () => {
    const open = uploads.jobs.filter((job) => job.state !== "failed");
    node.hidden = open.length < 2;
    if (node.hidden) return;
    const label = t("upload.sendingAll", { n: open.length });
    const pace = uploadPace();
    words.textContent = pace ? `${label} · ${bytes(pace.rate)}/s · ${timeLeft(pace.seconds)}` : label;
    bar.setAttribute("aria-label", label);
    bar.max = open.reduce((sum, job) => sum + job.file.size, 0) || 1;
    bar.value = open.reduce((sum, job) => sum + job.sent, 0);
  };
  return { node, update };
}

/** The list, with its own redrawing. */
export function shelf() {
  const head = h("div", { class: "shelf-head" });
  const bar = sendingBar();
  const list = h("ul", { class: "rows", "aria-label": t("documents") });
  const rest = h("p", { class: "quiet" });
  const foot = h("div", { class: "shelf-foot" });
  const find = h("input", { type: "search", class: "shelf-find", placeholder: t("documents.find"), "aria-label": t("documents.find"), value: sought });
  find.addEventListener("input", () => {
    sought = find.value;
    draw();
  });
  rows.clear();

  const row = (id, make) => {
    if (!rows.has(id)) rows.set(id, make());
    rows.get(id).update();
    return rows.get(id).node;
  };

  function draw() {
    const match = (name) => name.toLowerCase().includes(sought.trim().toLowerCase());
    const jobs = uploads.jobs.filter((job) => job.collection === collections.current && match(job.name));
    const all = [...documents.byId.values()].filter((document) => match(document.filename));
    all.sort((a, b) => isActive(b) - isActive(a) || (a.created_at < b.created_at ? 1 : -1));
    fill(head, summary());
    bar.update();
    const waiting = jobs.filter((job) => job.state === "waiting");
    const hidden = new Set(waiting.slice(WAITING_SHOWN));
    const listed = jobs.filter((job) => !hidden.has(job));
    const shown = all.slice(0, most);
    const nodes = [...listed.map((job) => row(job.id, () => uploadRow(job))), ...shown.map((document) => row(document.id, () => documentRow(document.id)))];
    const ids = new Set([...listed.map((job) => job.id), ...shown.map((document) => document.id)]);
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    // Nodes that stay are not touched, so a focused button keeps the focus.
    if (nodes.length !== list.children.length || nodes.some((node, index) => node !== list.children[index])) list.replaceChildren(...nodes);
    find.hidden = documents.byId.size < 9 && !sought;
    fill(rest, hidden.size ? t("upload.more", { n: hidden.size }) : null);
    const further = () => {
      most += STEP;
      if (all.length <= most && documents.next) return loadDocuments({ more: true });
      return draw();
    };
    const more = documents.next || all.length > most ? h("button", { type: "button", class: "link", onclick: further }, t("documents.more")) : null;
    if (documents.problem && !documents.byId.size) fill(foot, problemBox(documents.problem));
    else if (!documents.loaded) fill(foot, h("p", { class: "quiet" }, t("loading")));
    else if (!nodes.length) fill(foot, h("p", { class: "quiet" }, sought ? t("documents.noMatch") : t("documents.empty")));
    else fill(foot, more);
  }

  draw();
  const offs = [
    on("documents", draw),
    on("uploads", draw),
    on("upload", (id) => {
      rows.get(id)?.update();
      bar.update();
    }),
    on("document", (id) => {
      rows.get(id)?.update();
      fill(head, summary());
    }),
  ];
  const node = h("section", { class: "shelf", "aria-label": t("documents") }, head, find, bar.node, rest, list, foot);
  return { node, end: () => offs.forEach((off) => off()) };
}

on("settled", (id) => {
  const document = documents.byId.get(id);
  if (document?.status === "ready") announce(t("announce.ready", { name: document.filename }));
  if (document?.status === "failed") announce(t("announce.failed", { name: document.filename }));
});
