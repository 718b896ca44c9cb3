/* Cuts texts into chunks as the package does: mlmtutor/texts/chunking.py. */
"use strict";

const chunking = (() => {
  /** Return the lists that lie between two boundaries, each of `groupSize` texts or of one, or one of all texts. */
  function findStretches(texts, boundary, groupSize) {
    const size = { corpus: texts.length, group: groupSize, text: 1 }[boundary];
    const stretches = [];
    for (let start = 0; start < texts.length; start += size) {
      stretches.push(texts.slice(start, start + size).flat());
    }
    return stretches;
  }

  /**
   * Cut texts, lists of tokens. What is left over before a boundary is dropped, or kept in a chunk with padding.
   * Return for each stretch between two boundaries its chunks and what is dropped of it.
   */
  function cut(texts, { chunkSize, boundary, groupSize, tail, padding }) {
    return findStretches(texts, boundary, groupSize).map((stretch) => {
      const chunks = [];
      for (let start = 0; start < stretch.length; start += chunkSize) {
        chunks.push(stretch.slice(start, start + chunkSize));
      }
      const missing = chunkSize * chunks.length - stretch.length;
      if (missing && tail === "drop") {
        return { chunks, dropped: chunks.pop() };
      }
      chunks.at(-1)?.push(...Array(missing).fill(padding));
      return { chunks, dropped: [] };
    });
  }

  /** Count chunks, dropped tokens, padded places, and chunks with tokens of more than one text; a token is its text. */
  function count(stretches, padding) {
    const chunks = stretches.flatMap((stretch) => stretch.chunks);
    return {
      chunks: chunks.length,
      dropped: stretches.flatMap((stretch) => stretch.dropped).length,
      padding: chunks.flat().filter((token) => token === padding).length,
      mixed: chunks.filter((chunk) => isMixed(chunk, padding)).length,
    };
  }

  const isMixed = (chunk, padding) => new Set(chunk.filter((token) => token !== padding)).size > 1;

  return { cut, count, isMixed };
})();
