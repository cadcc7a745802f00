import { type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { float32, type Model } from "../onnx/index.ts";
import { type Dataset, subset } from "./dataset.ts";
import type { NetworkSpec } from "./forward.ts";
import { flatten } from "./parameters.ts";
import { openSession } from "./session.ts";
import { statisticsGraph } from "./training-graph.ts";

/**
 * Sets the mean and variance of every BatchNormalization to those of `count` images spread evenly over `data`: what averaged
 * weights need, whose own statistics nobody has gathered.
 *
 * @returns a copy of the network
 */
export async function estimateStatistics(
  network: Model,
  data: Dataset,
  spec: Pick<NetworkSpec, "batch" | "normalisation"> & { readonly threads: number; readonly count: number },
): Promise<Model> {
  const { model, parameters } = await statisticsGraph(network, spec);
  if (model.graph.outputs.length === 0) return network;
  const session = await openSession(model, { intraOpNumThreads: spec.threads });
  const flat = flatten(network, parameters);
  const batches = Math.max(1, Math.floor(Math.min(spec.count, data.labels.length) / spec.batch));
  const moments = new Moments();
  for (let i = 0; i < batches; i++) {
    const { images } = subset(data, spread(data.labels.length, spec.batch, i, batches));
    const results = await session.run({
      images: new OrtTensor("uint8", images, [spec.batch, ...data.shape]),
      parameters: new OrtTensor("float32", flat, [flat.length]),
    });
    moments.add(results);
  }
  await session.release();
  return withStatistics(network, moments, batches);
}

/** Image indices of one of several batches, each of which covers the whole set: sets are often sorted by class. */
function spread(count: number, batch: number, index: number, batches: number): number[] {
  return Array.from({ length: batch }, (_, i) => Math.floor(((i * batches + index) * count) / (batch * batches)));
}

/** Sums of batch means and of batch mean squares, for each BatchNormalization in order. */
class Moments {
  readonly first: Float64Array[] = [];
  readonly second: Float64Array[] = [];

  add(results: InferenceSession.OnnxValueMapType): void {
    for (let i = 0; results[`mean${i}`] !== undefined; i++) {
      const mean = results[`mean${i}`]!.data as Float32Array;
      const variance = results[`variance${i}`]!.data as Float32Array;
      this.first[i] = sum(this.first[i], mean);
      this.second[i] = sum(
        this.second[i],
        mean.map((value, channel) => value * value + variance[channel]!),
      );
    }
  }
}

function sum(left: Float64Array | undefined, right: Float32Array): Float64Array {
  return left === undefined ? Float64Array.from(right) : left.map((value, i) => value + right[i]!);
}

function withStatistics(network: Model, moments: Moments, batches: number): Model {
  const constants = new Map(network.graph.constants);
  const norms = network.graph.nodes.filter(({ op }) => op === "BatchNormalization");
  norms.forEach((node, i) => {
    const mean = moments.first[i]!.map((value) => value / batches);
    const variance = moments.second[i]!.map((value, channel) => Math.max(0, value / batches - mean[channel]! ** 2));
    constants.set(node.inputs[3]!, float32(Float32Array.from(mean)));
    constants.set(node.inputs[4]!, float32(Float32Array.from(variance)));
  });
  return { ...network, graph: { ...network.graph, constants } };
}
