import type { ImageSource } from "../data/index.ts";
import { CalibrationError, type InputError } from "../errors.ts";
import type { NetworkName } from "../lanes/index.ts";
import { type AnswerOptions, answerAll } from "./answers.ts";
import { type Evaluation, evaluateTwin, type StageCosts, type TwinOutputs } from "./calibration/index.ts";
import { type Collected, logitsOf } from "./collect.ts";
import type { TwinFolder } from "./folder.ts";
import { type Manifest, networksWith } from "./manifest.ts";
import { type Acquaintance, acquaintance } from "./parts.ts";

/** What a twin did on images. */
export interface EvaluatedImages extends Acquaintance {
  readonly evaluation: Evaluation;
  readonly collected: Collected;
  readonly failures: readonly { readonly name: string; readonly error: InputError }[];
}

/**
 * Evaluates a twin on images: accuracy, agreement, escalation, recovery.
 * @throws CalibrationError when no image could be read.
 */
export async function evaluateImages(
  folder: TwinFolder,
  images: ImageSource,
  options: AnswerOptions = {},
): Promise<EvaluatedImages> {
  const { manifest } = folder;
  const collected = await answerAll(folder, presentNetworks(manifest), images, options);
  if (collected.names.length === 0) throw noImages(images.name, collected);
  const evaluation = evaluateTwin({
    ...twinOutputs(manifest, collected),
    threshold: manifest.threshold ?? Number.POSITIVE_INFINITY,
    confidence: manifest.confidence,
    costs: stageCosts(manifest, collected),
  });
  return { evaluation, collected, ...(await acquaintance(folder, collected)), failures: collected.failures };
}

function noImages(name: string, { failures }: Collected): CalibrationError {
  const first = failures[0];
  return new CalibrationError(
    `${name}: none of its images can be read${first === undefined ? "" : `; the first: ${first.error.message}`}`,
  );
}

/** The networks that a twin holds. */
export const presentNetworks = ({ networks }: Manifest): NetworkName[] =>
  networksWith(networks["original-int8"] === undefined ? "original" : "original-int8");

/** What was collected, as the cascade of the manifest uses it. Labels only where every image has one. */
export function twinOutputs(manifest: Manifest, collected: Collected): TwinOutputs {
  const labelled = collected.labels.every((label) => label >= 0);
  return {
    compressed: logitsOf(collected, "compressed"),
    original: logitsOf(collected, "original"),
    ...(manifest.secondStage === "original-int8" ? { second: secondOf(manifest, collected) } : {}),
    ...(labelled ? { labels: collected.labels } : {}),
  };
}

function secondOf({ secondThreshold }: Manifest, collected: Collected): NonNullable<TwinOutputs["second"]> {
  const logits = logitsOf(collected, "original-int8");
  return secondThreshold === undefined ? { logits } : { logits, threshold: secondThreshold };
}

/** c and o of the design, from the times that the networks took on the images. */
export function stageCosts({ secondStage }: Pick<Manifest, "secondStage">, { time }: Collected): StageCosts {
  const relative = (name: NetworkName): number => time.get(name)! / time.get("original")!;
  const compressed = relative("compressed");
  return secondStage === "original" ? { compressed } : { compressed, second: relative("original-int8") };
}
