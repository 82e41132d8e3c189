// Dialogs and passing messages. The browser's own <dialog> keeps the focus inside and closes on Esc.

import { announce, button, fill, h, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";
import { explain } from "./problems.js";

let named = 0;

/** Show a dialog; `build(close)` returns its content. Resolves with what `close` was given. */
export function showDialog(title, build) {
  return new Promise((resolve) => {
    named += 1;
    const id = `dialog-${named}`;
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": id });
    const close = (value = null) => {
      dialog.returned = value;
      dialog.close();
    };
    dialog.returned = null;
    fill(
      dialog,
      h("header", {}, h("h2", { id }, title), iconButton("close", t("close"), () => close())),
      build(close),
    );
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returned);
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  });
}

/** Ask for one line. `act(value)` does the work; the dialog stays open and says why when it fails. */
export function prompt({ title, label, hint, go, type = "text", value = "", act, maxlength = 200 }) {
  return showDialog(title, (close) => {
    const input = h("input", { type, value, id: "prompt-value", autofocus: true, required: true, maxlength, autocomplete: "off", spellcheck: "false", "aria-describedby": "prompt-hint" });
    const wrong = h("p", { class: "field-problem", role: "alert" });
    const submit = button(go, null, { class: "button primary", type: "submit" });
    const onsubmit = async (event) => {
      event.preventDefault();
      const given = input.value.trim();
      if (!given) return;
      submit.disabled = true;
      try {
        await act(given);
        close(given);
      } catch (problem) {
        const { sentence, detail } = explain(problem);
        wrong.textContent = detail && detail !== sentence ? `${sentence} ${detail}` : sentence;
        submit.disabled = false;
        input.focus();
      }
    };
    return h(
      "form",
      { onsubmit },
      h("label", { for: "prompt-value" }, label),
      input,
      h("p", { class: "hint", id: "prompt-hint" }, hint ?? ""),
      wrong,
      h("div", { class: "actions end" }, button(t("cancel"), () => close()), submit),
    );
  });
}

/** Ask before something that cannot be undone. */
export function confirm({ title, text, go }) {
  return showDialog(title, (close) =>
    h(
      "div",
      {},
      h("p", {}, text),
      h("div", { class: "actions end" }, button(t("cancel"), () => close(false), { autofocus: true }), button(go, () => close(true), { class: "button danger" })),
    ),
  );
}

/** A message that goes away by itself; problems stay longer. */
export function toast(text, { bad = false } = {}) {
  let place = document.getElementById("toasts");
  if (!place) {
    place = h("div", { id: "toasts" });
    document.body.append(place);
  }
  const note = h("div", { class: `toast${bad ? " bad" : ""}` }, bad ? icon("alert") : icon("check"), h("span", {}, text));
  place.append(note);
  announce(text);
  setTimeout(() => note.remove(), bad ? 9000 : 3500);
}

/** Run something; say what went wrong if it fails. True when it worked. */
export async function attempt(work) {
  try {
    await work();
    return true;
  } catch (problem) {
    const { sentence, detail } = explain(problem);
    toast(detail && detail !== sentence ? `${sentence} ${detail}` : sentence, { bad: true });
    return false;
  }
}
