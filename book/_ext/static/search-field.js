/* Results while one types, on the search page and in the dialog that every page has (Ctrl+K). The search itself, and the
   index, are loaded when the first letter is typed. */

(() => {
  const PARTS = ["stemmer", "search-index", "search-query", "search-rank", "search-results"];
  const LANGUAGES = ["en", "zh"];
  const FAILED = {
    en: "The index could not be loaded. Try again when you are connected.",
    zh: "搜索索引加载失败，请检查网络连接后重试。",
  };
  const PAUSE_MS = 150; // between the last letter and the search
  const IN_DIALOG = { pages: 5, shown: 1, fold: false };
  const root = document.documentElement.dataset.content_root;
  let parts = null;

  function loadParts() {
    const load = (name) =>
      new Promise((resolve, reject) => {
        const source = `${root}_static/${name}.js`;
        const script = Object.assign(document.createElement("script"), { src: source, async: false });
        script.onload = resolve;
        script.onerror = reject;
        document.head.append(script);
      });
    parts ??= Promise.all(PARTS.map(load)).catch((error) => {
      parts = null; // the next letter tries again
      throw error;
    });
    return parts;
  }

  /** Search as one types into a form; `brief` shows the beginning of the results and leads to the others. */
  function attach(form, status, results, { brief = false } = {}) {
    const field = form.querySelector("input");
    const own = () => form.closest("[lang]").lang.slice(0, 2);
    let newest = 0;
    let pause = null;

    async function run() {
      const query = field.value.trim();
      const number = (newest += 1);
      const isOld = () => number !== newest;
      if (!query || (brief && /^[a-z]$/i.test(query))) {
        status.textContent = "";
        results.replaceChildren();
        return;
      }
      let found;
      try {
        await loadParts();
        found = await findInBoth(query, own(), brief);
      } catch (error) {
        if (error instanceof SyntaxError || error instanceof TypeError) throw error; // no fault of the network
        if (!isOld()) status.textContent = FAILED[own()];
        return;
      }
      if (isOld()) return; // something else has been typed meanwhile
      const words = courseSearch.words[own()];
      results.replaceChildren(...found.filter(({ pages }) => pages.length).map((one) => blockOf(one, own(), brief)));
      status.textContent = describe(query, found, words);
      if (brief && results.hasChildNodes()) {
        const address = `${form.action}?q=${encodeURIComponent(query)}`;
        results.append(courseSearch.element("a", words.all, { href: address, className: "search-all" }));
      }
    }

    field.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(run, PAUSE_MS);
    });
    return run;
  }

  /** Return what each edition has, that of the page first; in brief the other one only if the first has nothing. */
  async function findInBoth(query, own, brief) {
    const found = [];
    for (const language of [own, ...LANGUAGES.filter((other) => other !== own)]) {
      found.push({ language, ...courseSearch.find(query, await courseSearch.load(language, root)) });
      if (brief && found[0].pages.length) break;
    }
    return found;
  }

  function blockOf({ language, pages }, own, brief) {
    const words = courseSearch.words[language];
    const box = courseSearch.element("div", "", { lang: language === "zh" ? "zh-CN" : language, className: "search-language" });
    const some = brief ? pages.slice(0, IN_DIALOG.pages) : pages;
    if (!brief || language !== own) box.append(courseSearch.element("h2", words.elsewhere));
    box.append(...courseSearch.show(some, root, words, brief ? IN_DIALOG : {}));
    return box;
  }

  /** Say how much was found and for which words. */
  function describe(query, found, words) {
    const best = found.find(({ pages }) => pages.length);
    if (!best) return words.none(query);
    const all = found.flatMap(({ pages }) => pages);
    const notes = best.instead.map(([typed, meant]) => words.instead(typed, meant));
    if (best.missing.length) notes.push(words.missing(best.missing.join(", ")));
    const total = all.reduce((sum, { hits }) => sum + hits.length, 0);
    return [...notes, words.some(total, all.length)].join(" ");
  }

  /** The search page: the query is in the address, which follows what is typed. */
  function startPage(form) {
    const status = document.getElementById("search-status");
    const run = attach(form, status, document.getElementById("search-results"));
    const field = form.querySelector("input");
    const title = document.title;
    const name = () => {
      document.title = field.value.trim() ? `${field.value.trim()} — ${title}` : title;
    };
    field.addEventListener("input", () => {
      history.replaceState(null, "", field.value.trim() ? `?q=${encodeURIComponent(field.value.trim())}` : location.pathname);
      name();
    });
    field.value = new URLSearchParams(location.search).get("q")?.trim() ?? "";
    name();
    if (field.value) run();
    else field.focus();
  }

  function startDialog(dialog) {
    const form = dialog.querySelector("form");
    // on the landing page the field of the preferred language comes first (languages.js), and the dialog follows it
    const example = document.querySelector(".landing-search form");
    if (example) {
      const [field, model] = [form, example].map((one) => one.querySelector("input"));
      form.action = example.action;
      form.lang = example.lang;
      field.placeholder = model.placeholder;
      field.setAttribute("aria-label", model.getAttribute("aria-label"));
    }
    const status = Object.assign(document.createElement("p"), { className: "search-status" });
    status.setAttribute("role", "status");
    const results = Object.assign(document.createElement("div"), { className: "search-results" });
    const box = Object.assign(document.createElement("div"), { className: "search-live" });
    box.lang = form.closest("[lang]").lang;
    box.append(status, results);
    form.after(box);
    attach(form, status, results, { brief: true });
  }

  document.addEventListener("DOMContentLoaded", () => {
    const page = document.querySelector("#search-results") && document.querySelector("form.search-form");
    if (page) startPage(page);
    const dialog = document.getElementById("pst-search-dialog");
    if (dialog) startDialog(dialog);
  });
})();
