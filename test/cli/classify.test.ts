// Needs: ONNX Runtime and the built package; `script` of util-linux for a terminal.
import { execFile, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { environment } from "../support/environment.ts";
import { preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";
import { main, twindnn } from "./run.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const at = (...parts: string[]): string => join(folder, ...parts);
const twin = at("twin");
const images = ["0000.png", "0001.png", "0002.png"].map((name) => at("images", name));

beforeAll(async () => {
  const { original, compressed } = writePair(folder);
  writeFileSync(at("pre.json"), JSON.stringify(preprocessing));
  await writeImages(at("images"), 3, { labelled: false });
  const networks = ["--original", original, "--compressed", compressed];
  const run = await twindnn(["pair", ...networks, "--preprocess", at("pre.json"), "-o", twin]);
  expect(run.code, run.stderr).toBe(0);
});

/** The images of answers and failures, in order. */
const named = (stdout: string): string[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { image: string }).image);

const hasScript = spawnSync("script", ["--version"]).status === 0;

test.skipIf(!hasScript)(
  "on a terminal every answer stays to be read: nothing moves back over it (skipped without util-linux's `script`)",
  async () => {
    const command = [process.execPath, main, "classify", twin, ...images].map((word) => `'${word}'`).join(" ");
    const env = { ...environment, NO_COLOR: "1" };
    const { stdout } = await promisify(execFile)("script", ["-qec", command, "/dev/null"], { env });
    for (const image of images) expect(stdout).toContain(image);
    expect(stdout).not.toContain("\x1b");
  },
);

test.skipIf(!existsSync("/dev/full"))(
  "a full disk behind the standard output is one line and exit code 1",
  async () => {
    for (const args of [["classify", twin, ...images], ["inspect", twin, "--json"], ["--help"]]) {
      const full = openSync("/dev/full", "w");
      const run = spawnSync(process.execPath, [main, ...args], {
        stdio: ["ignore", full, "pipe"],
        encoding: "utf8",
        env: environment,
      });
      closeSync(full);
      expect(run.stderr).toMatch(/^twindnn: standard output: cannot be written \(ENOSPC\); [^\n]*free some space\n$/);
      expect(run.status).toBe(1);
    }
  },
);

test("one bad argument among several fails in its place, and the others are answered", async () => {
  mkdirSync(at("empty"));
  writeFileSync(at("readme.txt"), "no image");
  const bad = [at("nothere.png"), at("readme.txt"), at("empty"), at("none*.png")];
  const run = await twindnn(["classify", twin, images[0]!, ...bad, images[1]!, "--json"]);
  expect(named(run.stdout)).toEqual([images[0], ...bad, images[1]]);
  expect(run.stdout.match(/"error"/g)).toHaveLength(4);
  expect(run).toMatchObject({ code: 1, stderr: "warning: 4 images were not answered\n" });
  for (const alone of bad) {
    const refused = await twindnn(["classify", twin, alone]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(alone);
  }
});

test.skipIf(process.platform === "win32")(
  "a pipe that nobody writes to is refused in one line, or in its place, and keeps nobody waiting",
  async () => {
    const pipe = at("pipe");
    spawnSync("mkfifo", [pipe]);
    const refused = await twindnn(["classify", twin, pipe]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^twindnn: [^\n]*pipe: is neither a file nor a folder; [^\n]*"-"\n$/);
    const run = await twindnn(["classify", twin, images[0]!, pipe, images[1]!, "--json"]);
    expect(named(run.stdout)).toEqual([images[0], pipe, images[1]]);
  },
);

test("--split and --take choose among the images, as in other commands", async () => {
  const parts = at("parts");
  for (const part of ["train", "test"]) await writeImages(join(parts, part), 4, { seed: 7 });
  expect((await twindnn(["classify", twin, parts])).stderr).toContain("--split train|test");
  const run = await twindnn(["classify", twin, parts, "--split", "test", "--take", "2", "--json"]);
  expect(run.code, run.stderr).toBe(0);
  expect(named(run.stdout)).toHaveLength(2);
});

test("an image on the standard input is answered, and other bytes are refused in one line", async () => {
  const [piped, stored] = await Promise.all([
    twindnn(["classify", twin, "-", "--json"], { input: readFileSync(images[0]!) }),
    twindnn(["classify", twin, images[0]!, "--json"]),
  ]);
  expect(JSON.parse(piped.stdout)).toEqual({ ...JSON.parse(stored.stdout), image: "-" });
  const refused = await twindnn(["classify", twin, "-"], { input: Buffer.from([0, 1, 2, 3]) });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^twindnn: -: the standard input is neither an image nor text; [^\n]*\n$/);
});

test("a list on the standard input is answered line by line, and Ctrl-C ends the wait for the next", async () => {
  const run = await twindnn(["classify", twin, "-", "--json"], {
    input: `${images[0]}\n`,
    staysOpen: true,
    after: (pid) => process.kill(pid, "SIGINT"),
  });
  expect(run).toMatchObject({ code: 130, stderr: "twindnn: interrupted\n" });
  expect(named(run.stdout)).toEqual([images[0]]);
});

test("a failure does not wait for the end of the standard input", async () => {
  const run = await twindnn(["classify", at("nowhere"), "-"], { input: `${images[0]}\n`, staysOpen: true });
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/^twindnn: [^\n]*nowhere[^\n]*\n$/);
});

test("control characters in the name of a file are printed escaped", async () => {
  const name = at("images", "red\x1b[31m\nline.png");
  writeFileSync(name, readFileSync(images[0]!));
  const run = await twindnn(["classify", twin, name, `${name}.none.png`]);
  expect(run.stdout.trim().split("\n")).toHaveLength(2);
  expect(run.stdout).toContain("red\\x1b[31m\\x0aline.png");
  expect(run.stdout).not.toContain("\x1b");
});

test("SIGTERM ends it with exit code 143", async () => {
  const run = await twindnn(["classify", twin, "-"], {
    input: `${images[0]}\n`.repeat(50_000),
    after: (pid) => process.kill(pid, "SIGTERM"),
  });
  expect(run).toMatchObject({ code: 143, stderr: "twindnn: interrupted\n" });
});
