// Choosing, making and deleting a collection.

import { may } from "./api.js";
import { button, fill, h, iconButton } from "./dom.js";
import { collections, createCollection, deleteCollection, preferred } from "./collections.js";
import { attempt, confirm, prompt, toast } from "./dialogs.js";
import { documents } from "./documents.js";
import { on } from "./events.js";
import { t } from "./i18n.js";
import { go } from "./routes.js";

export async function makeCollection() {
  const name = await prompt({
    title: t("collection.new"),
    label: t("collection.name"),
    hint: t("collection.hint"),
    go: t("create"),
    maxlength: 100,
    act: createCollection,
  });
  if (name) go({ collection: name });
}

async function removeCollection() {
  const name = collections.current;
  const known = collections.list?.find((one) => one.name === name);
  const count = Math.max(known?.documents ?? 0, documents.byId.size);
  const sure = await confirm({ title: t("collection.delete"), text: t("collection.sure", { name, n: count }), go: t("delete") });
  if (!sure) return;
  if (await attempt(() => deleteCollection(name))) {
    toast(t("collection.deleted", { name }));
    const next = preferred();
    if (next) go({ collection: next });
    else location.hash = "";
  }
}

/** The picker itself, which redraws when collections change. */
export function picker() {
  const place = h("div", { class: "picker" });
  const draw = () => {
    const names = (collections.list ?? []).map((one) => one.name);
    const { current } = collections;
    const options = names.map((name) => h("option", { value: name, selected: name === current }, name));
    const select = h(
      "select",
      { "aria-label": t("collection"), onchange: (event) => go({ collection: event.target.value }), disabled: !names.length },
      options.length ? options : h("option", {}, collections.list ? t("collection.none") : t("loading")),
    );
    fill(
      place,
      select,
      may("administrator") ? [iconButton("add", t("collection.new"), makeCollection), iconButton("bin", t("collection.delete"), removeCollection, { disabled: !current })] : null,
    );
  };
  draw();
  on("collections", draw);
  on("collection", draw);
  return place;
}

/** What is shown while there is no collection at all. */
export function firstCollection() {
  return h(
    "section",
    { class: "empty" },
    h("h1", {}, t("welcome.title")),
    h("p", {}, t("welcome.text")),
    may("administrator") && h("div", { class: "actions" }, button(t("collection.new"), makeCollection, { class: "button primary", icon: "add" })),
  );
}
