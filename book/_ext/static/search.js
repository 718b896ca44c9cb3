/* Fills the search page with the sections that contain all words of the query, the language of the page first.
   The index of a language is the text of its sections (site_search.py); Latin words match by their stem or their
   beginning, Chinese ones anywhere in a sentence. */

const courseSearch = (() => {
  const WORDS = {
    en: {
      none: (query) => `Nothing found for “${query}”. Fewer or other words may help.`,
      some: (sections, pages) => `${sections} ${sections > 1 ? "places" : "place"} on ${pages} ${pages > 1 ? "pages" : "page"}`,
      elsewhere: "In the English edition",
      more: (count) => `and ${count} more on this page`,
      failed: "The index could not be loaded. Try again when you are connected.",
    },
    zh: {
      none: (query) => `没有找到“${query}”。少用几个词，或者换一个说法再试。`,
      some: (sections, pages) => `找到 ${sections} 处，在 ${pages} 个页面上`,
      elsewhere: "中文版里的结果",
      more: (count) => `此页还有 ${count} 处`,
      failed: "索引没有加载成功，请联网后再试。",
    },
  };
  const SHOWN = 4; // sections of one page
  const indexes = {}; // language -> its pages
  const arrivals = {}; // language -> what to call when its index has loaded

  /** Called by the index files. */
  function add(language, pages) {
    for (const page of pages) {
      page.entries = page.entries.map(([anchor, title, text]) => {
        const whole = `${title}\n${text}`;
        return { anchor, title, text: whole, lower: whole.toLowerCase(), start: title.length + 1 };
      });
      page.lower = page.entries.map((entry) => entry.lower).join("\n");
    }
    indexes[language] = pages;
    arrivals[language]();
  }

  function load(language, root) {
    return new Promise((resolve, reject) => {
      arrivals[language] = resolve;
      const script = document.createElement("script");
      script.src = `${root}_static/search-${language}.js`;
      script.onerror = reject;
      document.head.append(script);
    });
  }

  /** Return a pattern for each Latin word and each run of Chinese in a query; null if one of them is nowhere. */
  function patternsOf(query, pages) {
    const text = pages.map((page) => page.lower).join("\n");
    const vocabulary = [...new Set(text.match(/[\p{L}\p{N}_]+/gu))];
    const stemmer = new Stemmer();
    const patterns = [];
    for (const term of query.match(/\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}_])+/gu) ?? []) {
      const spellings = /\p{Script=Han}/u.test(term)
        ? pieces(term, text)
        : [wordPattern(term, vocabulary, stemmer)];
      if (spellings.includes(null)) return null;
      patterns.push(...spellings.map((spelling) => new RegExp(spelling, "gu")));
    }
    return patterns.length ? patterns : null;
  }

  function wordPattern(term, vocabulary, stemmer) {
    const stem = stemmer.stemWord(term);
    const fits = (word) =>
      word === term || (term.length > 2 && (word.startsWith(term) || stemmer.stemWord(word) === stem));
    const words = vocabulary.filter(fits).sort((a, b) => b.length - a.length);
    return words.length ? `(?<![a-z0-9_])(?:${words.join("|")})(?![a-z0-9_])` : null;
  }

  /** Return a run of Chinese as it is or, if the text does not contain it, cut into long parts that it contains. */
  function pieces(run, text) {
    if (text.includes(run)) return [run];
    for (let end = run.length - 2; end > 1; end -= 1) {
      if (!text.includes(run.slice(0, end))) continue;
      const rest = pieces(run.slice(end), text);
      if (rest[0] !== null) return [run.slice(0, end), ...rest];
    }
    return [null];
  }

  /** Return the pages that contain all words, best first, each with its sections that contain most of them. */
  function find(query, pages) {
    const wanted = query.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
    const patterns = patternsOf(wanted, pages);
    if (patterns === null) return [];
    const found = [];
    for (const page of pages.filter((page) => patterns.every((pattern) => page.lower.search(pattern) >= 0))) {
      const rated = page.entries
        .map((entry) => ({ entry, patterns, ...rate(entry, patterns, wanted) }))
        .filter((hit) => hit.words > 0);
      const most = Math.max(0, ...rated.map((hit) => hit.words));
      const hits = rated.filter((hit) => hit.words === most).sort((a, b) => b.score - a.score);
      const together = most === patterns.length ? 100 : 0; // all words in one section
      if (hits.length) found.push({ page, hits, score: hits[0].score + together + inTitle(page.entries[0], patterns) });
    }
    return found.sort((a, b) => b.score - a.score);
  }

  function rate(entry, patterns, wanted) {
    const counts = patterns.map((pattern) => [...entry.lower.matchAll(pattern)].length);
    const phrase = entry.lower.includes(wanted) ? 20 : 0;
    return {
      words: counts.filter((count) => count > 0).length,
      score: inTitle(entry, patterns) + phrase + Math.min(5, ...counts),
    };
  }

  /** Return 20 if the heading of an entry has all words, less if it has some. */
  function inTitle(entry, patterns) {
    const title = entry.lower.slice(0, entry.start);
    return (20 * patterns.filter((pattern) => title.search(pattern) >= 0).length) / patterns.length;
  }

  /** Return the part of a section that contains most words, with the words marked. */
  function snippet({ entry, patterns }) {
    const text = entry.text.slice(entry.start);
    const lower = entry.lower.slice(entry.start);
    const marks = patterns
      .flatMap((pattern) => [...lower.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]))
      .sort((a, b) => a[0] - b[0]);
    const width = /\p{Script=Han}/u.test(text.slice(0, 200)) ? 90 : 200;
    const near = (at) => marks.filter(([start]) => start >= at && start < at + width * 0.7);
    const kinds = (at) => new Set(near(at).map(([start, end]) => lower.slice(start, end))).size;
    const [best] = marks.map(([start]) => start).sort((a, b) => kinds(b) - kinds(a) || a - b);
    let from = Math.max(0, (best ?? 0) - Math.round(width / 4));
    while (from > 0 && /[a-z0-9_]/i.test(text[from - 1])) from -= 1;
    let to = Math.min(text.length, from + width);
    while (to < text.length && /[a-z0-9_]/i.test(text[to])) to += 1;
    const line = element("p", from > 0 ? "… " : "");
    let done = from;
    for (const [start, end] of marks) {
      if (start < done || end > to) continue;
      line.append(text.slice(done, start), element("mark", text.slice(start, end)));
      done = end;
    }
    line.append(text.slice(done, to) + (to < text.length ? " …" : ""));
    return line;
  }

  function element(name, text, properties = {}) {
    return Object.assign(document.createElement(name), { textContent: text }, properties);
  }

  function show(found, root, words) {
    return found.map(({ page, hits }) => {
      const box = element("section", "", { className: "search-page" });
      const title = page.number + page.entries[0].title;
      const heading = element("h3", "");
      heading.append(element("a", title, { href: root + page.page }));
      box.append(heading);
      const list = element("ul", "");
      for (const hit of hits.slice(0, SHOWN)) {
        const item = element("li", "");
        if (hit.entry.anchor) {
          const address = `${root}${page.page}#${encodeURIComponent(hit.entry.anchor)}`;
          item.append(element("a", hit.entry.title, { href: address }));
        }
        item.append(snippet(hit));
        list.append(item);
      }
      box.append(list);
      if (hits.length > SHOWN) box.append(element("p", words.more(hits.length - SHOWN), { className: "search-more" }));
      return box;
    });
  }

  async function start() {
    const query = new URLSearchParams(location.search).get("q")?.trim();
    const field = document.getElementById("search-query");
    if (!query) return field.focus();
    field.value = query;
    document.title = `${query} — ${document.title}`;
    const own = document.documentElement.lang.slice(0, 2);
    const words = WORDS[own];
    const root = document.documentElement.dataset.content_root;
    const results = document.getElementById("search-results");
    const status = document.getElementById("search-status");
    let total = 0;
    let pages = 0;
    for (const language of [own, ...Object.keys(WORDS).filter((other) => other !== own)]) {
      try {
        await load(language, root);
      } catch {
        status.textContent = words.failed;
        return;
      }
      const found = find(query, indexes[language]);
      if (!found.length) continue;
      const box = element("div", "", { lang: language === "zh" ? "zh-CN" : language, className: "search-language" });
      box.append(element("h2", WORDS[language].elsewhere), ...show(found, root, WORDS[language]));
      results.append(box);
      total += found.reduce((sum, { hits }) => sum + hits.length, 0);
      pages += found.length;
    }
    status.textContent = total ? words.some(total, pages) : words.none(query);
  }

  document.addEventListener("DOMContentLoaded", start);
  return { add };
})();
