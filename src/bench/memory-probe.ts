import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import type { Planes } from "../data/types.ts";
import type { Plan } from "../lanes/types.ts";
import { openSystem, type SystemSpec } from "./systems.ts";

// Runs in a process of its own, so that what it needs at most is what one system needs.

/** What the probe is told. */
export interface ProbeRequest {
  readonly spec: SystemSpec;
  readonly plan: Plan;
  /** A file of prepared images, one after the other. */
  readonly file: string;
}

/** What it answers. */
export type ProbeReply = { readonly peakMiB: number } | { readonly problem: string };

async function probe({ spec, plan, file }: ProbeRequest): Promise<number> {
  await using system = await openSystem(spec, { ...plan, isolation: "thread" });
  const size = spec.networks[0]!.input.shape.reduce((product, side) => product * side, 1);
  for await (const _ of system.run(readPlanes(file, size)));
  return peakResidentMiB();
}

/** Reads images one at a time, so that they take no memory that is not the system's. */
async function* readPlanes(path: string, size: number): AsyncGenerator<Planes> {
  await using file = await open(path);
  for (;;) {
    const planes = new Uint8Array(size);
    const { bytesRead } = await file.read(planes, 0, size);
    if (bytesRead < size) return;
    yield planes;
  }
}

/** The most memory this process ever had resident; Linux tells it without what the parent had before the fork. */
function peakResidentMiB(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const kibibytes = /^VmHWM:\s*(\d+)/m.exec(status)?.[1];
  return (kibibytes === undefined ? process.resourceUsage().maxRSS : Number(kibibytes)) / 1024;
}

process.once("message", (request: ProbeRequest) => {
  void probe(request)
    .then(
      (peakMiB): ProbeReply => ({ peakMiB }),
      (error: unknown): ProbeReply => ({ problem: error instanceof Error ? error.message : String(error) }),
    )
    .then((reply) => process.send!(reply, () => process.disconnect()));
});
