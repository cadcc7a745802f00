// Needs: ONNX Runtime and the built package.
import { cpSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";
import { twindnn } from "./run.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const at = (...parts: string[]): string => join(folder, ...parts);
const twin = at("twin");

beforeAll(async () => {
  writePair(folder);
  writeFileSync(at("labels.txt"), `${labels.join("\n")}\n`);
  writeFileSync(at("pre.json"), JSON.stringify(preprocessing));
  await writeImages(at("images"), 600);
  await writeImages(at("others"), 40, { seed: 2 });
});

const pairBy = (preprocess: string): string[] => [
  "pair",
  "--original",
  at("a.onnx"),
  "--compressed",
  at("b.onnx"),
  "--preprocess",
  preprocess,
];
const pairArguments = pairBy(at("pre.json"));

describe.sequential("a twin from two models and a folder of images", () => {
  test("pair makes a twin that escalates everything", async () => {
    const run = await twindnn([...pairArguments, "--labels", at("labels.txt"), "-o", twin]);
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(run.stderr).toContain("escalates every image");
    expect(readdirSync(twin).sort()).toEqual(["compressed.onnx", "original.onnx", "twin.json"]);
    const { stdout } = await twindnn(["classify", twin, at("others"), "--json"]);
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { answeredBy: string });
    expect(answers).toHaveLength(40);
    expect(new Set(answers.map(({ answeredBy }) => answeredBy))).toEqual(new Set(["original"]));
  });

  test("pair refuses to write over what is there, and replaces a twin when asked to", async () => {
    const refused = await twindnn([...pairArguments, "-o", twin]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--force");
    expect((await twindnn([...pairArguments, "-o", twin, "--force", "--labels", at("labels.txt")])).code).toBe(0);
    expect((await twindnn([...pairArguments, "-o", at("images"), "--force"])).code).toBe(2);
  });

  test("calibrate proves an agreement and stores the guarantee, ladder and canaries", async () => {
    const run = await twindnn([
      "calibrate",
      twin,
      "--data",
      at("images"),
      "--min-agreement",
      "90%",
      "--report",
      at("calibration.html"),
    ]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("Promised: an agreement of at least 90 % with 95 % probability");
    const manifest = JSON.parse(readFileSync(join(twin, "twin.json"), "utf8"));
    expect(manifest.guarantee).toMatchObject({ kind: "agreement", images: 500, probability: 0.95 });
    expect(manifest.guarantee.tolerance).toBeCloseTo(0.1);
    expect(manifest.ladder.length).toBeGreaterThan(0);
    expect(manifest.canaries.images).toBe(64);
    const page = readFileSync(at("calibration.html"), "utf8");
    for (const quantity of ["accuracy", "agreement", "escalated", "speed-up"])
      expect(page).toContain(`${quantity} over the threshold`.replace("agreement", "agreement with the original"));
  });

  test("verify passes on the machine that calibrated, and on images that keep the promise", async () => {
    const run = await twindnn(["verify", twin]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    expect(run.stdout).toContain("holds");
    const known = await twindnn(["verify", twin, "--data", at("images")]);
    expect(known.code).toBe(1);
    expect(known.stdout).toContain("600 of them calibrated the twin");
    const fresh = await writeImages(at("fresh"), 600, { seed: 4 });
    const proven = await twindnn(["verify", twin, "--data", fresh, "--json"]);
    expect(proven.code, proven.stderr).toBe(0);
    const { holds, images } = JSON.parse(proven.stdout);
    expect({ holds, ...images }).toMatchObject({ holds: true, proven: true, known: 0, images: 600 });
    expect(images.agreement.value).toBeGreaterThan(0.9);
  });

  test("calibrate lists the images whose class a promise on the drop lacks, and takes their classes back", async () => {
    const [unlabelled, list] = [await writeImages(at("unlabelled"), 600, { labelled: false, seed: 3 }), at("list.csv")];
    const copy = at("labelled-twin");
    cpSync(twin, copy, { recursive: true });
    const drop = ["calibrate", copy, "--data", unlabelled, "--max-drop", "5%"];
    const listing = ["calibrate", copy, "--data", unlabelled, "--min-agreement", "90%", "--to-label", list];
    expect((await twindnn(listing)).code).toBe(0);
    const [heading, ...lines] = readFileSync(list, "utf8").trimEnd().split("\n");
    expect(heading).toBe("file,class");
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(600);
    writeFileSync(list, [heading, ...lines.map((line) => `${line}${labels[0]}`)].join("\n"));
    const run = await twindnn([...drop, "--labelled", list, "--to-label", at("rest.csv")]);
    expect(run.stderr + run.stdout).not.toContain("no labels");
    expect(readFileSync(at("rest.csv"), "utf8")).toBe("file,class\n");
    const again = await twindnn([...drop, "--labelled", list, "--to-label", list]);
    expect(again.stderr).toMatch(/list\.csv: classes are filled in there/);
    expect(again.code).toBe(2);
  });

  test("evaluate reports what the images show, and warns of images that calibrated", async () => {
    const known = await twindnn(["evaluate", twin, "--data", at("images")]);
    expect(known.stderr).toContain("600 of these images calibrated the twin");
    const run = await twindnn(["evaluate", twin, "--data", at("others"), "--json"]);
    const { escalationRate, images, intervals, split, systems, twin: evaluated } = JSON.parse(run.stdout);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(images).toBe(40);
    expect(systems.twin.agreement).toBeGreaterThan(0.8);
    expect(intervals.agreement.value).toBe(systems.twin.agreement);
    expect(intervals.accuracy.original.value).toBe(systems["original-float32"].accuracy);
    expect(escalationRate).toBeLessThan(1);
    expect(split).toEqual({ source: "others" });
    expect(evaluated).toMatchObject({
      name: "twin",
      confidence: "margin",
      networks: { original: { parameters: expect.any(Number) } },
    });
  });

  test("inspect shows the promise of a twin and the layers of a model", async () => {
    const inspected = await twindnn(["inspect", twin]);
    expect(inspected.stdout).toContain("promised an agreement of at least 90 %");
    const model = await twindnn(["inspect", at("a.onnx")]);
    expect(model.stdout).toContain("Conv");
    expect(model.stdout).toContain("multiply-adds");
  });

  test("quantize writes an int8 model that pairs as a compressed network", async () => {
    const quantized = at("a-int8.onnx");
    const run = await twindnn([
      "quantize",
      at("a.onnx"),
      "--data",
      at("images"),
      "--take",
      "200",
      "--preprocess",
      at("pre.json"),
      "-o",
      quantized,
    ]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/agreement with float32 \d/);
    const paired = await twindnn([
      "pair",
      "--original",
      at("a.onnx"),
      "--compressed",
      quantized,
      "--preprocess",
      at("pre.json"),
      "-o",
      at("int8-twin"),
    ]);
    expect(paired.code, paired.stderr).toBe(0);
  });

  test("classify reads a list on the standard input and writes CSV", async () => {
    const paths = ["apple/0000.png", "book/0001.png"].map((name) => at("others", name));
    const run = await twindnn(["classify", twin, "-", "--csv", "--top", "2"], { input: `${paths.join("\n")}\n` });
    const rows = run.stdout.trim().split("\n");
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(rows[0]).toBe("image,class,label,probability,confidence,answeredBy,error");
    expect(rows.slice(1).map((row) => row.split(",")[0])).toEqual([paths[0], paths[0], paths[1], paths[1]]);
  });

  test("a corrupt image is reported in its place, the others are answered, and the exit code is 1", async () => {
    const mixed = await writeImages(at("mixed"), 6, { labelled: false, seed: 3 });
    writeFileSync(join(mixed, "0001.png"), "no image");
    truncateSync(join(mixed, "0003.png"), statSync(join(mixed, "0003.png")).size - 20);
    const run = await twindnn(["classify", twin, mixed, "--json"]);
    const answers = run.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { image: string; error?: string });
    expect(run.code).toBe(1);
    expect(answers.map(({ image }) => image.split("/").at(-1))).toEqual([
      "0000.png",
      "0001.png",
      "0002.png",
      "0003.png",
      "0004.png",
      "0005.png",
    ]);
    expect(answers.map(({ error }) => error !== undefined)).toEqual([false, true, false, true, false, false]);
    expect(run.stderr).not.toContain("    at ");
  });

  test("the same command gives the same answers twice, and in a process", async () => {
    const command = ["classify", twin, at("others"), "--json", "--deterministic"];
    const [once, again, apart] = await Promise.all(
      [command, command, [...command, "--isolation", "process"]].map((args) => twindnn(args)),
    );
    expect(again!.stdout).toBe(once!.stdout);
    expect(apart!.stdout).toBe(once!.stdout);
  });

  test("Ctrl-C ends it with exit code 130 and without a crash", async () => {
    const run = await twindnn(["classify", twin, ...Array.from({ length: 200 }, () => at("images"))], {
      after: (pid) => process.kill(pid, "SIGINT"),
    });
    expect(run).toMatchObject({ code: 130 });
    expect(run.stderr).toContain("interrupted");
  });
});

describe("bad input gets one line and the right exit code", () => {
  const cases: readonly [name: string, args: string[], code: number, message: RegExp][] = [
    ["an unknown command", ["calibrat"], 2, /Did you mean calibrate/],
    ["a missing option", ["calibrate", twin], 2, /--data/],
    [
      "a share that is none",
      ["calibrate", twin, "--data", at("images"), "--max-drop", "half"],
      2,
      /give a share such as/,
    ],
    ["an unknown preset", [...pairBy("cifar"), "-o", at("x")], 2, /cifar10/],
    [
      "a preprocessing that is no JSON",
      [...pairBy(at("three.txt")), "-o", at("x")],
      1,
      /^twindnn: [^\n]*three\.txt: is not JSON [^\n]*give a preset: [^\n]*\n$/,
    ],
    ["labels that are no text", [...pairArguments, "--labels", at("a.onnx"), "-o", at("y")], 1, /a\.onnx: is no list/],
    ["more cores than there are", ["plan", twin, "--cores", "4096"], 2, /--cores 4096: this process may run on \d+;/],
    [
      "a plan of networks that the twin has not",
      ["classify", twin, at("others"), "--plan", at("foreign.json")],
      1,
      /"original-int8", and there are [^\n]*make a plan for this twin/,
    ],
    ["a folder that is no twin", ["classify", at("images"), at("others")], 1, /holds no twin\.json/],
    [
      "a file of a twin as output",
      ["evaluate", twin, "--data", at("others"), "--json", join(twin, "twin.json")],
      1,
      /twin\.json: is part of a twin/,
    ],
    ["a selection of no image", ["classify", twin, at("others"), "--skip", "40"], 1, /others: the options leave none/],
    ["a folder without images", ["classify", twin, at("empty")], 1, /empty/],
    ["a missing model", ["inspect", at("missing.onnx")], 1, /missing\.onnx/],
    ["a model that is none", ["inspect", at("labels.txt")], 1, /labels\.txt.*not an ONNX model/],
    [
      "too few images for the promise",
      ["calibrate", twin, "--data", at("others"), "--min-agreement", "99%"],
      1,
      /needs at least \d+ images/,
    ],
    [
      "labels that do not match",
      [...pairArguments, "--labels", at("three.txt"), "-o", at("y")],
      2,
      /a\.onnx.* 4 classes apart, received 3 labels; give --labels/,
    ],
  ];
  beforeAll(() => {
    writeFileSync(at("three.txt"), "a\nb\nc\n");
    const lane = { kind: "cpu", networks: ["compressed", "original-int8", "original"], threads: 1 };
    const plan = { lanes: [lane], batch: { compressed: 8, original: 8 }, idleTakesFresh: false, isolation: "thread" };
    writeFileSync(at("foreign.json"), JSON.stringify(plan));
  });

  test.each(cases)("%s", async (_, args, code, message) => {
    const run = await twindnn(args);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
    expect(run.stderr).not.toContain("    at ");
  });

  test("a manifest with a wrong hash, an unknown version or a bad threshold is refused by name", async () => {
    const bad = at("bad");
    await twindnn([...pairArguments, "-o", bad]);
    const file = join(bad, "twin.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    const withManifest = async (change: object): Promise<string> => {
      writeFileSync(file, JSON.stringify({ ...manifest, ...change }));
      const run = await twindnn(["inspect", bad]);
      expect(run.code).toBe(1);
      return run.stderr;
    };
    expect(await withManifest({ schemaVersion: "9.0" })).toContain("schema version 9.0");
    expect(await withManifest({ threshold: "high" })).toContain("threshold");
    const original = { ...manifest.networks.original, sha256: "0".repeat(64) };
    expect(await withManifest({ networks: { ...manifest.networks, original } })).toContain("original.onnx");
  });

  test("two models with different class counts are refused and nothing is written", async () => {
    const { classifier } = await import("../support/models.ts");
    const { encodeModel } = await import("../../src/onnx/index.ts");
    writeFileSync(at("seven.onnx"), encodeModel(classifier({ seed: 1, classes: 7 })));
    const run = await twindnn([
      "pair",
      "--original",
      at("a.onnx"),
      "--compressed",
      at("seven.onnx"),
      "--preprocess",
      at("pre.json"),
      "-o",
      at("z"),
    ]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/4 and 7 classes/);
    expect(existsSync(at("z"))).toBe(false);
  });
});
