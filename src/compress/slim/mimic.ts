import { TrainingError, UnsupportedOperatorError } from "../../errors.ts";
import { inferValues, type Model, type Node, producers } from "../../onnx/index.ts";
import { adamw, cosine, distillation, featureMatching, type Loss, sumOfLosses, train } from "../../train/index.ts";
import type { SlimImages } from "./images.ts";
import type { Fit } from "./sites.ts";

export interface MimicOptions {
  /** Steps of 32 images. */
  readonly steps: number;
  /** Mirrors every second image, and shifts images by up to so many pixels. */
  readonly flip: boolean;
  readonly shift: number;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((step: number, steps: number) => void) | undefined;
}

const batch = 32;

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
  { data, normalisation }: SlimImages,
  options: MimicOptions,
): Promise<Model | { readonly reason: string }> {
  const { steps, seed, threads, signal, onStep, flip, shift } = options;
  const size = Math.min(batch, data.labels.length);
  try {
    return await train(pruned, data, {
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
      onStep: (progress) => onStep?.(progress.step, progress.steps),
    });
  } catch (error) {
    if (error instanceof TrainingError || error instanceof UnsupportedOperatorError) return { reason: error.message };
    throw error;
  }
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
