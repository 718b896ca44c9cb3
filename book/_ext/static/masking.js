/* Masks the same tokens as the package: mlmtutor/texts/words.py, masks/hash_random.py and masks/masking.py. */
"use strict";

const masking = (() => {
  const BITS = (1n << 64n) - 1n;

  function mix(state) {
    state = ((state + 1n) * 0x9e3779b97f4a7c15n) & BITS;
    state = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & BITS;
    state = ((state ^ (state >> 27n)) * 0x94d049bb133111ebn) & BITS;
    return state ^ (state >> 31n);
  }

  /** Return the random numbers of one row in [0, 1): each hashes (seed, epoch, stream, row, position), the first two 0. */
  function uniform(stream, row) {
    let key = 0n;
    for (const part of [0, 0, stream, row]) {
      key = mix(key + BigInt(part));
    }
    return (position) => Number(mix(key + BigInt(position)) >> 11n) * 2 ** -53;
  }

  /** Return the position of the first token of each token's word; -1 if special or if the word began before the text. */
  function findFirstPieces({ tokens, word_starts: starts }, special) {
    let first = -1;
    return tokens.map((token, position) => {
      if (special.has(token)) {
        first = -1;
        return -1;
      }
      if (starts ? starts[position] : !token.startsWith("##")) {
        first = position;
      }
      return first;
    });
  }

  /** Return the position of the first token of each token's unit: its word, or the token itself; -1 if special. */
  function unitStarts(passage, special, unit) {
    return unit === "word"
      ? findFirstPieces(passage, special)
      : passage.tokens.map((token, position) => (special.has(token) ? -1 : position));
  }

  /**
   * Mask a share of the units of one passage, as row `row` of a large batch.
   * (In a batch where nothing is masked, the package masks one unit; that does not happen in a large batch.)
   * Return what the model sees of each token, how it is masked ("none", "mask", "random" or "kept"), and the random
   * number of its unit, which is compared with the rate; none for special tokens.
   */
  function mask(tokens, firstPieces, { rate, maskShare, randomShare, ordinary, row }) {
    const [draw, kind, choice] = [0, 1, 2].map((stream) => uniform(stream, row));
    return tokens.map((token, position) => {
      const number = firstPieces[position] < 0 ? undefined : draw(firstPieces[position]);
      if (number === undefined || number >= rate) {
        return { shown: token, kind: "none", number };
      }
      const share = kind(position);
      if (share < maskShare) {
        return { shown: "[MASK]", kind: "mask", number };
      }
      const random = share < maskShare + randomShare;
      const shown = random ? ordinary[Math.floor(choice(position) * ordinary.length)] : token;
      return { shown, kind: shown === token ? "kept" : "random", number };
    });
  }

  return { findFirstPieces, unitStarts, mask };
})();
