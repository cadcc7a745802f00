import { join } from "node:path";
import { overlap, partHash } from "../data/index.ts";
import { CalibrationError } from "../errors.ts";
import { readBytes } from "../files.ts";
import type { Collected } from "./collect.ts";
import type { TwinFile, TwinFolder } from "./folder.ts";

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

/** How many images trained the twin's compressed network, placed its thresholds or calibrated it. */
export async function countKnown(folder: TwinFolder, { fingerprints }: Collected): Promise<number> {
  const { guarantee, compression } = folder.manifest;
  const files = [guarantee?.fingerprints, compression?.training?.fingerprints].filter((file) => file !== undefined);
  const known = await Promise.all(files.map(({ file }) => readLines(folder, file)));
  return overlap(known.flat(), fingerprints).length;
}

/** Share of calibration images that may also train: chance shares of fingerprints, and duplicates. */
const tolerated = 0.01;

/** How many calibration images also train; 0 where they are so few that they change nothing. */
export function sharedImages(training: readonly string[], calibration: readonly string[]): number {
  const shared = overlap(training, calibration).length;
  return shared <= tolerated * calibration.length ? 0 : shared;
}

/**
 * Refuses to calibrate on images that trained the compressed network, as far as the twin knows them: it is surer of them than
 * of others.
 *
 * @throws CalibrationError
 */
export async function refuseTrained(folder: TwinFolder, { fingerprints }: Collected, source: string): Promise<void> {
  const { training } = folder.manifest.compression ?? {};
  if (training === undefined) return;
  const shared = sharedImages(await readLines(folder, training.fingerprints.file), fingerprints);
  if (shared === 0) return;
  throw new CalibrationError(
    `${source}: ${shared} of ${fingerprints.length} images trained the compressed network, which is surer of them than of others; calibrate on new ones`,
  );
}

async function readLines({ path }: TwinFolder, file: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(join(path, file), "make the twin again"));
  return text.split("\n").filter((line) => line !== "");
}
