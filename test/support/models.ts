import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Network, NetworkName } from "../../src/lanes/types.ts";
import { attr, encodeModel, float32, GraphBuilder, type Model, modelOf } from "../../src/onnx/index.ts";

/** What a test network looks like. */
export interface ClassifierOptions {
  readonly seed: number;
  readonly channels?: number;
  readonly size?: number;
  readonly classes?: number;
  /** Width of the hidden convolution, and how many of them. */
  readonly width?: number;
  readonly depth?: number;
  readonly layout?: "NCHW" | "NHWC";
  readonly batch?: number | "batch";
}

/** A small convolutional classifier with random weights: `depth` 3x3 convolutions, global average pool, Gemm. */
export function classifier(options: ClassifierOptions): Model {
  const { seed, channels = 3, size = 8, classes = 4, width = 8, depth = 1, layout = "NCHW", batch = "batch" } = options;
  const random = generator(seed);
  const weights = (...dims: number[]) => float32(draw(random, dims), dims);
  const b = new GraphBuilder("classifier");
  const shape = layout === "NCHW" ? [batch, channels, size, size] : [batch, size, size, channels];
  let x = b.input("input", "float32", shape);
  if (layout === "NHWC") x = b.op("Transpose", [x], { perm: [0, 3, 1, 2] });
  for (let layer = 0, from = channels; layer < depth; layer++, from = width) {
    const kernel = b.constant(weights(width, from, 3, 3));
    x = b.op("Relu", [b.op("Conv", [x, kernel], { pads: [1, 1, 1, 1], kernel_shape: [3, 3] })]);
  }
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [x])], { axis: 1 });
  const logits = b.op("Gemm", [pooled, b.constant(weights(classes, width))], { transB: 1, alpha: attr.float(8) });
  b.output(logits, "float32", [batch, classes], "logits");
  return modelOf(b.graph);
}

/** Where test models lie: one new folder. */
export const modelFolder = (): string => mkdtempSync(join(tmpdir(), "twindnn-models-"));

/** Stores a model under the network's name and describes it as lanes want it. */
export function storeNetwork(
  folder: string,
  name: NetworkName,
  model: Model,
  extra: Partial<Network> & { layout?: "NCHW" | "NHWC" } = {},
): Network {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, encodeModel(model));
  const { layout = "NCHW", ...rest } = extra;
  const [, ...sizes] = model.graph.inputs[0]!.shape as number[];
  const [a, b, c] = sizes as [number, number, number];
  const shape = layout === "NCHW" ? ([a, b, c] as const) : ([c, a, b] as const);
  const forEachChannel = (value: number) => Array.from({ length: shape[0] }, () => value);
  return {
    name,
    file,
    input: { name: "input", layout, shape },
    output: { name: "logits", classes: model.graph.outputs[0]!.shape![1] as number },
    normalisation: { scale: forEachChannel(1 / 255), offset: forEachChannel(-0.5) },
    ...rest,
  };
}

/** A twin's two networks with different answers, the original the larger one. */
export function storePair(folder: string, size: { channels?: number; size?: number; depth?: number } = {}): Network[] {
  const { depth = 2, ...image } = size;
  return [
    storeNetwork(folder, "compressed", classifier({ seed: 1, ...image })),
    storeNetwork(folder, "original", classifier({ seed: 2, width: 16, depth, ...image })),
  ];
}

/** Bytes that look random and are the same every time. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const random = generator(seed);
  return Uint8Array.from({ length }, () => random() * 256);
}

const draw = (random: () => number, dims: readonly number[]): number[] =>
  Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() - 0.5);

/** Mulberry32: enough for test weights. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
