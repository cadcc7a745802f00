import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { type GraphBuilder, int64, type Model, modelOf } from "../../onnx/index.ts";
import { type Dataset, subset } from "../dataset.ts";
import { emitForward, inner, type NetworkSpec } from "../forward.ts";
import { flatten } from "../parameters.ts";
import { openSession } from "../session.ts";
import { withoutStraightThrough } from "../straight-through.ts";

/** Where the images of a network come from, and how it sees them. */
export interface ObserveOptions extends Pick<NetworkSpec, "normalisation" | "batchNormalization"> {
  /** CPU threads; default 2. */
  readonly threads?: number;
}

/** What a value was on some images. */
export interface Observed {
  /** Mean of |x|. */
  readonly magnitude: number;
  readonly least: number;
  /** Largest |x|. */
  readonly largest: number;
  /** Numbers for one image. */
  readonly elements: number;
}

/** What the channels of a value were on some images: over images, rows and columns. */
export interface ObservedChannels {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** Images that are looked at. */
const observedImages = 128;

/** Runs the network as training does, on images spread over the set, and looks at inner values. */
export async function observeValues(
  network: Model,
  data: Dataset,
  values: readonly string[],
  options: ObserveOptions,
): Promise<Map<string, Observed>> {
  if (values.length === 0) return new Map();
  const count = Math.min(observedImages, data.labels.length);
  const results = await observe(network, data, options, (b) => {
    values.forEach((value, i) => {
      const name = inner(value);
      const size = b.op("Abs", [name]);
      b.output(b.op("ReduceMean", [size], { keepdims: 0 }), "float32", [], `magnitude${i}`);
      b.output(b.op("ReduceMax", [size], { keepdims: 0 }), "float32", [], `largest${i}`);
      b.output(b.op("ReduceMin", [name], { keepdims: 0 }), "float32", [], `least${i}`);
      b.output(b.op("Size", [name]), "int64", [], `elements${i}`);
    });
  });
  const number = (name: string): number => Number(results[name]!.data[0]);
  return new Map(
    values.map((value, i) => {
      const [magnitude, least, largest] = [number(`magnitude${i}`), number(`least${i}`), number(`largest${i}`)];
      return [value, { magnitude, least, largest, elements: number(`elements${i}`) / count }];
    }),
  );
}

/** As {@link observeValues}, for each channel of values [batch, channels, rows, columns]. */
export async function observeChannels(
  network: Model,
  data: Dataset,
  values: readonly string[],
  options: ObserveOptions,
): Promise<Map<string, ObservedChannels>> {
  if (values.length === 0) return new Map();
  const results = await observe(network, data, options, (b) => {
    const axes = b.constant(int64([0, 2, 3]));
    values.forEach((value, i) => {
      const mean = b.op("ReduceMean", [inner(value), axes]);
      const centred = b.op("Sub", [inner(value), mean]);
      b.output(mean, "float32", undefined, `mean${i}`);
      b.output(b.op("ReduceMean", [b.op("Mul", [centred, centred]), axes]), "float32", undefined, `variance${i}`);
    });
  });
  const vector = (name: string): Float32Array => results[name]!.data as Float32Array;
  return new Map(values.map((value, i) => [value, { mean: vector(`mean${i}`), variance: vector(`variance${i}`) }]));
}

/** Gives the outputs that `emit` declares. */
async function observe(
  network: Model,
  data: Dataset,
  { threads = 2, ...spec }: ObserveOptions,
  emit: (b: GraphBuilder) => void,
): Promise<InferenceSession.OnnxValueMapType> {
  const count = Math.min(observedImages, data.labels.length);
  const every = data.labels.length / count;
  const { images } = subset(
    data,
    Array.from({ length: count }, (_, i) => Math.floor(i * every)),
  );
  const { b, parameters, opset } = emitForward(network, { ...spec, batch: count });
  emit(b);
  const session = await openSession(modelOf(withoutStraightThrough(b.graph), opset), { intraOpNumThreads: threads });
  const flat = flatten(network, parameters);
  const results = await session.run({
    images: new OrtTensor("uint8", images, [count, ...data.shape]),
    parameters: new OrtTensor("float32", flat, [flat.length]),
  });
  await session.release();
  return results;
}
