// Needs: ONNX Runtime and the built package.
import { execFile } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createPreprocessor, decodeImage, openImages, selectImages } from "../../src/data/index.ts";
import { InputError, ManifestError, ModelError, UsageError } from "../../src/errors.ts";
import { cpuClass } from "../../src/lanes/index.ts";
import { encodeModel, readModel } from "../../src/onnx/index.ts";
import { sha256Of as sha256 } from "../../src/twin/hash.ts";
import {
  addNetwork,
  admitNetwork,
  answerAll,
  type ConfidenceMeasure,
  calibrateTwin,
  confidenceMeasures,
  confidences,
  logitsOf,
  type Manifest,
  pairTwin,
  readTwin,
  Twin,
  topClasses,
} from "../../src/twin/index.ts";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const { path: folder, remove } = scratch();
const path = join(folder, "twin");
let images: string;

beforeAll(async () => {
  await pairTwin({ ...writePair(folder), preprocessing, labels, output: path });
  const calibration = await openImages(await writeImages(join(folder, "calibration"), 500));
  await calibrateTwin(path, calibration, { promise: { kind: "agreement", tolerance: 0.1, probability: 0.95 } });
  images = await writeImages(join(folder, "images"), 50, { labelled: false, seed: 9 });
});
afterAll(remove);

const image = (index: number): string => join(images, `${String(index).padStart(4, "0")}.png`);

describe("a twin", () => {
  test("answers with the compressed network where it is sure, and with the original elsewhere", async () => {
    const twinFolder = await readTwin(path);
    const source = await openImages(images);
    const collected = await answerAll(twinFolder, ["compressed", "original"], source, {});
    const [compressed, original] = (["compressed", "original"] as const).map((name) => logitsOf(collected, name));
    const sure = confidences(twinFolder.manifest.confidence, compressed!).map((value) =>
      Number(value >= twinFolder.manifest.threshold!),
    );
    const expected = [...sure.keys()].map((i) => (sure[i] ? topClasses(compressed!)[i] : topClasses(original!)[i]));
    await using twin = await Twin.load(path);
    const answers = [];
    for await (const result of twin.classifyAll(source)) answers.push(result);
    expect(answers.map((result) => ("class" in result ? result.class : undefined))).toEqual(expected);
    expect(answers.map((result) => "class" in result && result.answeredBy === "compressed")).toEqual(
      [...sure].map(Boolean),
    );
    expect(new Set(sure).size).toBe(2);
  });

  test("takes a path, a URL, a buffer, a blob or pixels, and gives them all the same answer", async () => {
    const bytes = readFileSync(image(3));
    const inputs = [image(3), pathToFileURL(image(3)), bytes, new Blob([bytes]), await decodeImage(image(3))];
    await using twin = await Twin.load(path, { deterministic: true });
    const answers = await Promise.all(inputs.map((input) => twin.classify(input)));
    for (const answer of answers) expect(answer.scores).toEqual(answers[0]!.scores);
    expect(labels).toContain(answers[0]!.label);
    expect(answers[0]!.scores.reduce((sum, score) => sum + score)).toBeCloseTo(1, 5);
    expect(answers[0]!.top(2)[0]).toMatchObject({ class: answers[0]!.class, label: answers[0]!.label });
  });

  test("gives a failure in the place of an image that cannot be read, and answers the others", async () => {
    await using twin = await Twin.load(path);
    const results = [];
    for await (const result of twin.classifyAll([image(0), join(folder, "nowhere.png"), image(1)]))
      results.push(result);
    expect(results.map((result) => "error" in result)).toEqual([false, true, false]);
    await expect(twin.classify(join(folder, "nowhere.png"))).rejects.toThrow(InputError);
  });

  test("stops at once when aborted, and answers others afterwards", async () => {
    await using twin = await Twin.load(path);
    const controller = new AbortController();
    const forever = (function* () {
      for (;;) yield image(0);
    })();
    let answered = 0;
    const run = async (): Promise<void> => {
      for await (const _ of twin.classifyAll(forever, { signal: controller.signal }))
        if (++answered === 10) controller.abort();
    };
    await expect(run()).rejects.toThrow(/abort/i);
    expect((await twin.classify(image(1))).label).toBeDefined();
  });

  test("answers nothing any more once disposed", async () => {
    const twin = await Twin.load(path);
    await twin.dispose();
    await twin.dispose();
    await expect(twin.classify(image(0))).rejects.toThrow(new UsageError("the twin is disposed of; load it again"));
  });

  test("is loaded from a file: URL as from a path", async () => {
    await using twin = await Twin.load(pathToFileURL(path));
    expect(labels).toContain((await twin.classify(image(0))).label);
  });
});

