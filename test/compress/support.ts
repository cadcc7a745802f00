import type { ImageBatch } from "../../src/compress/index.ts";
import { float32, GraphBuilder, type Model, modelOf } from "../../src/onnx/index.ts";

/** Mulberry32: enough for test weights and images. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const size = 8;

/** Writes convolutions with weights drawn around zero, of a size that keeps activations near 1. */
class Layers {
  readonly b = new GraphBuilder("net");
  readonly #random = generator(1);

  weights(dims: readonly number[]): string {
    const fanIn = dims.slice(1).reduce((a, b) => a * b, 1);
    const count = fanIn * dims[0]!;
    const draw = (): number => (this.#random() - 0.5) * Math.sqrt(12 / fanIn);
    return this.b.constant(float32(Array.from({ length: count }, draw), dims), "weights");
  }

  bias(count: number): string {
    return this.b.constant(float32(Array.from({ length: count }, () => this.#random() - 0.5)), "bias");
  }

  conv(x: string, from: number, to: number, options: { group?: number } = {}): string {
    const { group = 1 } = options;
    const inputs = [x, this.weights([to, from / group, 3, 3]), this.bias(to)];
    return this.b.op("Conv", inputs, { pads: [1, 1, 1, 1], kernel_shape: [3, 3], group });
  }

  relu(x: string): string {
    return this.b.op("Relu", [x]);
  }

  /** Clip(0, 6). */
  relu6(x: string): string {
    return this.b.op("Clip", [x, this.b.constant(float32([0], [])), this.b.constant(float32([6], []))]);
  }

  /** Global average pool and a linear classifier. */
  finish(x: string, channels: number, classes: number): Model {
    const pooled = this.b.op("Flatten", [this.b.op("GlobalAveragePool", [x])], { axis: 1 });
    const logits = this.b.op("Gemm", [pooled, this.weights([classes, channels]), this.bias(classes)], { transB: 1 });
    this.b.output(logits, "float32", ["batch", classes], "logits");
    return modelOf(this.b.graph);
  }
}

/** Convolution, residual block, pool, classifier: every kind of integer node that a ResNet has. */
export function residual(): Model {
  const layers = new Layers();
  const x = layers.b.input("input", "float32", ["batch", 3, size, size]);
  const first = layers.relu(layers.conv(x, 3, 8));
  const inner = layers.conv(layers.relu(layers.conv(first, 8, 8)), 8, 8);
  return layers.finish(layers.relu(layers.b.op("Add", [inner, first])), 8, 4);
}

/** An inverted residual as MobileNetV2 has it: expand, depthwise, project, with Clip(0, 6). */
export function inverted(): Model {
  const layers = new Layers();
  const x = layers.b.input("input", "float32", ["batch", 3, size, size]);
  const expanded = layers.relu6(layers.conv(x, 3, 8));
  const depthwise = layers.relu6(layers.conv(expanded, 8, 8, { group: 8 }));
  return layers.finish(layers.conv(depthwise, 8, 4), 4, 4);
}

/** A classifier that is a 1 x 1 convolution of the pooled map, flattened, as in MobileNets. */
export function pointwiseClassifier(): Model {
  const layers = new Layers();
  const x = layers.b.input("input", "float32", ["batch", 3, size, size]);
  const pooled = layers.b.op("GlobalAveragePool", [layers.relu(layers.conv(x, 3, 8))]);
  const scores = layers.b.op("Conv", [pooled, layers.weights([4, 8, 1, 1]), layers.bias(4)], { kernel_shape: [1, 1] });
  layers.b.output(layers.b.op("Flatten", [scores], { axis: 1 }), "float32", ["batch", 4], "logits");
  return modelOf(layers.b.graph);
}

/** A classifier whose last convolution is pooled into the answers, as in SqueezeNet. */
export function pooledClassifier(): Model {
  const layers = new Layers();
  const x = layers.b.input("input", "float32", ["batch", 3, size, size]);
  const scores = layers.conv(layers.relu(layers.conv(x, 3, 8)), 8, 4);
  const pooled = layers.b.op("Flatten", [layers.b.op("GlobalAveragePool", [scores])], { axis: 1 });
  layers.b.output(layers.b.op("Softmax", [pooled], { axis: 1 }), "float32", ["batch", 4], "probabilities");
  return modelOf(layers.b.graph);
}

/** Batches of random images that differ in brightness, so that answers differ too. */
export async function* images(
  count: number,
  { seed = 5, batch = 8, value = (x: number) => x } = {},
): AsyncGenerator<ImageBatch> {
  const random = generator(seed);
  for (let start = 0; start < count; start += batch) {
    const many = Math.min(batch, count - start);
    const data = new Float32Array(many * 3 * size * size);
    for (let at = 0, level = 0; at < data.length; at++) {
      if (at % (size * size) === 0) level = random() * 6 - 3;
      data[at] = value(level + (random() - 0.5));
    }
    yield { count: many, data };
  }
}
