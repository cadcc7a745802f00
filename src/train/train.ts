import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Normalisation } from "../data/types.ts";
import { TrainingError, UsageError } from "../errors.ts";
import { encodeModel, liftConstants, type Model } from "../onnx/index.ts";
import { type Augmentation, BatchSource } from "./augment.ts";
import { readCheckpoint, type TrainingState, writeCheckpoint } from "./checkpoint.ts";
import type { Dataset } from "./dataset.ts";
import type { Loss } from "./losses.ts";
import type { Optimiser } from "./optimisers.ts";
import { flatten, type Parameter, unflatten } from "./parameters.ts";
import type { Schedule } from "./schedules.ts";
import { openSession } from "./session.ts";
import { estimateStatistics } from "./statistics.ts";
import { trainingGraph } from "./training-graph.ts";

/** How to train. */
export interface TrainingOptions {
  /** Passes over the images. */
  readonly epochs: number;
  /** Images of one step; default 128. */
  readonly batch?: number;
  /** Decides the order of the images and how they are varied; default 0. */
  readonly seed?: number;
  /** How bytes become network inputs. */
  readonly normalisation: Normalisation;
  readonly augmentation?: Augmentation;
  readonly loss: Loss;
  readonly optimiser: Optimiser;
  readonly rate: Schedule;
  /** How much of the moving average of the weights stays at each step; default 0.999. */
  readonly averaging?: number;
  /** CPU threads; default 2. The same number gives the same network, bit for bit. */
  readonly threads?: number;
  /** Where to keep the state of the run, to go on from after an interruption. */
  readonly checkpoint?: { readonly file: string; readonly everySteps: number };
  /** Ends the run after the current step, with a checkpoint where one was asked for. */
  readonly signal?: AbortSignal;
  /** Called after every step. */
  readonly onStep?: (progress: Progress) => void;
  /** Called after every epoch with the network as it stands: averaged weights, statistics estimated anew. */
  readonly onEpoch?: (epoch: number, network: Model) => void | Promise<void>;
}

/** Where a training run stands. */
export interface Progress {
  /** Steps done, and in all. */
  readonly step: number;
  readonly steps: number;
  /** Of the last batch. */
  readonly loss: number;
  /** Share of the last batch classified as labelled, 0..1. */
  readonly accuracy: number;
  readonly rate: number;
  /** Since the run started or was resumed. */
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
}

/**
 * Trains every weight of an ONNX classifier.
 *
 * @param network - one input [batch, C, H, W], one output [batch, classes] of logits
 * @returns a copy with the moving average of the weights, and BatchNormalization statistics estimated on `data`
 * @throws TrainingError when the loss is no longer a number
 * @throws UnsupportedOperatorError when an operator has no gradient
 */
export async function train(network: Model, data: Dataset, options: TrainingOptions): Promise<Model> {
  const batches = new BatchSource(data, options.batch ?? 128, options.augmentation ?? {}, options.seed ?? 0);
  const steps = options.epochs * batches.stepsPerEpoch;
  if (!(steps > 0)) throw new UsageError(`${data.labels.length} images make no batch; give more, or a smaller batch`);
  const lifted = liftConstants(network);
  await using stepper = await Stepper.open(lifted, data, options);
  const clock = new Clock(stepper.step, steps, options.batch ?? 128);
  while (stepper.step < steps) {
    if (options.signal?.aborted) {
      await stepper.save();
      options.signal.throwIfAborted();
    }
    const rate = options.rate(stepper.step / steps);
    const { loss, accuracy } = await stepper.run(batches.at(stepper.step), rate);
    const { step } = stepper;
    if (!Number.isFinite(loss)) throw diverged(step, stepper.brokenParameter());
    options.onStep?.({ step, steps, loss, accuracy, rate, ...clock.at(step) });
    if (step % (options.checkpoint?.everySteps ?? Number.POSITIVE_INFINITY) === 0) await stepper.save();
    if (step % batches.stepsPerEpoch === 0 && options.onEpoch !== undefined) {
      await options.onEpoch(step / batches.stepsPerEpoch, await finished(stepper, lifted, data, options));
    }
    await setImmediate();
  }
  await stepper.save();
  return await finished(stepper, lifted, data, options);
}

/** Images whose statistics stand for those of the whole set. */
const statisticsImages = 2048;

function finished(stepper: Stepper, network: Model, data: Dataset, options: TrainingOptions): Promise<Model> {
  const { batch = 128, normalisation, threads = 2 } = options;
  const averaged = unflatten(network, stepper.parameters, stepper.average);
  return estimateStatistics(averaged, data, { batch, normalisation, threads, count: statisticsImages });
}

