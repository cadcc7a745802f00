import {
  type Collected,
  confidences,
  type Logits,
  logitsOf,
  logSumExp,
  type TwinFolder,
  topClass,
} from "../twin/index.ts";
import type { SampledImage } from "./images.ts";
import { pictureOf } from "./pictures.ts";
import type { Answers } from "./quality.ts";
import type { EscalatedImage } from "./types.ts";

/** Images of the sample that were escalated and got another answer for it, with their pictures; `most` at most. */
export async function escalatedImages(
  { manifest }: TwinFolder,
  collected: Collected,
  { by, bySystem }: Answers,
  sample: readonly SampledImage[],
  most: number,
): Promise<EscalatedImage[]> {
  const compressed = bySystem.get("compressed")!;
  const twin = bySystem.get("twin")!;
  const changed = sample.filter(({ index }) => by[index] !== "compressed" && compressed[index] !== twin[index]);
  const confidence = confidences(manifest.confidence, logitsOf(collected, "compressed"));
  const answer = (logits: Logits, image: number): EscalatedImage["original"] => {
    const start = image * logits.classes;
    const top = topClass(logits.data, start, logits.classes);
    const probability = Math.exp(logits.data[start + top]! - logSumExp(logits.data, start, logits.classes));
    return { label: manifest.labels[top]!, probability: Math.min(1, probability) };
  };
  return Promise.all(
    changed.slice(0, most).map(async ({ index, planes }) => ({
      name: collected.names[index]!,
      picture: await pictureOf(planes, manifest.networks.original.input.shape),
      confidence: confidence[index]!,
      ...(collected.labels[index]! >= 0 && { label: manifest.labels[collected.labels[index]!]! }),
      compressed: answer(logitsOf(collected, "compressed"), index),
      original: answer(logitsOf(collected, by[index]!), index),
    })),
  );
}
