import type { Model } from "../../../src/onnx/index.ts";
import { LayerBuilder } from "./layers.ts";

const growth = 4;

/** Every layer normalises, then reads, all earlier ones of its block; a transition halves (Huang et al. 2017). */
export function densenet(seed: number): Model {
  const b = new LayerBuilder("densenet", seed);
  let x = b.conv(b.image(16), 3, 8);
  let channels = 8;
  for (const layers of [3, 2]) {
    for (let layer = 0; layer < layers; layer++, channels += growth) x = denseLayer(b, x, channels);
    if (layers === 3) {
      x = b.conv(b.relu(b.norm(x, channels)), channels, channels / 2, { kernel: 1 });
      x = b.op("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
      channels /= 2;
    }
  }
  return b.head(b.relu(b.norm(x, channels)), channels);
}

function denseLayer(b: LayerBuilder, x: string, channels: number): string {
  const narrow = b.convNormRelu(b.relu(b.norm(x, channels)), channels, 2 * growth, { kernel: 1 });
  return b.op("Concat", [x, b.conv(narrow, 2 * growth, growth)], { axis: 1 });
}
