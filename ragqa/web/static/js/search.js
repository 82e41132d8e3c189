// Searching: the passages themselves, no answer written.

import { call } from "./api.js";
import { announce, button, fill, h, icon } from "./dom.js";
import { collections } from "./collections.js";
import { on } from "./events.js";
import { t } from "./i18n.js";
import { problemBox } from "./problems.js";
import { hitList } from "./sources.js";

const last = { query: "", hits: null, problem: null, collection: null, kind: "" };

export function searchView() {
  const results = h("div", { class: "results" });
  const input = h("input", { type: "search", id: "query", "aria-label": t("search.label"), placeholder: t("search.placeholder"), value: last.query, maxlength: 1000, autocomplete: "off", enterkeyhint: "search" });
  const kind = h("select", { "aria-label": t("search.kind"), onchange: () => last.query && run() }, ["", "text", "table"].map((value) => h("option", { value, selected: value === last.kind }, t(`search.kind.${value || "all"}`))));
  let running = null;

  async function run() {
    running?.abort();
    running = new AbortController();
    const mine = running;
    const query = input.value.trim();
    if (!query) return;
    Object.assign(last, { query, kind: kind.value, collection: collections.current, hits: null, problem: null });
    fill(results, h("p", { class: "status" }, h("span", { class: "spinner" }), h("span", {}, t("search.running"))));
    try {
      const json = { query, collection: collections.current, top_k: 20, ...(kind.value ? { filter: { kind: kind.value } } : {}) };
      last.hits = (await call("POST", "/v1/search", { json, signal: mine.signal })).hits;
      announce(t("search.found", { n: last.hits.length }));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      last.problem = problem;
    }
    if (mine === running) draw();
  }

  function draw() {
    if (last.collection !== collections.current) Object.assign(last, { hits: null, problem: null });
    if (last.problem) return fill(results, problemBox(last.problem, button(t("retry"), run, { icon: "retry" })));
    if (last.hits === null) return fill(results, h("div", { class: "empty" }, h("h1", {}, t("search.title")), h("p", {}, t("search.text"))));
    if (!last.hits.length) return fill(results, h("div", { class: "empty" }, h("p", {}, t("search.none"))));
    return fill(results, h("p", { class: "quiet" }, t("search.found", { n: last.hits.length })), hitList(last.hits, last.query, { explained: true }));
  }

  draw();
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  const form = h("form", { class: "search-form", role: "search", onsubmit: submit }, h("div", { class: "search-box" }, icon("search"), input), kind, button(t("search"), null, { type: "submit", class: "button primary" }));
  const off = on("collection", draw);
  const node = h("section", { class: "view search", "aria-label": t("search") }, form, h("div", { class: "scroller" }, results));
  return { node, focus: () => input.focus({ preventScroll: true }), end: off };
}
