/* BERT's uncased tokenizer: words first, then the longest pieces of the vocabulary; as the package's one cuts. */

export class Tokenizer {
  constructor(tokens) {
    this.tokens = tokens;
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.maskId = this.ids.get("[MASK]");
  }

  /**
   * Return the ids of a text with [CLS] before and [SEP] behind it, and the words that the vocabulary cannot spell.
   * With `readsSpecial`, a special token that is typed, such as [MASK], is that token, and else a word like any other.
   */
  encode(text, { readsSpecial = true } = {}) {
    const pieces = ["[CLS]"];
    const unknown = [];
    for (const part of readsSpecial ? text.split(/(\[(?:CLS|MASK|PAD|SEP|UNK)\])/) : [text]) {
      if (readsSpecial && /^\[[A-Z]+\]$/.test(part) && this.ids.has(part)) {
        pieces.push(part);
        continue;
      }
      for (const word of splitWords(part)) {
        const found = this.cut([...word]);
        pieces.push(...(found ?? ["[UNK]"]));
        if (!found) unknown.push(word);
      }
    }
    return { ids: [...pieces, "[SEP]"].map((piece) => this.ids.get(piece)), unknown };
  }

  /** Cut a word into the longest pieces of the vocabulary, from the left; null if some rest is none. */
  cut(signs) {
    const pieces = [];
    for (let from = 0; from < signs.length; ) {
      let to = signs.length;
      const piece = () => (from ? "##" : "") + signs.slice(from, to).join("");
      while (to > from && !this.ids.has(piece())) to -= 1;
      if (to === from || signs.length > 100) return null;
      pieces.push(piece());
      from = to;
    }
    return pieces;
  }
}

/** Lower the case, drop accents, and set punctuation and Chinese characters apart, as words of their own. */
function splitWords(text) {
  const clean = text
    .replace(/[\t\n\r\p{Z}]/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\u{fffd}]/gu, "")
    .replace(/[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu, " $& ")
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "");
  // sign by sign, as the last Σ of a word has no rule of its own in the package
  const lower = Array.from(clean, (sign) => sign.toLowerCase()).join("");
  return lower.replace(/[\p{P}!-/:-@[-`{-~]/gu, " $& ").split(" ").filter(Boolean);
}
