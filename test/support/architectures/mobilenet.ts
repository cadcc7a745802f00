import { float32, type Model } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

/** Depthwise and pointwise convolutions in turn (Howard et al. 2017). */
export function mobilenetV1(seed: number): Model {
  const b = new LayerBuilder("mobilenet-v1", seed);
  let x = b.convNormRelu(b.image(16), 3, 6, { stride: 2 });
  for (const [from, to, stride] of [
    [6, 8, 1],
    [8, 12, 2],
    [12, 12, 1],
  ] as const) {
    x = b.convNormRelu(b.convNormRelu(x, from, from, { stride, groups: from }), from, to, { kernel: 1 });
  }
  return b.head(x, 12);
}

/** Relu6, which exporters write as Clip. */
function relu6(b: LayerBuilder, x: string): string {
  return b.op("Clip", [x, b.constant(float32([0], []), "low"), b.constant(float32([6], []), "high")]);
}

/** Inverted residuals: a wide depthwise convolution between two pointwise ones (Sandler et al. 2018). */
export function mobilenetV2(seed: number): Model {
  const b = new LayerBuilder("mobilenet-v2", seed);
  let x = relu6(b, b.norm(b.conv(b.image(16), 3, 6, { stride: 2 }), 6));
  for (const [from, to, stride] of [
    [6, 6, 1],
    [6, 8, 2],
    [8, 8, 1],
  ] as const) {
    const wide = 3 * from;
    const expanded = relu6(b, b.norm(b.conv(x, from, wide, { kernel: 1 }), wide));
    const filtered = relu6(b, b.norm(b.conv(expanded, wide, wide, { stride, groups: wide }), wide));
    const projected = b.norm(b.conv(filtered, wide, to, { kernel: 1 }), to);
    x = stride === 1 && from === to ? b.add(x, projected) : projected;
  }
  return b.head(relu6(b, b.norm(b.conv(x, 8, 16, { kernel: 1 }), 16)), 16);
}

/** Inverted residuals with squeeze-and-excitation and HardSwish (Howard et al. 2019). */
export function mobilenetV3(seed: number): Model {
  const b = new LayerBuilder("mobilenet-v3", seed);
  const swish = (x: string): string => b.op("HardSwish", [x]);
  let x = swish(b.norm(b.conv(b.image(16), 3, 6, { stride: 2 }), 6));
  for (const [from, to, stride] of [
    [6, 6, 1],
    [6, 8, 2],
    [8, 8, 1],
  ] as const) {
    const wide = 3 * from;
    const expanded = swish(b.norm(b.conv(x, from, wide, { kernel: 1 }), wide));
    const filtered = b.norm(b.conv(expanded, wide, wide, { kernel: 5, stride, groups: wide }), wide);
    const gated = b.squeezeExcite(filtered, wide, 4, {
      pool: "GlobalAveragePool",
      activation: "Relu",
      gate: "HardSigmoid",
    });
    const projected = b.norm(b.conv(swish(gated), wide, to, { kernel: 1 }), to);
    x = stride === 1 && from === to ? b.add(x, projected) : projected;
  }
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [x])]);
  return b.classifier(b.linear(swish(b.linear(pooled, 8, 12)), 12, classCount));
}
