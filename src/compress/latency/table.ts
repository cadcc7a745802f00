import { InferenceSession, Tensor } from "onnxruntime-node";
import { encodeModel, float32, GraphBuilder, type Model, modelOf } from "../../onnx/index.ts";
import { type LayerBits, type LayerShape, layerShapes, outputSize, withChannels } from "./layer-shape.ts";

/** Channels are timed in steps of so many: the kernels of ONNX Runtime work on blocks of 8 or 16. */
const channelStep = 8;
/** Values that a run should move: small images are timed in batches, as they are run. */
const valuesPerRun = 2 ** 20;
const mostImages = 64;
const warmUpRuns = 2;
const timedRuns = 7;

/**
 * Milliseconds of layers on this machine, one thread of ONNX Runtime, with the activation behind them. Each shape is timed
 * once. Widths in between are those of the next step; networks' own input and class counts are taken as they are.
 */
export class LatencyTable {
  readonly #times = new Map<string, Promise<number>>();

  /** Milliseconds for one image: the least of a few runs. */
  milliseconds(shape: LayerShape, bits: LayerBits = 32): Promise<number> {
    const stepped = isStepped(shape) ? withChannels(shape, step(shape.inputs), step(shape.outputs)) : shape;
    const key = JSON.stringify([stepped, bits]);
    const found = this.#times.get(key) ?? timeLayer(stepped, bits);
    this.#times.set(key, found);
    return found;
  }

  /** Shapes timed so far. */
  get size(): number {
    return this.#times.size;
  }
}

/** Groups of more than one channel must keep dividing the channels. */
const isStepped = ({ groups, inputs, outputs }: LayerShape): boolean =>
  groups === 1 || (groups === inputs && inputs === outputs);

const step = (channels: number): number =>
  channels < channelStep ? channels : Math.ceil(channels / channelStep) * channelStep;

/**
 * Estimates the milliseconds that a model takes for one image: the sum over its convolutions and matrix products. What
 * lies between them is left out, since activations and sums run within them or are small.
 */
export async function estimateLatency(model: Model, table: LatencyTable): Promise<number> {
  let total = 0;
  for (const { shape, bits } of layerShapes(model)) total += await table.milliseconds(shape, bits);
  return total;
}

async function timeLayer(shape: LayerShape, bits: LayerBits): Promise<number> {
  const [height, width] = outputSize(shape);
  const values = shape.inputs * shape.size[0] * shape.size[1] + shape.outputs * height * width;
  const images = Math.max(1, Math.min(mostImages, Math.round(valuesPerRun / values)));
  const session = await InferenceSession.create(encodeModel(layerModel(shape, bits)), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const dims = shape.op === "Conv" ? [images, shape.inputs, ...shape.size] : [images * shape.size[0], shape.inputs];
  const size = count(dims);
  const x = bits === 8 ? new Tensor("uint8", codes(size), dims) : new Tensor("float32", noise(size), dims);
  const times: number[] = [];
  for (let run = 0; run < warmUpRuns + timedRuns; run++) {
    const start = performance.now();
    await session.run({ x });
    times.push(performance.now() - start);
  }
  await session.release();
  return Math.min(...times.slice(warmUpRuns)) / images;
}

/** The layer, and a Relu that runs within it; in 8 bits with codes going in and out, so that integer kernels run it. */
function layerModel(shape: LayerShape, bits: LayerBits): Model {
  const { op, inputs, outputs, groups, kernel } = shape;
  const b = new GraphBuilder("layer");
  const isConvolution = op === "Conv";
  const type = bits === 8 ? "uint8" : "float32";
  const x = b.input("x", type, isConvolution ? ["batch", inputs, ...shape.size] : ["rows", inputs]);
  const dims = isConvolution ? [outputs, inputs / groups, ...kernel] : [inputs, outputs];
  const operands = bits === 8 ? [dequantized(b, x), integerWeights(b, dims)] : [x, floatWeights(b, dims)];
  const made = b.op("Relu", [b.op(op, operands, isConvolution ? attributesOf(shape) : {})]);
  const y = bits === 8 ? b.op("QuantizeLinear", [made, ...activationCodes(b)]) : made;
  b.output(y, type, isConvolution ? ["batch", outputs, undefined, undefined] : ["rows", outputs]);
  return modelOf(b.graph);
}

const count = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

const floatWeights = (b: GraphBuilder, dims: readonly number[]): string =>
  b.constant(float32(noise(count(dims)), dims));

function integerWeights(b: GraphBuilder, dims: readonly number[]): string {
  const data = Int8Array.from(noise(count(dims)), (value) => 100 * value);
  const scale = b.constant(float32(Float32Array.of(0.01), []));
  const zeroPoint = b.constant({ type: "int8", dims: [], data: Int8Array.of(0) });
  return b.op("DequantizeLinear", [b.constant({ type: "int8", dims, data }), scale, zeroPoint]);
}

const activationCodes = (b: GraphBuilder): string[] => [
  b.constant(float32(Float32Array.of(0.02), [])),
  b.constant({ type: "uint8", dims: [], data: Uint8Array.of(0) }),
];

const dequantized = (b: GraphBuilder, x: string): string => b.op("DequantizeLinear", [x, ...activationCodes(b)]);

const attributesOf = ({ kernel, strides, dilations, pads, groups }: LayerShape) => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads,
  group: groups,
});

/** Values around zero, none of them denormal. */
const noise = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => ((i * 37) % 101) / 101 - 0.5);

const codes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 37) % 101);
