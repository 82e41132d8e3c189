// A page-wide bus: models say what changed, views redraw that much.

const bus = new EventTarget();

export function emit(name, detail) {
  bus.dispatchEvent(new CustomEvent(name, { detail }));
}

/** Call `listen` on every `name`; returns the function that ends it. */
export function on(name, listen) {
  const hear = (event) => listen(event.detail);
  bus.addEventListener(name, hear);
  return () => bus.removeEventListener(name, hear);
}
