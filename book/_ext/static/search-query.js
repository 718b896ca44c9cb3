/* Turns what was typed into patterns to look for. A Latin word fits by its stem or its beginning, a run of Chinese
   anywhere in a sentence. Where the book does not hold the query as it is, the words of a question are dropped, and a word
   that is nowhere gives way to the word of the book that it was probably meant to be. */

courseSearch.readQuery = (() => {
  const HAN = /\p{Script=Han}/u;
  const TERMS = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}_])+/gu;
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const normal = (text) => text.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");

  /** Return the patterns, the phrase as typed, the words put for mistyped ones and those left out; null if hopeless. */
  function readQuery(query, index) {
    const wanted = normal(query);
    const { spellings, rest } = takeSynonyms(wanted, index);
    const asked = index.text.includes(wanted) ? rest : dropQuestion(rest, index);
    const terms = (asked || (spellings.length ? "" : rest)).match(TERMS) ?? [];
    const [instead, missing] = [[], []];
    for (const term of terms) {
      if (HAN.test(term)) {
        const parts = pieces(term, index.text) ?? knownPieces(term, index.text);
        parts.length ? spellings.push(...parts) : missing.push(term);
        continue;
      }
      let pattern = wordPattern(term, index);
      const meant = pattern ? term : nearest(term, index);
      if (meant !== null && meant !== term) {
        instead.push([term, meant]);
        pattern = wordPattern(meant, index);
      }
      pattern ? spellings.push(pattern) : missing.push(term);
    }
    // one word of two is too little, but of a question one word may be the whole subject
    const least = missing.length && asked === rest ? 2 : 1;
    if (spellings.length < Math.max(least, missing.length)) return null;
    return { patterns: [...new Set(spellings)].map((one) => new RegExp(one, "gu")), wanted, instead, missing };
  }

  function dropQuestion(wanted, { text, questions }) {
    const inside = new RegExp([...questions.zh].sort((a, b) => b.length - a.length).join("|"), "gu");
    const ends = `[${questions.zh_ends.join("")}]+`;
    const terms = (wanted.match(TERMS) ?? []).flatMap((term) => {
      if (!HAN.test(term)) return questions.en.includes(term) ? [] : [term];
      if (text.includes(term) && term.length > 1) return [term];
      const runs = term.replace(inside, " ").split(" ");
      return runs.map((run) =>
        run.length > 1 && text.includes(run) ? run : run.replace(new RegExp(`^${ends}|${ends}$`, "gu"), ""),
      );
    });
    // what remains of a Chinese verb is no subject
    const kept = terms.filter((term) => term.length > 1 || !HAN.test(term));
    return (kept.length ? kept : terms.filter(Boolean)).join(" ");
  }

  /** Take the phrases that the book says in other words out of a query; return a pattern for each, and the rest. */
  function takeSynonyms(wanted, index) {
    const spellings = [];
    let rest = wanted;
    const pairs = index.synonyms.flatMap(([typed, own]) => typed.map((phrase) => [normal(phrase), own]));
    for (const [phrase, own] of pairs.sort((a, b) => b[0].length - a[0].length)) {
      // a run of Chinese that the book holds stays whole
      const within = (run) => (run !== phrase && index.text.includes(run) ? run : run.replaceAll(phrase, " "));
      const cut = HAN.test(phrase)
        ? rest.replace(/\p{Script=Han}+/gu, within)
        : rest.replace(new RegExp(`(?<![a-z0-9_])${escaped(phrase)}(?![a-z0-9_])`, "gu"), " ");
      if (cut === rest) continue;
      rest = cut;
      const patterns = [phrase, ...own.map(normal)].map((one) => phrasePattern(one, index)).filter(Boolean);
      if (patterns.length) spellings.push(`(?:${patterns.join("|")})`);
      else rest += ` ${phrase}`;
    }
    return { spellings, rest };
  }

  /** Return a pattern of words that follow each other; null if one of them is nowhere. */
  function phrasePattern(phrase, index) {
    if (HAN.test(phrase)) return index.text.includes(phrase) ? escaped(phrase) : null;
    const words = phrase.match(TERMS).map((word) => wordPattern(word, index));
    return words.includes(null) ? null : words.join("[\\s-]+");
  }

  function wordPattern(term, { counts, stems, stemOf }) {
    const words = new Set(counts.has(term) ? [term] : []);
    if (term.length > 2) {
      for (const word of stems.get(stemOf(term)) ?? []) words.add(word);
      for (const word of counts.keys()) if (word.startsWith(term)) words.add(word);
    }
    const longestFirst = [...words].sort((a, b) => b.length - a.length);
    return words.size ? `(?<![a-z0-9_])(?:${longestFirst.join("|")})(?![a-z0-9_])` : null;
  }

  /** Return the word of the book that a mistyped one is nearest to: one slip in 4 to 6 letters, two in more. */
  function nearest(term, { counts }) {
    if (!/^[a-z]{4,}$/.test(term)) return null;
    const allowed = term.length > 6 ? 2 : 1;
    let best = null;
    for (const [word, count] of counts) {
      if (Math.abs(word.length - term.length) > allowed || !/^[a-z]{4,}$/.test(word)) continue;
      const slips = slipsBetween(term, word) + (word[0] === term[0] ? 0 : 0.5); // the first letter is seldom wrong
      if (slips > allowed) continue;
      if (!best || slips < best.slips || (slips === best.slips && count > best.count)) best = { word, slips, count };
    }
    return best?.word ?? null;
  }

  /** Return how many letters were added, left out, changed, or swapped with their neighbour. */
  function slipsBetween(a, b) {
    let [before, above] = [[], Array.from({ length: b.length + 1 }, (_, column) => column)];
    for (let row = 1; row <= a.length; row += 1) {
      const line = [row];
      for (let column = 1; column <= b.length; column += 1) {
        const changed = above[column - 1] + (a[row - 1] === b[column - 1] ? 0 : 1);
        line[column] = Math.min(changed, above[column] + 1, line[column - 1] + 1);
        const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
        if (swapped) line[column] = Math.min(line[column], before[column - 2] + 1);
      }
      [before, above] = [above, line];
    }
    return above[b.length];
  }

  /** Return a run of Chinese as it is or, if the text does not hold it, cut into long parts that it holds, else null. */
  function pieces(run, text) {
    if (text.includes(run)) return [run];
    for (let end = run.length - 2; end > 1; end -= 1) {
      const rest = text.includes(run.slice(0, end)) && pieces(run.slice(end), text);
      if (rest) return [run.slice(0, end), ...rest];
    }
    return null;
  }

  /** Return the parts of a run that the text holds, if they are at least half of it. */
  function knownPieces(run, text) {
    const parts = [];
    for (let from = 0; from < run.length - 1; ) {
      let end = run.length;
      while (end > from + 1 && !text.includes(run.slice(from, end))) end -= 1;
      if (end > from + 1) parts.push(run.slice(from, end));
      from = end;
    }
    return parts.join("").length * 2 >= run.length ? parts : [];
  }

  return readQuery;
})();
