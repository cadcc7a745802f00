import { Declined } from "./declined.ts";

/** Bits that are looked up at once. */
export const lookaheadBits = 9;

/** A canonical Huffman code (ITU-T T.81, annex C): code lengths and the symbols in code order. */
export interface HuffmanSpec {
  /** Number of codes of 1 to 16 bits. */
  readonly counts: Uint8Array;
  readonly symbols: Uint8Array;
}

/** A Huffman code ready to decode with. */
export interface HuffmanTable {
  /** By the next 9 bits: code length << 8 | symbol; 0 where the code is longer. */
  readonly short: Uint16Array;
  /** By length: the first code beyond those of this length, aligned to 16 bits. */
  readonly limits: Int32Array;
  /** By length: what to add to a code for the index of its symbol. */
  readonly offsets: Int32Array;
  readonly symbols: Uint8Array;
}

/** Assigns the codes (ITU-T T.81, annexes C and F.2.2.3). Throws Declined when they are none. */
export function huffmanTable({ counts, symbols }: HuffmanSpec): HuffmanTable {
  const short = new Uint16Array(1 << lookaheadBits);
  const limits = new Int32Array(18);
  const offsets = new Int32Array(17);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= 16; length++) {
    const count = counts[length - 1]!;
    offsets[length] = index - code;
    if (length <= lookaheadBits) fillShort(short, code, length, symbols.subarray(index, index + count));
    index += count;
    code += count;
    limits[length] = code << (16 - length);
    if (code >= 1 << length || index > symbols.length) throw new Declined();
    code <<= 1;
  }
  limits[17] = 0x7fffffff;
  return { short, limits, offsets, symbols: symbols.slice() };
}

/** Every continuation of a short code leads to its symbol. */
function fillShort(short: Uint16Array, first: number, length: number, symbols: Uint8Array): void {
  const spare = lookaheadBits - length;
  symbols.forEach((symbol, i) => {
    short.fill((length << 8) | symbol, (first + i) << spare, (first + i + 1) << spare);
  });
}
