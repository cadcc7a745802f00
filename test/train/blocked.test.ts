import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphBuilder, modelOf, runModel } from "../../src/onnx/index.ts";
import { blockConvolutions, findBlock } from "../../src/train/blocked.ts";
import { numbers, tensor } from "./check-gradients.ts";

const block = await findBlock();

describe.skipIf(block === undefined)("blocked convolutions (where ONNX Runtime has such kernels)", () => {
  const sizes = fc.record({
    images: fc.integer({ min: 1, max: 3 }),
    from: fc.integer({ min: 1, max: 3 }),
    to: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 3, max: 9 }),
    width: fc.integer({ min: 3, max: 9 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    pad: fc.integer({ min: 0, max: 2 }),
    biased: fc.boolean(),
  });

  test("compute what plain ones do", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ({ images, from, to, height, width, kernel, stride, dilation, pad, biased }) => {
        const dims = {
          x: [images, from * block!, height, width],
          weights: [to * block!, from * block!, kernel, kernel],
          bias: [to * block!],
        };
        const b = new GraphBuilder("convolution");
        b.input("x", "float32", dims.x);
        b.input("weights", "float32", dims.weights);
        b.input("bias", "float32", dims.bias);
        fc.pre(dilation * (kernel - 1) < Math.min(height, width) + 2 * pad);
        const attributes = { strides: [stride, stride], dilations: [dilation, dilation], pads: [pad, pad, pad, pad] };
        b.output(b.op("Conv", ["x", "weights", ...(biased ? ["bias"] : [])], attributes, "y"), "float32", undefined);
        const plain = modelOf(b.graph);
        const blocked = blockConvolutions(plain, new Map([["weights", dims.weights]]), block!);
        expect(blocked.graph.nodes.map((node) => node.op)).toContain("ReorderInput");
        const random = numbers(images + 10 * height);
        const inputs = new Map([
          ["x", tensor(dims.x, random)],
          ["weights", tensor(dims.weights, random)],
          ["bias", tensor(dims.bias, random)],
        ]);
        const [expected, received] = [await runModel(plain, inputs), await runModel(blocked, inputs)];
        const [left, right] = [expected, received].map((results) => results.get("y")!.data as Float32Array);
        left!.forEach((value, i) => {
          expect(right![i]).toBeCloseTo(value, 3);
        });
      }),
      { numRuns: 15, seed: 2 },
    );
  });

  test("leave alone what they cannot do", () => {
    const b = new GraphBuilder("grouped");
    const x = b.input("x", "float32", [1, 16, 4, 4]);
    const weights = b.input("weights", "float32", [16, 8, 3, 3]);
    b.output(b.op("Conv", [x, weights], { group: 2 }), "float32", undefined, "y");
    const blocked = blockConvolutions(modelOf(b.graph), new Map([["weights", [16, 8, 3, 3]]]), 8);
    expect(blocked.graph.nodes).toEqual(b.graph.nodes);
  });
});
