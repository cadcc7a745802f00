import { arch, availableParallelism } from "node:os";
import { cpuQuota, type ReadText, readText } from "./cgroup.ts";

/**
 * Threads that compute at full speed: the physical cores that this process may use (a second hardware thread of a core
 * adds nothing to matrix products), no more than its control group's quota; at least 1.
 */
export function cpuBudget(read: ReadText = readText, logical: number = availableParallelism()): number {
  const cores = physicalCores(read) ?? logical;
  return Math.max(1, Math.min(cores, logical, Math.floor(cpuQuota(read) ?? logical)));
}

/** Distinct cores among the CPUs that this process may run on; undefined where the system does not tell. */
function physicalCores(read: ReadText): number | undefined {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(read("/proc/self/status") ?? "")?.[1];
  if (allowed === undefined) return undefined;
  const cores = parseCpuList(allowed).map((cpu) => {
    const siblings = read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    return siblings === undefined ? String(cpu) : siblings.trim();
  });
  return new Set(cores).size;
}

/** `0-2,5` as numbers. */
function parseCpuList(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

/**
 * Classes of CPU, by what decides speed and results of 8-bit products; the best comes first. `x64-avx512` and below add
 * pairs of products in 16 bits and saturate; `vnni` and the `dot` of ARM do not.
 */
export const cpuClasses = [
  "x64-avx512-vnni",
  "x64-avx-vnni",
  "x64-avx512",
  "x64-avx2",
  "x64",
  "arm64-i8mm",
  "arm64-dot",
  "arm64",
] as const;

export type CpuClass = (typeof cpuClasses)[number] | `other-${string}`;

/** Flags of /proc/cpuinfo that make a class. */
const flagsOf: readonly (readonly [flag: string, name: CpuClass])[] = [
  ["avx512_vnni", "x64-avx512-vnni"],
  ["avx_vnni", "x64-avx-vnni"],
  ["avx512bw", "x64-avx512"],
  ["avx2", "x64-avx2"],
  ["i8mm", "arm64-i8mm"],
  ["asimddp", "arm64-dot"],
];

/** The class of this machine's CPU. Where the system does not tell its flags, the least of the architecture. */
export function cpuClass(read: ReadText = readText, architecture: string = arch()): CpuClass {
  const text = read("/proc/cpuinfo") ?? "";
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1]?.split(" "));
  const found = flagsOf.find(([flag, name]) => flags.has(flag) && name.startsWith(`${architecture}-`));
  if (found !== undefined) return found[1];
  return architecture === "x64" || architecture === "arm64" ? architecture : `other-${architecture}`;
}

/** Whether products of unsigned with signed bytes saturate in 16 bits, so that weights want 7 bits. */
export const saturatesInt8 = (name: CpuClass = cpuClass()): boolean => name.startsWith("x64") && !name.includes("vnni");
