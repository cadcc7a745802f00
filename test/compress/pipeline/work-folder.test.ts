import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { WorkFolder } from "../../../src/compress/pipeline/work-folder.ts";
import { UsageError } from "../../../src/errors.ts";
import { scratch } from "../../support/twins.ts";

const { path: folder, remove } = scratch();
afterAll(remove);
afterEach(() => vi.restoreAllMocks());

test("a finished step is not done again by a run that goes on, an interrupted one is", async () => {
  const path = join(folder, "steps");
  const first = await WorkFolder.open(path, "run");
  await first.once("finished", async () => 1);
  await first.once("finished without a result", async () => {});
  await expect(first.once("interrupted", () => Promise.reject(new Error("abort")))).rejects.toThrow("abort");
  await first[Symbol.asyncDispose]();
  const again = await WorkFolder.open(path, "run");
  expect(await again.once("finished", async () => 2)).toBe(1);
  await again.once("finished without a result", () => Promise.reject(new Error("done again")));
  expect(await again.once("interrupted", async () => 2)).toBe(2);
});

test("minutes of a step leave those of the steps within it out, and hold those of its interrupted beginnings", async () => {
  let minutes = 0;
  vi.spyOn(performance, "now").mockImplementation(() => 60_000 * minutes);
  const pass = async (more: number): Promise<void> => {
    minutes += more;
  };
  const path = join(folder, "minutes");
  const first = await WorkFolder.open(path, "run");
  const interrupted = first.timed("outer", async () => {
    await pass(1);
    await first.timed("inner", () => pass(5));
    throw new Error("abort");
  });
  await expect(interrupted).rejects.toThrow("abort");
  await first[Symbol.asyncDispose]();
  const again = await WorkFolder.open(path, "run");
  await again.timed("outer", () => pass(2));
  expect(again.minutes).toEqual({ outer: 3, inner: 5 });
});

test("a folder of something else is refused and left as it is, an empty one is taken", async () => {
  const path = join(folder, "photos");
  mkdirSync(path);
  writeFileSync(join(path, "holiday.jpg"), "");
  await expect(WorkFolder.open(path, "run")).rejects.toThrow(/photos is no work folder and not empty; give another/);
  expect(readdirSync(path)).toEqual(["holiday.jpg"]);
  mkdirSync(join(folder, "empty"));
  await expect(WorkFolder.open(join(folder, "empty"), "run")).resolves.toBeInstanceOf(WorkFolder);
});

describe("a folder in which a run works", () => {
  test("is refused to another run of the same process, until the first lets it go", async () => {
    const path = join(folder, "claimed");
    const first = await WorkFolder.open(path, "run");
    await expect(WorkFolder.open(path, "run")).rejects.toThrow(/claimed: process \d+ works in it; wait for it/);
    await first[Symbol.asyncDispose]();
    await using again = await WorkFolder.open(path, "run");
    expect(again).toBeInstanceOf(WorkFolder);
  });

  test("is refused while its process lives, and free once that is gone", async () => {
    const path = join(folder, "elsewhere");
    mkdirSync(path);
    const owner = spawn("sleep", ["60"]);
    writeFileSync(join(path, "running.pid"), `${owner.pid}\n`);
    await expect(WorkFolder.open(path, "run")).rejects.toThrow(`process ${owner.pid} works in it`);
    owner.kill("SIGKILL");
    await once(owner, "exit");
    await using work = await WorkFolder.open(path, "run");
    expect(work).toBeInstanceOf(WorkFolder);
  });

  test("is let go where the run cannot begin", async () => {
    const path = join(folder, "begun");
    await (await WorkFolder.open(path, "run"))[Symbol.asyncDispose]();
    await expect(WorkFolder.open(path, "another run")).rejects.toThrow(/other options/);
    expect(readdirSync(path)).toEqual(["state.json"]);
  });
});

test.each(["{", "{}", '{"run":"run","results":{},"minutes":{"a":"long"}}'])(
  "a state that cannot be read (%s) is refused",
  async (state) => {
    const path = join(folder, `damaged-${state.length}`);
    mkdirSync(path);
    writeFileSync(join(path, "state.json"), state);
    await expect(WorkFolder.open(path, "run")).rejects.toThrow(UsageError);
  },
);
