import type { SlimImages } from "../../../src/compress/slim/images.ts";
import type { Model } from "../../../src/onnx/index.ts";
import { randomBytes } from "../../support/models.ts";

/** Random images of the size that a model reads, scaled to -1..1. */
export function noiseImages({ graph }: Model, count: number): SlimImages {
  const [, a, b, c] = graph.inputs[0]!.shape as [unknown, number, number, number];
  const shape = a <= 3 ? ([a, b, c] as const) : ([c, a, b] as const);
  const forEachChannel = (value: number): number[] => Array.from({ length: shape[0] }, () => value);
  return {
    data: {
      images: randomBytes(count * shape[0] * shape[1] * shape[2], 3),
      shape,
      labels: new Uint8Array(count),
    },
    normalisation: { scale: forEachChannel(2 / 255), offset: forEachChannel(-1) },
  };
}
