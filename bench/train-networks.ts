/** What the benchmarks of training train: two residual networks on random images of 3 x 32 x 32. */
import { studentNetwork } from "../src/compress/student/family.ts";
import { inferValues, type Model, sizeOf } from "../src/onnx/index.ts";
import { crossEntropy, type Dataset, type ResidualNetwork, sgd, type TrainingOptions } from "../src/train/index.ts";

const images = { input: [3, 32, 32], classes: 10 } as const;

export const networks: readonly ResidualNetwork[] = [
  {
    ...images,
    name: "ResNet-20",
    stages: [
      { channels: 16, stride: 1, blocks: 3 },
      { channels: 32, stride: 2, blocks: 3 },
      { channels: 64, stride: 2, blocks: 3 },
    ],
  },
  { ...studentNetwork(32, images.input, images.classes), name: "T32" },
];

/** Throws Error for a name that no network bears. */
export function networkNamed(name: string): ResidualNetwork {
  const network = networks.find((known) => known.name === name);
  if (network === undefined) throw new Error(`unknown network "${name}"`);
  return network;
}

export function randomImages(count: number): Dataset {
  const size = count * 3 * 32 * 32;
  const bytes = Uint8Array.from({ length: size }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
  return { images: bytes, labels: Uint8Array.from({ length: count }, (_, i) => i % 10), shape: [3, 32, 32] };
}

export const augmentation = { shift: 2, alternatingFlip: true };

export const optionsOf = (batch: number, threads: number): TrainingOptions => ({
  epochs: 1,
  batch,
  threads,
  augmentation,
  loss: crossEntropy,
  optimiser: sgd(),
  rate: () => 0.01,
  normalisation: { scale: [1 / 64, 1 / 64, 1 / 64], offset: [-2, -2, -2] },
});

/**
 * Bytes of the activations that a step must keep from the forward pass to the gradients: the inputs of convolutions, of
 * products and of normalisation, each once. Ours is float32.
 */
export function activationBytes(model: Model, batch: number): number {
  const values = inferValues(model, { dims: { batch } });
  const readers = new Set(["Conv", "Gemm", "BatchNormalization"]);
  const kept = new Set(model.graph.nodes.filter(({ op }) => readers.has(op)).map(({ inputs }) => inputs[0]!));
  return [...kept].reduce((sum, name) => sum + 4 * sizeOf(values.get(name)!.shape as number[]), 0);
}