function diverged(step: number, parameter: string | undefined): TrainingError {
  const where = parameter === undefined ? "" : `, first seen in "${parameter}"`;
  return new TrainingError(`the loss is no longer a number at step ${step}${where}; lower the learning rate`);
}

/** Holds the session and the state that goes in and out of it at every step. */
class Stepper implements AsyncDisposable {
  readonly parameters: readonly Parameter[];
  readonly #session: InferenceSession;
  readonly #options: TrainingOptions;
  readonly #shape: Dataset["shape"];
  readonly #run: string;
  #state: TrainingState;

  static async open(network: Model, data: Dataset, options: TrainingOptions): Promise<Stepper> {
    const { batch = 128, normalisation, loss, optimiser, threads = 2 } = options;
    if (loss.needsTeacher && data.teacher === undefined) {
      throw new UsageError("this loss learns from a teacher: give the data its logits");
    }
    const { model, parameters } = await trainingGraph(network, { batch, normalisation, loss, optimiser });
    const bytes = encodeModel(model);
    const session = await openSession(bytes, { intraOpNumThreads: threads });
    return new Stepper(session, parameters, flatten(network, parameters), data, options, fingerprint(bytes, options));
  }

  private constructor(
    session: InferenceSession,
    parameters: readonly Parameter[],
    initial: Float32Array,
    data: Dataset,
    options: TrainingOptions,
    run: string,
  ) {
    this.#session = session;
    this.parameters = parameters;
    this.#options = options;
    this.#shape = data.shape;
    this.#run = run;
    const kept = options.checkpoint && readCheckpoint(options.checkpoint.file, run);
    const zeros = Array.from({ length: options.optimiser.stateCount }, () => new Float32Array(initial.length));
    this.#state = kept ?? { step: 0, parameters: initial, average: initial, optimiser: zeros };
  }

  get step(): number {
    return this.#state.step;
  }

  get average(): Float32Array {
    return this.#state.average;
  }

  async run(batch: ReturnType<BatchSource["at"]>, rate: number): Promise<{ loss: number; accuracy: number }> {
    const count = batch.labels.length;
    const results = await this.#session.run({
      images: new OrtTensor("uint8", batch.images, [count, ...this.#shape]),
      labels: new OrtTensor("int64", batch.labels, [count]),
      ...(batch.teacher && this.#options.loss.needsTeacher
        ? { teacher: new OrtTensor("float32", batch.teacher, [count, batch.teacher.length / count]) }
        : {}),
      ...this.#vectors(),
      rate: new OrtTensor("float32", [rate], []),
      averaging: new OrtTensor("float32", [this.#averaging()], []),
    });
    const vector = (name: string): Float32Array => results[name]!.data as Float32Array;
    this.#state = {
      step: this.step + 1,
      parameters: vector("new_parameters"),
      average: vector("new_average"),
      optimiser: this.#state.optimiser.map((_, i) => vector(`new_state${i}`)),
    };
    return { loss: vector("loss")[0]!, accuracy: vector("correct")[0]! / count };
  }

  async save(): Promise<void> {
    const { checkpoint } = this.#options;
    if (checkpoint !== undefined) await writeCheckpoint(checkpoint.file, this.#state, this.#run);
  }

  /** The first parameter that holds something else than a number. */
  brokenParameter(): string | undefined {
    const at = this.#state.parameters.findIndex((value) => !Number.isFinite(value));
    return this.parameters.find(({ offset, size }) => at >= offset && at < offset + size)?.name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }

  #vectors(): Record<string, OrtTensor> {
    const { parameters, average, optimiser } = this.#state;
    const states = optimiser.map((vector, i) => [`state${i}`, vector] as const);
    return Object.fromEntries(
      [["parameters", parameters] as const, ["average", average] as const, ...states].map(([name, vector]) => [
        name,
        new OrtTensor("float32", vector, [vector.length]),
      ]),
    );
  }

  /** The average forgets faster at first, so that it does not remember the random start. */
  #averaging(): number {
    return Math.min(this.#options.averaging ?? 0.999, (1 + this.step) / (10 + this.step));
  }
}

/** Names what decides a run's outcome: the training graph and the options that are numbers. */
function fingerprint(graph: Uint8Array, options: TrainingOptions): string {
  const { epochs, seed = 0, augmentation = {}, averaging = 0.999, threads = 2 } = options;
  const rates = Array.from({ length: 11 }, (_, i) => options.rate(i / 10));
  const numbers = JSON.stringify({ epochs, seed, augmentation, averaging, threads, rates });
  return createHash("sha256").update(graph).update(numbers).digest("hex");
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
