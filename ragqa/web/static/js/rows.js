// One row of the list: a file on its way, or a document.

import { may } from "./api.js";
import { button, fill, h, icon, iconButton } from "./dom.js";
import { attempt, confirm, prompt, showDialog } from "./dialogs.js";
import { cancelDocument, deleteDocument, documents, isActive, retryDocument, secondsLeft, unlockDocument } from "./documents.js";
import { emit } from "./events.js";
import { bytes, day, has, number, percent, t, timeLeft } from "./i18n.js";
import { explain } from "./problems.js";
import { address } from "./routes.js";
import { cancelUpload, filePace, retryUpload } from "./uploads.js";

/** A row whose parts are updated in place; actions are rebuilt only when they change. */
function skeleton() {
  const title = h("div", { class: "row-title" });
  const facts = h("div", { class: "row-facts" });
  const bar = h("progress", { class: "row-bar", max: 1, value: 0 });
  const error = h("div", { class: "row-problem" });
  const actions = h("div", { class: "row-actions" });
  const mark = h("span", { class: "row-mark" });
  const node = h("li", { class: "row" }, mark, h("div", { class: "row-body" }, title, facts, bar, error), actions);
  return { node, title, facts, bar, error, actions, mark };
}

function showBar(bar, label, share) {
  bar.hidden = share === null;
  if (share === null) return;
  bar.setAttribute("aria-label", label);
  if (share < 0) bar.removeAttribute("value"); // under way, of unknown length
  else bar.value = share;
}

function showProblem(place, problem) {
  if (!problem) return fill(place);
  const { sentence, detail } = explain(problem);
  return fill(place, h("p", {}, sentence), detail && detail !== sentence ? h("p", { class: "small-print" }, detail) : null);
}

export function uploadRow(job) {
  const parts = skeleton();
  let drawn = null;
  const update = () => {
    const pace = job.sent < job.file.size ? filePace(job) : null;
    fill(parts.facts, h("span", {}, job.state === "sending" && job.sent >= job.file.size ? t("upload.checking") : t(`upload.${job.state}`)), h("span", {}, job.state === "sending" ? `${bytes(job.sent)} / ${bytes(job.file.size)}` : bytes(job.file.size)), pace ? [h("span", {}, `${bytes(pace.rate)}/s`), h("span", {}, timeLeft(pace.seconds))] : null);
    showBar(parts.bar, job.name, job.state === "sending" ? (job.file.size && job.sent < job.file.size ? job.sent / job.file.size : -1) : null);
    if (drawn === job.state) return;
    drawn = job.state;
    parts.node.dataset.state = job.state;
    fill(parts.mark, icon(job.state === "failed" ? "alert" : "upload"));
    fill(parts.title, h("span", { class: "name", title: job.name }, h("bdi", {}, job.name)));
    showProblem(parts.error, job.problem);
    fill(
      parts.actions,
      job.state === "failed" ? iconButton("retry", t("retry.named", { name: job.name }), () => retryUpload(job)) : null,
      iconButton("close", t(job.state === "failed" ? "dismiss.named" : "cancel.named", { name: job.name }), () => cancelUpload(job)),
    );
  };
  return { node: parts.node, update };
}

function stageOf(document) {
  if (document.status === "queued") return t("stage.queued");
  const { stage } = document.progress;
  return has(`stage.${stage}`) ? t(`stage.${stage}`) : stage;
}

function factsOf(document) {
  if (isActive(document)) {
    const { done, total, rate } = document.progress ?? {};
    const left = secondsLeft(document);
    const going = document.status === "processing";
    return [stageOf(document), going && total ? `${number(done)} / ${number(total)}` : null, going && rate ? `${number(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))}/s` : null, left === null ? null : timeLeft(left)];
  }
  if (document.status === "failed") return [t(document.error?.code === "cancelled" ? "status.cancelled" : "status.failed"), bytes(document.bytes)];
  return [t("pages.count", { n: document.pages }), document.ocr_pages ? t("ocr.count", { n: document.ocr_pages }) : null, bytes(document.bytes)];
}

async function remove(document) {
  const sure = await confirm({ title: t("document.delete"), text: t("document.sure", { name: document.filename }), go: t("delete") });
  if (sure) await attempt(() => deleteDocument(document.id));
}

/** Ask for the password of an encrypted document, and read it again. */
export const unlock = (document) =>
  prompt({
    title: t("unlock"),
    label: t("unlock.label", { name: document.filename }),
    hint: t("unlock.hint"),
    go: t("unlock.go"),
    type: "password",
    maxlength: 1000,
    act: (password) => unlockDocument(document.id, password),
  });

/** What was noted while reading, page by page. */
export function showWarnings(document) {
  return showDialog(t("warnings.title", { name: document.filename }), (close) =>
    h(
      "ul",
      { class: "warnings" },
      document.warnings.map(({ page, code, message }) =>
        h(
          "li",
          {},
          page ? h("a", { href: address({ collection: document.collection, view: "document", id: document.id, page }), onclick: () => close() }, t("page.n", { n: page })) : h("strong", {}, t("document.whole")),
          " ",
          has(`warning.${code}`) ? t(`warning.${code}`) : message,
          has(`warning.${code}`) && message ? h("p", { class: "small-print" }, message) : null,
        ),
      ),
    ),
  );
}

function marked(document) {
  if (isActive(document)) return h("span", { class: "spinner" });
  if (document.status === "failed") return icon("alert");
  return icon("file");
}

function actionsOf(document) {
  const name = document.filename;
  const mine = may("writer");
  if (isActive(document)) return [mine && iconButton("close", t("cancel.named", { name }), () => attempt(() => cancelDocument(document.id)))];
  return [
    document.status === "ready" ? iconButton("ask", t("ask.only", { name }), () => emit("ask-only", document)) : null,
    mine && document.error?.code === "password_required" ? iconButton("key", t("unlock.named", { name }), () => unlock(document)) : null,
    mine && document.status === "failed" ? iconButton("retry", t("retry.named", { name }), () => attempt(() => retryDocument(document.id))) : null,
    mine && iconButton("bin", t("delete.named", { name }), () => remove(document)),
  ];
}

export function documentRow(id) {
  const parts = skeleton();
  let drawn = null;
  const update = () => {
    const document = documents.byId.get(id);
    if (!document) return;
    const { done, total } = document.progress ?? {};
    fill(parts.facts, factsOf(document).filter(Boolean).map((fact) => h("span", {}, fact)));
    showBar(parts.bar, document.filename, document.status === "processing" ? (total ? done / total : -1) : null);
    if (total && document.status === "processing") parts.bar.title = percent(done / total);
    const state = `${may("writer")} ${document.status} ${document.version} ${document.warnings.length} ${document.error?.code}`;
    if (drawn === state) return;
    drawn = state;
    parts.node.dataset.state = document.error?.code === "cancelled" ? "cancelled" : document.status;
    parts.node.dataset.document = id;
    fill(parts.mark, marked(document));
    const name = h("bdi", {}, document.filename);
    const title = `${document.filename}\n${day(document.created_at)}`;
    fill(
      parts.title,
      document.status === "ready" ? h("a", { class: "name", title, href: address({ collection: document.collection, view: "document", id }) }, name) : h("span", { class: "name", title }, name),
    );
    showProblem(parts.error, document.status === "failed" && document.error?.code !== "cancelled" ? document.error : null);
    if (document.warnings.length && !isActive(document)) parts.error.append(button(t("warnings.count", { n: document.warnings.length }), () => showWarnings(documents.byId.get(id)), { class: "link" }));
    fill(parts.actions, actionsOf(document));
  };
  return { node: parts.node, update };
}
