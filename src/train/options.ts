import type { Normalisation } from "../data/types.ts";
import { UsageError } from "../errors.ts";
import type { Model } from "../onnx/index.ts";
import type { Augmentation } from "./augment.ts";
import type { Dataset } from "./dataset.ts";
import type { Device } from "./device.ts";
import type { Loss } from "./losses.ts";
import type { Optimiser } from "./optimisers/index.ts";
import type { Schedule } from "./schedules.ts";
import type { Teacher } from "./teacher.ts";

/** How to train. */
export interface TrainingOptions {
  /** Passes over the images. */
  readonly epochs: number;
  /** Images that go through the network at once; default 128. */
  readonly batch?: number;
  /** Batches whose mean gradient makes one step; default 1. */
  readonly accumulate?: number;
  /** Decides the order of the images and how they are varied; default 0. */
  readonly seed?: number;
  /** How bytes become network inputs. */
  readonly normalisation: Normalisation;
  readonly augmentation?: Augmentation;
  readonly loss: Loss;
  /**
   * Answers every image as training shows it, in place of logits cached with the data: one more forward pass a step. Images
   * are scaled for it as for the network unless it says otherwise.
   */
  readonly teacher?: Pick<Teacher, "network"> & Partial<Teacher>;
  readonly optimiser: Optimiser;
  readonly rate: Schedule;
  /** Names of weights, biases or normalisation parameters that keep their values; none by default. */
  readonly freeze?: readonly string[];
  /** Normalise by the statistics of the batch, or by those that the network holds; default "batch". */
  readonly batchNormalization?: "batch" | "frozen";
  /** Share of the run over which ternary weights take the place of float ones, where there are any; default 0.3. */
  readonly ramp?: number;
  /** How much of the moving average of the weights stays at each step; default 0.999. */
  readonly averaging?: number;
  /**
   * Where steps are computed; default "cpu". "webgpu" needs an adapter; the teacher and the final statistics stay on the CPU.
   */
  readonly device?: Device;
  /** CPU threads; default 2. The same number gives the same network, bit for bit. */
  readonly threads?: number;
  /** Where to keep the state of the run, to go on from after an interruption. */
  readonly checkpoint?: { readonly file: string; readonly everySteps: number };
  /** Ends the run after the current step, with a checkpoint where one was asked for. */
  readonly signal?: AbortSignal;
  /** Called after every step. */
  readonly onStep?: (progress: Progress) => void;
  /** Called after every epoch; `network` makes the network as it stands: averaged weights, statistics estimated anew. */
  readonly onEpoch?: (epoch: number, network: () => Promise<Model>) => void | Promise<void>;
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

/** @throws UsageError for counts and shares that are none, and for pictures moved or blanked beyond their size */
export function checkTrainingOptions(options: TrainingOptions, { shape }: Dataset): void {
  const { epochs, batch = 128, accumulate = 1, threads = 2, seed = 0, augmentation = {} } = options;
  const { rate, averaging = 0 } = options;
  for (const [name, value] of Object.entries({ epochs, batch, accumulate, threads })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new UsageError(`${name} must be a whole number above 0, received ${value}`);
    }
  }
  if (!(averaging >= 0 && averaging < 1)) {
    throw new UsageError(`averaging must be a share from 0 to below 1, received ${averaging}`);
  }
  if (!Number.isFinite(rate(0)))
    throw new UsageError(`the learning rate begins with ${rate(0)}; give a schedule of numbers`);
  if (!Number.isInteger(seed)) throw new UsageError(`seed must be a whole number, received ${seed}`);
  const side = Math.min(...shape.slice(1));
  const { shift = 0, cutout = 0 } = augmentation;
  for (const [name, value] of Object.entries({ shift, cutout })) {
    if (!(Number.isInteger(value) && value >= 0 && value < side)) {
      throw new UsageError(`${name} must be a whole number of pixels from 0 to ${side - 1}, received ${value}`);
    }
  }
}
