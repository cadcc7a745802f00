import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { imageBatches, type QuantizeOptions, quantizeModel } from "../../src/compress/index.ts";
import { answersOf, relativeError } from "../../src/compress/int8/answers.ts";
import type { ImageBatch } from "../../src/compress/int8/images.ts";
import { Observer } from "../../src/compress/int8/observe.ts";
import { observedValues, planOf, rangesOf } from "../../src/compress/int8/plan.ts";
import { insertQdq } from "../../src/compress/int8/qdq.ts";
import { findUnits } from "../../src/compress/int8/units.ts";
import { agreementOf, joinLogits } from "../../src/compress/logits.ts";
import { openImages, presets, selectImages } from "../../src/data/index.ts";
import { CalibrationError, UnsupportedOperatorError, UsageError } from "../../src/errors.ts";
import { describeModel, encodeModel, type Model, readModel, runModel } from "../../src/onnx/index.ts";
import { topClasses } from "../../src/twin/index.ts";
import { images, inverted, pointwiseClassifier, pooledClassifier, residual } from "./support.ts";

/** The operators that ONNX Runtime really runs. */
async function operatorsRun(model: Model): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "twindnn-int8-"));
  try {
    const optimizedModelFilePath = join(folder, "optimised.onnx");
    const options = { optimizedModelFilePath, graphOptimizationLevel: "all", logSeverityLevel: 3 } as const;
    await (await InferenceSession.create(encodeModel(model), options)).release();
    return readModel(optimizedModelFilePath).graph.nodes.map((node) => node.op);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function listOf(batches: AsyncIterable<ImageBatch>): Promise<Float32Array[]> {
  const list: Float32Array[] = [];
  for await (const { count, data } of batches) {
    for (let at = 0; at < count; at++)
      list.push(data.slice((at * data.length) / count, ((at + 1) * data.length) / count));
  }
  return list;
}

const quantized = async (model: Model, options: QuantizeOptions = {}, count = 48) =>
  await quantizeModel(model, images(count), { threads: 1, ...options });

const bytesInBatchesOf = async (batch: number) =>
  encodeModel((await quantizeModel(residual(), images(40, { batch }), { threads: 1 })).model);

describe("the int8 model", () => {
  it.each([
    ["a residual network", residual, { QLinearConv: 3, QLinearAdd: 1, QLinearGlobalAveragePool: 1, QGemm: 1 }],
    ["an inverted residual", inverted, { QLinearConv: 3, QLinearGlobalAveragePool: 1, QGemm: 1 }],
  ] as const)("runs %s in integer kernels alone", async (_, make, kernels) => {
    const operators = await operatorsRun((await quantized(make())).model);
    for (const [op, count] of Object.entries(kernels))
      expect(operators.filter((name) => name === op)).toHaveLength(count);
    for (const op of ["Conv", "FusedConv", "Gemm", "Relu", "Clip", "Add"]) expect(operators).not.toContain(op);
  });

  it.each([
    ["a residual network", residual],
    ["an inverted residual", inverted],
  ] as const)("gives the outputs of %s within a few hundredths", async (_, make) => {
    const model = make();
    const { model: int8 } = await quantized(model);
    const others = await listOf(images(64, { seed: 99 }));
    const [wanted, got] = [await answersOf(model, others, 1), await answersOf(int8, others, 1)];
    expect(relativeError(wanted, got)).toBeLessThan(0.02);
    expect(new Set(topClasses(wanted)).size).toBeGreaterThan(1);
    expect(agreementOf(wanted, got)).toBeGreaterThan(0.85);
  });

  it("computes the same fused into integer kernels as written in float32, at 7 bits", async () => {
    const { model } = await quantized(residual(), { weightBits: 7 });
    const others = await listOf(images(16, { seed: 99 }));
    const input = {
      type: "float32" as const,
      dims: [16, 3, 8, 8],
      data: Float32Array.from(others.flatMap((x) => [...x])),
    };
    const written = (await runModel(model, new Map([["input", input]]))).get("logits")!.data as Float32Array;
    const fused = await answersOf(model, others, 1);
    expect(relativeError(joinLogits([written], 4), fused)).toBeLessThan(1e-3);
  });

  it.each([
    ["a 1 x 1 convolution, in an integer product", pointwiseClassifier, { QLinearConv: 1, QGemm: 1 }],
    ["a pooled convolution, in a float32 mean", pooledClassifier, { QLinearConv: 2, GlobalAveragePool: 1 }],
  ] as const)("gives answers of float32 precision from %s", async (_, make, kernels) => {
    const { model } = await quantized(make());
    const operators = await operatorsRun(model);
    for (const [op, count] of Object.entries(kernels))
      expect(operators.filter((name) => name === op)).toHaveLength(count);
    const { data } = await answersOf(model, await listOf(images(256, { seed: 99 })), 1);
    // Eight bits have 256 codes; 1,024 answers have more values.
    expect(new Set(data).size).toBeGreaterThan(512);
  });

  it("is the same for the same images, however they are batched", async () => {
    expect(await bytesInBatchesOf(8)).toEqual(await bytesInBatchesOf(5));
  });

  it.each([
    ["zeros", () => 0],
    ["a constant", () => 2.5],
    ["a huge outlier", (x: number) => (x > 3.3 ? 1e6 : x)],
  ])("has finite outputs when calibrated on %s", async (_, value) => {
    const { model } = await quantizeModel(residual(), images(16, { value }), { threads: 1 });
    const { data } = await answersOf(model, await listOf(images(8, { value })), 1);
    expect(data.every(Number.isFinite)).toBe(true);
  });
});

describe("the report", () => {
  it("has a line for every node but removed identities, and tells calibration images from held-out ones", async () => {
    const { report } = await quantized(residual());
    const operators = residual().graph.nodes.map(({ op }) => op);
    const kept = operators.filter((op) => op !== "Identity");
    expect(report.nodes.map(({ op }) => op).toSorted()).toEqual(kept.toSorted());
    expect(report.images).toEqual({ calibration: 36, heldOut: 12 });
    expect(report.method).toBe("percentile-99.9");
    expect(report.time.float32Ms).toBeGreaterThan(0);
  });

  it("says why a node stays float32", async () => {
    const model = residual();
    model.graph.nodes.find(({ op }) => op === "Relu")!.op = "Tanh";
    const { report } = await quantized(model);
    expect(report.nodes.find(({ op }) => op === "Tanh")).toMatchObject({
      precision: "float32",
      reason: "the operator has no integer kernel",
    });
  });

  it("names the nodes that give the answers", async () => {
    const { report } = await quantized(pooledClassifier());
    const answering = report.nodes.filter(({ reason }) => reason === "it gives the answers, which stay float32");
    expect(answering.map(({ op }) => op).toSorted()).toEqual(["Flatten", "GlobalAveragePool", "Softmax"]);
  });
});

/** One pixel in thousands is so bright that the codes of the input are too coarse for all others. */
const coarse = () => images(160, { value: (x) => (x > 3.3 ? 1000 : x) });

describe("minAgreement", () => {
  it("gives nodes back to float32 until held-out images agree, and names them", async () => {
    const options = { threads: 1, method: "minmax", weightBits: 7 } as const;
    expect((await quantizeModel(residual(), coarse(), options)).report.agreement).toBeLessThan(1);
    const { report } = await quantizeModel(residual(), coarse(), { ...options, minAgreement: 1 });
    expect(report.givenBack.length).toBeGreaterThan(0);
    expect(report.agreement).toBe(1);
    const float = report.nodes.filter(({ reason }) => reason?.startsWith("given back")).map(({ node }) => node);
    expect(float.toSorted()).toEqual(report.givenBack.toSorted());
  });

  it("says when so few images are held out that not one may differ", async () => {
    const options = { threads: 1, method: "minmax", weightBits: 7, minAgreement: 0.98 } as const;
    const { report } = await quantizeModel(residual(), coarse(), options);
    expect(report.images.heldOut).toBe(40);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/not one of the 40 images held out may differ .* given 200 images in all, one may/),
    );
    const lenient = await quantizeModel(residual(), coarse(), { ...options, minAgreement: 0.97 });
    expect(lenient.report.notes.join()).not.toContain("held out");
  });
});

