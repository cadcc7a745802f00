import { binomialLowerBound, binomialUpperBound, type Interval, pairedInterval } from "../statistics/index.ts";
import type { TwinOutputs } from "./outputs.ts";
import { lossesAt, type Sample } from "./sample.ts";

/** Which class an image is counted under: its label where every image has one, else the original's answer. */
export interface Grouping {
  readonly by: "label" | "original";
  readonly classOf: Int32Array;
  readonly classes: number;
}

/** How the images divide into classes. */
export function groupByClass({ labels, original }: TwinOutputs, { answers }: Sample): Grouping {
  const labelled = labels !== undefined && !labels.includes(-1);
  return {
    by: labelled ? "label" : "original",
    classOf: labelled ? labels : answers.original,
    classes: original.classes,
  };
}

/** The images of each class. */
export function imagesOfClasses({ classOf, classes }: Grouping): number[][] {
  const images: number[][] = Array.from({ length: classes }, () => []);
  for (const [image, own] of classOf.entries()) images[own]!.push(image);
  return images;
}

/** One class at a threshold. Intervals hold for all classes together (Bonferroni), so that the worst may be picked. */
export interface ClassResult {
  readonly class: number;
  readonly images: number;
  readonly escalationRate: number;
  readonly agreement: number;
  readonly agreementInterval: Interval;
  /** With labels; an unlabelled answer that differs counts as lost. */
  readonly drop?: number;
  readonly dropInterval?: Interval;
}

/** Results of each class that has images; `level` is the confidence of all intervals together. */
export function classResults(
  groups: readonly number[][],
  { confidence, differing, lost }: Sample,
  threshold: number,
  level: number,
): ClassResult[] {
  const differs = lossesAt(differing, threshold);
  const loses = lost && lossesAt(lost, threshold);
  const own = 1 - (1 - level) / groups.length;
  return groups.flatMap((images, index) => {
    if (images.length === 0) return [];
    const count = (holds: (image: number) => boolean) => images.filter(holds).length;
    const counts = {
      class: index,
      images: images.length,
      escalated: count((image) => confidence[image]! < threshold),
      differing: count((image) => differs[image] === 1),
      worse: loses && count((image) => loses[image] === 1),
      better: loses && count((image) => loses[image] === -1),
    };
    return [withIntervals(counts, own)];
  });
}

interface ClassCounts {
  readonly class: number;
  readonly images: number;
  readonly escalated: number;
  readonly differing: number;
  readonly worse: number | undefined;
  readonly better: number | undefined;
}

function withIntervals(
  { class: index, images, escalated, differing, worse, better }: ClassCounts,
  level: number,
): ClassResult {
  const result = {
    class: index,
    images,
    escalationRate: escalated / images,
    agreement: (images - differing) / images,
    agreementInterval: exactInterval(images - differing, images, level),
  };
  if (worse === undefined || better === undefined) return result;
  return { ...result, drop: (worse - better) / images, dropInterval: pairedInterval(worse, better, images, level) };
}

function exactInterval(k: number, n: number, level: number): Interval {
  const delta = (1 - level) / 2;
  return { low: binomialLowerBound(k, n, delta), high: binomialUpperBound(k, n, delta) };
}
