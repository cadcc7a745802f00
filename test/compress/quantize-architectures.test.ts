import { describe, expect, it } from "vitest";
import { type ImageBatch, quantizeModel } from "../../src/compress/index.ts";
import { answersOf, relativeError } from "../../src/compress/int8/answers.ts";
import type { Model } from "../../src/onnx/index.ts";
import { architectures } from "../support/architectures/index.ts";
import { generator } from "./support.ts";

/** Images of a model's input size that differ in brightness, so that answers differ too. */
function imagesFor({ graph }: Model, count: number, seed: number): Float32Array[] {
  const size = graph.inputs[0]!.shape!.slice(1).reduce<number>((product, dim) => product * Number(dim), 1);
  const random = generator(seed);
  return Array.from({ length: count }, () => {
    const brightness = 2 * random() - 1;
    return Float32Array.from({ length: size }, () => brightness + random() - 0.5);
  });
}

async function* batchOf(images: readonly Float32Array[]): AsyncGenerator<ImageBatch> {
  const data = new Float32Array(images.length * images[0]!.length);
  for (const [i, image] of images.entries()) data.set(image, i * image.length);
  yield { count: images.length, data };
}

describe("the int8 model", () => {
  it.each(Object.entries(architectures))("gives the outputs of %s within a tenth", async (_, make) => {
    const model = make(1);
    const { model: int8 } = await quantizeModel(model, batchOf(imagesFor(model, 32, 1)), { threads: 1 });
    expect(int8.graph.nodes.some(({ op }) => op === "QuantizeLinear")).toBe(true);
    const others = imagesFor(model, 32, 2);
    expect(relativeError(await answersOf(model, others, 1), await answersOf(int8, others, 1))).toBeLessThan(0.1);
  });
});
