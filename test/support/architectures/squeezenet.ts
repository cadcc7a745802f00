import type { Model } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

/** Fire modules: a 1x1 convolution feeds a 1x1 and a 3x3 one, joined; a convolution classifies (Iandola et al. 2016). */
export function squeezenet(seed: number): Model {
  const b = new LayerBuilder("squeezenet", seed);
  const conv = (x: string, from: number, to: number, kernel: number): string =>
    b.relu(b.conv(x, from, to, { kernel, bias: true }));
  let x = b.maxPool(conv(b.image(32), 3, 8, 3), 3);
  for (const [from, squeezed, half] of [
    [8, 4, 6],
    [12, 4, 6],
  ] as const) {
    const narrow = conv(x, from, squeezed, 1);
    x = b.op("Concat", [conv(narrow, squeezed, half, 1), conv(narrow, squeezed, half, 3)], { axis: 1 });
  }
  const maps = conv(b.op("Dropout", [x]), 12, classCount, 1);
  return b.classifier(b.op("Flatten", [b.op("GlobalAveragePool", [maps])], { axis: 1 }));
}
