import { partHash } from "../data/index.ts";
import { cpuClass } from "../lanes/index.ts";
import { allowanceFor } from "./allowance.ts";
import { answerAll } from "./answers.ts";
import type { CalibrateOptions } from "./calibrate.ts";
import { canaryCount, encodeCanaries } from "./canaries.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { networkOf, type TwinFolder, writeManifest, writeTwinFile } from "./folder.ts";
import { generatedPictures } from "./generated-pictures.ts";
import { usualBatch } from "./lanes.ts";
import type { Manifest, ManifestRung } from "./manifest.ts";
import { pickRows } from "./rows.ts";
import type { Attempt, CalibrationParts } from "./second-stages.ts";

/** Writes a calibration into the twin: threshold, ladder, guarantee, fingerprints and canaries. */
export async function recordCalibration(
  folder: TwinFolder,
  best: Attempt,
  parts: CalibrationParts,
  source: string,
  options: CalibrateOptions,
): Promise<Manifest> {
  const { path, manifest } = folder;
  const { chosen, ladder, confidence, promise } = best.calibration;
  const allowance = allowanceFor(confidence.measure, chosen.threshold);
  const { threshold: _, secondThreshold: __, ...rest } = manifest;
  const updated: Manifest = {
    ...rest,
    confidence,
    threshold: chosen.threshold + allowance,
    secondStage: best.second,
    ...(best.secondThreshold === undefined ? {} : { secondThreshold: best.secondThreshold }),
    ladder: ladder.map((rung): ManifestRung => rung),
    guarantee: {
      ...promise,
      worstClass: best.calibration.worstClass,
      images: best.calibration.images,
      batch: usualBatch(networkOf(folder, "compressed")),
      provider: "cpu",
      cpuClass: cpuClass(),
      parts: {
        selection: partOf(parts.selection, options.selection?.name ?? source),
        calibration: partOf(parts.calibration, source),
      },
      fingerprints: await writeTwinFile(path, "fingerprints.txt", fingerprintLines(parts)),
      seed: options.seed ?? 0,
    },
    canaries: await writeCanaries(folder, parts.calibration, allowance, options),
  };
  await writeManifest(path, updated);
  return updated;
}

const partOf = ({ names, fingerprints }: Collected, source: string) => ({
  source: source.split(/[\\/]/).at(-1)!,
  images: names.length,
  sha256: partHash(fingerprints),
});

function fingerprintLines({ selection, calibration }: CalibrationParts): Uint8Array {
  const all = new Set([...selection.fingerprints, ...calibration.fingerprints]);
  return new TextEncoder().encode(`${[...all].sort().join("\n")}\n`);
}

async function writeCanaries(
  folder: TwinFolder,
  calibration: Collected,
  allowance: number,
  { canaries: kind = "images", signal }: CalibrateOptions,
) {
  const answered = kind === "images" ? calibration : await answersToGenerated(folder, signal);
  const images = answered.kept.length;
  const first = pickRows(
    answered,
    Uint32Array.from({ length: images }, (_, i) => i),
  );
  const planes = new Uint8Array(images * answered.kept[0]!.length);
  answered.kept.forEach((image, i) => {
    planes.set(image, i * image.length);
  });
  const compressed = logitsOf(first, "compressed");
  const bytes = encodeCanaries({ count: images, planes, compressed, original: logitsOf(first, "original") });
  return { ...(await writeTwinFile(folder.path, "canaries.bin", bytes)), images, kind, allowance };
}

/** The same pictures for every twin of that size. */
const pictureSeed = 1;

function answersToGenerated(folder: TwinFolder, signal: AbortSignal | undefined): Promise<Collected> {
  const { shape } = networkOf(folder, "original").input;
  const pictures = generatedPictures(canaryCount, shape, pictureSeed);
  return answerAll(folder, ["compressed", "original"], pictures, { signal });
}
