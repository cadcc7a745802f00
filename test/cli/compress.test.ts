// Needs: ONNX Runtime and the built package.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";
import { twindnn } from "./run.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  writePair(folder);
  writeFileSync(at("pre.json"), JSON.stringify(preprocessing));
  await writeImages(at("images"), 900, { labelled: false });
});

/** A budget that goes through every step. */
const command = (output: string, ...more: string[]): string[] => [
  "compress",
  at("a.onnx"),
  "--data",
  at("images"),
  "--preprocess",
  at("pre.json"),
  "--budget",
  "10s",
  "-o",
  at(output),
  ...more,
];

const compress = (output: string, ...more: string[]) => twindnn(command(output, ...more));

test("compress makes a calibrated twin of one classifier, says how, and lists the images to label", async () => {
  const run = await compress(
    "twin",
    "--min-agreement",
    "90%",
    "--to-label",
    at("list.csv"),
    "--json",
    at("run.json"),
    "--report",
    at("run.html"),
  );
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toMatch(/recipe slim\+int8: .*fewer than.*; 625 images are enough to thin the original/);
  expect(run.stdout).toContain("Promised: an agreement of at least 90 % with 95 % probability");
  const manifest = JSON.parse(readFileSync(join(at("twin"), "twin.json"), "utf8"));
  expect(manifest).toMatchObject({ compression: { seed: 0 }, guarantee: { kind: "agreement" } });
  expect(JSON.parse(readFileSync(at("run.json"), "utf8"))).toMatchObject({
    recipe: "slim+int8",
    guarantee: { images: 225 },
  });
  const page = readFileSync(at("run.html"), "utf8");
  for (const shown of ["original-int8", "slim-70-int8", "Layer by layer", "the original / ", "minutes"]) {
    expect(page).toContain(shown);
  }
  expect(readFileSync(at("list.csv"), "utf8")).toMatch(/^file,class\n/);
  expect(readdirSync(folder)).not.toContain("twin.work");
});

test("compress takes the classes of a filled-in list back, and promises a drop of the network that it has", async () => {
  writeFileSync(at("labels.txt"), `${labels.join("\n")}\n`);
  const same = ["--recipe", "slim", "--macs", "50%", "--labels", at("labels.txt"), "--work", at("kept")];
  const first = await compress("drop", "--min-agreement", "90%", "--to-label", at("open.csv"), ...same);
  expect(first).toMatchObject({ code: 0 });
  const [heading, ...open] = readFileSync(at("open.csv"), "utf8").trim().split("\n");
  expect(open.length).toBeGreaterThan(0);
  writeFileSync(at("filled.csv"), [heading, ...open.map((line) => `${line}${labels[1]}`), ""].join("\n"));
  const second = await compress("drop", "--max-drop", "10%", "--labelled", at("filled.csv"), "--force", ...same);
  expect(second).toMatchObject({ code: 0 });
  expect(second.stdout).toContain("Promised: a drop of at most 10 points");
});

test("an interrupted compress writes no twin, says how to go on, and goes on", async () => {
  const state = join(at("resumed.work"), "state.json");
  const interrupt = async (pid: number): Promise<void> => {
    while (!existsSync(state)) await setTimeout(20);
    process.kill(pid, "SIGINT");
  };
  const options = ["--recipe", "int8", "--min-agreement", "90%"];
  const broken = await twindnn(command("resumed", ...options), { started: (pid) => void interrupt(pid) });
  expect(broken.code).toBe(130);
  expect(broken.stderr).toContain(`kept in ${at("resumed.work")}; the same command goes on from there`);
  expect(existsSync(at("resumed"))).toBe(false);
  expect(await compress("resumed", ...options)).toMatchObject({ code: 0 });
  expect(existsSync(at("resumed.work"))).toBe(false);
});

test("compress refuses a promise on the drop where no image has a class, and writes nothing", async () => {
  const run = await compress("refused", "--max-drop", "5%");
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/no image has a class.*promise an agreement first/);
  expect(existsSync(at("refused"))).toBe(false);
});

test("compress refuses a recipe that it does not know, and lists those that it does", async () => {
  const run = await compress("refused", "--recipe", "int4");
  expect(run.code).toBe(2);
  expect(run.stderr).toContain("student+int8");
});
