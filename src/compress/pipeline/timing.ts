import { median } from "../../figures.ts";
import type { Network } from "../../lanes/index.ts";
import { subset } from "../../train/index.ts";
import { collectLogits, type StageCosts, usualBatch, withLanes } from "../../twin/index.ts";
import { prepared } from "./answers.ts";
import { type Candidate, type Compression, networkIn } from "./context.ts";

/** Images of a round: so many batches, and no fewer than so many. */
const timedBatches = 4;
const leastTimedImages = 32;
/** Rounds of small networks are short and much disturbed: they go on for so long, those of large ones until they are enough. */
const enoughMilliseconds = 2000;
const leastRounds = 5;

/** Time of a candidate relative to the original, measured here. */
export async function relativeTime({ network }: Candidate, compression: Compression): Promise<number> {
  return (await measureCosts([networkIn(compression, network, "compressed")], compression)).compressed;
}

/**
 * Times of the stages for an image, relative to the original: medians over rounds in which each network in turn has all
 * lanes for itself, as it has in use.
 *
 * @param stages - the compressed network, and the original in int8 where it may follow
 */
export async function measureCosts(
  stages: readonly Network[],
  { selection, original, signal }: Compression,
): Promise<StageCosts> {
  const networks = [...stages, original.network];
  const batch = usualBatch(stages[0]!);
  const timed = Math.max(leastTimedImages, timedBatches * batch);
  const images = subset(selection, [...selection.labels.keys()].slice(0, timed));
  return withLanes(networks, async (lanes) => {
    const timeOf = async (network: Network): Promise<number> => {
      const { time } = await collectLogits(prepared(images, false), [network], { lanes, batch, signal });
      return time.get(network.name)!;
    };
    const [compressed, second] = await medianRatios(networks, timeOf);
    return { compressed: compressed!, ...(stages.length > 1 && second! < 1 && { second: second! }) };
  });
}

/** Medians of what each takes relative to the last in the same round, after a round that warms up. */
async function medianRatios<T>(items: readonly T[], timeOf: (item: T) => Promise<number>): Promise<number[]> {
  for (const item of items) await timeOf(item);
  const rounds: number[][] = [];
  const end = performance.now() + enoughMilliseconds;
  while (rounds.length < leastRounds || performance.now() < end) {
    const times: number[] = [];
    for (const item of items) times.push(await timeOf(item));
    rounds.push(times.map((time) => time / times.at(-1)!));
  }
  return items.map((_, at) => median(rounds.map((round) => round[at]!)));
}
