import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkModel,
  decodeModel,
  encodeModel,
  foldBatchNormalization,
  foldConstants,
  inferValues,
  type Model,
  outputDifference,
  raiseOpset,
  randomInputs,
  removeIdentity,
  runModel,
} from "../../src/onnx/index.ts";
import { batch, randomModel } from "./random-graphs.ts";

const runs = { numRuns: 60, seed: 20 };

test("a random graph keeps every rule, and is decoded as it was encoded", () => {
  fc.assert(
    fc.property(randomModel, (model) => {
      checkModel(model);
      expect(decodeModel(encodeModel(model))).toEqual(model);
    }),
    runs,
  );
});

test("inferred types and shapes of every value are those that ONNX Runtime computes", async () => {
  await fc.assert(
    fc.asyncProperty(randomModel, async (model) => {
      const inferred = inferValues(model, { dims: { batch } });
      for (const [name, tensor] of await runModel(model, randomInputs(model, { batch }))) {
        expect({ name, type: inferred.get(name)!.type, shape: inferred.get(name)!.shape }).toEqual({
          name,
          type: tensor.type,
          shape: tensor.dims,
        });
      }
    }),
    runs,
  );
});

test("rewrites and a newer operator set change no answer", async () => {
  const rewrites: ((model: Model) => Model | Promise<Model>)[] = [
    removeIdentity,
    foldConstants,
    foldBatchNormalization,
    (model) => raiseOpset(model, 21),
  ];
  await fc.assert(
    fc.asyncProperty(randomModel, fc.constantFrom(...rewrites), async (model, rewrite) => {
      const inputs = randomInputs(model, { batch });
      const [before, after] = [await runModel(model, inputs), await runModel(await rewrite(model), inputs)];
      expect(outputDifference(before, after)).toBeLessThan(1e-5);
    }),
    runs,
  );
});