describe("a call that makes no sense is refused with what is known", () => {
  const options: readonly [name: string, options: object, message: RegExp][] = [
    ["a plan without lanes", { plan: {} }, /options of Twin\.load: .*plan\.lanes/],
    ["an unknown isolation", { isolation: "x" }, /isolation.*"thread", "process"/],
    ["an unknown option", { planned: true }, /planned.*known: plan, isolation, deterministic/],
    ["a value of another kind", { deterministic: "yes" }, /deterministic.*boolean/],
    ["an unknown way out", { onMismatch: "ignore" }, /onMismatch.*"refuse", "original-only"/],
    ["a signal that is none", { signal: 5 }, /signal.*must be an AbortSignal/],
  ];
  test.each(options)("%s", async (_, given, message) => {
    const loaded = Twin.load(path, given);
    await expect(loaded).rejects.toThrow(UsageError);
    await expect(loaded).rejects.toThrow(message);
  });

  test("a folder that is neither a path nor a file: URL", async () => {
    for (const given of [undefined, 5, new URL("https://example.org/twin")] as unknown[]) {
      const loaded = Twin.load(given as string);
      await expect(loaded).rejects.toThrow(UsageError);
      await expect(loaded).rejects.toThrow(/give a path or a file: URL/);
    }
  });

  test("an unknown option of classify, and a number of guesses that is none", async () => {
    await using twin = await Twin.load(path);
    await expect(twin.classify(image(0), { sginal: 5 } as object)).rejects.toThrow(/sginal.*known: signal/);
    const answer = await twin.classify(image(0));
    for (const n of [0, -1, 1.5]) expect(() => answer.top(n)).toThrow(UsageError);
  });

  test("something that holds no image", async () => {
    await using twin = await Twin.load(path);
    for (const input of [null, undefined, 5, true, {}] as unknown[]) {
      const answer = twin.classify(input as string);
      await expect(answer).rejects.toThrow(UsageError);
      await expect(answer).rejects.toThrow(/an image is .*; known: a path, a URL, bytes/);
    }
    await expect(listOf(twin.classifyAll(5 as unknown as string[]))).rejects.toThrow(/classifyAll takes a list/);
    await expect(listOf(twin.classifyAll([null as unknown as string]))).rejects.toThrow(UsageError);
  });
});

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("a confidence that is named when the twin is calibrated", () => {
  const promise = { kind: "agreement", tolerance: 0.2, probability: 0.95 } as const;
  const calibratedBy = async (confidence: ConfidenceMeasure) => {
    const copy = join(folder, `by-${confidence}`);
    cpSync("models/fashion-mnist/twin", copy, { recursive: true });
    const source = await selectImages(await openImages("models/fashion-mnist/test.npz"), { take: 1000 });
    return await calibrateTwin(copy, source, { promise, confidence });
  };

  test.each(confidenceMeasures)("%s stands in the manifest, which is read again", async (measure) => {
    const { manifest } = await calibratedBy(measure);
    expect(manifest.confidence.measure).toBe(measure);
    expect((await readTwin(join(folder, `by-${measure}`))).manifest).toEqual(manifest);
    const fitted = measure === "tempered" || measure === "energy";
    expect(manifest.confidence.temperature !== 1).toBe(fitted);
  });

  test("and that is not known is refused with the known ones", async () => {
    await expect(calibratedBy("certainty" as ConfidenceMeasure)).rejects.toThrow(
      /unknown confidence measure "certainty"; known: margin/,
    );
  });
});

