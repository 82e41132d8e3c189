// Names and values: what documents are given when they are added, and what searches may ask for.

import { attempt, showDialog } from "./dialogs.js";
import { describeDocument, documents } from "./documents.js";
import { button, fill, h, iconButton } from "./dom.js";
import { t } from "./i18n.js";

const LONGEST = { name: 100, value: 1000 }; // what the service takes
const MOST = 50;
let numbered = 0;

/** Names and values that the documents of the collection have, for suggestions. */
function known() {
  const names = new Map();
  for (const { metadata } of documents.byId.values()) {
    for (const [name, value] of Object.entries(metadata ?? {})) names.set(name, (names.get(name) ?? new Set()).add(value));
  }
  return names;
}

/** Fields for pairs of name and value; `read()` returns those that are filled in. */
export function pairFields(given = []) {
  numbered += 1;
  const id = `pairs-${numbered}`;
  const values = known();
  const options = (list) => [...list].sort().slice(0, 200).map((value) => h("option", { value }));
  const names = h("datalist", { id: `${id}-names` }, options(values.keys()));
  const rows = h("div", { class: "pairs" });
  const add = ([name, value] = ["", ""], focus = false) => {
    const list = h("datalist", { id: `${id}-${rows.children.length}-${Date.now()}` });
    const first = h("input", { type: "text", value: name, maxlength: LONGEST.name, list: names.id, "aria-label": t("details.name"), placeholder: t("details.name.example"), autocomplete: "off" });
    const second = h("input", { type: "text", value, maxlength: LONGEST.value, list: list.id, "aria-label": t("details.value"), placeholder: t("details.value.example"), autocomplete: "off" });
    second.addEventListener("focus", () => fill(list, options(values.get(first.value.trim()) ?? [])));
    const row = h("div", { class: "pair" }, first, h("span", { "aria-hidden": "true" }, "="), second, iconButton("close", t("details.drop"), () => row.remove()), list);
    rows.append(row);
    if (focus) first.focus();
  };
  (given.length ? given : [["", ""]]).forEach((pair) => add(pair));
  const more = button(t("details.add"), () => rows.children.length < MOST && add(undefined, true), { class: "link", icon: "add" });
  const read = () =>
    [...rows.children].map((row) => [...row.querySelectorAll("input")].map((input) => input.value.trim())).filter(([name, value]) => name && value);
  return { node: h("div", {}, rows, more, names), read };
}

/** A document's pairs, as tags. */
export const detailTags = (metadata) => Object.entries(metadata ?? {}).map(([name, value]) => h("span", { class: "tag" }, h("bdi", {}, name), " = ", h("bdi", {}, value)));

/** A dialog for pairs; `keep(pairs)` gets them, and the dialog stays open while it says no. */
export function askPairs({ title, hint, go, given, keep }) {
  return showDialog(title, (close) => {
    const pairs = pairFields(given);
    const submit = button(go, null, { class: "button primary", type: "submit" });
    const onsubmit = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      if (await attempt(() => keep(pairs.read()))) close();
      submit.disabled = false;
    };
    return h("form", { onsubmit }, pairs.node, h("p", { class: "hint" }, hint), h("div", { class: "actions end" }, button(t("cancel"), () => close()), submit));
  });
}

/** Change what a document was given; `done(document)` gets it as it is then. */
export const changeDetails = (document, done) =>
  askPairs({
    title: t("details.of", { name: document.filename }),
    hint: t("details.change.hint"),
    go: t("details.change.save"),
    given: Object.entries(document.metadata ?? {}),
    keep: async (pairs) => done(await describeDocument(document.id, Object.fromEntries(pairs))),
  });
