import type { Model } from "../../../src/onnx/index.ts";
import { LayerBuilder } from "./layers.ts";

const groupWidth = 4;

/** Bottlenecks with a grouped convolution and squeeze-and-excitation (Radosavovic et al. 2020, RegNetY). */
export function regnet(seed: number): Model {
  const b = new LayerBuilder("regnet", seed);
  let x = b.convNormRelu(b.image(16), 3, 8, { stride: 2 });
  for (const [from, to, stride] of [
    [8, 8, 1],
    [8, 12, 2],
    [12, 12, 1],
  ] as const) {
    const narrow = b.convNormRelu(x, from, to, { kernel: 1 });
    const filtered = b.convNormRelu(narrow, to, to, { stride, groups: to / groupWidth });
    const gated = b.squeezeExcite(filtered, to, 3, { pool: "GlobalAveragePool", activation: "Relu", gate: "Sigmoid" });
    const branch = b.norm(b.conv(gated, to, to, { kernel: 1 }), to);
    const shortcut = stride === 1 && from === to ? x : b.norm(b.conv(x, from, to, { kernel: 1, stride }), to);
    x = b.relu(b.add(shortcut, branch));
  }
  return b.head(x, 12);
}
