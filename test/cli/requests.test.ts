// Needs: ONNX Runtime and the built package.
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";
import { twindnn } from "./run.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const at = (...parts: string[]): string => join(folder, ...parts);
const stored = fileURLToPath(new URL("../../models/fashion-mnist/", import.meta.url));

beforeAll(async () => {
  writePair(folder);
  writeFileSync(at("pre.json"), JSON.stringify(preprocessing));
  writeFileSync(at("classes.txt"), labels.join("\n"));
  await writeImages(at("images"), 40);
  await writeImages(at("many"), 400);
});

const pairing = (twin: string, names = "classes.txt"): string[] => {
  const networks = ["--original", at("a.onnx"), "--compressed", at("b.onnx"), "--preprocess", at("pre.json")];
  return ["pair", ...networks, "--labels", at(names), "-o", at(twin)];
};

test("without arguments the help is shown, with exit code 2", async () => {
  const run = await twindnn([]);
  expect(run).toMatchObject({ code: 2, stdout: "" });
  expect(run.stderr).toContain("Usage: twindnn");
});

test("quantize never writes over its input, nor over another file unasked", async () => {
  const quantize = (output: string, ...more: string[]) => {
    const input = ["quantize", at("a.onnx"), "--data", at("images"), "--preprocess", at("pre.json")];
    return twindnn([...input, "-o", output, ...more]);
  };
  const before = readFileSync(at("a.onnx"));
  symlinkSync(at("a.onnx"), at("link.onnx"));
  for (const same of [at("a.onnx"), at("images", "..", "a.onnx"), at("link.onnx")]) {
    const run = await quantize(same, "--force");
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("is the model to quantize; choose another -o");
  }
  writeFileSync(at("taken.onnx"), "precious");
  const refused = await quantize(at("taken.onnx"));
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("taken.onnx exists already; choose another -o, or add --force");
  expect(readFileSync(at("taken.onnx"), "utf8")).toBe("precious");
  expect((await quantize(at("taken.onnx"), "--force")).code).toBe(0);
  expect(readFileSync(at("taken.onnx")).length).toBeGreaterThan(100);
  expect(readFileSync(at("a.onnx")).equals(before)).toBe(true);
});

test("a device that is not there is refused in one line with those that are", async (context) => {
  const { availableLanes } = await import("../../src/lanes/index.ts");
  const missing = (await availableLanes()).find(({ available }) => !available);
  context.skip(missing === undefined, "every device is there");
  const run = await twindnn(["plan", `${stored}twin`, "--device", missing!.kind]);
  expect(run.stderr).toMatch(/^twindnn: --device \w+: not usable on this machine; usable: cpu[^\n]*\n$/);
  expect(run).toMatchObject({ code: 1, stdout: "" });
});

test("evaluate and inspect print a drop in points", async () => {
  const evaluated = await twindnn(["evaluate", `${stored}twin`, "--data", `${stored}test.npz`, "--take", "100"]);
  expect(evaluated.stdout).toMatch(/drop, in points +−?\d\.\d\d +−?\d\.\d\d to −?\d\.\d\d *\n/);
  expect((await twindnn(["inspect", `${stored}twin`])).stdout).toContain("drop, in points");
});

test("class names may be given twice, as ImageNet's are", async () => {
  writeFileSync(at("labels.txt"), "apple\nbook\ncup\nbook\n");
  const run = await twindnn(pairing("twin", "labels.txt"));
  expect(run.code).toBe(0);
  expect(JSON.parse(readFileSync(join(at("twin"), "twin.json"), "utf8")).labels).toEqual([
    "apple",
    "book",
    "cup",
    "book",
  ]);
});

test("a calibration that is refused leaves the twin as it was, also where it had to make the int8 original", async () => {
  await twindnn(pairing("refused"));
  const contents = () => readdirSync(at("refused")).map((name) => [name, readFileSync(at("refused", name), "utf8")]);
  const before = contents();
  const asked = ["--data", at("many"), "--max-drop", "0.1%", "--second", "original-int8"];
  const run = await twindnn(["calibrate", at("refused"), ...asked]);
  expect(run.stderr).toMatch(/needs at least 3112 images beside those that place the thresholds, received 334/);
  expect(run.code).toBe(1);
  expect(contents()).toEqual(before);
});

test("a promise for each class says so, in text and in the manifest's exact tolerance", async () => {
  const promised = ["--min-agreement", "60%", "--worst-class"];
  await twindnn(pairing("classes"));
  const run = await twindnn(["calibrate", at("classes"), "--data", at("many"), ...promised]);
  expect(run.stdout).toContain("Promised: an agreement of at least 60 % for each class with 95 % probability");
  const { stdout } = await twindnn(["inspect", at("classes")]);
  expect(stdout).toContain("promised an agreement of at least 60 % for each class with");
  expect(JSON.parse(readFileSync(at("classes", "twin.json"), "utf8")).guarantee.tolerance).toBe(0.4);
});
