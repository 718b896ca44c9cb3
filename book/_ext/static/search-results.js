/* Writes what the search has found, in the words of the page's language. */

courseSearch.words = {
  en: {
    none: (query) => `Nothing found for “${query}”. Fewer or other words may help.`,
    some: (sections, pages) => `${sections} ${sections > 1 ? "places" : "place"} on ${pages} ${pages > 1 ? "pages" : "page"}`,
    instead: (typed, meant) => `Results for ${meant} (you typed ${typed}).`,
    missing: (words) => `Nothing in the book says ${words}; these are results for the other words.`,
    elsewhere: "In the English edition",
    more: (count) => `and ${count} more on this page`,
    all: "All results",
  },
  zh: {
    none: (query) => `没有找到“${query}”。请减少几个词，或者换一种说法再试。`,
    some: (sections, pages) => `找到 ${sections} 处，分布在 ${pages} 个页面`,
    instead: (typed, meant) => `已按 ${meant} 搜索（你输入的是 ${typed}）。`,
    missing: (words) => `书中没有“${words}”，以下是其余词语的结果。`,
    elsewhere: "中文版里的结果",
    more: (count) => `该页还有 ${count} 处`,
    all: "查看全部结果",
  },
};

courseSearch.element = (name, text = "", properties = {}) =>
  Object.assign(document.createElement(name), { textContent: text }, properties);

courseSearch.show = (() => {
  const { element } = courseSearch;
  const SHOWN = 4; // sections of one page; the others are in a fold

  /** Return an element for each page; `shown` says how many of its sections, and with `fold` the others can be opened. */
  function show(pages, root, words, { shown = SHOWN, fold = true } = {}) {
    return pages.map(({ page, hits }) => {
      const box = element("section", "", { className: "search-page" });
      const heading = element("h3");
      heading.append(element("a", page.number + page.entries[0].title, { href: root + page.page }));
      const list = (some) => {
        const items = element("ul");
        items.append(...some.map((hit) => item(hit, root + page.page)));
        return items;
      };
      box.append(heading, list(hits.slice(0, shown)));
      if (fold && hits.length > shown) {
        const rest = element("details", "", { className: "search-more" });
        rest.append(element("summary", words.more(hits.length - shown)));
        rest.addEventListener("toggle", () => rest.append(list(hits.slice(shown))), { once: true });
        box.append(rest);
      }
      return box;
    });
  }

  function item(hit, address) {
    const { anchor, title, text, start, code } = hit.entry;
    const place = element("li");
    if (anchor) place.append(element("a", title, { href: `${address}#${encodeURIComponent(anchor)}` }));
    const prose = marksIn(text.slice(start), hit.patterns);
    const line = bestLine(code, hit.patterns);
    if (prose.length || !line) place.append(excerpt(text.slice(start), prose));
    // a line of code is shown for a name in code, and for words that the prose does not have
    if (line && (hit.isName || kindsOf(line.marks) > kindsOf(prose))) {
      const quoted = element("pre", "", { className: "search-code" });
      quoted.append(marked(line.text, line.marks, 0, line.text.length));
      place.append(quoted);
    }
    return place;
  }

  /** Return where the words of a query are in a text: start, end, and which of them it is. */
  function marksIn(text, patterns) {
    const found = patterns.flatMap((pattern, kind) =>
      [...text.toLowerCase().matchAll(pattern)].map((match) => [match.index, match.index + match[0].length, kind]),
    );
    return found.sort((a, b) => a[0] - b[0]);
  }

  const kindsOf = (marks) => new Set(marks.map(([, , kind]) => kind)).size;

  function bestLine(code, patterns) {
    const lines = code.split("\n").map((text) => ({ text, marks: marksIn(text, patterns) }));
    const [best] = lines.sort((a, b) => kindsOf(b.marks) - kindsOf(a.marks));
    return best.marks.length ? best : null;
  }

  /** Return the part of a text that has most words. */
  function excerpt(text, marks) {
    const width = /\p{Script=Han}/u.test(text.slice(0, 200)) ? 90 : 200;
    const kinds = (at) => kindsOf(marks.filter(([start]) => start >= at && start < at + width * 0.7));
    const [best] = marks.map(([start]) => start).sort((a, b) => kinds(b) - kinds(a) || a - b);
    let from = Math.max(0, (best ?? 0) - Math.round(width / 4));
    while (from > 0 && /[a-z0-9_]/i.test(text[from - 1])) from -= 1;
    let to = Math.min(text.length, from + width);
    while (to < text.length && /[a-z0-9_]/i.test(text[to])) to += 1;
    const line = element("p", from > 0 ? "… " : "");
    line.append(marked(text, marks, from, to), to < text.length ? " …" : "");
    return line;
  }

  function marked(text, marks, from, to) {
    const part = document.createDocumentFragment();
    let done = from;
    for (const [start, end] of marks) {
      if (start < done || end > to) continue;
      part.append(text.slice(done, start), element("mark", text.slice(start, end)));
      done = end;
    }
    part.append(text.slice(done, to));
    return part;
  }

  return show;
})();
