import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { float32, GraphBuilder, type Model, modelOf, sizeOf } from "twindnn/onnx";

/** Channels of the 3x3 convolutions between two poolings, at full width. */
const stages = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const;

export interface VggOptions {
  /** Multiplies all channels; they are rounded to multiples of 8. */
  readonly width: number;
  readonly classes: number;
  readonly seed: number;
}

/**
 * An untrained VGG-16 for 32 x 32 colour images: input `input` [batch, 3, 32, 32], output `logits` [batch, classes]. Thirteen
 * convolutions with BatchNormalization; one linear layer in the place of three, as is usual at this size. 313 million
 * multiply-adds at width 1, 20 million at width 1/4.
 *
 * Sources: Simonyan, Zisserman, "Very deep convolutional networks", ICLR 2015, configuration D; weights of variance
 * 2 / fan-in: He et al., "Delving deep into rectifiers", 2015.
 */
export function vgg16({ width, classes, seed }: VggOptions): Model {
  const layers = new Layers(seed);
  const { b } = layers;
  let x = b.input("input", "float32", ["batch", 3, 32, 32]);
  let channels = 3;
  stages.forEach((stage, i) => {
    for (const [j, full] of stage.entries()) {
      const to = Math.max(8, 8 * Math.round((full * width) / 8));
      x = layers.convolution(x, channels, to, `stage${i}.conv${j}`);
      channels = to;
    }
    x = b.op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  });
  const logits = layers.linear(b.op("Flatten", [x], { axis: 1 }), channels, classes);
  b.output(logits, "float32", ["batch", classes], "logits");
  return modelOf(b.graph);
}

/** Writes layers with freshly drawn weights. */
class Layers {
  readonly b = new GraphBuilder("vgg16");
  readonly #random: () => number;

  constructor(seed: number) {
    const generator = xoroshiro128plus(seed);
    this.#random = () => uniformFloat64(generator);
  }

  /** Convolution, BatchNormalization, ReLU. */
  convolution(x: string, from: number, to: number, name: string): string {
    const weights = this.#draw([to, from, 3, 3], 2 / (9 * from), `${name}.weight`);
    const made = this.b.op("Conv", [x, weights], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, name);
    const statistics = { scale: 1, bias: 0, mean: 0, variance: 1 };
    const parameters = Object.entries(statistics).map(([what, value]) => this.#fill(to, value, `${name}.norm.${what}`));
    return this.b.op("Relu", [this.b.op("BatchNormalization", [made, ...parameters], {}, `${name}.norm`)]);
  }

  linear(x: string, from: number, to: number): string {
    const weights = this.#draw([to, from], 1 / from, "linear.weight");
    return this.b.op("Gemm", [x, weights, this.#fill(to, 0, "linear.bias")], { transB: 1 });
  }

  /** Weights uniform around zero. */
  #draw(dims: readonly number[], variance: number, name: string): string {
    const limit = Math.sqrt(3 * variance);
    const data = Float32Array.from({ length: sizeOf(dims) }, () => limit * (2 * this.#random() - 1));
    return this.b.constant(float32(data, dims), name);
  }

  #fill(size: number, value: number, name: string): string {
    return this.b.constant(float32(new Float32Array(size).fill(value)), name);
  }
}
