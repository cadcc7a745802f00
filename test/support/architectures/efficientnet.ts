import type { Model } from "../../../src/onnx/index.ts";
import { LayerBuilder } from "./layers.ts";

/** Inverted residuals with SiLU and squeeze-and-excitation (Tan & Le 2019). */
export function efficientnet(seed: number): Model {
  const b = new LayerBuilder("efficientnet", seed);
  let x = b.silu(b.norm(b.conv(b.image(16), 3, 6, { stride: 2 }), 6));
  for (const [from, to, stride] of [
    [6, 6, 1],
    [6, 8, 2],
    [8, 8, 1],
  ] as const) {
    const wide = 4 * from;
    const expanded = b.silu(b.norm(b.conv(x, from, wide, { kernel: 1 }), wide));
    const filtered = b.silu(b.norm(b.conv(expanded, wide, wide, { stride, groups: wide }), wide));
    const gated = b.squeezeExcite(filtered, wide, 3, { pool: "ReduceMean", activation: "SiLU", gate: "Sigmoid" });
    const projected = b.norm(b.conv(gated, wide, to, { kernel: 1 }), to);
    x = stride === 1 && from === to ? b.add(projected, x) : projected;
  }
  return b.head(b.silu(b.norm(b.conv(x, 8, 16, { kernel: 1 }), 16)), 16);
}
