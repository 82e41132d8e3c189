// Searching: the passages themselves, no answer written.

import { call } from "./api.js";
import { announce, button, fill, h, icon, table } from "./dom.js";
import { collections } from "./collections.js";
import { on } from "./events.js";
import { clearFilter, filter, filterBar, toJson } from "./filters.js";
import { has, number, t } from "./i18n.js";
import { problemBox } from "./problems.js";
import { hitList } from "./sources.js";

const last = { query: "", hits: null, explain: null, problem: null, collection: null };

const stageName = (name) => (has(`retrieval.${name}`) ? t(`retrieval.${name}`) : name);
const tenth = (value) => number(Math.round(value * 10) / 10);

/** How the search went: what each word is worth, what each stage found and took. */
function explained({ terms, respelt = {}, named, stages, milliseconds }) {
  return h(
    "details",
    { class: "consulted explained" },
    h("summary", {}, t("explain.title", { n: Math.round(milliseconds) })),
    terms.length ? table(t("explain.terms"), [t("explain.term"), t("explain.chunks"), t("explain.weight")], terms.map(({ text, chunks, weight }) => [h("bdi", {}, text), number(chunks), tenth(weight)])) : null,
    table(t("explain.stages"), [t("explain.stage"), t("explain.found"), t("explain.took")], stages.map(({ name, found, milliseconds: took }) => [stageName(name), number(found), tenth(took)])),
    Object.entries(respelt).map(([wrong, right]) => h("p", { class: "quiet" }, t("explain.respelt", { wrong, right }))),
    named.length ? h("p", { class: "quiet" }, t("explain.named", { names: named.map((one) => one.filename).join(", ") })) : null,
  );
}

export function searchView() {
  const results = h("div", { class: "results" });
  const input = h("input", { type: "search", id: "query", "aria-label": t("search.label"), placeholder: t("search.placeholder"), value: last.query, maxlength: 1000, autocomplete: "off", enterkeyhint: "search" });
  const bar = filterBar({ several: true, changed: () => last.query && run() });
  let running = null;

  async function run() {
    running?.abort();
    running = new AbortController();
    const mine = running;
    const query = input.value.trim();
    if (!query) return;
    Object.assign(last, { query, collection: collections.current, hits: null, problem: null });
    fill(results, h("p", { class: "status" }, h("span", { class: "spinner" }), h("span", {}, t("search.running"))));
    try {
      const json = { query, collections: [collections.current, ...filter().collections], top_k: 20, explain: true, filter: toJson(filter()) };
      const { hits, explain } = await call("POST", "/v1/search", { json, signal: mine.signal });
      Object.assign(last, { hits, explain });
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
    if (!last.hits.length) {
      const limited = toJson(filter()) !== null;
      return fill(results, h("div", { class: "empty" }, h("p", {}, t(limited ? "filter.none" : "search.none")), limited ? h("div", { class: "actions" }, button(t("filter.clear"), clearFilter)) : null));
    }
    return fill(results, h("p", { class: "quiet" }, t("search.found", { n: last.hits.length })), last.explain ? explained(last.explain) : null, hitList(last.hits, last.query, { explained: true }));
  }

  draw();
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  const form = h("form", { class: "search-form", role: "search", onsubmit: submit }, h("div", { class: "search-box" }, icon("search"), input), button(t("search"), null, { type: "submit", class: "button primary" }), bar.node);
  const off = on("collection", draw);
  const node = h("section", { class: "view search", "aria-label": t("search") }, form, h("div", { class: "scroller" }, results));
  return { node, focus: () => input.focus({ preventScroll: true }), end: () => [off, bar.end].forEach((end) => end()) };
}
