import { createRequire } from "node:module";
import { cpus, release, totalmem, type } from "node:os";
import * as z from "zod";
import { cpuBudget, cpuClass } from "../lanes/index.ts";
import { toolVersion } from "../version.ts";
import type { BenchResult } from "./types.ts";

/** The machine and the software that a result belongs to. */
export function machineHere(): BenchResult["machine"] {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cpuClass: cpuClass(),
    cores: cpuBudget(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    onnxRuntime: versionOf("onnxruntime-node"),
    twindnn: toolVersion,
  };
}

function versionOf(packageName: string): string {
  const json: unknown = createRequire(import.meta.url)(`${packageName}/package.json`);
  return z.looseObject({ version: z.string() }).parse(json).version;
}
