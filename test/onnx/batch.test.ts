import { describe, expect, test } from "vitest";
import { freeBatch, int64, modelOf, randomInputs, runModel } from "../../src/onnx/index.ts";
import { computedReshape, LayerBuilder, reshapingNetwork, residualNetwork, tokenNetwork } from "./networks.ts";

describe("a batch is freed", () => {
  const cases = {
    "of a network without shape constants": residualNetwork(2),
    "of a Reshape to [1, 32]": reshapingNetwork(1, [1, 32]),
    "of a Reshape to [1, -1]": reshapingNetwork(1, [1, -1]),
    "of a Reshape to [0, -1]": reshapingNetwork(1, [0, -1]),
    "of a Reshape to [4, 32] at batch 4": reshapingNetwork(4, [4, 32]),
    "of tokens joined to a class token, with heads merged into the batch": tokenNetwork(),
  };
  for (const [name, model] of Object.entries(cases)) {
    test(name, async () => {
      const result = await freeBatch(model);
      expect(result).toMatchObject({ freed: true });
      expect(result.model.graph.inputs[0]?.shape?.[0]).toBe("batch");
      expect(result.model.graph.outputs[0]?.shape?.[0]).toBe("batch");
      const outputs = await runModel(result.model, randomInputs(result.model, { batch: 7 }));
      expect([...outputs.values()][0]?.dims[0]).toBe(7);
    });
  }
});

test("a model whose batch is open comes back as it was", async () => {
  const model = computedReshape();
  expect(await freeBatch(model)).toEqual({ freed: true, model });
});

test("a batch declared open is freed where the graph holds it fixed", async () => {
  const model = reshapingNetwork(1, [1, -1]);
  model.graph.inputs[0]!.shape = ["N", 1, 4, 4];
  model.graph.outputs[0]!.shape = ["N", 5];
  expect(await freeBatch(model)).toMatchObject({ freed: true });
});

test("a model that mixes its images keeps its own batch, with the reason", async () => {
  const b = new LayerBuilder("mixing");
  const x = b.input("image", "float32", [2, 3, 4, 4]);
  const mean = b.op("ReduceMean", [x], { axes: [0], keepdims: 1 });
  const flat = b.op("Flatten", [b.op("Sub", [x, mean])]);
  b.output(b.linear(flat, 48, 4), "float32", [2, 4], "logits");
  const model = modelOf(b.graph);
  expect(await freeBatch(model)).toMatchObject({ freed: false, batch: 2, model, reason: /differ/ });
});

test("a batch that cannot be freed leaves the model as it was", async () => {
  const b = new LayerBuilder("fixed");
  const x = b.input("image", "float32", [2, 3, 4, 4]);
  const turned = b.op("Transpose", [b.op("Reshape", [x, b.constant(int64([3, 32]))])], { perm: [1, 0] });
  const back = b.op("Reshape", [turned, b.constant(int64([2, 48]))]);
  b.output(b.linear(back, 48, 4), "float32", [2, 4], "logits");
  const model = modelOf(b.graph);
  const before = structuredClone(model);
  expect(await freeBatch(model)).toMatchObject({ freed: false, batch: 2 });
  expect(model).toEqual(before);
});
