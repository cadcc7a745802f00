import { describe, expect, test } from "vitest";
import { classifierOf, inferShapes, type Model, modelCost, modelOf, readModel } from "../../src/onnx/index.ts";
import { LayerBuilder, residualNetwork, tokenNetwork, weights } from "./networks.ts";

const data = process.env.TWINDNN_DATA;

describe("classifierOf", () => {
  test("finds the image input and the logits", () => {
    expect(classifierOf(residualNetwork())).toEqual({
      input: { name: "image", layout: "NCHW", channels: 3, height: 8, width: 8, batch: "batch" },
      output: { name: "logits", kind: "logits", classes: 10 },
    });
  });

  test("tells probabilities from logits, through a Reshape", () => {
    const model = changed(residualNetwork(), (b) => b.op("Flatten", [b.op("Softmax", ["logits"])]));
    expect(classifierOf(model).output.kind).toBe("probabilities");
  });

  test("takes images with the channels last", () => {
    const b = new LayerBuilder("nhwc");
    const x = b.input("image", "float32", ["batch", 8, 6, 3]);
    const features = b.conv(b.op("Transpose", [x], { perm: [0, 3, 1, 2] }), 3, 7);
    b.output(b.op("GlobalAveragePool", [features]), "float32", undefined, "scores");
    expect(classifierOf(modelOf(b.graph))).toMatchObject({
      input: { layout: "NHWC", channels: 3, height: 8, width: 6 },
      output: { classes: 7 },
    });
  });

  const refused: Record<string, [Model, RegExp]> = {
    "several outputs": [
      withOutput(residualNetwork(), "features", ["batch", 8]),
      /2 outputs \("logits" float32 \[batch,10\], "features".*only output/,
    ],
    "several inputs": [withInput(residualNetwork(), "mask"), /2 inputs \("image".*"mask"/],
    "an input that is no image": [withShape(residualNetwork(), ["batch", 192]), /\[batch,192\].*an image has/],
    "five channels": [withShape(residualNetwork(), ["batch", 5, 8, 8]), /neither axis 1 nor axis 3/],
    "an output that is an image": [
      changed(residualNetwork(), (b) => b.conv("image", 3, 4)),
      /\[batch,4,8,8\], a classifier/,
    ],
    "one class": [changed(residualNetwork(), (b) => b.linear("logits", 10, 1)), /1 class, /],
    "answers that do not exclude each other": [
      changed(residualNetwork(), (b) => b.op("Sigmoid", ["logits"])),
      /Sigmoid/,
    ],
  };
  for (const [what, [model, message]] of Object.entries(refused)) {
    test(`refuses ${what}`, () => {
      expect(() => classifierOf(model)).toThrow(message);
    });
  }
});

describe("modelCost", () => {
  test("counts multiply-accumulates, weights and bytes of each layer", () => {
    const cost = modelCost(residualNetwork());
    const conv = cost.layers.find((layer) => layer.op === "Conv");
    expect(conv).toMatchObject({ shape: [1, 8, 8, 8], macs: 64 * 27 * 8, parameters: 27 * 8 + 8, outputBytes: 2048 });
    expect(cost.macs).toBe(64 * 27 * 8 + 64 * 72 * 8 + 80);
    expect(cost.bytes).toBe(4 * cost.parameters);
  });

  test("divides a fixed batch out", () => {
    expect(modelCost(residualNetwork(4)).macs).toBe(modelCost(residualNetwork()).macs);
    expect(modelCost(residualNetwork(4)).layers[0]?.outputBytes).toBe(
      modelCost(residualNetwork()).layers[0]?.outputBytes,
    );
  });

  test("counts a matrix product of two computed values", () => {
    const products = modelCost(tokenNetwork()).layers.filter((layer) => layer.op === "MatMul");
    expect(products.map((layer) => layer.macs)).toEqual([2 * 5 * 5 * 4, 2 * 5 * 4 * 5]);
  });

  test("gives the weights under a DequantizeLinear to the layer that uses them, and counts shared ones once", () => {
    const b = new LayerBuilder("quantised");
    const x = b.input("x", "float32", ["batch", 4]);
    const bytes = b.constant({ type: "int8", dims: [4, 4], data: new Int8Array(16) });
    const w = b.op("DequantizeLinear", [bytes, b.constant(weights([]))]);
    b.output(b.op("MatMul", [b.op("MatMul", [x, w]), w]), "float32", ["batch", 4]);
    const { layers, bytes: total } = modelCost(modelOf(b.graph));
    expect(layers.map((layer) => [layer.op, layer.parameters])).toEqual([
      ["DequantizeLinear", 0],
      ["MatMul", 16],
      ["MatMul", 0],
    ]);
    expect(total).toBe(16);
  });

  test("asks for a size where one is open", () => {
    const model = withShape(residualNetwork(), ["batch", 3, "height", "width"]);
    expect(() => modelCost(model)).toThrow(/fixed image size/);
    expect(modelCost(model, { height: 8, width: 8 }).macs).toBe(modelCost(residualNetwork()).macs);
  });
});

describe.skipIf(!data)("on real models (TWINDNN_DATA)", () => {
  test.each([
    ["resnet56-jpeg", 125.49e6, 0.853e6, 10],
    ["resnet20", 40.55e6, 0.27e6, 10],
    ["mobilenetv2", 300.8e6, 3.5e6, 1000],
  ])("%s costs what its paper says", (name, macs, parameters, classes) => {
    const model = readModel(`${data}/models/${name}.onnx`);
    const cost = modelCost(model);
    expect(cost.macs / macs).toBeCloseTo(1, 1);
    expect(cost.parameters / parameters).toBeCloseTo(1, 1);
    expect(classifierOf(model).output).toEqual({ name: "logits", kind: "logits", classes });
  });

  test.each(["resnet56-jpeg", "resnet20", "mobilenetv2"])("every shape of %s is known but for its batch", (name) => {
    const open = [...inferShapes(readModel(`${data}/models/${name}.onnx`)).values()].filter(
      ({ shape }) => shape === undefined || shape.some((dim) => dim === undefined),
    );
    expect(open).toEqual([]);
  });
});

/** The model with its output replaced by what `layers` makes of its values. */
function changed(model: Model, layers: (b: LayerBuilder) => string): Model {
  const b = new LayerBuilder("tail");
  for (const node of model.graph.nodes) for (const name of node.outputs) b.fresh(name);
  for (const name of model.graph.constants.keys()) b.fresh(name);
  const name = layers(b);
  model.graph.nodes.push(...b.graph.nodes);
  for (const [key, tensor] of b.graph.constants) model.graph.constants.set(key, tensor);
  model.graph.outputs = [{ name, type: "float32", shape: undefined }];
  return model;
}

function withOutput(model: Model, name: string, shape: readonly string[] | readonly (string | number)[]): Model {
  model.graph.outputs.push({ name, type: "float32", shape });
  return model;
}

function withInput(model: Model, name: string): Model {
  model.graph.inputs.push({ name, type: "float32", shape: ["batch"] });
  return model;
}

function withShape(model: Model, shape: readonly (string | number)[]): Model {
  model.graph.inputs[0]!.shape = shape;
  return model;
}
