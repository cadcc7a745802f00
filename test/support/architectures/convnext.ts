import type { Model } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

/** Depthwise 7x7 convolutions, LayerNormalization and linear layers with channels last (Liu et al. 2022). */
export function convnext(seed: number): Model {
  const b = new LayerBuilder("convnext", seed);
  let x = normed(b, b.conv(b.image(16), 3, 8, { kernel: 3, stride: 2, bias: true }), 8);
  x = block(b, block(b, x, 8), 8);
  x = b.conv(normed(b, x, 8), 8, 12, { kernel: 3, stride: 2, bias: true });
  x = block(b, x, 12);
  const pooled = b.op("Flatten", [normed(b, b.op("GlobalAveragePool", [x]), 12)], { axis: 1 });
  return b.classifier(b.linear(pooled, 12, classCount));
}

/** Normalised over channels, which lie second. */
function normed(b: LayerBuilder, x: string, channels: number): string {
  return b.transpose(b.layerNorm(b.transpose(x, [0, 2, 3, 1]), channels), [0, 3, 1, 2]);
}

/** The branch ends in a scale for each channel. */
function block(b: LayerBuilder, x: string, channels: number): string {
  const filtered = b.conv(x, channels, channels, { kernel: 7, groups: channels, bias: true });
  const last = b.layerNorm(b.transpose(filtered, [0, 2, 3, 1]), channels);
  const wide = b.gelu(b.tokenLinear(last, channels, 3 * channels));
  const narrow = b.transpose(b.tokenLinear(wide, 3 * channels, channels), [0, 3, 1, 2]);
  const scale = b.constant(b.uniform([channels, 1, 1], 0.5, 1.5), "scale");
  return b.add(b.op("Mul", [narrow, scale]), x);
}
