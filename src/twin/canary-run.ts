import { join } from "node:path";
import { ManifestError } from "../errors.ts";
import { readBytes } from "../files.ts";
import type { Lane, LaneKind } from "../lanes/index.ts";
import type { Network } from "../lanes/types.ts";
import { allowanceFor } from "./calibration/index.ts";
import { type Canaries, type CanaryCheck, checkCanaries, decodeCanaries } from "./canaries.ts";
import { networkOf, type TwinFolder } from "./folder.ts";
import { usualBatch, withLanes } from "./lanes.ts";
import { networksWith } from "./manifest.ts";
import type { Logits } from "./types.ts";

/**
 * Runs a twin's canaries on lanes of a kind on this machine; undefined when it carries none. Throws ManifestError on a damaged
 * file, LaneError where there are no such lanes.
 */
export async function canariesHere(folder: TwinFolder, kind: LaneKind = "cpu"): Promise<CanaryCheck | undefined> {
  const { canaries: entry, confidence, secondStage, secondThreshold } = folder.manifest;
  if (entry === undefined) return undefined;
  const stored = await readCanaries(folder);
  const networks = networksWith(secondStage).map((name) => networkOf(folder, name));
  const run = (lanes: readonly Lane[]): Promise<Logits[]> =>
    Promise.all(networks.map((network, i) => runCanaries(stored, network, lanes[i % lanes.length]!)));
  const [compressed, original, second] = await withLanes(networks, run, kind);
  const here = { compressed: compressed!, original: original!, ...(second === undefined ? {} : { second }) };
  return checkCanaries(stored, here, confidence, {
    compressed: entry.allowance,
    second: secondThreshold === undefined ? undefined : allowanceFor(confidence.measure, secondThreshold),
  });
}

async function readCanaries({ path, manifest }: TwinFolder): Promise<Canaries> {
  const { file, images } = manifest.canaries!;
  const bytes = await readBytes(join(path, file), "restore it or make the twin again");
  const { input, output } = manifest.networks.original;
  const canaries = decodeCanaries(
    bytes,
    images,
    input.shape.reduce((a, b) => a * b),
    output.classes,
  );
  if (canaries !== undefined) return canaries;
  throw new ManifestError(`${join(path, file)}: its length does not fit ${images} canaries; calibrate the twin again`);
}

async function runCanaries({ count, planes, compressed }: Canaries, network: Network, lane: Lane): Promise<Logits> {
  const size = planes.length / count;
  const batch = usualBatch(network);
  const data = new Float32Array(count * compressed.classes);
  for (let start = 0; start < count; start += batch) {
    const images = Math.min(batch, count - start);
    const result = await lane.run(network.name, {
      count: images,
      pieces: [planes.subarray(start * size, (start + images) * size)],
    });
    data.set(result.logits, start * compressed.classes);
  }
  return { data, count, classes: compressed.classes };
}
