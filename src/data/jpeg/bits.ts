import { Declined } from "./declined.ts";
import { type HuffmanTable, lookaheadBits } from "./huffman.ts";

/** Reads the coded data bit by bit, stuffed zero bytes left out. Throws Declined where they end too early. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The next bits, right-aligned; `#count` of them are valid. */
  #bits = 0;
  #count = 0;
  /** Bits invented beyond a marker; using one of them means that the data are truncated. */
  #invented = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  /** The next symbol of a Huffman code. */
  symbol(table: HuffmanTable): number {
    if (this.#count < 16) this.#fill();
    const next = (this.#bits >>> (this.#count - 16)) & 0xffff;
    const entry = table.short[next >> (16 - lookaheadBits)]!;
    if (entry !== 0) {
      this.#count -= entry >> 8;
      return entry & 0xff;
    }
    let length = lookaheadBits + 1;
    while (next >= table.limits[length]!) length++;
    if (length > 16) throw new Declined();
    this.#count -= length;
    return table.symbols[(next >> (16 - length)) + table.offsets[length]!]!;
  }

  /** A value of `size` bits whose first bit tells the sign (ITU-T T.81, F.2.2.1: EXTEND). */
  value(size: number): number {
    if (size === 0) return 0;
    if (this.#count < size) this.#fill();
    this.#count -= size;
    const bits = (this.#bits >>> this.#count) & ((1 << size) - 1);
    return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
  }

  /** Steps over a restart marker. */
  restart(index: number): void {
    this.#toMarker(0xd0 + (index & 7));
  }

  /** Checks that nothing but the end follows. */
  finish(): void {
    this.#toMarker(0xd9);
  }

  /** Whole bytes, at most 24 bits beyond what is there; zeros past a marker. */
  #fill(): void {
    while (this.#count <= 16) {
      let byte = this.#bytes[this.#at] ?? -1;
      if (byte === 0xff && this.#bytes[this.#at + 1] === 0) this.#at += 2;
      else if (byte >= 0 && byte !== 0xff) this.#at++;
      else {
        byte = 0;
        this.#invented += 8;
      }
      this.#bits = (this.#bits << 8) | byte;
      this.#count += 8;
    }
  }

  #toMarker(code: number): void {
    if (this.#invented > this.#count || this.#count - this.#invented >= 8) throw new Declined();
    while (this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] === 0xff) this.#at++;
    if (this.#bytes[this.#at] !== 0xff || this.#bytes[this.#at + 1] !== code) throw new Declined();
    this.#at += 2;
    this.#bits = 0;
    this.#count = 0;
    this.#invented = 0;
  }
}
