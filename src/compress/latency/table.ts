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
/** Layers side by side, from which what one pays alone is told apart. */
const copies = 3;
/** Of a layer's time alone, where noise leaves less. */
const leastShare = 0.1;

/**
 * Milliseconds of layers within a network on this machine, one thread of ONNX Runtime, with the activation and a sum behind
 * them. Each shape is timed once. Widths in between are those of the next step; networks' own input and class counts are
 * taken as they are.
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

/**
 * A convolution alone pays for bringing its images into the runtime's blocks and back, which within a network hardly any
 * does: so several side by side are timed, which pay that once, and one.
 */
async function timeLayer(shape: LayerShape, bits: LayerBits): Promise<number> {
  const alone = await timeCopies(shape, bits, 1);
  if (shape.op !== "Conv") return alone;
  const together = await timeCopies(shape, bits, copies);
  return Math.max((together - alone) / (copies - 1), leastShare * alone);
}

async function timeCopies(shape: LayerShape, bits: LayerBits, layers: number): Promise<number> {
  const [height, width] = outputSize(shape);
  const values = shape.inputs * shape.size[0] * shape.size[1] + shape.outputs * height * width;
  const images = Math.max(1, Math.min(mostImages, Math.round(valuesPerRun / values)));
  const session = await InferenceSession.create(encodeModel(layersModel(shape, bits, layers)), {
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

/**
 * The sum of so many layers on one input, each with a Relu that runs within it; in 8 bits with codes going in and out, so
 * that integer kernels run it.
 */
function layersModel(shape: LayerShape, bits: LayerBits, layers: number): Model {
  const { op, inputs, outputs, groups, kernel } = shape;
  const b = new GraphBuilder("layers");
  const isConvolution = op === "Conv";
  const type = bits === 8 ? "uint8" : "float32";
  const x = b.input("x", type, isConvolution ? ["batch", inputs, ...shape.size] : ["rows", inputs]);
  const dims = isConvolution ? [outputs, inputs / groups, ...kernel] : [inputs, outputs];
  const coded = (value: string) => (bits === 8 ? b.op("QuantizeLinear", [value, ...activationCodes(b)]) : value);
  const decoded = (value: string) => (bits === 8 ? dequantized(b, value) : value);
  const weights = (copy: number) => (bits === 8 ? integerWeights(b, dims, copy) : floatWeights(b, dims, copy));
  const layer = (copy: number) =>
    coded(b.op("Relu", [b.op(op, [decoded(x), weights(copy)], isConvolution ? attributesOf(shape) : {})]));
  let y = layer(0);
  for (let i = 1; i < layers; i++) y = coded(b.op("Add", [decoded(y), decoded(layer(i))]));
  b.output(y, type, isConvolution ? ["batch", outputs, undefined, undefined] : ["rows", outputs]);
  return modelOf(b.graph);
}

const count = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

const floatWeights = (b: GraphBuilder, dims: readonly number[], copy: number): string =>
  b.constant(float32(noise(count(dims), copy), dims));

function integerWeights(b: GraphBuilder, dims: readonly number[], copy: number): string {
  const data = Int8Array.from(noise(count(dims), copy), (value) => 100 * value);
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

/** Values around zero, none of them denormal; others in each copy, so that no two layers are taken for one. */
const noise = (length: number, copy = 0): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((i * 37 + copy) % 101) / 101 - 0.5);

const codes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 37) % 101);