describe("bias correction", () => {
  it("brings the outputs nearer to those in float32", async () => {
    const others = await listOf(images(64, { seed: 99 }));
    const wanted = await answersOf(inverted(), others, 1);
    const errorWith = async (biasCorrection: boolean) => {
      const { model } = await quantized(inverted(), { biasCorrection, method: "percentile-99.9" }, 96);
      return relativeError(wanted, await answersOf(model, others, 1));
    };
    expect(await errorWith(true)).toBeLessThan(await errorWith(false));
  });
});

describe("calibration", () => {
  it("keeps the same bytes for 10 images and for 200", async () => {
    const model = residual();
    const values = observedValues(model, findUnits(model).units);
    const bytesAfter = async (count: number) => {
      await using observer = await Observer.open(model, values, 1);
      for (const image of await listOf(images(count))) await observer.add(image);
      await observer.finish();
      expect(observer.count).toBe(count);
      return observer.bytes;
    };
    expect(await bytesAfter(200)).toBe(await bytesAfter(10));
  });

  it("quantises one node alone when asked to", async () => {
    const model = residual();
    const { units } = findUnits(model);
    await using observer = await Observer.open(model, observedValues(model, units), 1);
    for (const image of await listOf(images(16))) await observer.add(image);
    await observer.finish();
    const ranges = rangesOf(model, units, observer.histograms, "minmax");
    const alone = insertQdq(model, planOf(model, [units[0]!], ranges, 7));
    const operators = await operatorsRun(alone);
    expect(operators.filter((op) => op === "QLinearConv")).toHaveLength(1);
    expect(operators).toContain("Gemm");
  });
});

