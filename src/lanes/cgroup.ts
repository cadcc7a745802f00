import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Reads a file of the system; undefined when it is not there. */
export type ReadText = (path: string) => string | undefined;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/**
 * Cores' worth of time that control groups allow this process: the least over its own group and all above it;
 * undefined without a limit. Version 2 says it in `cpu.max`, version 1 in `cpu.cfs_quota_us` and `cpu.cfs_period_us`.
 */
export function cpuQuota(read: ReadText = readText): number | undefined {
  const groups = (read("/proc/self/cgroup") ?? "").trim().split("\n").map(parseGroup);
  const quotas = groups.flatMap(({ controllers, path }) => {
    if (controllers === "") return ancestors(path).map((group) => quotaOfV2(join("/sys/fs/cgroup", group), read));
    if (!controllers.split(",").includes("cpu")) return [];
    return ancestors(path).map((group) => quotaOfV1(join("/sys/fs/cgroup/cpu", group), read));
  });
  const limits = quotas.filter((quota) => quota !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** A line of /proc/self/cgroup: `<number>:<controllers>:<path>`; version 2 has no controllers. */
function parseGroup(line: string): { controllers: string; path: string } {
  const [, controllers = "-", ...path] = line.split(":");
  return { controllers, path: path.join(":") };
}

/** `/a/b` gives `/a/b`, `/a`, `/`. Inside a container the path may not exist, but the root is the container's own. */
function ancestors(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return Array.from({ length: parts.length + 1 }, (_, i) => `/${parts.slice(0, parts.length - i).join("/")}`);
}

function quotaOfV2(folder: string, read: ReadText): number | undefined {
  const [quota, period] = (read(join(folder, "cpu.max")) ?? "max").trim().split(" ");
  return quota === "max" ? undefined : Number(quota) / Number(period);
}

function quotaOfV1(folder: string, read: ReadText): number | undefined {
  const quota = Number(read(join(folder, "cpu.cfs_quota_us")) ?? -1);
  const period = Number(read(join(folder, "cpu.cfs_period_us")) ?? -1);
  return quota > 0 && period > 0 ? quota / period : undefined;
}
