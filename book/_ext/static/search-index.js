/* The indexes of the search, each fetched once, when somebody searches (site_search.py writes them). */

const courseSearch = (() => {
  const indexes = {}; // language -> promise of its index
  const arrivals = {}; // language -> what to call when its index has come

  /** Called by the index files. */
  function add(language, pages, words) {
    for (const page of pages) {
      page.entries = page.entries.map(([anchor, title, text, code]) => {
        const whole = `${title}\n${text}`;
        const isObject = anchor.startsWith("mlmtutor.");
        const [lower, lowerCode] = [whole.toLowerCase(), code.toLowerCase()];
        return { anchor, title, text: whole, lower, start: title.length + 1, code, lowerCode, isObject };
      });
      page.lower = page.entries.map(({ lower, lowerCode }) => `${lower}\n${lowerCode}`).join("\n");
    }
    const text = pages.map((page) => page.lower).join("\n");
    arrivals[language]({ pages, text, questions: words.questions, synonyms: words.synonyms, ...wordsOf(text) });
  }

  /** Return how often each word occurs, and the words of each stem. */
  function wordsOf(text) {
    const counts = new Map();
    for (const word of text.match(/[\p{L}\p{N}_]+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const stemmer = new Stemmer();
    const stems = new Map();
    for (const word of counts.keys()) {
      const stem = stemmer.stemWord(word);
      stems.set(stem, [...(stems.get(stem) ?? []), word]);
    }
    return { counts, stems, stemOf: (word) => stemmer.stemWord(word) };
  }

  /** Return a promise of the index of a language. */
  function load(language, root) {
    indexes[language] ??= new Promise((resolve, reject) => {
      arrivals[language] = resolve;
      const script = document.createElement("script");
      script.src = `${root}_static/search-${language}.js`;
      script.onerror = () => {
        delete indexes[language]; // it may be there later
        reject(new Error(script.src));
      };
      document.head.append(script);
    });
    return indexes[language];
  }

  return { add, load };
})();
