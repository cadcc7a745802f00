import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  attr,
  float32,
  GraphBuilder,
  int64,
  type Model,
  modelOf,
  sizeOf,
  type Tensor,
} from "../../../src/onnx/index.ts";

export interface ConvOptions {
  /** Default 3. */
  readonly kernel?: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default 1. */
  readonly groups?: number;
  /** Default false, as before a BatchNormalization. */
  readonly bias?: boolean;
}

/** Classes that every network tells apart. */
export const classCount = 5;

export interface SqueezeExciteOptions {
  readonly pool: "GlobalAveragePool" | "ReduceMean";
  readonly activation: "Relu" | "SiLU";
  readonly gate: "Sigmoid" | "HardSigmoid";
}

/** Writes seeded small networks the way PyTorch's exporters do: NCHW, an open batch, BatchNormalization as a node. */
export class LayerBuilder extends GraphBuilder {
  readonly #random: () => number;

  constructor(name: string, seed: number) {
    super(name);
    const generator = xoroshiro128plus(seed);
    this.#random = () => uniformFloat64(generator);
  }

  /** The input: images [batch, 3, size, size]. */
  image(size: number): string {
    return this.input("image", "float32", ["batch", 3, size, size]);
  }

  /** The network whose logits are `value`. */
  classifier(value: string): Model {
    this.output(value, "float32", ["batch", classCount], "logits");
    return modelOf(this.graph, 17);
  }

  /** A tensor uniform between two numbers. */
  uniform(dims: readonly number[], from: number, to: number): Tensor {
    return float32(
      Array.from({ length: sizeOf(dims) }, () => from + (to - from) * this.#random()),
      dims,
    );
  }

  /** Weights that keep the size of what passes: uniform with variance 2 / fanIn. */
  weights(dims: readonly number[], fanIn: number, hint = "weight"): string {
    const limit = Math.sqrt(6 / fanIn);
    return this.constant(this.uniform(dims, -limit, limit), hint);
  }

  bias(count: number): string {
    return this.constant(this.uniform([count], -0.5, 0.5), "bias");
  }

  conv(x: string, from: number, to: number, options: ConvOptions = {}): string {
    const { kernel = 3, stride = 1, groups = 1, bias = false } = options;
    const fanIn = (from / groups) * kernel ** 2;
    const weights = this.weights([to, from / groups, kernel, kernel], fanIn);
    const pad = Math.floor(kernel / 2);
    return this.op("Conv", [x, weights, ...(bias ? [this.bias(to)] : [])], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      dilations: [1, 1],
      group: groups,
    });
  }

  /** BatchNormalization with statistics that do something. */
  norm(x: string, channels: number): string {
    const parameters = [
      this.constant(this.uniform([channels], 0.5, 1.5), "scale"),
      this.bias(channels),
      this.constant(this.uniform([channels], -0.5, 0.5), "mean"),
      this.constant(this.uniform([channels], 0.5, 2), "variance"),
    ];
    return this.op("BatchNormalization", [x, ...parameters], { epsilon: attr.float(1e-5) });
  }

  /** Convolution, BatchNormalization, Relu. */
  convNormRelu(x: string, from: number, to: number, options: ConvOptions = {}): string {
    return this.relu(this.norm(this.conv(x, from, to, options), to));
  }

  relu(x: string): string {
    return this.op("Relu", [x]);
  }

  /** SiLU, which has no operator of its own. */
  silu(x: string): string {
    return this.op("Mul", [x, this.op("Sigmoid", [x])]);
  }

  add(a: string, b: string): string {
    return this.op("Add", [a, b]);
  }

  /** Gates every channel by what a bottleneck of 1x1 convolutions makes of the channels' means. */
  squeezeExcite(x: string, channels: number, squeezed: number, options: SqueezeExciteOptions): string {
    const pooled =
      options.pool === "GlobalAveragePool"
        ? this.op("GlobalAveragePool", [x])
        : this.op("ReduceMean", [x], { axes: [2, 3], keepdims: 1 });
    const inner = this.conv(pooled, channels, squeezed, { kernel: 1, bias: true });
    const activated = options.activation === "Relu" ? this.relu(inner) : this.silu(inner);
    const gate = this.op(options.gate, [this.conv(activated, squeezed, channels, { kernel: 1, bias: true })]);
    return this.op("Mul", [gate, x]);
  }

  linear(x: string, from: number, to: number): string {
    return this.op("Gemm", [x, this.weights([to, from], from), this.bias(to)], { transB: 1 });
  }

  /** The product by weights [from, to] and a bias, as exporters write a linear layer over tokens. */
  tokenLinear(x: string, from: number, to: number): string {
    return this.add(this.bias(to), this.op("MatMul", [x, this.weights([from, to], from)]));
  }

  layerNorm(x: string, channels: number): string {
    const scale = this.constant(this.uniform([channels], 0.5, 1.5), "scale");
    return this.op("LayerNormalization", [x, scale, this.bias(channels)], { axis: -1, epsilon: attr.float(1e-6) });
  }

  /** x / 2 (1 + erf(x / sqrt 2)), which the standard has no operator for until version 20. */
  gelu(x: string): string {
    const number = (value: number): string => this.constant(float32([value], []), "number");
    const erf = this.op("Erf", [this.op("Div", [x, number(Math.SQRT2)])]);
    return this.op("Mul", [this.op("Mul", [x, this.add(erf, number(1))]), number(0.5)]);
  }

  /** A constant of integers: a list of axes, sizes or bounds. */
  integers(values: readonly number[]): string {
    return this.constant(int64(values), "integers");
  }

  reshape(x: string, target: readonly number[]): string {
    return this.op("Reshape", [x, this.integers(target)]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.op("Transpose", [x], { perm });
  }

  maxPool(x: string, kernel = 2, stride = 2): string {
    return this.op("MaxPool", [x], { kernel_shape: [kernel, kernel], strides: [stride, stride] });
  }

  /** Global average pooling, Flatten and a linear layer. */
  head(x: string, channels: number): Model {
    const pooled = this.op("Flatten", [this.op("GlobalAveragePool", [x])], { axis: 1 });
    return this.classifier(this.linear(pooled, channels, classCount));
  }
}
