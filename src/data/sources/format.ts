import type { ImageSource } from "../types.ts";

/** The parts that published data sets come in. */
export const splits = ["train", "test", "val"] as const;
export type Split = (typeof splits)[number];

export interface OpenOptions {
  /** Class names in label order; the sorted folder names, or what the data set says, by default. */
  readonly labels?: readonly string[];
  /** Which part to take of a data set that holds several. */
  readonly split?: Split;
  /** Where the paths of `-`, one a line, or its image come from; the standard input by default. */
  readonly stdin?: AsyncIterable<string | Uint8Array>;
}

/** What is known of a path before a format is chosen. */
export interface Probe {
  readonly path: string;
  readonly kind: "file" | "folder";
  /** The file's first bytes, unzipped when it is gzip; empty for a folder. */
  readonly head: Uint8Array;
  /** Sorted names in the folder; empty for a file. */
  readonly entries: readonly string[];
}

/** A way in which images are stored. */
export interface SourceFormat {
  /** For messages: "known: ...". */
  readonly name: string;
  accepts(probe: Probe): boolean;
  open(probe: Probe, options: OpenOptions): Promise<ImageSource>;
}

/** Whether `bytes` hold `text`, in Latin-1, at `offset`. */
export function holds(bytes: Uint8Array, text: string, offset = 0): boolean {
  return (
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", offset, offset + text.length) === text
  );
}

/** Order by code units: the same everywhere, and that of Python's `sorted` for the names at hand. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
