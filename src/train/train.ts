import { setImmediate } from "node:timers/promises";
import { UsageError } from "../errors.ts";
import { liftConstants, type Model } from "../onnx/index.ts";
import { BatchSource } from "./augment.ts";
import { checkDataset, type Dataset } from "./dataset.ts";
import { checkTrainingOptions, type TrainingOptions } from "./options.ts";
import { estimateStatistics } from "./statistics.ts";
import { Stepper } from "./stepper.ts";

/**
 * Trains every weight of an ONNX classifier.
 *
 * @param network - one input [batch, C, H, W], one output [batch, classes] of logits
 * @returns a copy with the moving average of the weights, and BatchNormalization statistics estimated on `data`
 * @throws UsageError when the images or labels do not fit the network
 * @throws TrainingError when the loss is no longer a number
 * @throws UnsupportedOperatorError when an operator has no gradient
 */
export async function train(network: Model, data: Dataset, options: TrainingOptions): Promise<Model> {
  checkTrainingOptions(options, data);
  const imagesOfStep = (options.batch ?? 128) * (options.accumulate ?? 1);
  const { teacher: _, ...untaught } = data;
  const batches = new BatchSource(
    options.teacher ? untaught : data,
    imagesOfStep,
    options.augmentation ?? {},
    options.seed ?? 0,
  );
  const steps = options.epochs * batches.stepsPerEpoch;
  if (steps === 0) throw new UsageError(`${data.labels.length} images make no step; give more, or a smaller batch`);
  const lifted = liftConstants(network);
  checkDataset(data, lifted);
  await using stepper = await Stepper.open(lifted, data, options);
  const clock = new Clock(stepper.step, steps, imagesOfStep);
  while (stepper.step < steps) {
    if (options.signal?.aborted) {
      await stepper.save();
      options.signal.throwIfAborted();
    }
    if (stepper.step % batches.stepsPerEpoch === 0) stepper.beginEpoch();
    const rate = options.rate(stepper.step / steps);
    const { loss, accuracy } = await stepper.run(batches.at(stepper.step), rate, steps);
    const { step } = stepper;
    options.onStep?.({ step, steps, loss, accuracy, rate, ...clock.at(step) });
    if (step % (options.checkpoint?.everySteps ?? Number.POSITIVE_INFINITY) === 0) await stepper.save();
    if (step % batches.stepsPerEpoch === 0 && options.onEpoch !== undefined) {
      await options.onEpoch(step / batches.stepsPerEpoch, () => finished(stepper, data, options));
    }
    await setImmediate();
  }
  await stepper.save();
  return await finished(stepper, data, options);
}

/** Images whose statistics stand for those of the whole set. */
const statisticsImages = 2048;

async function finished(stepper: Stepper, data: Dataset, options: TrainingOptions): Promise<Model> {
  const { batch = 128, normalisation, threads = 2 } = options;
  if (options.batchNormalization === "frozen") return stepper.averaged;
  return await estimateStatistics(stepper.averaged, data, { batch, normalisation, threads, count: statisticsImages });
}

/** Speed and time left. */
class Clock {
  readonly #started = performance.now();
  readonly #first: number;
  readonly #steps: number;
  readonly #batch: number;

  constructor(first: number, steps: number, batch: number) {
    this.#first = first;
    this.#steps = steps;
    this.#batch = batch;
  }

  at(step: number): { imagesPerSecond: number; secondsLeft: number } {
    const seconds = (performance.now() - this.#started) / 1000;
    const stepSeconds = seconds / (step - this.#first);
    return { imagesPerSecond: this.#batch / stepSeconds, secondsLeft: stepSeconds * (this.#steps - step) };
  }
}
