import { Declined } from "./declined.ts";
import { type HuffmanTable, huffmanTable } from "./huffman.ts";

/** One colour component of a frame. */
export interface Component {
  readonly id: number;
  /** Blocks in a unit (MCU), horizontally and vertically. */
  readonly across: number;
  readonly down: number;
  /** 64 steps, in zigzag order. */
  readonly quantisation: Uint16Array;
}

/** What precedes the coded data of a baseline JPEG with one scan. */
export interface Header {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
  /** By component. */
  readonly tables: readonly { readonly dc: HuffmanTable; readonly ac: HuffmanTable }[];
  /** Units between restart markers; 0: none. */
  readonly restartInterval: number;
  /** Where the coded data start. */
  readonly start: number;
}

const marker = {
  start: 0xd8,
  app14: 0xee,
  baseline: 0xc0,
  extended: 0xc1,
  huffman: 0xc4,
  quantisation: 0xdb,
  restart: 0xdd,
  scan: 0xda,
};

/** The header last read, and its bytes: images of one size by one encoder begin alike. */
let last: { readonly bytes: Uint8Array; readonly header: Header } | undefined;

/** Reads the markers up to the coded data (ITU-T T.81, annex B). Throws Declined. */
export function readHeader(bytes: Uint8Array): Header {
  if (last !== undefined && Buffer.compare(bytes.subarray(0, last.bytes.length), last.bytes) === 0) return last.header;
  const header = parseHeader(bytes);
  last = { bytes: bytes.slice(0, header.start), header };
  return header;
}

function parseHeader(bytes: Uint8Array): Header {
  if (bytes[0] !== 0xff || bytes[1] !== marker.start) throw new Declined();
  const reader = new HeaderReader();
  for (let at = 2; ; ) {
    if (bytes[at] !== 0xff) throw new Declined();
    const code = bytes[at + 1];
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (code === undefined || segment.length !== length - 2) throw new Declined();
    at += 2 + length;
    if (code === marker.scan) return reader.finish(segment, at);
    reader.read(code, segment);
  }
}

class HeaderReader {
  readonly #quantisation = new Map<number, Uint16Array>();
  readonly #huffman = new Map<number, HuffmanTable>();
  #frame: Uint8Array | undefined;
  #restartInterval = 0;

  read(code: number, segment: Uint8Array): void {
    if (code === marker.quantisation) this.#readQuantisation(segment);
    else if (code === marker.huffman) this.#readHuffman(segment);
    else if (code === marker.restart) this.#restartInterval = (segment[0]! << 8) | segment[1]!;
    else if (code === marker.baseline || code === marker.extended) this.#frame = segment;
    else if (code === marker.app14) checkAdobe(segment);
    else if (!isComment(code)) throw new Declined();
  }

  finish(scan: Uint8Array, start: number): Header {
    const frame = this.#frame;
    if (frame === undefined || frame[0] !== 8 || frame.length !== 6 + 3 * frame[5]!) throw new Declined();
    const components = Array.from({ length: frame[5]! }, (_, i) =>
      this.#component(frame.subarray(6 + 3 * i, 9 + 3 * i)),
    );
    return {
      width: (frame[3]! << 8) | frame[4]!,
      height: (frame[1]! << 8) | frame[2]!,
      components,
      tables: this.#tables(scan, components),
      restartInterval: this.#restartInterval,
      start,
    };
  }

  #component([id, sampling, table]: Uint8Array): Component {
    const quantisation = this.#quantisation.get(table!);
    const [across, down] = [sampling! >> 4, sampling! & 15];
    if (quantisation === undefined || !isFactor(across) || !isFactor(down)) throw new Declined();
    return { id: id!, across, down, quantisation };
  }

  /** The scan must hold all components, in the frame's order, and all coefficients. */
  #tables(scan: Uint8Array, components: readonly Component[]) {
    const tail = scan.subarray(1 + 2 * components.length);
    if (scan[0] !== components.length || tail.length !== 3 || tail[0] !== 0 || tail[1] !== 63 || tail[2] !== 0)
      throw new Declined();
    return components.map(({ id }, i) => {
      const selector = scan[2 + 2 * i]!;
      const dc = this.#huffman.get(selector >> 4);
      const ac = this.#huffman.get(0x10 | (selector & 15));
      if (scan[1 + 2 * i] !== id || dc === undefined || ac === undefined) throw new Declined();
      return { dc, ac };
    });
  }

  #readQuantisation(segment: Uint8Array): void {
    for (let at = 0; at < segment.length; ) {
      const wide = segment[at]! >> 4;
      const table = new Uint16Array(64);
      for (let i = 0; i < 64; i++) {
        table[i] = wide ? (segment[at + 1 + 2 * i]! << 8) | segment[at + 2 + 2 * i]! : segment[at + 1 + i]!;
      }
      this.#quantisation.set(segment[at]! & 15, table);
      at += 1 + (wide ? 128 : 64);
      if (at > segment.length) throw new Declined();
    }
  }

  #readHuffman(segment: Uint8Array): void {
    for (let at = 0; at < segment.length; ) {
      const counts = segment.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const symbols = segment.subarray(at + 17, at + 17 + total);
      const largest = segment[at]! >> 4 === 0 ? 15 : 255;
      if (symbols.some((symbol) => symbol > largest)) throw new Declined();
      this.#huffman.set(segment[at]!, huffmanTable({ counts, symbols }));
      at += 17 + total;
      if (at > segment.length) throw new Declined();
    }
  }
}

function isFactor(value: number): boolean {
  return value >= 1 && value <= 4;
}

/** Adobe's marker may say that the components are no luma and chroma. */
function checkAdobe(segment: Uint8Array): void {
  const yCbCr = 1;
  if (Buffer.from(segment.subarray(0, 5)).toString("latin1") === "Adobe" && segment[11] !== yCbCr) throw new Declined();
}

/** Application data and comments. */
function isComment(code: number): boolean {
  return (code >= 0xe0 && code <= 0xef) || code === 0xfe;
}
