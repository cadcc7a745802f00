import { describe, expect, test } from "vitest";
import { integerModel, integersOf } from "../../../src/compress/ternary/integers.ts";
import { learnIntegers } from "../../../src/compress/ternary/learn.ts";
import { foldIntoQuantisers, withBatchNormalization } from "../../../src/compress/ternary/normalise.ts";
import { integerUnits, prepareToLearn } from "../../../src/compress/ternary/prepare.ts";
import { linearNames, withQuantisers } from "../../../src/compress/ternary/quantise.ts";
import { float32, type Model } from "../../../src/onnx/index.ts";
import { accuracyOf, type Dataset, logitsOf, withFloatQuantisers } from "../../../src/train/index.ts";
import { bars, normalisation, tinyNetwork } from "../../train/tiny.ts";

const inference = { normalisation, threads: 1 };
const images = bars(300, 99);
const answers = (model: Model, data: Dataset = images) => logitsOf(model, data, inference);

/** The original's own answers stand in for a teacher's. */
async function taught(original: Model, count: number): Promise<Dataset> {
  const data = bars(count);
  return { ...data, teacher: { classes: 3, plain: await answers(original, data) } };
}

const original = tinyNetwork();
const data = await taught(original, 192);
const prepared = await prepareToLearn(original);
const layers = linearNames(integerUnits(prepared));
const network = await withQuantisers(prepared, data, { ...inference, ternary: layers.slice(1, -1) });
const trained = await learnIntegers(network, data, {
  ...inference,
  epochs: 8,
  rate: 0.1,
  seed: 3,
  labelled: true,
  flip: false,
});

const largestGap = (left: Float32Array, right: Float32Array): number =>
  left.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i]!)), 0);

describe("normalisation", () => {
  test("put behind convolutions leaves the answers as they are, and folds away again", async () => {
    const normalised = await withBatchNormalization(prepared, images, inference, layers);
    expect(normalised.graph.nodes.filter(({ op }) => op === "BatchNormalization")).toHaveLength(6);
    expect(largestGap(await answers(normalised), await answers(prepared))).toBeLessThan(1e-3);
    const folded = foldIntoQuantisers(trained);
    expect(folded.graph.nodes.filter(({ op }) => op === "BatchNormalization")).toHaveLength(0);
    const [before, after] = [await answers(withFloatQuantisers(trained)), await answers(withFloatQuantisers(folded))];
    expect(largestGap(before, after)).toBeLessThan(1e-3);
  });
});

/** The trained network with biases as the integers have them: multiples of input scale x weight scale. */
function withRoundedBiases(model: Model): Model {
  const folded = foldIntoQuantisers(model);
  const { plan } = integersOf(model);
  const constants = new Map(folded.graph.constants);
  for (const { node, inputs } of plan.units.filter(({ role }) => role === "linear")) {
    const { scale } = plan.values.get(inputs[0]!)!;
    const { scales } = plan.weights.get(node.name)!;
    const bias = constants.get(node.inputs[2]!)!.data as Float32Array;
    const unit = (channel: number): number => Math.fround(scales[channel]! * scale);
    constants.set(node.inputs[2]!, float32(bias.map((value, i) => Math.round(value / unit(i)) * unit(i))));
  }
  return { ...folded, graph: { ...folded.graph, constants } };
}

describe("the integers of a trained network", () => {
  test("x", async () => {
    const logits = await answers(withFloatQuantisers(withRoundedBiases(trained)));
    const integer = await answers(integerModel(trained));
    console.log(
      largestGap(logits, integer),
      accuracyOf(integer, images.labels),
      logits.slice(0, 12),
      integer.slice(0, 12),
    );
    const { plan } = integersOf(trained);
    console.log(plan.values, plan.weights, plan.biases);
  });
});