describe("refusals", () => {
  it("refuses a model that is quantised already, naming the node", async () => {
    const { model } = await quantized(residual());
    await expect(quantized(model)).rejects.toThrow(UnsupportedOperatorError);
  });

  it("refuses too few images, saying how many it needs", async () => {
    await expect(quantized(residual(), {}, 7)).rejects.toThrow(/received 7 images, too few .*: give at least 8/);
    await expect(quantized(residual(), {}, 7)).rejects.toThrow(CalibrationError);
  });

  it("refuses images of another size", async () => {
    const batch = { count: 2, data: new Float32Array(100) };
    await expect(
      quantizeModel(
        residual(),
        (async function* () {
          yield batch;
        })(),
      ),
    ).rejects.toThrow(CalibrationError);
  });

  it("names the file, and the node of an operator that it cannot run", async () => {
    const folder = mkdtempSync(join(tmpdir(), "twindnn-int8-"));
    const stored = (name: string, change: (model: Model) => unknown): Model => {
      const model = residual();
      change(model);
      writeFileSync(join(folder, name), encodeModel(model));
      return readModel(join(folder, name));
    };
    const renamed = stored("unknown.onnx", ({ graph }) =>
      Object.assign(graph.nodes.at(-1)!, { op: "Bar", name: "end" }),
    );
    const two = stored("two.onnx", ({ graph }) => graph.inputs.push({ ...graph.inputs[0]!, name: "mask" }));
    const nan = stored("nan.onnx", ({ graph }) => {
      for (const tensor of graph.constants.values())
        if (tensor.type === "float32") (tensor.data as Float32Array).fill(NaN);
    });
    try {
      await expect(quantized(renamed)).rejects.toThrow(UnsupportedOperatorError);
      await expect(quantized(renamed)).rejects.toThrow(/unknown\.onnx: operator Bar \(node "end"\)/);
      await expect(quantized(two)).rejects.toThrow(/two\.onnx: has 2 inputs/);
      await expect(quantized(nan)).rejects.toThrow(/nan\.onnx: .*NaN/);
      expect(() => describeModel(renamed)).toThrow(/unknown\.onnx: operator Bar \(node "end"\)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses options that make no sense", async () => {
    await expect(quantized(residual(), { minAgreement: 99 })).rejects.toThrow(UsageError);
    await expect(quantized(residual(), { method: "entropy" as "mse" })).rejects.toThrow(/known: minmax/);
  });

  it("stops at an abort with its reason", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const onProgress = () => controller.abort(reason);
    await expect(quantized(residual(), { signal: controller.signal, onProgress })).rejects.toBe(reason);
  });
});

const data = process.env.TWINDNN_DATA;

/** Sixteen random 32x32 images. */
async function* noise(): AsyncGenerator<ImageBatch> {
  const { value } = await images(256, { batch: 256 }).next();
  yield { count: 16, data: (value as ImageBatch).data.subarray(0, 16 * 3072) };
}

/** Images of a split of CIFAR-10, chosen by a seed, as network inputs. */
async function* cifar(model: Model, split: "train" | "test", take: number): AsyncGenerator<ImageBatch> {
  const source = await selectImages(await openImages(`${data}/cifar10/${split}.tar.gz`), { shuffle: 1, take });
  yield* imageBatches(model, presets.cifar10, source);
}

describe.skipIf(!data)("ResNet-20 of the shared data", () => {
  it("runs wholly in integer kernels", async () => {
    const model = readModel(`${data}/models/resnet20-jpeg.onnx`);
    const { model: int8 } = await quantizeModel(model, noise(), { threads: 1, biasCorrection: false });
    const operators = await operatorsRun(int8);
    expect(operators.filter((op) => op === "QLinearConv")).toHaveLength(19);
    expect(operators).not.toContain("Conv");
    expect(operators).not.toContain("DequantizeLinear");
  });
  it("keeps the class of at least 97 % of test images, calibrated on training images", async () => {
    const model = readModel(`${data}/models/resnet20-jpeg.onnx`);
    const { model: int8 } = await quantizeModel(model, cifar(model, "train", 128), { threads: 1 });
    const test = await listOf(cifar(model, "test", 300));
    const [wanted, got] = [await answersOf(model, test, 1), await answersOf(int8, test, 1)];
    expect(new Set(topClasses(wanted)).size).toBe(10);
    expect(agreementOf(wanted, got)).toBeGreaterThanOrEqual(0.97);
  }, 60_000);
});
