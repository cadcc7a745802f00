import { reliability } from "./calibration/index.ts";
import type { Logits } from "./types.ts";

/** How a network stands to labelled images. */
export interface Standing {
  readonly images: number;
  /** Share of the images on which it is right. */
  readonly accuracy: number;
  /** Mean probability that it gives its own answers. */
  readonly probability: number;
}

/** Fewer images say nothing. */
const fewestImages = 100;
/** Nobody classifies new images so well. */
const tooGood = 0.995;
/** Below, a network may well be as sure as it is right on new images too. */
const good = 0.95;

/** How the network stands to the images with a label; undefined for fewer than 100. */
export function standingOf(logits: Logits, labels: Int32Array): Standing | undefined {
  const { bins } = reliability(logits, labels);
  const images = bins.reduce((sum, bin) => sum + bin.images, 0);
  if (images < fewestImages) return undefined;
  const mean = (key: "accuracy" | "probability") => bins.reduce((sum, bin) => sum + bin.images * bin[key], 0) / images;
  return { images, accuracy: mean("accuracy"), probability: mean("probability") };
}

/**
 * Whether images look like those that a network learned from. On new images networks are surer than they are right
 * (C. Guo et al., "On calibration of modern neural networks", ICML 2017); on those that they learned from, both go
 * together, since training ended where they did: here, to a standard error of the accuracy. A network trained on softened
 * labels may look so without cause.
 */
export function looksLearned({ images, accuracy, probability }: Standing): boolean {
  const error = Math.sqrt((accuracy * (1 - accuracy)) / images);
  return accuracy > tooGood || (accuracy > good && accuracy + error >= probability);
}
