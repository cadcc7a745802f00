import { TrainingError, UnsupportedOperatorError } from "../../errors.ts";
import { inferValues, type Model, type Node, producers } from "../../onnx/index.ts";
import {
  adamw,
  cosine,
  distillation,
  featureMatching,
  type Loss,
  subset,
  sumOfLosses,
  type TrainingOptions,
  train,
} from "../../train/index.ts";
import type { SlimImages } from "./images.ts";
import type { Fit } from "./sites.ts";
import type { SlimKeeper } from "./types.ts";

export interface MimicOptions extends Pick<TrainingOptions, "onStep" | "onEpoch"> {
  /** Most steps of 32 images. */
  readonly steps: number;
  /** When to be done, by `performance.now()`: as many steps as fit. */
  readonly deadline: number;
  /** Mirrors every second image, and shifts images by up to so many pixels. */
  readonly flip: boolean;
  readonly shift: number;
  readonly seed: number;
  readonly threads: number;
  readonly keeper: SlimKeeper;
  readonly signal?: AbortSignal | undefined;
}

type Watch = Pick<TrainingOptions, "onStep" | "onEpoch" | "checkpoint">;

const batch = 32;
/** Steps to time; the first warms up. Fewer than the least are not worth beginning. */
const timedSteps = 3;
const leastSteps = 10;
/** Between two checkpoints. */
const keptSteps = 50;

/**
 * Trains the pruned network to give the original's features before pooling, and its answers, on unlabelled images as
 * training shows them. The original's classifier stays. Source: Wang et al., "Compressing models with few samples: mimicking
 * then replacing", CVPR 2022; the features' error is divided by their variance, and the divergence of the answers added.
 *
 * @param answer - the original's classifier; where there is none, only answers are compared and all weights learn
 * @returns the network, or why it could not be trained
 */
export async function mimic(
  original: Model,
  pruned: Model,
  answer: Fit | undefined,
  images: SlimImages,
  options: MimicOptions,
): Promise<Model | { readonly reason: string }> {
  const learn = (some: SlimImages, steps: number, watch: Watch) =>
    train(pruned, some.data, { ...trainingFor(original, pruned, answer, some, steps, options), ...watch });
  const { onStep, onEpoch, keeper, deadline } = options;
  try {
    const steps = await keeper.once("steps of mimicking", async () =>
      Math.min(options.steps, await affordableSteps(learn, images, deadline)),
    );
    if (steps < Math.min(leastSteps, options.steps)) return { reason: "there is no time left to mimic the original" };
    return await learn(images, steps, {
      ...(onStep && { onStep }),
      ...(onEpoch && { onEpoch }),
      ...(keeper.checkpoint && { checkpoint: { file: keeper.checkpoint, everySteps: keptSteps } }),
    });
  } catch (error) {
    if (error instanceof TrainingError || error instanceof UnsupportedOperatorError) return { reason: error.message };
    throw error;
  }
}

/** Steps that fit into the time there is, by the time that a few take. */
async function affordableSteps(
  learn: (images: SlimImages, steps: number, watch: Watch) => Promise<unknown>,
  { data, normalisation }: SlimImages,
  deadline: number,
): Promise<number> {
  if (deadline === Number.POSITIVE_INFINITY) return deadline;
  const few = { data: subset(data, [...data.labels.keys()].slice(0, batch)), normalisation };
  const times: number[] = [];
  await learn(few, timedSteps, { onStep: () => void times.push(performance.now()) });
  const each = (times.at(-1)! - times[0]!) / (times.length - 1);
  return Math.floor((deadline - performance.now()) / each);
}

function trainingFor(
  original: Model,
  pruned: Model,
  answer: Fit | undefined,
  { data, normalisation }: SlimImages,
  steps: number,
  { seed, threads, signal, flip, shift }: MimicOptions,
): TrainingOptions {
  const size = Math.min(batch, data.labels.length);
  return {
    epochs: Math.max(1, Math.round((steps * size) / data.labels.length)),
    batch: size,
    seed,
    normalisation,
    threads,
    teacher: { network: original },
    augmentation: { shift, alternatingFlip: flip },
    loss: lossFor(original, pruned, answer),
    optimiser: adamw(),
    rate: cosine({ peak: 3e-4 }),
    averaging: 0.99,
    freeze: answer?.layer.node.inputs.slice(1).filter((name) => pruned.graph.constants.has(name)) ?? [],
    ...(signal === undefined ? {} : { signal }),
  };
}

function lossFor(original: Model, pruned: Model, answer: Fit | undefined): Loss {
  const answers = distillation({ labels: 0, temperature: 1 });
  if (answer === undefined) return answers;
  const value = featuresBefore(pruned, answer.layer.node);
  const shapeIn = (model: Model): string | undefined =>
    inferValues(model, { lenient: true }).get(value)?.shape?.slice(1).join();
  if (shapeIn(original) === undefined || shapeIn(original) !== shapeIn(pruned)) return answers;
  return sumOfLosses([
    { loss: featureMatching([{ student: value, teacher: value }]), weight: 1 },
    { loss: answers, weight: 1 },
  ]);
}

/** Operators between the last features and the classifier. */
const pooling = new Set([
  "Flatten",
  "Reshape",
  "Squeeze",
  "GlobalAveragePool",
  "ReduceMean",
  "AveragePool",
  "Pad",
  "Identity",
]);

function featuresBefore({ graph }: Model, { inputs: [first] }: Node): string {
  const makers = producers(graph);
  let value = first!;
  for (let node = makers.get(value); node !== undefined && pooling.has(node.op); node = makers.get(value)) {
    value = node.inputs[0]!;
  }
  return value;
}
