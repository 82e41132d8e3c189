// What a question or a search is limited to: documents, pages, tables, details, dates, collections.

import { collections } from "./collections.js";
import { pairFields } from "./details.js";
import { showDialog } from "./dialogs.js";
import { documents } from "./documents.js";
import { button, fill, h, iconButton } from "./dom.js";
import { emit, on } from "./events.js";
import { date, t } from "./i18n.js";

const LAST_PAGE = 1_000_000;
const none = () => ({ documents: [], pages: [null, null], kind: "", details: [], since: "", until: "", collections: [] });
let current = none();

export const filter = () => current;

/** Limit to documents, as their rows' buttons do. */
export function onlyDocument({ id, filename }) {
  set({ documents: [...current.documents.filter((one) => one.id !== id), { id, filename }] });
}

function set(change) {
  current = { ...current, ...change };
  emit("filter");
}

/** The service's form of it; null: nothing is limited. */
export function toJson({ documents: chosen, pages: [from, to], kind, details, since, until }) {
  const json = {};
  if (chosen.length) json.documents = chosen.map(({ id }) => id);
  if (from || to) json.pages = [from ?? 1, to ?? LAST_PAGE];
  if (kind) json.kind = kind;
  if (details.length) json.metadata = Object.fromEntries(details);
  if (since) json.since = new Date(`${since}T00:00`).toISOString();
  if (until) json.until = new Date(new Date(`${until}T00:00`).getTime() + 86_400_000).toISOString(); // that day too
  return Object.keys(json).length ? json : null;
}

/** What is limited, each in words with what takes it back. */
export function limits(given = current) {
  const { documents: chosen, pages: [from, to], kind, details, since, until, collections: more } = given;
  return [
    ...chosen.map((one) => ({ words: t("ask.limited", { names: one.filename }), drop: { documents: chosen.filter((other) => other !== one) } })),
    from || to ? { words: t(from && to ? "filter.pages.some" : from ? "filter.pages.from" : "filter.pages.to", { from, to }), drop: { pages: [null, null] } } : null,
    kind ? { words: t(`search.kind.${kind}`), drop: { kind: "" } } : null,
    ...details.map((pair) => ({ words: pair.join(" = "), drop: { details: details.filter((other) => other !== pair) } })),
    since ? { words: t("filter.since.some", { day: date(since) }), drop: { since: "" } } : null,
    until ? { words: t("filter.until.some", { day: date(until) }), drop: { until: "" } } : null,
    ...more.map((name) => ({ words: t("filter.also", { name }), drop: { collections: more.filter((other) => other !== name) } })),
  ].filter(Boolean);
}

/** Limit nothing any more. */
export const clearFilter = () => set(none());

const field = (label, input) => h("div", { class: "field" }, h("label", { for: input.id }, label), input);

/** A list to tick; with many entries one can look for some. */
function ticks(name, entries, chosen) {
  const boxes = entries.map(({ value, label }) => {
    const input = h("input", { type: "checkbox", value, checked: chosen.includes(value) });
    return { input, label, node: h("label", { class: "tick" }, input, h("bdi", {}, label)) };
  });
  const find = h("input", { type: "search", "aria-label": t("documents.find"), placeholder: t("documents.find"), hidden: entries.length < 9 });
  find.addEventListener("input", () => boxes.forEach(({ node, label }) => (node.hidden = !label.toLowerCase().includes(find.value.trim().toLowerCase()))));
  const node = h("fieldset", { class: "ticks" }, h("legend", {}, name), find, h("div", { class: "tick-list" }, boxes.map((box) => box.node)));
  return { node: entries.length ? node : null, read: () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value) };
}

function choose({ several }) {
  const whole = (input) => (input.value ? Math.max(1, Math.floor(Number(input.value))) : null);
  return showDialog(t("filter"), (close) => {
    const listed = [...documents.byId.values()].filter((one) => one.status === "ready" || current.documents.some(({ id }) => id === one.id));
    const docs = ticks(t("documents"), listed.map(({ id, filename }) => ({ value: id, label: filename })), current.documents.map(({ id }) => id));
    const others = (collections.list ?? []).map((one) => one.name).filter((name) => name !== collections.current);
    const more = ticks(t("filter.collections"), several ? others.map((name) => ({ value: name, label: name })) : [], current.collections);
    const from = h("input", { id: "filter-from", type: "number", min: 1, max: LAST_PAGE, value: current.pages[0] ?? "" });
    const to = h("input", { id: "filter-to", type: "number", min: 1, max: LAST_PAGE, value: current.pages[1] ?? "" });
    const kind = h("select", { id: "filter-kind" }, ["", "text", "table"].map((value) => h("option", { value, selected: value === current.kind }, t(`search.kind.${value || "all"}`))));
    const since = h("input", { id: "filter-since", type: "date", value: current.since });
    const until = h("input", { id: "filter-until", type: "date", value: current.until });
    const pairs = pairFields(current.details);
    const wrong = h("p", { class: "field-problem", role: "alert" });
    const onsubmit = (event) => {
      event.preventDefault();
      const pages = [whole(from), whole(to)];
      if (pages[0] && pages[1] && pages[0] > pages[1]) return void (wrong.textContent = t("filter.pages.wrong"));
      if (since.value && until.value && since.value > until.value) return void (wrong.textContent = t("filter.dates.wrong"));
      const names = new Map([...current.documents, ...listed].map((one) => [one.id, one.filename]));
      set({ documents: docs.read().map((id) => ({ id, filename: names.get(id) })), pages, kind: kind.value, details: pairs.read(), since: since.value, until: until.value, collections: more.read() });
      return close(true);
    };
    const clear = () => {
      clearFilter();
      close(true);
    };
    return h(
      "form",
      { class: "filter", onsubmit },
      docs.node,
      more.node,
      h("div", { class: "fields" }, field(t("filter.from"), from), field(t("filter.to"), to), field(t("search.kind"), kind)),
      h("div", { class: "fields" }, field(t("filter.since"), since), field(t("filter.until"), until)),
      h("fieldset", { class: "ticks" }, h("legend", {}, t("details")), pairs.node),
      wrong,
      h("div", { class: "actions end" }, button(t("filter.clear"), clear), button(t("filter.apply"), null, { class: "button primary", type: "submit" })),
    );
  });
}

/** A button that opens the choice, and what is chosen; `changed()` after each change. */
export function filterBar({ several = false, changed = () => {} } = {}) {
  const node = h("div", { class: "chips" });
  const draw = () => {
    const chips = limits().filter(({ drop }) => several || !drop.collections);
    const open = button(t("filter"), () => choose({ several }), { class: "link filter-open", icon: "filter" });
    fill(node, open, chips.map(({ words, drop }) => h("span", { class: "chip" }, h("span", {}, words), iconButton("close", t("ask.unlimit", { name: words }), () => set(drop)))));
  };
  draw();
  const off = on("filter", () => {
    draw();
    changed();
  });
  return { node, end: off };
}

on("collection", () => {
  current = none();
  emit("filter");
});
