import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { LaneError } from "../../src/errors.ts";
import { type Network, openLane } from "../../src/lanes/index.ts";
import { classifier, modelFolder, storeNetwork } from "../support/models.ts";

const execShell = promisify(execFile);
const library = fileURLToPath(new URL("../../dist/lanes/index.js", import.meta.url));

/** A program with one lane of a slow network, whose `body` sees `lane` and `run()`, which takes a good part of a second. */
const program = (isolation: string, network: Network, body: string): string => `
  import { openLane } from ${JSON.stringify(library)};
  const network = ${JSON.stringify(network)};
  const spec = { kind: "cpu", networks: ["original"], threads: 1 };
  const lane = await openLane(spec, [network], { isolation: "${isolation}" });
  const run = () => lane.run("original", { count: 128, pieces: [new Uint8Array(128 * 3 * 32 * 32)] });
  ${body}`;

describe.each(["thread", "process"] as const)("a program with a lane in a %s", (isolation) => {
  let folder: string;
  let network: Network;

  beforeAll(() => {
    folder = modelFolder();
    network = storeNetwork(folder, "original", classifier({ seed: 1, size: 32, width: 64, depth: 3 }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function start(body: string): { child: ChildProcessByStdio<null, Readable, Readable>; errors: () => string } {
    const file = `${folder}/program.mjs`;
    writeFileSync(file, program(isolation, network, body));
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stderr.on("data", (chunk) => {
      text += chunk;
    });
    return { child, errors: () => text };
  }

  async function expectEnd(body: string, end: [code: number | null, signal: string | null]): Promise<void> {
    const { child, errors } = start(body);
    expect(await once(child, "exit")).toEqual(end);
    expect(errors()).toBe("");
  }

  it("ends by itself when it forgets to close the lane", () => expectEnd("await run();", [0, null]));

  it("ends by itself when the lane never ran", () => expectEnd("", [0, null]));

  it("finishes a run that it does not wait for, and ends", () => expectEnd("void run();", [0, null]));

  it("closes in mid-run and ends", () =>
    expectEnd("run().catch(() => {}); setTimeout(() => lane.close(), 100);", [0, null]));

  it.each(["SIGINT", "SIGTERM"] as const)("dies of %s in mid-run, as programs do", async (signal) => {
    const { child, errors } = start('void run(); setTimeout(() => console.log("running"), 100);');
    await once(child.stdout, "data");
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([null, signal]);
    expect(errors()).toBe("");
  });

  it("can answer Ctrl-C by closing the lane", async () => {
    const { child, errors } = start(
      'process.once("SIGINT", () => void lane.close()); run().catch(() => {}); setTimeout(() => console.log("running"), 100);',
    );
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(errors()).toBe("");
  });
});

describe("a lane's process", () => {
  it.each(["SIGKILL", "SIGSEGV"] as const)("says so when it is killed by %s in mid-run", async (signal) => {
    const folder = modelFolder();
    const network = storeNetwork(folder, "original", classifier({ seed: 1, size: 32, width: 32 }));
    const spec = { kind: "cpu" as const, networks: ["original" as const], threads: 1 };
    const lane = await openLane(spec, [network], { isolation: "process" });
    const run = lane.run("original", { count: 256, pieces: [new Uint8Array(256 * 3072)] });
    process.kill(lane.pid!, signal);
    await expect(run).rejects.toThrow(new RegExp(`died: its process was killed by ${signal}`));
    expect(await lane.ended).toMatchObject({ kind: "died" });
    await lane.close();
    rmSync(folder, { recursive: true });
  });
});

describe("a lane that ends in good order though nobody closed it", () => {
  it("has died", async () => {
    const folder = modelFolder();
    const network = storeNetwork(folder, "original", classifier({ seed: 1 }));
    vi.stubEnv("NODE_OPTIONS", '--import "data:text/javascript,process.on(%22SIGUSR2%22,()=>process.disconnect())"');
    const lane = await openLane({ kind: "cpu", networks: ["original"], threads: 1 }, [network], {
      isolation: "process",
    });
    vi.unstubAllEnvs();
    process.kill(lane.pid!, "SIGUSR2");
    expect(await lane.ended).toEqual({ kind: "died", reason: "it ended by itself, though nobody had closed it" });
    const run = lane.run("original", { count: 1, pieces: [new Uint8Array(192)] });
    await expect(run).rejects.toThrow(LaneError);
    rmSync(folder, { recursive: true });
  });
});

/** Files in memory that this process has open. */
function memoryFiles(): string[] {
  return readdirSync("/proc/self/fd")
    .map((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`);
      } catch {
        return ""; // that of the listing itself
      }
    })
    .filter((target) => target.startsWith("/dev/shm/"));
}

describe.runIf(process.platform === "linux")("the file in memory between a program and its lane's process", () => {
  let folder: string;
  let network: Network;

  beforeAll(() => {
    folder = modelFolder();
    network = storeNetwork(folder, "original", classifier({ seed: 1 }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const open = () => openLane({ kind: "cpu", networks: ["original"], threads: 1 }, [network], { isolation: "process" });

  it("is given back when the lane is closed and when it dies", async () => {
    for (const end of ["close", "die"]) {
      const lane = await open();
      await lane.run("original", { count: 1, pieces: [new Uint8Array(192)] });
      expect(memoryFiles()).toHaveLength(1);
      if (end === "close") await lane.close();
      else process.kill(lane.pid!, "SIGKILL");
      await lane.ended;
      expect(memoryFiles()).toEqual([]);
    }
  });

  it("is not missed where it cannot grow", async () => {
    const body = `
      const lane = await openLane({ kind: "cpu", networks: ["original"], threads: 1 }, [${JSON.stringify(network)}], { isolation: "process" });
      const data = Uint8Array.from({ length: 192 }, (_, i) => i);
      console.log(JSON.stringify([...(await lane.run("original", { count: 1, pieces: [data] })).logits]));`;
    writeFileSync(`${folder}/program.mjs`, `import { openLane } from ${JSON.stringify(library)};${body}`);
    const program = `'${process.execPath}' '${folder}/program.mjs'`;
    const [limited, free] = await Promise.all(
      [`ulimit -f 0 && ${program}`, program].map((command) => execShell("sh", ["-c", command])),
    );
    expect(limited!.stdout).toBe(free!.stdout);
    expect(limited).toMatchObject({ stdout: expect.stringMatching(/^\[.+\]\n$/), stderr: "" });
  });
});

/** Bytes a round by least squares, over the second half of the rounds. */
function slope(values: readonly number[]): number {
  const late = values.slice(values.length / 2);
  const middle = (late.length - 1) / 2;
  const mean = late.reduce((a, b) => a + b, 0) / late.length;
  const covariance = late.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  return covariance / late.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

describe("memory", () => {
  it("stays flat over 100 rounds of opening, running and closing a lane", { timeout: 120_000 }, async () => {
    const folder = modelFolder();
    // 1.2 MB of weights: a network that is not freed would show.
    const network = storeNetwork(folder, "original", classifier({ seed: 1, width: 128, depth: 3 }));
    const spec = { kind: "cpu" as const, networks: ["original" as const], threads: 1 };
    const resident: number[] = [];
    for (let round = 0; round < 100; round++) {
      await using lane = await openLane(spec, [network]);
      await lane.run("original", { count: 4, pieces: [new Uint8Array(4 * 192)] });
      resident.push(process.memoryUsage.rss());
    }
    expect(slope(resident)).toBeLessThan(300_000);
    rmSync(folder, { recursive: true });
  });
});
