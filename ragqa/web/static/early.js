// Runs before the first paint, so that a chosen language or theme never flashes past.
(() => {
  const root = document.documentElement;
  const kept = (name) => {
    try {
      return localStorage.getItem(`ragqa.${name}`);
    } catch {
      return null; // storage can be forbidden; then defaults hold
    }
  };
  const wanted = (navigator.languages ?? [navigator.language]).find((tag) => /^(zh|en)\b/i.test(tag));
  const language = kept("language") ?? (/^zh/i.test(wanted ?? "") ? "zh" : "en");
  root.lang = language === "zh" ? "zh-CN" : "en";
  const theme = kept("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
})();
