import type { BenchResult } from "../bench/types.ts";
import { percent, points, times, whole } from "./figures.ts";

/** What is promised of new images, or that nothing is. */
export function guaranteeSentence({ guarantee }: BenchResult): string {
  if (guarantee === undefined) {
    return 'No promise: this twin is not calibrated. "twindnn calibrate" proves one on your images.';
  }
  const { kind, tolerance, probability, images, provider, cpuClass, batch, worstClass } = guarantee;
  const promise =
    kind === "drop"
      ? `the twin loses at most ${(100 * tolerance).toFixed(2)} points of the original's accuracy`
      : `the twin gives the original's answer for at least ${percent(1 - tolerance, 2)} of the images`;
  return (
    `With a probability of ${percent(probability, 0)}, ${promise}${worstClass ? ", each class on its own" : ""}: proven on ${whole(images)} other images, for new images of the ` +
    `same distribution, at this preprocessing, batches of ${whole(batch)}, on ${provider} (${cpuClass}).`
  );
}

/** The result in one sentence. */
export function headline({ speedUp, systems, escalationRate, drop }: BenchResult): string {
  const { median, min, max } = speedUp.versusFloat32;
  const kept =
    drop === undefined ? `agrees on ${percent(systems.twin!.agreement, 2)} of the images` : accuracySaid(drop.value);
  return (
    `The twin runs at ${times(median)} the original's speed (${min.toFixed(2)} to ${max.toFixed(2)} over the rounds), ` +
    `${kept}, and escalates ${percent(escalationRate)} of the images.`
  );
}

function accuracySaid(drop: number): string {
  const size = points(Math.abs(drop));
  if (Number(size) === 0) return "keeps the accuracy";
  return `${drop > 0 ? "loses" : "gains"} ${size} points of accuracy`;
}
