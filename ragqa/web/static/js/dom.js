// Making nodes. Text always becomes a text node: there is no way to pass markup through here.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  add: "M12 5v14M5 12h14",
  alert: "M12 8v5M12 16.5v.5M10.3 4.3 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.3a2 2 0 0 0-3.4 0Z",
  ask: "M4 5h16v11H9l-5 4Z",
  back: "M19 12H5M11 6l-6 6 6 6",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  blocks: "M4 4h7v7H4zM13 4h7v4h-7zM13 11h7v9h-7zM4 14h7v6H4z",
  check: "M5 12.5 10 17 19 7",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  down: "M6 9l6 6 6-6",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  filter: "M4 6h16M7 12h10M10 18h4",
  folder: "M3 6h6l2 2h10v11H3z",
  history: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 1.8",
  key: "M14.5 9.5a4 4 0 1 0-3.8 5.3L12 13.5h2V11.5h2v-2l4-4V3h-2.5Z",
  language: "M4 6h9M8.5 4v2M11.5 6c-.6 4-3 6.800-6.500 8M6 9c1 2.500 3 4.200 6 5M12.500 20l4-10 4 10M14 16.500h5",
  left: "M15 6l-6 6 6 6",
  minus: "M5 12h14",
  moon: "M20 14.500A8 8 0 0 1 9.500 4a8 8 0 1 0 10.500 10.500Z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pen: "M4 20l1-4L16.500 4.500a2 2 0 0 1 3 3L8 19ZM14.500 6.500l3 3",
  open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  retry: "M20 12a8 8 0 1 1-2.500-5.800L20 8.500M20 4v4.500h-4.500",
  right: "M9 6l6 6-6 6",
  screen: "M3 5h18v11H3zM8 20h8M12 16v4",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM20 20l-4-4",
  gear: "M4 7h9M19 7h1M16 4.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5ZM4 17h1M11 17h9M8 14.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600 19 19M5 19l1.400-1.400M17.600 6.400 19 5",
  thumbDown: "M17 4v10M7 4h10l-5 16c-1.500 0-2.500-1-2.500-2.500V14H5a2 2 0 0 1-2-2.400l1.200-6A2 2 0 0 1 6.200 4H7M17 4h3v10h-3",
  thumbUp: "M7 20V10M17 20H7l0-10 4.500-6c1.500 0 2.500 1 2.500 2.500V10h4.500a2 2 0 0 1 2 2.400l-1.200 6a2 2 0 0 1-2 1.600H17M7 20H4V10h3",
  upload: "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4",
};

/** Make a decorative icon. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function set(node, name, value) {
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "style") Object.assign(node.style, value);
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name === "value" || name === "checked" || name === "indeterminate") node[name] = value;
  else if (typeof value === "boolean" && !name.startsWith("aria-")) node.toggleAttribute(name, value);
  else if (value !== null && value !== undefined) node.setAttribute(name, String(value));
}

/** Make an element: `h("p", {class: "x"}, "text", node, null)`. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
  fill(node, ...children);
  return node;
}

/** Replace what `node` holds. */
export function fill(node, ...children) {
  node.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** A table with heads; it scrolls sideways by itself. A cell is a <td>, or what goes into one. */
export const table = (label, heads, rows) =>
  h(
    "div",
    { class: "table-wrap", tabindex: "0", role: "region", "aria-label": label },
    h("table", { class: "plain" }, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : h("td", {}, cell))))))),
  );

/** A button with an icon alone; `label` is what a screen reader says and what hovering shows. */
export function iconButton(name, label, onclick, props = {}) {
  return h(
    "button",
    { type: "button", ...props, class: `icon-button ${props.class ?? ""}`, "aria-label": label, title: label, onclick },
    icon(name),
  );
}

/** A button with words, and an icon before them if named. */
export function button(label, onclick, { icon: name, ...props } = {}) {
  return h("button", { type: "button", class: "button", ...props, onclick }, name ? icon(name) : null, h("span", {}, label));
}

/** Say something to screen readers without moving the focus. */
export function announce(text) {
  const place = document.getElementById("announcer");
  place.textContent = "";
  // The same words twice in a row are spoken twice only when the node was empty in between.
  setTimeout(() => (place.textContent = text), 50);
}

/** Redraw `node` by `draw`; what had the focus gets it again, known by its label or words. */
export function keepingFocus(node, draw) {
  const nameOf = (one) => one.getAttribute("aria-label") ?? one.textContent;
  const held = node.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  draw();
  if (held !== null) [...node.querySelectorAll("a, button, select, input")].find((one) => nameOf(one) === held)?.focus({ preventScroll: true });
}

/** True on a screen where the side panel covers the page. */
export const isNarrow = () => matchMedia("(max-width: 760px)").matches;
