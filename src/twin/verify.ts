import type { ImageSource } from "../data/index.ts";
import { CalibrationError, ManifestError } from "../errors.ts";
import { quantity } from "../figures.ts";
import type { AnswerOptions } from "./answers.ts";
import { describePromise, imagesNeeded, proveAt } from "./calibration/index.ts";
import type { CanaryCheck } from "./canaries.ts";
import { canariesHere } from "./canary-run.ts";
import type { Collected } from "./collect.ts";
import { type EvaluatedImages, evaluateImages, twinOutputs } from "./evaluate.ts";
import { readTwin } from "./folder.ts";
import type { Guarantee, Manifest } from "./manifest.ts";
import { pickRows } from "./rows.ts";
import { hasLabels } from "./second-stages.ts";

/** Whether a guarantee still holds here. */
export interface Verification {
  readonly guarantee: Guarantee;
  readonly canaries: CanaryCheck;
  /** With images: what they show, and whether they prove the promise again; else what they prove, which need not break it. */
  readonly images?: EvaluatedImages & { readonly proven: boolean; readonly problem?: string };
  readonly holds: boolean;
}

/**
 * Runs a twin's canaries on this machine and, where images are given, proves its promise again at its threshold, on those
 * that neither made nor calibrated it.
 * The promise holds when the images prove it or, without images, when the canaries pass.
 *
 * @throws ManifestError when the twin has no guarantee.
 */
export async function verifyTwin(
  path: string,
  images?: ImageSource,
  options: AnswerOptions = {},
): Promise<Verification> {
  const folder = await readTwin(path);
  const { guarantee } = folder.manifest;
  if (guarantee === undefined) throw new ManifestError(`${path}: promises nothing yet; run "twindnn calibrate" first`);
  const canaries = await canariesHere(folder);
  if (canaries === undefined) throw new ManifestError(`${path}: carries no canaries; calibrate it again`);
  if (images === undefined) return { guarantee, canaries, holds: canaries.passed };
  const evaluated = await evaluateImages(folder, images, options);
  const proof = proveAgain(folder.manifest, guarantee, pickRows(evaluated.collected, evaluated.fresh));
  return { guarantee, canaries, images: { ...evaluated, ...proof }, holds: proof.proven };
}

/** Tests the one threshold of the twin, as calibration did, on images that the twin does not know. */
function proveAgain(manifest: Manifest, guarantee: Guarantee, fresh: Collected): { proven: boolean; problem?: string } {
  const images = fresh.names.length;
  try {
    const { proven, rung } = proveAt(manifest.ladder.at(-1)!.threshold, {
      ...twinOutputs(manifest, fresh),
      ...(hasLabels(fresh) ? { labels: fresh.labels } : {}),
      promise: guarantee,
      confidence: manifest.confidence,
      worstClass: guarantee.worstClass,
      names: manifest.labels,
    });
    return proven ? { proven } : { proven, problem: notProven(images, guarantee, rung.bound) };
  } catch (error) {
    if (!(error instanceof CalibrationError)) throw error;
    return { proven: false, problem: `not proven by ${quantity(images, "image")}: ${error.message}` };
  }
}

function notProven(images: number, guarantee: Guarantee, bound: number): string {
  const needed = imagesNeeded(guarantee);
  const wanted = images < needed ? `${needed} at least` : "more of them";
  return `not proven by ${quantity(images, "image")}: at the twin's threshold they prove no more than ${describePromise({ ...guarantee, tolerance: bound })}; give ${wanted}`;
}
