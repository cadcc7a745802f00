import { readFileSync } from "node:fs";
import { join } from "node:path";
import { collect } from "../../src/data/chunks.ts";
import { parseNpyHeader } from "../../src/data/npy.ts";
import { readZip } from "../../src/data/zip.ts";

const folder = join(import.meta.dirname, "golden");

/** The path of a golden file. */
export function golden(name: string): string {
  return join(folder, name);
}

export interface Case {
  readonly name: string;
  readonly image: string;
  /** A preset's name, or a preprocessing. */
  readonly preprocessing: unknown;
}

export const cases = (JSON.parse(readFileSync(golden("cases.json"), "utf8")) as { cases: Case[] }).cases;

/** The arrays of bytes in a `.npz`, by name. */
export async function goldenArrays(file: string): Promise<Map<string, { data: Uint8Array; shape: readonly number[] }>> {
  const entries = await readZip(golden(file));
  const arrays = entries.map(async (entry) => {
    const bytes = await collect(entry.chunks());
    const { shape, length } = parseNpyHeader(bytes, entry.name);
    return [entry.name.replace(/\.npy$/, ""), { data: bytes.subarray(length), shape }] as const;
  });
  return new Map(await Promise.all(arrays));
}
