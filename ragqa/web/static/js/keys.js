// Keys: made, shown this once, revoked.

import { call, learnWho, who } from "./api.js";
import { collections } from "./collections.js";
import { attempt, confirm, showDialog, toast } from "./dialogs.js";
import { button, h, iconButton, table } from "./dom.js";
import { day, t } from "./i18n.js";

const ROLES = ["reader", "writer", "administrator"];

function stateOf(key) {
  if (key.revoked_at) return "revoked";
  return key.expires_at && Date.parse(key.expires_at) <= Date.now() ? "expired" : "good";
}

async function revoke(key, again) {
  const sure = await confirm({ title: t("keys.revoke"), text: t("keys.sure", { name: key.name }), go: t("keys.revoke") });
  if (sure && (await attempt(() => call("POST", `/v1/keys/${encodeURIComponent(key.id)}/revoke`)))) again();
}

async function forget(key, again) {
  if (await attempt(() => call("DELETE", `/v1/keys/${encodeURIComponent(key.id)}`))) again();
}

function cells(key, again) {
  const state = stateOf(key);
  const act = state === "revoked" ? iconButton("bin", t("keys.forget", { name: key.name }), () => forget(key, again)) : iconButton("close", t("keys.revoke.named", { name: key.name }), () => revoke(key, again));
  const until = state === "good" ? (key.expires_at ? t("keys.until", { day: day(key.expires_at) }) : t("keys.good")) : t(`keys.${state}`);
  return [h("td", {}, h("bdi", {}, key.name), h("p", { class: "small-print" }, key.id)), t(`role.${key.role}`), key.collections === null ? t("keys.everywhere") : h("span", {}, key.collections.map((name) => h("bdi", { class: "tag" }, name))), h("span", { class: `key-state ${state}` }, until), act];
}

/** The keys there are. */
export async function keyRows(signal, again) {
  const { keys } = await call("GET", "/v1/keys", { signal });
  if (!keys.length) return h("p", { class: "quiet" }, t(who.is?.open ? "keys.open" : "keys.none"));
  return table(t("manage.keys"), [t("keys.name"), t("keys.role"), t("keys.sees"), t("keys.state"), ""], keys.map((key) => cells(key, again)));
}

/** Show a fresh key; it is kept nowhere. */
function showOnce(name, text) {
  return showDialog(t("keys.made", { name }), (close) => {
    const copy = async () => {
      if (await attempt(() => (navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject(new Error(t("copy.refused")))))) toast(t("keys.copied"));
    };
    return h("div", {}, h("p", {}, t("keys.once")), h("p", { class: "key-text", tabindex: "0" }, h("code", {}, text)), h("div", { class: "actions end" }, button(t("keys.copy"), copy, { icon: "copy", autofocus: true }), button(t("close"), () => close())));
  });
}

/** The form that makes a key. */
export function newKey(again) {
  const first = who.is?.open ? "administrator" : "reader"; // without one nobody could manage any more
  const name = h("input", { id: "key-name", required: true, maxlength: 100, autocomplete: "off" });
  const role = h("select", { id: "key-role" }, ROLES.map((one) => h("option", { value: one, selected: one === first }, t(`role.${one}`))));
  const sees = h("select", { id: "key-sees" }, h("option", { value: "" }, t("keys.everywhere")), (collections.list ?? []).map((one) => h("option", { value: one.name }, one.name)));
  const days = h("input", { id: "key-days", type: "number", min: 1, max: 3650, placeholder: t("keys.forever") });
  // An administrator's key sees everything.
  const fit = () => {
    sees.disabled = role.value === "administrator";
    if (sees.disabled) sees.value = "";
  };
  role.addEventListener("change", fit);
  fit();
  const field = (label, input) => h("div", { class: "field" }, h("label", { for: input.id }, label), input);
  const onsubmit = async (event) => {
    event.preventDefault();
    const expires = days.value ? new Date(Date.now() + Number(days.value) * 86_400_000).toISOString() : null;
    let made = null;
    const json = { name: name.value.trim(), role: role.value, collections: sees.value ? [sees.value] : null, expires_at: expires };
    if (!(await attempt(async () => (made = await call("POST", "/v1/keys", { json }))))) return;
    await showOnce(made.name, made.key);
    await learnWho().catch(() => {}); // the first key ends that anybody on this machine is let in
    again();
  };
  return h("form", { class: "new-key", onsubmit }, field(t("keys.name"), name), field(t("keys.role"), role), field(t("keys.sees"), sees), field(t("keys.days"), days), button(t("keys.make"), null, { type: "submit", class: "button primary", icon: "key" }));
}
