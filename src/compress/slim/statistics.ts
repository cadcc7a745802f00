import { setImmediate } from "node:timers/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { encodeModel, type Model } from "../../onnx/index.ts";
import type { LeastSquares } from "./elimination.ts";
import { inputBatches, type SlimImages } from "./images.ts";
import type { FittedLayer } from "./layers.ts";
import { type Matrix, matrix } from "./linear-algebra.ts";
import { type Sampler, samplingGraph } from "./sampling-graph.ts";
import type { Fit } from "./sites.ts";

export interface StatisticsOptions {
  readonly seed: number;
  readonly threads: number;
  /** Images to sample from, at most. */
  readonly most: number;
  readonly signal?: AbortSignal | undefined;
}

/** The least-squares problem of a layer, about the means of its inputs and targets. */
export interface CentredProblem extends LeastSquares {
  readonly inputMeans: Float64Array;
  readonly targetMeans: Float64Array;
  readonly samples: number;
  /** Sum of squares of the original's value, to judge errors by: that of the whole sum where a residual branch ends. */
  readonly scale: number;
}

/** Positions of one image that are sampled. */
const positionsPerImage = 30;

/** Samples layers of the compressed network and their targets in the original on the same images. */
export async function collectStatistics(
  original: Model,
  compressed: Model,
  fits: readonly Fit[],
  images: SlimImages,
  { seed, threads, most, signal }: StatisticsOptions,
): Promise<CentredProblem[]> {
  const { model, samplers } = samplingGraph(original, compressed, fits);
  const session = await InferenceSession.create(encodeModel(model), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const sums = samplers.map(({ fit }) => new Float64Array(sizeOf(fit.layer) ** 2));
  const random = xoroshiro128plus(seed);
  for (const { count, data } of inputBatches(compressed, images, most)) {
    signal?.throwIfAborted();
    const input = model.graph.inputs[0]!;
    const feeds = {
      [input.name]: new Tensor("float32", data, [count, ...(input.shape!.slice(1) as number[])]),
      ...drawnPositions(samplers, random),
    };
    const results = await session.run(feeds);
    samplers.forEach(({ output }, at) => {
      addTo(sums[at]!, results[output]!.data as Float32Array);
    });
    await setImmediate();
  }
  await session.release();
  return samplers.map(({ fit }, at) => problemOf(fit.layer, sums[at]!));
}

/** Columns of A = [inputs, targets, |value|^2, 1]. */
const sizeOf = ({ columns, outputs }: FittedLayer): number => columns + outputs + 2;

function drawnPositions(samplers: readonly Sampler[], random: RandomGenerator): Record<string, Tensor> {
  const feeds = samplers.flatMap(({ positions, indices }) => {
    const count = Math.min(positions, positionsPerImage);
    return indices(Array.from({ length: count }, () => uniformInt(random, 0, positions - 1)));
  });
  return Object.fromEntries(
    feeds.map(([name, values]) => [name, new Tensor("int64", BigInt64Array.from(values, BigInt), [values.length])]),
  );
}

function addTo(sums: Float64Array, values: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
}

/** Relative error of sums in float32. */
const rounding = 2 ** -23;

/**
 * Takes the means out: an intercept, which no penalty holds, is then the layer's bias. A product of matrices has none,
 * and keeps its sums as they are.
 */
function problemOf(layer: FittedLayer, sums: Float64Array): CentredProblem {
  const { columns: n, outputs, kind } = layer;
  const size = sizeOf(layer);
  const samples = sums[size * size - 1]!;
  const means = sums.slice((size - 1) * size, size * size - 1).map((sum) => (kind === "matmul" ? 0 : sum / samples));
  const moment = (i: number, j: number): number => sums[i * size + j]! - samples * means[i]! * means[j]!;
  let energy = 0;
  for (let o = n; o < n + outputs; o++) energy += moment(o, o);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += sums[i * size + i]!;
  return {
    gram: filled(n, n, moment),
    cross: filled(n, outputs, (i, o) => moment(i, n + o)),
    energy,
    uncertainty: rounding * trace,
    inputMeans: means.subarray(0, n),
    targetMeans: means.subarray(n, n + outputs),
    samples,
    scale: sums[size * size - 2]!,
  };
}

function filled(rows: number, columns: number, value: (row: number, column: number) => number): Matrix {
  const result = matrix(rows, columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result.data[i * columns + j] = value(i, j);
  return result;
}

/** The bias that goes with the weights: mean(T) - mean(X) W. */
export function biasFor({ inputMeans, targetMeans }: CentredProblem, { columns, data }: Matrix): Float64Array {
  const bias = targetMeans.slice();
  inputMeans.forEach((mean, i) => {
    for (let o = 0; o < columns; o++) bias[o]! -= mean * data[i * columns + o]!;
  });
  return bias;
}
