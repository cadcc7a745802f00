import { quantile } from "../../figures.ts";
import { imageSize } from "../../lanes/inputs.ts";
import type { Lane, Network } from "../../lanes/types.ts";
import type { Busy, Timing } from "./candidates.ts";

const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128];
/** How often each batch size has its turn, and the milliseconds and the runs that a turn takes at least. */
const turns = 3;
const turnTime = 50;
const runsAtLeast = 2;
/** A larger batch is not tried when one run would take longer than this, in milliseconds. */
const longestRun = 100;
/** After its first turn, a size that is slower than the best by this factor has no other. */
const hopeless = 1.3;
/** Whatever else the machine does only makes a run slower: the faster runs tell what the network takes. */
const undisturbed = 0.25;

export interface TimingOptions {
  /** Only single images, or the fixed batch. Default false. */
  readonly smallestOnly?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds of an image, run by run, for each lane. */
type Samples = readonly (readonly number[])[];

/**
 * Times a network at rising batch sizes, all lanes busy with it at once: how fast a core is depends on its neighbours. The
 * sizes take turns, so that a moment in which the machine is busy elsewhere does not decide between them.
 */
export async function timeNetwork(
  lanes: readonly Lane[],
  network: Network,
  { smallestOnly = false, signal }: TimingOptions = {},
): Promise<Omit<Timing, keyof Busy>[]> {
  const sizes = network.fixedBatch === undefined ? batchSizes : [network.fixedBatch];
  const samples = new Map<number, Samples>();
  for (const batch of smallestOnly ? sizes.slice(0, 1) : sizes) {
    if (batch * fastest(samples) > longestRun) break;
    samples.set(batch, await timeBatch(lanes, network, batch, signal));
  }
  for (let turn = 1; turn < turns; turn++) {
    const best = fastest(samples);
    for (const [batch, before] of [...samples].filter(([, times]) => typical(times) <= hopeless * best)) {
      const more = await timeBatch(lanes, network, batch, signal);
      samples.set(
        batch,
        before.map((times, lane) => [...times, ...more[lane]!]),
      );
    }
  }
  return [...samples].map(([batch, times]) => ({
    network: network.name,
    batch,
    secondsPerImage: typical(times) / 1000,
  }));
}

/** Milliseconds of an image at the best batch size; 0 before any is known. */
const fastest = (samples: ReadonlyMap<number, Samples>): number =>
  samples.size === 0 ? 0 : Math.min(...[...samples.values()].map(typical));

/** Mean over the lanes of what an undisturbed run takes. */
const typical = (samples: Samples): number =>
  samples.reduce((sum, times) => sum + quantile(times, undisturbed), 0) / samples.length;

/**
 * What an image takes in the runs of each lane, with what it costs to hand a batch over and back: small batches of small
 * networks pay most for it. The first run of each lane only warms up.
 */
async function timeBatch(
  lanes: readonly Lane[],
  network: Network,
  batch: number,
  signal: AbortSignal | undefined,
): Promise<Samples> {
  signal?.throwIfAborted();
  const until = performance.now() + turnTime;
  return await Promise.all(lanes.map((lane) => timeLane(lane, network, batch, until)));
}

async function timeLane(lane: Lane, network: Network, batch: number, until: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run <= runsAtLeast || performance.now() < until; run++) {
    const data = noise(batch * imageSize(network));
    const before = performance.now();
    await lane.run(network.name, { count: batch, pieces: [data] });
    if (run > 0) times.push((performance.now() - before) / batch);
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
