// Where one is, kept in the address: #/demo, #/demo/search, #/demo/documents, #/demo/document/3-17/4, #/demo/manage/keys

import { emit } from "./events.js";

export function where() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decode);
  const [collection = "", view = "", id = "", page = ""] = parts;
  if (view === "document" && id) return { collection, view, id, page: Math.max(1, Number.parseInt(page, 10) || 1) };
  if (view === "manage") return { collection: collection || null, view, section: id };
  return { collection: collection || null, view: ["search", "documents"].includes(view) ? view : "ask" };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function address({ collection, view = "ask", id, page, section }) {
  const parts = [collection, ...(view === "ask" ? [] : [view]), ...(id ? [id, page ?? 1] : []), ...(section ? [section] : [])];
  return `#/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}

export function go(place, { replace = false } = {}) {
  const next = address(place);
  if (next === location.hash) return;
  if (replace) {
    history.replaceState(null, "", next);
    emit("route");
  } else {
    location.hash = next;
  }
}

addEventListener("hashchange", () => emit("route"));
