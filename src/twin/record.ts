import { cpuClass } from "../lanes/index.ts";
import { answerAll } from "./answers.ts";
import type { CalibrateOptions } from "./calibrate.ts";
import { allowanceFor, expectedSpeedUp } from "./calibration/index.ts";
import { canaryCount, encodeCanaries } from "./canaries.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { hashed, networkOf, type TwinFile, type TwinFolder, updateTwin } from "./folder.ts";
import { generatedPictures } from "./generated-pictures.ts";
import { usualBatch } from "./lanes.ts";
import { type Manifest, type ManifestRung, networksWith } from "./manifest.ts";
import { fingerprintFile, partOf } from "./parts.ts";
import { pickRows } from "./rows.ts";
import type { Attempt, CalibrationParts, Second } from "./second-stages.ts";

/** Writes a calibration into the twin, all of it or nothing: threshold, ladder, guarantee, fingerprints and canaries. */
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
  const { selection, calibration } = parts;
  const fingerprints = fingerprintFile("fingerprints.txt", [...selection.fingerprints, ...calibration.fingerprints]);
  const kind = options.canaries ?? "images";
  const answered = kind === "images" ? calibration : await answersToGenerated(folder, best.second, options.signal);
  const canaries = canariesOf(answered, best.second);
  const updated: Manifest = {
    ...rest,
    confidence,
    threshold: chosen.threshold + allowance,
    secondStage: best.second,
    ...(best.secondThreshold === undefined ? {} : { secondThreshold: best.secondThreshold }),
    ladder: ladder.map(
      (rung): ManifestRung => ({
        ...rung,
        speedUp: expectedSpeedUp(best.costs, rung.escalationRate, rung.originalRate),
      }),
    ),
    guarantee: {
      ...promise,
      worstClass: best.calibration.worstClass,
      images: best.calibration.images,
      batch: usualBatch(networkOf(folder, "compressed")),
      provider: "cpu",
      cpuClass: cpuClass(),
      parts: {
        selection: partOf(selection.fingerprints, options.selection?.name ?? source),
        calibration: partOf(calibration.fingerprints, source),
      },
      fingerprints: hashed(fingerprints),
      seed: options.seed ?? 0,
    },
    canaries: { ...hashed(canaries), images: canaries.images, kind, allowance },
  };
  await updateTwin(path, updated, [fingerprints, canaries]);
  return updated;
}

/** The images that were kept, with the networks' answers to them. */
function canariesOf(answered: Collected, stage: Second): TwinFile & { readonly images: number } {
  const images = answered.kept.length;
  const first = pickRows(
    answered,
    Uint32Array.from({ length: images }, (_, i) => i),
  );
  const planes = new Uint8Array(images * answered.kept[0]!.length);
  answered.kept.forEach((image, i) => {
    planes.set(image, i * image.length);
  });
  const [compressed, original] = [logitsOf(first, "compressed"), logitsOf(first, "original")];
  const second = stage === "original" ? {} : { second: logitsOf(first, stage) };
  const bytes = encodeCanaries({ count: images, planes, compressed, original, ...second });
  return { file: "canaries.bin", bytes, images };
}

/** The same pictures for every twin of that size. */
const pictureSeed = 1;

function answersToGenerated(folder: TwinFolder, stage: Second, signal: AbortSignal | undefined): Promise<Collected> {
  const { shape } = networkOf(folder, "original").input;
  const pictures = generatedPictures(canaryCount, shape, pictureSeed);
  return answerAll(folder, networksWith(stage), pictures, { signal });
}
