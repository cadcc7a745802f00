import { join } from "node:path";
import { overlap, partHash } from "../data/index.ts";
import { CalibrationError } from "../errors.ts";
import { readBytes } from "../files.ts";
import type { Collected } from "./collect.ts";
import type { TwinFile, TwinFolder } from "./folder.ts";
import { firstRows } from "./rows.ts";

/** What a manifest says of a set of images. */
export const partOf = (fingerprints: readonly string[], source: string) => ({
  source: source.split(/[\\/]/).at(-1)!,
  images: fingerprints.length,
  sha256: partHash(fingerprints),
});

/** A file of fingerprints, sorted, one a line. */
export const fingerprintFile = (file: string, fingerprints: Iterable<string>): TwinFile => ({
  file,
  bytes: new TextEncoder().encode(`${[...new Set(fingerprints)].sort().join("\n")}\n`),
});

/** What a twin knows of some images. */
export interface Acquaintance {
  /** How many of them trained or chose its compressed network, placed its thresholds or calibrated it: what is found on them flatters. */
  readonly known: number;
  /** Rows of the others, each image once. */
  readonly fresh: Uint32Array;
}

export async function acquaintance(folder: TwinFolder, { fingerprints }: Collected): Promise<Acquaintance> {
  const known = new Set(await knownTo(folder));
  return {
    known: overlap(known, fingerprints).length,
    fresh: firstRows(fingerprints).filter((row) => !known.has(fingerprints[row]!)),
  };
}

async function knownTo(folder: TwinFolder): Promise<string[]> {
  const { guarantee } = folder.manifest;
  const own = guarantee === undefined ? [] : await readLines(folder, guarantee.fingerprints.file);
  return [...own, ...(await madeFrom(folder))];
}

/** Fingerprints of the images that trained the twin's compressed network or chose it, as far as the twin knows them. */
async function madeFrom(folder: TwinFolder): Promise<string[]> {
  const { training, selection } = folder.manifest.compression ?? {};
  const files = [training, selection].filter((part) => part !== undefined).map(({ fingerprints }) => fingerprints.file);
  return (await Promise.all(files.map((file) => readLines(folder, file)))).flat();
}

/** Share of calibration images that may also train: chance shares of fingerprints, and duplicates. */
const tolerated = 0.01;

/** How many calibration images also train; 0 where they are so few that they change nothing. */
export function sharedImages(training: readonly string[], calibration: readonly string[]): number {
  const shared = overlap(training, calibration).length;
  return shared <= tolerated * calibration.length ? 0 : shared;
}

/**
 * Refuses to calibrate on images that trained or chose the compressed network, as far as the twin knows them: it is better on
 * them than on others.
 *
 * @throws CalibrationError
 */
export async function refuseTrained(folder: TwinFolder, { fingerprints }: Collected, source: string): Promise<void> {
  const shared = sharedImages(await madeFrom(folder), fingerprints);
  if (shared === 0) return;
  throw new CalibrationError(
    `${source}: ${shared} of ${fingerprints.length} images trained or chose the compressed network, which is better on them than on others; calibrate on new ones`,
  );
}

async function readLines({ path }: TwinFolder, file: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(join(path, file), "make the twin again"));
  return text.split("\n").filter((line) => line !== "");
}
