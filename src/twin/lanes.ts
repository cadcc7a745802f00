import {
  cpuBudget,
  type Lane,
  type LaneKind,
  type LaneSpec,
  type Network,
  type NetworkName,
  openLanes,
  type Plan,
} from "../lanes/index.ts";

/** Values of one input above which a batch no longer stays in the cache, and single images are faster: 64 x 64 RGB. */
const largeInput = 3 * 64 * 64;
/** Handing a batch to a lane and back takes a core 0.2 to 0.3 ms: small images go in batches that make it rare. */
const smallInputBatch = 64;

/** The batch size to take without measuring: activations of large images leave the cache. */
export function usualBatch(network: Network): number {
  const [channels, height, width] = network.input.shape;
  return network.fixedBatch ?? (channels * height * width > largeInput ? 1 : smallInputBatch);
}

/** A plan without measuring: a lane for each core, each of which runs every network. */
export function usualPlan(networks: readonly Network[]): Plan {
  const lane: LaneSpec = { kind: "cpu", networks: networks.map(({ name }) => name), threads: 1 };
  const batch: Partial<Record<NetworkName, number>> = {};
  for (const network of networks) batch[network.name] = usualBatch(network);
  return { lanes: Array.from({ length: cpuBudget() }, () => lane), batch, idleTakesFresh: false, isolation: "thread" };
}

/** A plan for these networks alone; lanes that run none of them are dropped. */
export function planFor(names: readonly NetworkName[], plan: Plan): Plan {
  const lanes = plan.lanes.map((lane) => ({ ...lane, networks: lane.networks.filter((name) => names.includes(name)) }));
  return { ...plan, lanes: lanes.filter(({ networks }) => networks.length > 0) };
}

/** Opens a CPU lane for each core, or one lane of another kind, hands them to `use`, and closes them whatever happens. */
export async function withLanes<T>(
  networks: readonly Network[],
  use: (lanes: readonly Lane[]) => Promise<T>,
  kind: LaneKind = "cpu",
): Promise<T> {
  const usual = usualPlan(networks).lanes;
  const specs = kind === "cpu" ? usual : usual.slice(0, 1).map((spec) => ({ ...spec, kind }));
  const lanes = await openLanes(specs, networks);
  try {
    return await use(lanes);
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}
