import { describe, expect, test } from "vitest";
import { simplify } from "../../../src/compress/surgery/index.ts";
import {
  classifierOf,
  type Model,
  modelOf,
  randomInputs,
  runModel,
  scalar,
  type Tensor,
} from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { classCount, LayerBuilder } from "../../support/architectures/layers.ts";

/** Rows of answers to two images, whatever the answers are called. */
async function answersTo(model: Model, image: Tensor): Promise<number[][]> {
  const outputs = await runModel(model, new Map([[model.graph.inputs[0]!.name, image]]));
  const values = Array.from([...outputs.values()][0]!.data, Number);
  return [0, 1].map((row) => values.slice(row * classCount, (row + 1) * classCount));
}

/** Planes [N, C, H, W] with channels last. */
function channelsLast({ type, dims, data }: Tensor): Tensor {
  const [batch, channels, height, width] = dims as [number, number, number, number];
  const plane = height * width;
  const turned = Float32Array.from({ length: batch * channels * plane }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / channels), at % channels];
    return Number(data[(Math.floor(pixel / plane) * channels + channel) * plane + (pixel % plane)]);
  });
  return { type, dims: [batch, height, width, channels], data: turned };
}

/** A small network that ends in one of the ways to write logarithms of probabilities. */
function endingIn(end: (b: LayerBuilder, logits: string) => string): Model {
  const b = new LayerBuilder("probabilities", 3);
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [b.relu(b.conv(b.image(8), 3, 6))])]);
  b.output(end(b, b.linear(pooled, 6, classCount)), "float32", ["batch", classCount], "answers");
  return modelOf(b.graph, 17);
}

const image = (model: Model): Tensor => [...randomInputs(model, { batch: 2 }).values()][0]!;

test("a network that reads channels last gives the same answers to planes", async () => {
  const model = architectures.keras!(1);
  const simple = await simplify(model);
  expect(classifierOf(model).input.layout).toBe("NHWC");
  expect(classifierOf(simple).input).toMatchObject({ layout: "NCHW", channels: 3, height: 16, width: 16 });
  const planes = image(simple);
  const [expected, actual] = [await answersTo(model, channelsLast(planes)), await answersTo(simple, planes)];
  actual.flat().forEach((value, at) => {
    expect(value).toBeCloseTo(expected.flat()[at]!, 5);
  });
});

describe("logits take the place of", () => {
  const endings = {
    "the logarithm of probabilities": (b: LayerBuilder, x: string) => b.op("Log", [b.op("Softmax", [x])]),
    "that of probabilities above a floor": (b: LayerBuilder, x: string) =>
      b.op("Log", [b.op("Max", [b.op("Softmax", [x]), b.constant(scalar(1e-37))])]),
    LogSoftmax: (b: LayerBuilder, x: string) => b.op("LogSoftmax", [x]),
  };
  test.each(Object.entries(endings))("%s, shifted for each image", async (_, end) => {
    const model = endingIn(end);
    const simple = await simplify(model);
    expect(simple.graph.nodes.at(-1)?.op).toBe("Gemm");
    const input = image(model);
    const [before, after] = [await answersTo(model, input), await answersTo(simple, input)];
    for (const [row, logits] of after.entries()) {
      const shift = logits[0]! - before[row]![0]!;
      for (const [at, value] of logits.entries()) expect(value - before[row]![at]!).toBeCloseTo(shift, 4);
    }
  });
});

test("probabilities stay probabilities", async () => {
  const simple = await simplify(endingIn((b, x) => b.op("Softmax", [x])));
  expect(classifierOf(simple).output.kind).toBe("probabilities");
});
