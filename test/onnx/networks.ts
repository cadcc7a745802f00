import {
  attr,
  type Dim,
  float32,
  GraphBuilder,
  int64,
  type Model,
  modelOf,
  sizeOf,
  type Tensor,
} from "../../src/onnx/index.ts";

/** A deterministic tensor of small values around zero. */
export function weights(dims: readonly number[], seed = 1): Tensor {
  return float32(
    Array.from({ length: sizeOf(dims) }, (_, at) => Math.sin(at * 12.9898 + seed * 78.233) * 0.5),
    dims,
  );
}

/** Positive values, for scales and variances. */
export function positive(count: number): Tensor {
  return float32(Array.from({ length: count }, (_, at) => 0.5 + ((at * 7) % 5) / 5));
}

/** Writes layers into a graph. */
export class LayerBuilder extends GraphBuilder {
  conv(x: string, from: number, to: number, attributes: Record<string, number | number[]> = {}): string {
    const group = typeof attributes.group === "number" ? attributes.group : 1;
    const w = this.constant(weights([to, from / group, 3, 3], to), "weight");
    return this.op("Conv", [x, w, this.constant(weights([to], from), "bias")], { pads: [1, 1, 1, 1], ...attributes });
  }

  batchNorm(x: string, channels: number): string {
    const inputs = [positive(channels), weights([channels], 2), weights([channels], 3), positive(channels)];
    return this.op("BatchNormalization", [x, ...inputs.map((tensor) => this.constant(tensor, "norm"))]);
  }

  linear(x: string, from: number, to: number): string {
    const inputs = [weights([to, from], 4), weights([to], 5)];
    return this.op("Gemm", [x, ...inputs.map((tensor) => this.constant(tensor, "linear"))], { transB: 1 });
  }
}

/** A small residual network with BatchNormalization, an Identity and a Dropout. */
export function residualNetwork(batch: Dim = "batch", opset = 17): Model {
  const b = new LayerBuilder("residual");
  const x = b.input("image", "float32", [batch, 3, 8, 8]);
  const stem = b.op("Relu", [b.batchNorm(b.conv(x, 3, 8), 8)]);
  const inner = b.batchNorm(b.conv(stem, 8, 8), 8);
  const sum = b.op("Relu", [b.op("Add", [b.op("Identity", [inner]), stem])]);
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [sum])]);
  const dropped = b.op("Dropout", [pooled]);
  b.output(b.linear(dropped, 8, 10), "float32", [batch, 10], "logits");
  return modelOf(b.graph, opset);
}

/** A network exported at a fixed batch, with that batch in the target of a Reshape. */
export function reshapingNetwork(batch: number, target: readonly number[]): Model {
  const b = new LayerBuilder("reshaping");
  const x = b.input("image", "float32", [batch, 1, 4, 4]);
  const features = b.op("Relu", [b.conv(x, 1, 2)]);
  const flat = b.op("Reshape", [features, b.constant(int64(target), "target")]);
  b.output(b.linear(flat, 32, 5), "float32", [batch, 5], "logits");
  return modelOf(b.graph);
}

/** Patches, a class token joined to them, and one attention head split and merged by Reshape: a ViT at batch 1. */
export function tokenNetwork(): Model {
  const b = new LayerBuilder("tokens");
  const reshape = (x: string, to: readonly number[]): string => b.op("Reshape", [x, b.constant(int64(to), "to")]);
  const x = b.input("image", "float32", [1, 3, 8, 8]);
  const patches = b.op("Conv", [x, b.constant(weights([8, 3, 4, 4]), "patch")], { strides: [4, 4] });
  const tokens = b.op("Transpose", [reshape(patches, [1, 8, 4])], { perm: [0, 2, 1] });
  const joined = b.op("Concat", [b.constant(weights([1, 1, 8]), "token"), tokens], { axis: 1 });
  const heads = b.op("Transpose", [reshape(joined, [1, 5, 2, 4])], { perm: [0, 2, 1, 3] });
  const flat = reshape(heads, [2, 5, 4]);
  const scores = b.op("Softmax", [b.op("MatMul", [flat, b.op("Transpose", [flat], { perm: [0, 2, 1] })])], {
    axis: -1,
  });
  const mixed = reshape(b.op("MatMul", [scores, flat]), [1, 2, 5, 4]);
  const merged = reshape(b.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }), [1, 5, 8]);
  const first = b.op("Gather", [merged, b.constant(int64([0], []), "first")], { axis: 1 });
  b.output(b.linear(first, 8, 6), "float32", [1, 6], "logits");
  return modelOf(b.graph);
}

/** Flatten as PyTorch exports it: Shape, Gather, Unsqueeze, Concat, Reshape. */
export function computedReshape(opset = 13): Model {
  const b = new LayerBuilder("computed");
  const x = b.input("image", "float32", ["batch", 3, 4, 4]);
  const size = b.op("Gather", [b.op("Shape", [x]), b.op("Constant", [], { value: attr.tensor(int64([0], [])) })], {
    axis: 0,
  });
  const parts = [size, b.constant(int64([-1], []))].map((part) => b.op("Unsqueeze", [part, b.constant(int64([0]))]));
  const flat = b.op("Reshape", [x, b.op("Concat", parts, { axis: 0 })]);
  b.output(b.linear(flat, 48, 4), "float32", ["batch", 4], "logits");
  return modelOf(b.graph, opset);
}
