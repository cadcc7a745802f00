import type { Model } from "../../../src/onnx/index.ts";
import { LayerBuilder } from "./layers.ts";

/** A residual block: its first convolution may halve the size; the shortcut then takes a 1x1 convolution. */
function block(b: LayerBuilder, x: string, from: number, to: number, stride: number, branch: string): string {
  const shortcut = stride === 1 && from === to ? x : b.norm(b.conv(x, from, to, { kernel: 1, stride }), to);
  return b.relu(b.add(branch, shortcut));
}

/** Two blocks of two 3x3 convolutions at each of two widths (He et al. 2016). */
export function resnetBasic(seed: number): Model {
  const b = new LayerBuilder("resnet-basic", seed);
  let x = b.convNormRelu(b.image(16), 3, 8);
  for (const [from, to, stride] of [
    [8, 8, 1],
    [8, 8, 1],
    [8, 12, 2],
    [12, 12, 1],
  ] as const) {
    const inner = b.convNormRelu(x, from, to, { stride });
    x = block(b, x, from, to, stride, b.norm(b.conv(inner, to, to), to));
  }
  return b.head(x, 12);
}

/** Blocks of 1x1, 3x3 and 1x1 convolutions after a pooled stem. */
export function resnetBottleneck(seed: number): Model {
  const b = new LayerBuilder("resnet-bottleneck", seed);
  let x = b.maxPool(b.convNormRelu(b.image(32), 3, 8, { kernel: 7, stride: 2 }));
  for (const [from, width, stride] of [
    [8, 4, 1],
    [16, 4, 1],
    [16, 6, 2],
    [24, 6, 1],
  ] as const) {
    const inner = b.convNormRelu(b.convNormRelu(x, from, width, { kernel: 1 }), width, width, { stride });
    x = block(b, x, from, 4 * width, stride, b.norm(b.conv(inner, width, 4 * width, { kernel: 1 }), 4 * width));
  }
  return b.head(x, 24);
}

/** Shortcuts without weights: every second position, padded with channels of zeros (option A of the paper). */
export function resnetPadded(seed: number): Model {
  const b = new LayerBuilder("resnet-padded", seed);
  const stem = b.convNormRelu(b.image(16), 3, 8);
  const inner = b.convNormRelu(stem, 8, 16, { stride: 2 });
  const branch = b.norm(b.conv(inner, 16, 16), 16);
  const list = (values: readonly number[]): string => b.integers(values);
  const halved = b.op("Slice", [stem, list([0, 0]), list([2 ** 31 - 1, 2 ** 31 - 1]), list([2, 3]), list([2, 2])]);
  const padded = b.op("Pad", [halved, list([0, 4, 0, 0, 0, 4, 0, 0])], { mode: "constant" });
  return b.head(b.relu(b.add(branch, padded)), 16);
}
