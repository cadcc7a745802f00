import { attr, int64, type Model, modelOf } from "../../../src/onnx/index.ts";
import { classCount, LayerBuilder } from "./layers.ts";

/**
 * Residual blocks as Keras models come out of tf2onnx: images with channels last, a Transpose at each end, padding as a
 * node of its own, biases after MatMul, means without the reduced axes, and a batch that is computed for a Reshape.
 */
export function keras(seed: number): Model {
  const b = new LayerBuilder("keras", seed);
  const image = b.input("image", "float32", ["batch", 16, 16, 3]);
  const padded = b.op("Pad", [b.transpose(image, [0, 3, 1, 2]), b.integers([0, 0, 0, 0, 0, 0, 1, 1])]);
  let x = b.relu(b.norm(valid(b, padded, 3, 8, 2), 8));
  for (let block = 0; block < 2; block++) {
    const inner = b.convNormRelu(x, 8, 10, { bias: true });
    x = b.relu(b.add(b.norm(b.conv(inner, 10, 8, { bias: true }), 8), x));
  }
  const last = b.transpose(x, [0, 2, 3, 1]);
  const pooled = b.op("ReduceMean", [last], { axes: [1, 2], keepdims: 0 });
  const hidden = b.relu(b.tokenLinear(flattened(b, last), 8 * 8 * 8, 12));
  const logits = b.add(b.tokenLinear(pooled, 8, classCount), b.tokenLinear(hidden, 12, classCount));
  b.output(logits, "float32", ["batch", classCount], "logits");
  return modelOf(b.graph, 17);
}

/** A 3x3 convolution without padding. */
function valid(b: LayerBuilder, x: string, from: number, to: number, stride: number): string {
  const weights = b.weights([to, from, 3, 3], 9 * from);
  return b.op("Conv", [x, weights], { strides: [stride, stride], auto_pad: attr.string("VALID") });
}

/** All positions and channels in one axis, of a size read from the value. */
function flattened(b: LayerBuilder, x: string): string {
  const batch = b.op("Slice", [b.op("Shape", [x]), b.integers([0]), b.integers([1]), b.integers([0])]);
  const target = b.op("Concat", [batch, b.constant(int64([-1]), "rest")], { axis: 0 });
  return b.op("Reshape", [x, target]);
}
