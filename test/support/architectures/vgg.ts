import type { Model } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

/** Plain 3x3 convolutions and max pooling; a head of linear layers over all positions (Simonyan & Zisserman 2015). */
export function vgg(seed: number): Model {
  const b = new LayerBuilder("vgg", seed);
  let x = b.image(16);
  for (const [from, to] of [
    [3, 6],
    [6, 8],
    [8, 10],
  ] as const) {
    x = b.maxPool(b.relu(b.conv(x, from, to, { bias: true })));
  }
  const hidden = b.relu(b.linear(b.op("Flatten", [x], { axis: 1 }), 10 * 2 * 2, 16));
  return b.classifier(b.linear(b.op("Dropout", [hidden]), 16, classCount));
}
