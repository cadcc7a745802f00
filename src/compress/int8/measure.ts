import { median } from "../../figures.ts";
import type { Model } from "../../onnx/index.ts";
import { type ImageBatch, together } from "./images.ts";
import { CalibrationNetwork } from "./network.ts";

/** The time of both networks, measured alternately on this machine, on one thread. */
export interface MeasuredTime {
  /** Images of a run. */
  readonly batch: number;
  /** Milliseconds an image, medians. */
  readonly float32Ms: number;
  readonly int8Ms: number;
  /** Median of the ratios float32 / int8, run by run. */
  readonly speedUp: number;
}

const runs = 11;
/** Values of a batch that fit a core's cache; more images would wait for memory. */
const cachedValues = 2 ** 17;

/** Times the two networks in turn. */
export async function measureTime(float: Model, int8: Model, images: readonly Float32Array[]): Promise<MeasuredTime> {
  await using first = await CalibrationNetwork.open(float);
  await using second = await CalibrationNetwork.open(int8);
  const count = first.batchSize(Math.max(1, Math.floor(cachedValues / first.imageSize)));
  const batch = together(images.slice(0, count));
  await timed(first, batch);
  await timed(second, batch);
  const samples: [number, number][] = [];
  for (let run = 0; run < runs; run++) samples.push([await timed(first, batch), await timed(second, batch)]);
  return {
    batch: batch.count,
    float32Ms: median(samples.map(([float]) => float)) / batch.count,
    int8Ms: median(samples.map(([, int8]) => int8)) / batch.count,
    speedUp: median(samples.map(([float, int8]) => float / int8)),
  };
}

async function timed(network: CalibrationNetwork, batch: ImageBatch): Promise<number> {
  const start = performance.now();
  await network.run(batch);
  return performance.now() - start;
}
