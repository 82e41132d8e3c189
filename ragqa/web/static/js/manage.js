// For those who run it: batches and what failed in them, keys, settings, who did what.

import { call, learnWho, may, who } from "./api.js";
import { collections } from "./collections.js";
import { attempt } from "./dialogs.js";
import { path, retryDocument } from "./documents.js";
import { button, fill, h, table } from "./dom.js";
import { day, has, number, t } from "./i18n.js";
import { newKey, keyRows } from "./keys.js";
import { problemBox } from "./problems.js";
import { address } from "./routes.js";
import { unlock } from "./rows.js";

export const SECTIONS = { runs: "writer", keys: "administrator", settings: "administrator", audit: "administrator" };

/** Read a document that failed once more, asking for its password if that was missing. */
function again(id, file) {
  const place = h("p", { class: "actions" });
  const act = async () => {
    const document = await call("GET", path(id));
    if (document.status === "failed" && document.error?.code === "password_required") {
      if ((await unlock(document)) === null) return;
    } else if (document.status === "failed") await retryDocument(id);
    fill(place, h("span", { class: "quiet", role: "status" }, t(document.status === "ready" ? "status.ready" : "stage.queued")));
  };
  fill(place, button(t("retry"), () => attempt(act), { icon: "retry", "aria-label": t("retry.named", { name: file }) }));
  return place;
}

function failure({ file, code, message, document_id: id }) {
  const known = has(`error.${code}`) ? t(`error.${code}`) : message;
  return h("li", {}, h("bdi", { class: "failed-file" }, file), h("p", {}, known), known === message ? null : h("p", { class: "small-print" }, message), id && may("writer") ? again(id, file) : null);
}

function runNode({ started_at, finished_at, paths, report }) {
  const counts = report ? ["added", "updated", "unchanged", "deleted"].filter((name) => report[name]).map((name) => h("span", {}, t(`run.${name}`, { n: report[name] }))) : [];
  const failed = report?.failed ?? [];
  const state = report ? (failed.length ? "failed" : "ready") : finished_at ? "failed" : "processing";
  return h(
    "li",
    { class: "run", dataset: { state } },
    h("h2", {}, h("time", { datetime: started_at }, day(started_at))),
    h("p", { class: "quiet" }, paths.map((path) => h("bdi", { class: "run-path" }, path))),
    h("p", { class: "run-counts" }, report ? [counts.length ? counts : h("span", {}, t("run.nothing")), h("span", {}, t("took", { n: number(Math.round(report.seconds)) }))] : h("span", {}, t(finished_at ? "run.broken" : "run.running"))),
    failed.length ? h("details", { class: "run-failed", open: failed.length <= 5 }, h("summary", {}, t("run.failed", { n: failed.length })), h("ul", {}, failed.map(failure))) : null,
  );
}

async function runs(signal) {
  const { runs: found } = await call("GET", `/v1/collections/${encodeURIComponent(collections.current)}/runs`, { signal });
  return found.length ? h("ol", { class: "runs", "aria-label": t("manage.runs") }, found.map(runNode)) : h("p", { class: "quiet" }, t("run.none"));
}

async function settings(signal) {
  const { settings: found } = await call("GET", "/v1/settings", { signal });
  const show = (value) => (value === "" || value === null ? "–" : String(value));
  const rows = found.map(({ name, value, default: usual, description }) => [
    h("td", {}, h("code", {}, name), h("p", { class: "small-print" }, description)),
    h("td", { class: "setting-value" }, show(value), show(value) === show(usual) ? null : h("p", { class: "small-print" }, t("setting.usual", { value: show(usual) }))),
  ]);
  return [h("p", { class: "hint" }, t("setting.hint")), table(t("manage.settings"), [t("setting.name"), t("setting.value")], rows)];
}

async function audit(signal) {
  const { records } = await call("GET", "/v1/audit?limit=200", { signal });
  if (!records.length) return h("p", { class: "quiet" }, t("audit.none"));
  return table(t("manage.audit"), ["at", "actor", "action", "target", "outcome"].map((name) => t(`audit.${name}`)), records.map((one) => [day(one.at), h("bdi", {}, one.actor), one.action, h("bdi", {}, one.target), one.outcome]));
}

async function keys(signal, again) {
  if (who.is === null) await learnWho();
  return [newKey(again), await keyRows(signal, again)];
}

const MAKE = { runs, settings, audit, keys };

export function manageView(place) {
  const allowed = Object.keys(SECTIONS).filter((name) => may(SECTIONS[name]));
  const section = allowed.includes(place.section) ? place.section : (allowed[0] ?? "runs");
  const body = h("div", { class: "manage-body" });
  const controller = new AbortController();
  const link = (name) => h("a", { href: address({ collection: place.collection, view: "manage", section: name }), class: "tab", "aria-current": name === section ? "page" : null }, t(`manage.${name}`));
  const heading = h("h1", { tabindex: "-1" }, section === "runs" ? t("run.title", { name: collections.current }) : t(`manage.${section}`));

  async function draw() {
    try {
      const made = await MAKE[section](controller.signal, draw);
      if (!controller.signal.aborted) fill(body, made);
    } catch (problem) {
      if (!controller.signal.aborted && problem.name !== "AbortError") fill(body, problemBox(problem, button(t("retry"), draw, { icon: "retry" })));
    }
  }

  fill(body, h("p", { class: "quiet" }, t("loading")));
  draw();
  const node = h("section", { class: "view manage", "aria-label": t("manage") }, h("nav", { class: "manage-tabs", "aria-label": t("manage") }, allowed.map(link)), h("div", { class: "scroller" }, h("div", { class: "manage-page" }, heading, body)));
  return { node, focus: () => heading.focus({ preventScroll: true }), end: () => controller.abort() };
}
