import { type Dataset, distillation, type Progress, subset, type TrainingOptions } from "../../train/index.ts";
import type { Compression } from "./context.ts";

/** Share of what is left of the budget that goes to training; the rest is for int8, comparison and calibration. */
const trainingShare = 0.9;
/** Milliseconds that these take at least on a small network; of a short budget they get half. */
const restAtLeast = 30_000;
const batch = 128;
/** Steps to time; the first two warm up. */
const timedSteps = 6;
const warmUpSteps = 2;

/** Of the time that is left until the deadline, what a recipe may take so that the rest can be done. */
export const timeForRecipe = (share: number, left: number): number =>
  Math.min(share * left, Math.max(left / 2, left - restAtLeast));

/** Seconds that training may still take. */
export const trainingSecondsLeft = ({ deadline }: Pick<Compression, "deadline">): number =>
  timeForRecipe(trainingShare, deadline - performance.now()) / 1000;

/** What learning from the original takes from a compression. */
export type LearningSetting = Pick<Compression, "seed" | "normalisation" | "threads" | "labelled" | "flip" | "signal">;

/**
 * How every network learns from the original: half cross-entropy on the labels where they are true, half divergence from the
 * teacher at temperature 3, on pictures that are moved and, with `flip`, mirrored.
 */
export const learningFromOriginal = (
  data: Dataset,
  { seed, normalisation, threads, labelled, flip, signal }: LearningSetting,
  checkpoint: string | undefined,
) =>
  ({
    batch: Math.min(batch, data.labels.length),
    seed,
    normalisation,
    threads,
    augmentation: { shift: shiftFor(data), alternatingFlip: flip },
    loss: distillation({ labels: labelled ? 0.5 : 0, temperature: 3 }),
    ...(checkpoint === undefined ? {} : { checkpoint: { file: checkpoint, everySteps: 100 } }),
    ...(signal === undefined ? {} : { signal }),
  }) satisfies Partial<TrainingOptions>;

/** Pixels by which training moves pictures: two for 32 x 32. */
const shiftFor = ({ shape }: Pick<Dataset, "shape">): number => Math.floor(Math.min(shape[1], shape[2]) / 16);

/**
 * How long one pass over the images takes on this machine, from a few steps.
 *
 * @param learn - trains on a batch of the images, a step an epoch
 */
export async function timeEpoch(
  data: Dataset,
  learn: (few: Dataset, options: Pick<TrainingOptions, "epochs"> & { onStep(): void }) => Promise<unknown>,
): Promise<number> {
  const few = subset(data, [...data.labels.keys()].slice(0, batch));
  const times: number[] = [];
  await learn(few, { epochs: timedSteps, onStep: () => void times.push(performance.now()) });
  const secondsPerStep = (times.at(-1)! - times[warmUpSteps - 1]!) / 1000 / (timedSteps - warmUpSteps);
  return (secondsPerStep * data.labels.length) / few.labels.length;
}

/** Shows a step of a training, its loss and the time left. */
export function showTraining(
  name: string,
  { step, steps, loss, secondsLeft }: Progress,
  { onProgress }: Pick<Compression, "onProgress">,
): void {
  const left = `${Math.ceil(secondsLeft / 60)} min left`;
  onProgress(`training ${name}`, step, steps, `loss ${loss.toFixed(3)}, ${left}`);
}
