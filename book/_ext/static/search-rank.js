/* Finds the sections for a query, the best first. Prose comes before code, unless the query is a name in code. */

courseSearch.find = (() => {
  const TOGETHER = 100; // all words in one section
  const IN_TITLE = 20;
  const PHRASE = 20;
  const IN_CODE = -60; // some words are only in code or in the reference of the package

  /** Return the pages, each with its sections that hold most words, and what was made of the query. */
  function find(query, index) {
    const bare = query.trim().replace(/^(?:mt|mlmtutor)\.(?=\w)/, "");
    const read = courseSearch.readQuery(bare, index);
    if (read === null) return { pages: [] };
    const isName = namesCode(bare, index.pages);
    const all = read.patterns.length;
    // if no page holds all words of a long query, those that hold most of them
    for (let needed = all; needed >= Math.min(all, Math.max(2, Math.ceil(all / 2))); needed -= 1) {
      const holds = (page) => read.patterns.filter((pattern) => page.lower.search(pattern) >= 0).length >= needed;
      const pages = index.pages.filter(holds).map((page) => ratePage(page, read, isName));
      if (pages.length) return { ...read, pages: pages.sort((a, b) => b.score - a.score) };
    }
    return { pages: [] };
  }

  function namesCode(query, pages) {
    if (!/^[\w.]+(\(.*)?$/.test(query)) return false;
    const isPublic = ({ isObject, title }) => isObject && title === query;
    return /[_.(]/.test(query) || pages.some((page) => page.entries.some(isPublic));
  }

  function ratePage(page, read, isName) {
    const rated = page.entries.map((entry) => rate(entry, read, isName));
    const most = Math.max(...rated.map((hit) => hit.words));
    const hits = rated.filter((hit) => hit.words === most).sort((a, b) => b.score - a.score);
    const together = most === read.patterns.length ? TOGETHER : 0;
    return { page, hits, score: hits[0].score + together + inTitle(page.entries[0], read.patterns) };
  }

  function rate(entry, { patterns, wanted }, isName) {
    const inProse = patterns.map((pattern) => [...entry.lower.matchAll(pattern)].length);
    const counts = patterns.map((pattern, place) => inProse[place] + [...entry.lowerCode.matchAll(pattern)].length);
    const words = counts.filter((count) => count > 0).length;
    const onlyInCode = entry.isObject || inProse.filter((count) => count > 0).length < words;
    let score = inTitle(entry, patterns) + Math.min(5, ...counts);
    if (entry.lower.includes(wanted)) score += PHRASE;
    if (isName && entry.isObject) score += inTitle(entry, patterns) * 3;
    if (!isName && onlyInCode) score += IN_CODE;
    return { entry, patterns, isName, words, score };
  }

  /** Return what it counts that the heading of an entry has the words, or some of them. */
  function inTitle(entry, patterns) {
    const title = entry.lower.slice(0, entry.start);
    return (IN_TITLE * patterns.filter((pattern) => title.search(pattern) >= 0).length) / patterns.length;
  }

  return find;
})();
