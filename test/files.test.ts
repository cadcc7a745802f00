import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { writeAllWhole, writeWhole } from "../src/files.ts";
import { scratch } from "./support/twins.ts";

const { path: folder, remove } = scratch();
afterAll(remove);

const at = (...parts: string[]): string => join(folder, ...parts);

describe("a file is written", () => {
  test("over one that is there, and no temporary file stays", async () => {
    writeFileSync(at("a.txt"), "old and longer");
    await writeWhole(at("a.txt"), "new");
    expect(readFileSync(at("a.txt"), "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["a.txt"]);
  });

  test("where a link leads to, which stays a link", async () => {
    writeFileSync(at("target.txt"), "old");
    symlinkSync(at("target.txt"), at("link.txt"));
    await writeWhole(at("link.txt"), "new");
    expect(lstatSync(at("link.txt")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("target.txt"), "utf8")).toBe("new");
  });

  test("where a link leads to that nothing is at yet", async () => {
    symlinkSync("later.txt", at("early.txt"));
    await writeWhole(at("early.txt"), "new");
    expect(lstatSync(at("early.txt")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("later.txt"), "utf8")).toBe("new");
  });

  test.skipIf(!existsSync("/dev/shm"))("whole in a folder of memory, also for the second time", async () => {
    const shared = mkdtempSync("/dev/shm/twindnn-");
    for (const text of ["first and longer", "second"]) await writeWhole(join(shared, "a.txt"), text);
    expect(readFileSync(join(shared, "a.txt"), "utf8")).toBe("second");
    rmSync(shared, { recursive: true });
  });

  test("into a pipe, which stays a pipe", async () => {
    spawnSync("mkfifo", [at("pipe")]);
    const read = readFile(at("pipe"), "utf8");
    await writeWhole(
      at("pipe"),
      ["one, ", "two"].map((text) => Buffer.from(text)),
    );
    expect(await read).toBe("one, two");
    expect(lstatSync(at("pipe")).isFIFO()).toBe(true);
  });

  test("with others, or none of them", async () => {
    mkdirSync(at("together"));
    const files = new Map([
      [at("together", "a"), "a"],
      [at("nowhere", "b"), "b"],
    ]);
    await expect(writeAllWhole(files)).rejects.toThrow(InputError);
    expect(readdirSync(at("together"))).toEqual([]);
  });
});
