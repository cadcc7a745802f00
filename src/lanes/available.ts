import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeModel, GraphBuilder, modelOf } from "../onnx/index.ts";
import { openLane } from "./lane.ts";
import { deviceKinds, type LaneKind, type Network } from "./types.ts";

/** Whether a kind of lane works on this machine, and if not, why. */
export type Availability =
  | { readonly kind: LaneKind; readonly available: true }
  | { readonly kind: LaneKind; readonly available: false; readonly reason: string };

/** A device may compile its kernels first; one that takes longer than this, in milliseconds, is of no use. */
const patience = 30_000;

/**
 * Asks by trying: runs a tiny network on every kind of lane, in a process of its own, so that a driver that crashes is
 * survived.
 */
export async function availableLanes(): Promise<Availability[]> {
  const folder = await mkdtemp(join(tmpdir(), "twindnn-probe-"));
  try {
    const network = await storeProbe(folder);
    const found: Availability[] = [{ kind: "cpu", available: true }];
    for (const kind of deviceKinds) found.push(await tryLane(kind, network));
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function tryLane(kind: LaneKind, network: Network): Promise<Availability> {
  try {
    await using lane = await openLane({ kind, networks: [network.name], threads: 1 }, [network], {
      isolation: "process",
    });
    const { logits } = await withinPatience(lane.run(network.name, { count: 1, pieces: [Float32Array.of(-1, 2)] }));
    if (logits[0] === 0 && logits[1] === 2) return { kind, available: true };
    return { kind, available: false, reason: `it computes wrongly: relu(-1, 2) gave ${logits.join(", ")}` };
  } catch (error) {
    return { kind, available: false, reason: reasonOf(error, network) };
  }
}

/** What the runtime said, without the probe's own name. */
function reasonOf(error: unknown, { name, file }: Network): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(`network "${name}" (${file}): `, "").trim();
}

async function withinPatience<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Stores a network that answers relu(x). */
async function storeProbe(folder: string): Promise<Network> {
  const b = new GraphBuilder("probe");
  const x = b.input("x", "float32", ["batch", 2, 1, 1]);
  b.output(b.op("Flatten", [b.op("Relu", [x])], { axis: 1 }), "float32", ["batch", 2], "y");
  const file = join(folder, "probe.onnx");
  await writeFile(file, encodeModel(modelOf(b.graph)));
  return {
    name: "original",
    file,
    input: { name: "x", layout: "NCHW", shape: [2, 1, 1] },
    output: { name: "y", classes: 2 },
    normalisation: { scale: [1, 1], offset: [0, 0] },
  };
}
