// What the browser keeps. Storage may be forbidden or full; the page works without it.

function over(area) {
  return {
    get(name) {
      try {
        return JSON.parse(area().getItem(`ragqa.${name}`));
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        if (value === null) area().removeItem(`ragqa.${name}`);
        else area().setItem(`ragqa.${name}`, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Until the tab closes: the key, the conversations. */
export const session = over(() => sessionStorage);

/** Plain strings, kept for good: language and theme. `early.js` reads them before anything else. */
export const choices = {
  get(name) {
    try {
      return localStorage.getItem(`ragqa.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`ragqa.${name}`);
      else localStorage.setItem(`ragqa.${name}`, value);
    } catch {
      // not kept; it holds until the page is left
    }
  },
};
