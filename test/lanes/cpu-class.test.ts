import { describe, expect, it } from "vitest";
import { cpuQuota, type ReadText } from "../../src/lanes/cgroup.ts";
import { cpuBudget, cpuClass, saturatesInt8 } from "../../src/lanes/cpu.ts";

const files =
  (contents: Record<string, string>): ReadText =>
  (path) =>
    contents[path];

const eightCpus = (siblings: (cpu: number) => string): Record<string, string> => ({
  "/proc/self/status": "Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,6-7\nMems_allowed:\t1\n",
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5, 6, 7].map((cpu) => [
      `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`,
      `${siblings(cpu)}\n`,
    ]),
  ),
});

const quota = (max: string): ReadText =>
  files({ ...eightCpus(String), "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": max });

const flags = (line: string): ReadText => files({ "/proc/cpuinfo": `processor\t: 0\n${line}\nbogomips : 1\n` });

describe("cpuQuota", () => {
  it("is the least along the groups of version 2", () => {
    const read = files({
      "/proc/self/cgroup": "0::/user/job\n",
      "/sys/fs/cgroup/user/job/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/user/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/cpu.max": "max 100000\n",
    });
    expect(cpuQuota(read)).toBe(1.5);
  });

  it("reads version 1, at the root when the group's own path is not visible", () => {
    const read = files({
      "/proc/self/cgroup": "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    });
    expect(cpuQuota(read)).toBe(2.5);
  });

  it("is absent without a limit, and where there are no groups", () => {
    const unlimited = { "/proc/self/cgroup": "1:cpu:/\n0::/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n" };
    expect(cpuQuota(files(unlimited))).toBeUndefined();
    expect(cpuQuota(files({}))).toBeUndefined();
  });
});

describe("cpuBudget", () => {
  it("counts a core with two hardware threads once, and only the CPUs allowed", () => {
    const pairs = eightCpus((cpu) => `${cpu - (cpu % 2)}-${cpu - (cpu % 2) + 1}`);
    expect(cpuBudget(files(pairs), 6)).toBe(3);
    expect(cpuBudget(files(eightCpus(String)), 6)).toBe(6);
  });

  it("stays below the quota, and at least at 1", () => {
    expect(cpuBudget(quota("250000 100000"), 6)).toBe(2);
    expect(cpuBudget(quota("20000 100000"), 6)).toBe(1);
  });

  it("takes the logical CPUs where the system tells nothing else", () => {
    expect(cpuBudget(files({}), 4)).toBe(4);
  });

  it("is a whole number from 1 on this machine", () => {
    expect(Number.isInteger(cpuBudget()) && cpuBudget() >= 1).toBe(true);
  });
});

describe("cpuClass", () => {
  it.each([
    ["flags\t\t: fpu avx2 avx512f avx512bw avx512_vnni", "x64", "x64-avx512-vnni", false],
    ["flags\t\t: fpu avx2 avx_vnni", "x64", "x64-avx-vnni", false],
    ["flags\t\t: fpu avx2 avx512bw", "x64", "x64-avx512", true],
    ["flags\t\t: fpu avx avx2", "x64", "x64-avx2", true],
    ["flags\t\t: fpu sse2", "x64", "x64", true],
    ["Features\t: fp asimd asimddp i8mm", "arm64", "arm64-i8mm", false],
    ["Features\t: fp asimd", "arm64", "arm64", false],
  ])("tells %s on %s", (line, architecture, expected, saturates) => {
    const name = cpuClass(flags(line), architecture);
    expect(name).toBe(expected);
    expect(saturatesInt8(name)).toBe(saturates);
  });

  it("names an architecture that it does not know", () => {
    expect(cpuClass(flags("isa : rv64"), "riscv64")).toBe("other-riscv64");
  });
});
