import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Planes } from "../data/types.ts";
import { LaneError } from "../errors.ts";
import type { Plan } from "../lanes/types.ts";
import type { ProbeReply, ProbeRequest } from "./memory-probe.ts";
import type { SystemSpec } from "./systems.ts";

/**
 * Peak memory (MiB, resident) of a process that opens one system and answers these images with it, Node.js and ONNX Runtime
 * included. Each system gets a process of its own: in a shared one nobody could say whose memory it is.
 */
export async function peakMemory(spec: SystemSpec, plan: Plan, images: readonly Planes[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "twindnn-bench-"));
  try {
    const file = join(folder, "images.bin");
    await writePlanes(file, images);
    return await askProbe({ spec, plan, file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writePlanes(path: string, images: readonly Planes[]): Promise<void> {
  await using file = await open(path, "w");
  for (const planes of images) await file.write(planes);
}

async function askProbe(request: ProbeRequest): Promise<number> {
  const probe = fork(probeEntry(), { execArgv: [], stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const reply = new Promise<ProbeReply>((resolve) => {
    probe.once("message", (message) => resolve(message as ProbeReply));
    probe.once("exit", (code, signal) => resolve({ problem: `its process ended early (${signal ?? code})` }));
    probe.once("error", (error) => resolve({ problem: error.message }));
  });
  const ended = once(probe, "exit");
  probe.send(request);
  const answer = await reply;
  await ended;
  if ("peakMiB" in answer) return answer.peakMiB;
  throw new LaneError(`the peak memory of ${request.spec.name} cannot be measured: ${answer.problem}`);
}

/** The compiled probe: beside this file, or in `dist` when this file runs as TypeScript. */
function probeEntry(): URL {
  const source = import.meta.url.endsWith(".ts");
  return new URL(source ? "../../dist/bench/memory-probe.js" : "./memory-probe.js", import.meta.url);
}