/** Pretends that the twin was calibrated elsewhere, with canaries that this machine cannot reproduce. */
function pretend(change: (canaries: Float32Array) => void): () => void {
  const [manifestFile, canaryFile] = [join(path, "twin.json"), join(path, "canaries.bin")];
  const before = [manifestFile, canaryFile].map((file) => readFileSync(file));
  const bytes = new Uint8Array(before[1]!);
  const floats = new Float32Array(bytes.slice(bytes.length - 64 * labels.length * 8).buffer);
  change(floats);
  bytes.set(new Uint8Array(floats.buffer), bytes.length - floats.byteLength);
  writeFileSync(canaryFile, bytes);
  const manifest = JSON.parse(before[0]!.toString());
  manifest.guarantee.cpuClass = cpuClass() === "arm64" ? "x64" : "arm64";
  manifest.canaries.sha256 = sha256(bytes);
  writeFileSync(manifestFile, JSON.stringify(manifest));
  return () => {
    writeFileSync(manifestFile, before[0]!);
    writeFileSync(canaryFile, before[1]!);
  };
}

test("an abort while lanes open ends loading", async () => {
  const controller = new AbortController();
  setImmediate(() => controller.abort(new Error("enough")));
  await expect(Twin.load(path, { isolation: "process", signal: controller.signal })).rejects.toThrow("enough");
});

