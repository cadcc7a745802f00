import { describe, expect, test } from "vitest";
import { residual } from "../../../src/compress/slim/elimination.ts";
import { weightsOf } from "../../../src/compress/slim/layers.ts";
import { findSites } from "../../../src/compress/slim/sites.ts";
import { biasFor, collectStatistics } from "../../../src/compress/slim/statistics.ts";
import { simplify } from "../../../src/compress/surgery/index.ts";
import { attr, float32, GraphBuilder, type Model, modelOf } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { noiseImages } from "./support.ts";

const options = { seed: 1, threads: 1, most: 8 };

/** What the sampled inputs and the layer's own weights leave unexplained of its sampled outputs, relative to them. */
async function unexplained(model: Model): Promise<number[]> {
  const { sites } = findSites(model);
  const problems = await collectStatistics(model, model, sites, noiseImages(model, 8), options);
  return problems.map((problem, at) => residual(problem, weightsOf(model, sites[at]!.layer)) / problem.scale);
}

describe.each(Object.keys(architectures))("%s", (name) => {
  test("the weights of every layer explain its samples", async () => {
    const model = await simplify(architectures[name]!(1));
    const shares = await unexplained(model);
    expect(shares.length).toBeGreaterThan(1);
    for (const share of shares) expect(Math.abs(share)).toBeLessThan(1e-4);
  });
});

/** Two convolutions, the second with everything that moves its samples: stride, dilation, uneven padding and kernel. */
function unevenConvolution(): Model {
  const b = new GraphBuilder("uneven");
  const weights = (dims: readonly number[]): string => {
    const count = dims.reduce((product, size) => product * size, 1);
    return b.constant(
      float32(
        Array.from({ length: count }, (_, i) => Math.sin(i + 1)),
        dims,
      ),
    );
  };
  const x = b.input("input", "float32", ["batch", 3, 9, 10]);
  const inner = b.op("Relu", [b.op("Conv", [x, weights([6, 3, 1, 1])], { kernel_shape: [1, 1] })]);
  const uneven = { kernel_shape: [3, 2], strides: [2, 1], dilations: [1, 3], pads: [0, 2, 1, 1] };
  const outer = b.op("Conv", [inner, weights([5, 6, 3, 2]), weights([5])], uneven);
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [b.op("Relu", [outer])])], { axis: 1 });
  b.output(b.op("Gemm", [pooled, weights([5, 4])], { alpha: attr.float(1) }), "float32", ["batch", 4], "logits");
  return modelOf(b.graph);
}

test("samples follow stride, dilation, uneven padding and kernel", async () => {
  const model = await simplify(unevenConvolution());
  const shares = await unexplained(model);
  expect(shares).toHaveLength(2);
  for (const share of shares) expect(Math.abs(share)).toBeLessThan(1e-5);
});

test("the bias that goes with a layer's own weights is its own", async () => {
  const model = await simplify(unevenConvolution());
  const { sites } = findSites(model);
  const [problem] = await collectStatistics(model, model, sites, noiseImages(model, 8), options);
  const { layer } = sites[0]!;
  const expected = model.graph.constants.get(layer.node.inputs[2]!)!.data as Float32Array;
  biasFor(problem!, weightsOf(model, layer)).forEach((value, o) => {
    expect(value).toBeCloseTo(expected[o]!, 3);
  });
});

test("the same seed draws the same samples", async () => {
  const model = await simplify(unevenConvolution());
  const { sites } = findSites(model);
  const once = await collectStatistics(model, model, sites, noiseImages(model, 8), options);
  expect(await collectStatistics(model, model, sites, noiseImages(model, 8), options)).toEqual(once);
});
