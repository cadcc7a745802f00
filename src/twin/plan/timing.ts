import { imageSize } from "../../lanes/inputs.ts";
import type { Lane, Network } from "../../lanes/types.ts";
import type { Busy, Timing } from "./candidates.ts";

const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128];
/** Milliseconds that a batch size is run for, and runs at least. */
const measuringTime = 100;
const runsAtLeast = 3;
/** A larger batch is not tried when one run would take longer than this, in milliseconds. */
const longestRun = 400;
/** Nor when the last was slower than the best by this factor: it will not get better. */
const hopeless = 1.15;

/** Times a network at rising batch sizes, all lanes busy with it at once: how fast a core is depends on its neighbours. */
export async function timeNetwork(
  lanes: readonly Lane[],
  network: Network,
  signal?: AbortSignal,
): Promise<Omit<Timing, keyof Busy>[]> {
  const rows: Omit<Timing, keyof Busy>[] = [];
  for (const batch of network.fixedBatch === undefined ? batchSizes : [network.fixedBatch]) {
    signal?.throwIfAborted();
    const secondsPerImage = await timeBatch(lanes, network, batch);
    rows.push({ network: network.name, batch, secondsPerImage });
    const best = Math.min(...rows.map((row) => row.secondsPerImage));
    if (secondsPerImage > hopeless * best || 2 * batch * secondsPerImage * 1000 > longestRun) break;
  }
  return rows;
}

/**
 * Median time of an image over the runs of all lanes, with what it costs to hand a batch over and back: small batches of
 * small networks pay most for it. The first run of each lane only warms up.
 */
async function timeBatch(lanes: readonly Lane[], network: Network, batch: number): Promise<number> {
  const until = performance.now() + measuringTime;
  const times = await Promise.all(lanes.map((lane) => timeLane(lane, network, batch, until)));
  const sorted = times.flat().sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]! / batch / 1000;
}

async function timeLane(lane: Lane, network: Network, batch: number, until: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run <= runsAtLeast || performance.now() < until; run++) {
    const data = noise(batch * imageSize(network));
    const before = performance.now();
    await lane.run(network.name, { count: batch, data });
    if (run > 0) times.push(performance.now() - before);
  }
  return times;
}

/** Bytes without a pattern: images of one value could meet faster arithmetic. */
export function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
