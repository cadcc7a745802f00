import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ResidualBlock, removeBlock, residualBlocks, simplify } from "../../../src/compress/surgery/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { copyModel, type Graph, type Model, producers } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { LayerBuilder } from "../../support/architectures/layers.ts";
import { expectSameAnswers } from "./support.ts";

/** The model with the weights that end a block's branch zeroed, so that the branch gives zeros. */
function zeroBranch(model: Model, { branch }: ResidualBlock): Model {
  const result = copyModel(model);
  for (let value: string | undefined = branch; value !== undefined; ) value = zeroMaker(result.graph, value);
  return result;
}

/** Zeroes the constants of the node that makes a value; returns the input that must be zero besides. */
function zeroMaker(graph: Graph, value: string): string | undefined {
  const node = producers(graph).get(value)!;
  if (node.op === "Transpose" || node.op === "Reshape") return node.inputs[0];
  const constants = node.inputs.filter((input) => graph.constants.has(input));
  const zeroed = node.op === "BatchNormalization" ? constants.slice(0, 2) : constants;
  for (const name of zeroed) {
    const tensor = graph.constants.get(name)!;
    graph.constants.set(name, { ...tensor, data: new Float32Array(tensor.data.length) });
  }
  return node.op === "Add" ? node.inputs.find((input) => !constants.includes(input)) : undefined;
}

/** Residual blocks of each architecture. */
const counts: Readonly<Record<string, number>> = {
  "resnet-basic": 3,
  "resnet-bottleneck": 2,
  "mobilenet-v2": 2,
  "mobilenet-v3": 2,
  efficientnet: 2,
  regnet: 2,
  convnext: 3,
  vit: 4,
  "vit-fused": 4,
  keras: 2,
};

describe.each(Object.entries(architectures))("%s", (name, build) => {
  test("its residual blocks are found, simplified or not", async () => {
    expect(residualBlocks(build(1))).toHaveLength(counts[name] ?? 0);
    expect(residualBlocks(await simplify(build(1)))).toHaveLength(counts[name] ?? 0);
  });

  test("any of its blocks go as if the weights that end them were zeroed", async () => {
    for (const model of [build(2), await simplify(build(2))]) {
      const blocks = fc.subarray(residualBlocks(model));
      await fc.assert(
        fc.asyncProperty(blocks, async (gone) => {
          const reference = gone.reduce(zeroBranch, model);
          await expectSameAnswers(reference, gone.reduce(removeBlock, model));
        }),
        { numRuns: 4, seed: 6 },
      );
    }
  });
});

describe("a block", () => {
  test("is no sum whose branch also reads another value", () => {
    const b = new LayerBuilder("other", 1);
    const stem = b.relu(b.conv(b.image(8), 3, 4));
    const side = b.conv(stem, 4, 4);
    const x = b.conv(stem, 4, 4);
    expect(residualBlocks(b.head(b.add(x, b.add(b.conv(x, 4, 4), side)), 4))).toEqual([]);
  });

  test("is no sum that broadcasts", () => {
    const b = new LayerBuilder("gate", 1);
    const x = b.conv(b.image(8), 3, 4);
    const pooled = b.op("GlobalAveragePool", [x]);
    expect(residualBlocks(b.head(b.add(x, pooled), 4))).toEqual([]);
  });

  test("may lie within the branch of another", async () => {
    const b = new LayerBuilder("nested", 1);
    const x = b.conv(b.image(8), 3, 4);
    const y = b.conv(x, 4, 4);
    const model = b.head(b.add(b.add(y, b.conv(y, 4, 4)), x), 4);
    const [inner, outer] = residualBlocks(model) as [ResidualBlock, ResidualBlock];
    expect([inner.nodes.length, outer.nodes.length]).toEqual([1, 3]);
    await expectSameAnswers(zeroBranch(model, inner), removeBlock(model, inner));
  });

  test("of another model is refused", () => {
    const model = architectures["resnet-basic"]!(1);
    const [block] = residualBlocks(model) as [ResidualBlock];
    expect(() => removeBlock(removeBlock(model, block), block)).toThrow(UsageError);
  });
});
