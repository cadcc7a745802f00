import { integerUnits, prepareToLearn } from "../../../src/compress/ternary/prepare.ts";
import { linearNames, withQuantisers } from "../../../src/compress/ternary/quantise.ts";
import { float32, GraphBuilder, int64, type Model, modelOf } from "../../../src/onnx/index.ts";
import { type Dataset, logitsOf } from "../../../src/train/index.ts";
import { numbers } from "../../train/check-gradients.ts";
import { bars, normalisation } from "../../train/tiny.ts";

export const inference = { normalisation, threads: 1 };

/** A network of every kind of layer that the integer form has: grey 8x8 pictures in, three classes out. */
export function everyLayer(): Model {
  const random = numbers(11, [-1, 1]);
  const b = new GraphBuilder("every-layer");
  const draw = (...dims: number[]): string => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const fanIn = dims.length > 1 ? size / dims[0]! : 1;
    return b.constant(
      float32(
        Float32Array.from({ length: size }, () => random() * Math.sqrt(3 / fanIn)),
        dims,
      ),
    );
  };
  const conv = (x: string, from: number, to: number, group: number, stride: number): string =>
    b.op("Conv", [x, draw(to, from / group, 3, 3), draw(to)], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      strides: [stride, stride],
      group,
    });
  const relu = (x: string): string => b.op("Relu", [x]);
  const relu6 = (x: string): string => b.op("Clip", [x, b.constant(float32([0], [])), b.constant(float32([6], []))]);
  const integers = (...values: number[]): string => b.constant(int64(values));
  const zero = b.constant(float32([0], []));
  const input = b.input("input", "float32", ["batch", 1, 8, 8]);
  const first = relu(conv(input, 1, 8, 1, 1));
  const depthwise = relu6(conv(first, 8, 8, 8, 1));
  const smooth = b.op("AveragePool", [depthwise], { kernel_shape: [3, 3], pads: [1, 0, 1, 2], count_include_pad: 1 });
  const groups = b.op("Reshape", [smooth, integers(-1, 2, 4, 8, 8)]);
  const shuffled = b.op("Transpose", [groups], { perm: [0, 2, 1, 3, 4] });
  const squeezed = relu(conv(b.op("Reshape", [shuffled, integers(-1, 8, 8, 8)]), 8, 4, 1, 1));
  const joined = b.op("Concat", [conv(squeezed, 4, 4, 1, 1), squeezed], { axis: 1 });
  const scaled = b.op("Mul", [joined, draw(1, 8, 1, 1)]);
  const before = relu(b.op("Add", [scaled, draw(8, 1, 1)]));
  const sum = relu(b.op("Add", [conv(before, 8, 8, 2, 1), first]));
  const thinned = b.op("Slice", [sum, integers(0, -7), integers(8, 100), integers(2, 3), integers(2, 2)]);
  const widened = b.op("Pad", [thinned, integers(0, 2, 0, 0, 0, 6, 0, 0), zero]);
  const wide = relu(b.op("Add", [conv(sum, 8, 16, 1, 2), widened]));
  const pooled = b.op("MaxPool", [wide], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  const means = b.op("Squeeze", [b.op("AveragePool", [pooled], { kernel_shape: [2, 2] }), integers(2, 3)]);
  const hidden = relu(b.op("Gemm", [means, draw(12, 16), draw(12)], { transB: 1 }));
  const logits = b.op("Gemm", [hidden, draw(12, 3), draw(3)]);
  b.output(logits, "float32", ["batch", 3], "logits");
  return modelOf(b.graph);
}

/** Images with what a network says of them. */
export async function taughtBy(network: Model, count: number): Promise<Dataset> {
  const data = bars(count);
  return { ...data, teacher: { classes: 3, plain: await logitsOf(network, data, inference) } };
}

/** A network with quantisers, all but its first and last layer ternary. */
export async function quantised(network: Model, data: Dataset): Promise<Model> {
  const prepared = await prepareToLearn(network);
  const layers = linearNames(integerUnits(prepared));
  return await withQuantisers(prepared, data, { ...inference, ternary: layers.slice(1, -1) });
}
