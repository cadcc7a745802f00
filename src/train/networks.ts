import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { float32, GraphBuilder, type Model, modelOf, sizeOf, type Tensor } from "../onnx/index.ts";

/** One stage of a residual network: a 3x3 convolution, then residual blocks at the same width. */
export interface Stage {
  readonly channels: number;
  /** Of the first convolution; 2 halves the picture. */
  readonly stride: 1 | 2;
  /** Each is convolution, ReLU, convolution, plus the block's input, ReLU. */
  readonly blocks: number;
}

/** A plain residual network with BatchNormalization after each convolution, mean pooling and one linear layer. */
export interface ResidualNetwork {
  readonly name: string;
  /** Sizes of one image. */
  readonly input: readonly [channels: number, height: number, width: number];
  readonly classes: number;
  readonly stages: readonly Stage[];
}

/**
 * An untrained network as an ONNX model: input `input` [batch, C, H, W], output `logits` [batch, classes].
 * Weights are drawn from a normal distribution of variance 2 / fan-in.
 *
 * Sources: He et al., "Deep residual learning", 2016; initial weights: He et al., "Delving deep into rectifiers", 2015.
 */
export function residualNetwork(network: ResidualNetwork, seed: number): Model {
  const layers = new Layers(network.name, seed);
  const { b } = layers;
  let x = b.input("input", "float32", ["batch", ...network.input]);
  let channels: number = network.input[0];
  network.stages.forEach((stage, i) => {
    x = layers.relu(layers.convolution(x, channels, stage.channels, stage.stride, `stage${i}.conv`));
    channels = stage.channels;
    for (let block = 0; block < stage.blocks; block++) x = layers.block(x, channels, `stage${i}.block${block}`);
  });
  const features = b.op("Flatten", [b.op("GlobalAveragePool", [x])], { axis: 1 }, "features");
  b.output(layers.linear(features, channels, network.classes), "float32", ["batch", network.classes], "logits");
  return modelOf(b.graph);
}

/** Writes layers with freshly drawn weights. */
class Layers {
  readonly b: GraphBuilder;
  readonly #normal: () => number;

  constructor(name: string, seed: number) {
    this.b = new GraphBuilder(name);
    this.#normal = normalNumbers(seed);
  }

  convolution(x: string, from: number, to: number, stride: number, name: string): string {
    const weights = this.#draw([to, from, 3, 3], 2 / (from * 9), `${name}.weight`);
    const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [stride, stride] };
    return this.#normalise(this.b.op("Conv", [x, weights], attributes, name), to, `${name}.norm`);
  }

  block(x: string, channels: number, name: string): string {
    const inner = this.relu(this.convolution(x, channels, channels, 1, `${name}.conv0`));
    return this.relu(this.b.op("Add", [this.convolution(inner, channels, channels, 1, `${name}.conv1`), x]));
  }

  relu(x: string): string {
    return this.b.op("Relu", [x]);
  }

  linear(x: string, from: number, to: number): string {
    const weights = this.#draw([to, from], 1 / from, "linear.weight");
    return this.b.op("Gemm", [x, weights, this.#fill(to, 0, "linear.bias")], { transB: 1 });
  }

  #normalise(x: string, channels: number, name: string): string {
    const fill = (value: number, what: string): string => this.#fill(channels, value, `${name}.${what}`);
    return this.b.op(
      "BatchNormalization",
      [x, fill(1, "scale"), fill(0, "bias"), fill(0, "mean"), fill(1, "variance")],
      {},
      name,
    );
  }

  #draw(dims: readonly number[], variance: number, name: string): string {
    const deviation = Math.sqrt(variance);
    const data = Float32Array.from({ length: sizeOf(dims) }, () => deviation * this.#normal());
    const tensor: Tensor = { type: "float32", dims, data };
    return this.b.constant(tensor, name);
  }

  #fill(size: number, value: number, name: string): string {
    return this.b.constant(float32(new Float32Array(size).fill(value)), name);
  }
}

/** Standard normal numbers (Box and Muller, 1958). */
function normalNumbers(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)));
    return radius * Math.cos(2 * Math.PI * uniformFloat64(generator));
  };
}
