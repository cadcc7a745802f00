import { describe, expect, test } from "vitest";
import { quantizeModel } from "../../../src/compress/int8/quantize.ts";
import { type SlimOptions, slim } from "../../../src/compress/slim/index.ts";
import { weightsOf, withWeights } from "../../../src/compress/slim/layers.ts";
import { matrix } from "../../../src/compress/slim/linear-algebra.ts";
import { Ranking } from "../../../src/compress/slim/ranking.ts";
import { findSites } from "../../../src/compress/slim/sites.ts";
import { residualBlocks, simplify } from "../../../src/compress/surgery/index.ts";
import { CalibrationError, UsageError } from "../../../src/errors.ts";
import { checkModel, modelCost } from "../../../src/onnx/index.ts";
import { imageSize } from "../../../src/train/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { classifier } from "../../support/models.ts";
import { noiseImages } from "./support.ts";

const quick = { seed: 1, candidates: 3, steps: 0 } as const;
const resnet = architectures["resnet-basic"]!(1);
const images = noiseImages(resnet, 40);

describe("slim", () => {
  test.each(["resnet-basic", "resnet-padded", "vgg", "mobilenet-v2", "densenet", "keras"])(
    "%s keeps to a share of its multiply-accumulates",
    async (name) => {
      const model = architectures[name]!(1);
      const { model: slimmed, report } = await slim(model, noiseImages(model, 30), { ...quick, target: { macs: 0.9 } });
      checkModel(slimmed);
      expect(modelCost(slimmed).macs).toBe(report.macs.after);
      expect(report.macs.after).toBeLessThanOrEqual(0.9 * report.macs.before);
    },
  );

  test("a model of opset 11 is thinned like any other", async () => {
    const { model } = await slim({ ...resnet, opset: 11 }, images, { ...quick, target: { macs: 0.8 } });
    checkModel(model);
  });

  test("layers, classifier and mimicking each make a network, and the nearest to the original is returned", async () => {
    const { model, report } = await slim(resnet, images, { ...quick, steps: 8, target: { macs: 0.8 } });
    expect(report.networks.map(({ name }) => name)).toEqual([
      "refitted layers",
      "refitted classifier",
      "mimicking",
      "mimicking, refitted classifier",
    ]);
    const nearest = Math.min(...report.networks.map(({ divergence }) => divergence));
    const ranking = await Ranking.start(resnet, images, 1);
    await ranking.add("returned", model);
    expect(ranking.best.divergence).toBeLessThan(10 * nearest);
  });

  test("past the deadline it eliminates nothing exactly, takes the refitted layers, and says why it did not mimic", async () => {
    const searched: number[] = [];
    const { report } = await slim(resnet, images, {
      ...quick,
      steps: 20,
      target: { macs: 0.8 },
      deadline: performance.now(),
      onProgress: (step, done) => void (step === "slim: search" && searched.push(done)),
    });
    expect(searched).toEqual([1]);
    expect(report.hurried).toBe(report.layers.length);
    expect(report.macs.after).toBeLessThanOrEqual(0.8 * report.macs.before);
    expect(report.notMimicked).toBe("there is no time left to mimic the original");
    expect(report.networks.map(({ name }) => name)).toEqual(["refitted layers", "refitted classifier"]);
  });

  test("before the deadline it mimics for as many steps as were asked for, at most, and lets itself be watched", async () => {
    const steps: number[] = [];
    let judged = 0;
    await slim(resnet, images, {
      ...quick,
      steps: 4,
      target: { macs: 0.8 },
      deadline: performance.now() + 3_600_000,
      mimicking: { onStep: ({ step }) => void steps.push(step), onEpoch: () => void judged++ },
    });
    expect(steps).toEqual([1, 2, 3, 4]);
    expect(judged).toBe(4);
  });

  test("the same seed gives the same network", async () => {
    const options = { ...quick, target: { macs: 0.8 } };
    const [a, b] = [await slim(resnet, images, options), await slim(resnet, images, options)];
    expect(b.model.graph.constants).toEqual(a.model.graph.constants);
    expect(b.report).toEqual(a.report);
  });

  test("a residual block that adds next to nothing goes first", async () => {
    const simple = await simplify(resnet);
    const site = findSites(simple).sites.find(({ block }) => block?.id === "Add_1")!;
    const weights = weightsOf(simple, site.layer);
    const faint = matrix(
      weights.rows,
      weights.columns,
      weights.data.map((value) => 1e-4 * value),
    );
    const model = withWeights(simple, site.layer, faint, new Float64Array(site.layer.outputs));
    const { model: slimmed, report } = await slim(model, images, { ...quick, target: { macs: 0.7 } });
    expect(report.layers.find(({ group }) => group === site.group.id)?.after).toBe(0);
    expect(residualBlocks(slimmed)).toHaveLength(residualBlocks(model).length - 1);
  });

  test("layers too wide for the exact elimination are thinned and refitted", async () => {
    const wide = classifier({ seed: 1, width: 136, depth: 2 });
    const { report } = await slim(wide, noiseImages(wide, 40), { ...quick, target: { macs: 0.6 } });
    expect(report.macs.after).toBeLessThanOrEqual(0.6 * report.macs.before);
    expect(report.layers.some(({ error }) => error > 0)).toBe(true);
    expect(report.networks[0]!.agreement).toBeGreaterThan(0.7);
  });

  test("a target of bytes is met by the network in int8, its scales and biases included", async () => {
    const size = Math.round(0.8 * modelCost(resnet).parameters);
    const { model } = await slim(resnet, images, { ...quick, target: { size } });
    const batches = async function* () {
      yield { count: 8, data: new Float32Array(8 * imageSize(images.data)).fill(0.5) };
    };
    const { model: inInt8 } = await quantizeModel(model, batches());
    expect(modelCost(inInt8).parameters).toBeLessThanOrEqual(size);
    expect(modelCost(inInt8).parameters).toBeGreaterThan(0.85 * size);
  });

  test("a classifier of 1x1 convolutions is refitted and mimics too", async () => {
    const model = architectures.squeezenet!(1);
    const options = { ...quick, steps: 2, target: { macs: 0.9 } };
    const { report } = await slim(model, noiseImages(model, 40), options);
    expect(report.notMimicked).toBeUndefined();
    expect(report.networks.map(({ name }) => name)).toContain("mimicking");
  });

  test("a target of speed is met by the latency table", async () => {
    const { report } = await slim(resnet, images, { ...quick, target: { speedUp: 1.05 } });
    expect(report.macs.after).toBeLessThan(report.macs.before);
  });

  test.each<[string, SlimOptions["target"]]>([
    ["a share of one", { macs: 1 }],
    ["a speed-up of one", { speedUp: 1 }],
    ["no bytes", { size: 0 }],
    ["a share that no widths reach", { macs: 0.001 }],
  ])("%s is refused", async (_, target) => {
    const begun: string[] = [];
    const run = slim(resnet, images, { ...quick, target, onProgress: (step) => void begun.push(step) });
    await expect(run).rejects.toThrow(UsageError);
    expect(begun).toEqual([]);
  });

  test("too few images are refused with the number needed", async () => {
    const run = slim(resnet, noiseImages(resnet, 5), { ...quick, target: { macs: 0.8 } });
    await expect(run).rejects.toThrow(CalibrationError);
    await expect(run).rejects.toThrow("received 5 images, too few; slim needs at least 20");
  });

  test("an abort ends the run", async () => {
    const signal = AbortSignal.abort();
    await expect(slim(resnet, images, { ...quick, target: { macs: 0.8 }, signal })).rejects.toThrow("abort");
  });
});