test("a program given to node as text can load a twin", async () => {
  const library = new URL("../../dist/index.js", import.meta.url).href;
  const program = `import { Twin } from ${JSON.stringify(library)};
    const twin = await Twin.load(${JSON.stringify(path)}); console.log("loaded"); await twin.dispose();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  expect(stdout).toBe("loaded\n");
});

describe("a twin on another machine", () => {
  test("answers where its canaries come out as they did", async () => {
    const restore = pretend(() => undefined);
    try {
      await using twin = await Twin.load(path);
      expect(twin.mismatch).toBeUndefined();
    } finally {
      restore();
    }
  });

  test("is refused where they do not, or answers with the original alone when asked to", async () => {
    const restore = pretend((logits) => {
      logits[0]! += 100;
    });
    try {
      await expect(Twin.load(path)).rejects.toThrow(ManifestError);
      await using twin = await Twin.load(path, { onMismatch: "original-only" });
      expect(twin.mismatch).toContain("differ by more than was allowed for");
      expect((await twin.classify(image(0))).answeredBy).toBe("original");
    } finally {
      restore();
    }
  });

  test.each([
    ["apart", [["compressed"], ["original"]]],
    ["together", [["compressed", "original"]]],
  ] as const)("answers with the original alone on the lanes of a plan that has networks %s", async (_, lanes) => {
    const restore = pretend((logits) => {
      logits[0]! += 100;
    });
    const plan = {
      lanes: lanes.map((networks) => ({ kind: "cpu" as const, networks, threads: 1 })),
      batch: { compressed: 4, original: 4 },
      idleTakesFresh: false,
      isolation: "thread" as const,
    };
    try {
      await using twin = await Twin.load(path, { onMismatch: "original-only", plan });
      expect((await twin.classify(image(0))).answeredBy).toBe("original");
    } finally {
      restore();
    }
  });
});

describe("a network that puts out no number", () => {
  const broken = join(folder, "nan");
  const twin = join(broken, "twin");
  const nan = (): Buffer => {
    const model = readModel(join(broken, "a.onnx"));
    for (const { data } of model.graph.constants.values()) (data as Float32Array).fill(Number.NaN);
    return Buffer.from(encodeModel(model));
  };

  beforeAll(async () => {
    await pairTwin({ ...writePair(broken), preprocessing, labels, output: twin });
    const manifest = JSON.parse(readFileSync(join(twin, "twin.json"), "utf8")) as Manifest;
    const entry = { ...manifest.networks.compressed, sha256: sha256(nan()) };
    writeFileSync(join(twin, "compressed.onnx"), nan());
    const networks = { ...manifest.networks, compressed: entry };
    writeFileSync(join(twin, "twin.json"), JSON.stringify({ ...manifest, networks }));
  });

  test("is not paired", async () => {
    const compressed = join(broken, "nan.onnx");
    writeFileSync(compressed, nan());
    const pairing = pairTwin({ ...writePair(broken), compressed, preprocessing, labels, output: join(broken, "no") });
    await expect(pairing).rejects.toThrow(/nan\.onnx: answers random images with what is no number; check its weights/);
    expect(existsSync(join(broken, "no"))).toBe(false);
  });

  test("leaves no folder behind that was made for it", async () => {
    const fits = { ...writePair(broken), preprocessing, output: join(broken, "deep", "er", "twin") };
    const tooLong = { description: { file: "x".repeat(300), bytes: Buffer.of(1) } };
    const integerForm = { ...tooLong, weights: { file: "weights.bin", bytes: Buffer.of(1) } };
    await expect(pairTwin({ ...fits, integerForm })).rejects.toThrow(/deep.er.twin: cannot be written/);
    expect(existsSync(join(broken, "deep"))).toBe(false);
  });

  test("is refused by its file, its role and the image", async () => {
    const answers = answerAll(await readTwin(twin), ["compressed", "original"], await openImages(images), {});
    await expect(answers).rejects.toThrow(ModelError);
    await expect(answers).rejects.toThrow(
      /compressed\.onnx: the compressed network put out NaN for class 0 of image 0000\.png/,
    );
  });

  test("answers no image, and the failure names its file", async () => {
    await using loaded = await Twin.load(twin);
    await expect(loaded.classify(image(0))).rejects.toThrow(
      /compressed network .* not finite; check .*compressed\.onnx/,
    );
  });
});

test("preparing an image makes what the networks read", async () => {
  const preprocessor = createPreprocessor(preprocessing);
  const { shape } = preprocessor;
  expect((await preprocessor.prepare(await decodeImage(image(0)))).length).toBe(shape[0] * shape[1] * shape[2]);
});

test("a twin of a later minor version answers, and is not changed: nothing that only that version understands is lost", async () => {
  const later = join(folder, "later");
  cpSync(path, later, { recursive: true });
  const file = join(later, "twin.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), schemaVersion: "1.1", energy: 3 }));
  const before = filesIn(later);
  const promise = { kind: "agreement", tolerance: 0.1, probability: 0.95 } as const;
  const changed = calibrateTwin(later, await openImages(images), { promise });
  await expect(changed).rejects.toThrow(ManifestError);
  await expect(changed).rejects.toThrow(
    /later: has schema version 1\.1, this twindnn changes twins up to 1\.0; update/,
  );
  const int8 = await admitNetwork(join(later, "original.onnx"), "original-int8.onnx");
  await expect(addNetwork(await readTwin(later), "original-int8", int8)).rejects.toThrow(ManifestError);
  expect(filesIn(later)).toEqual(before);
  await using twin = await Twin.load(later);
  expect(await twin.classify(image(0))).toMatchObject({ name: image(0) });
});

/** The hashes of a folder's files, by name. */
const filesIn = (path: string) => readdirSync(path).map((name) => [name, sha256(readFileSync(join(path, name)))]);

test("a damaged file is found when the twin is loaded", async () => {
  const copy = join(folder, "damaged");
  await pairTwin({ ...writePair(folder), preprocessing, labels, output: copy });
  rmSync(join(copy, "compressed.onnx"));
  await expect(Twin.load(copy)).rejects.toThrow(/compressed\.onnx/);
});
