import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { agreementOf } from "../../../src/compress/logits.ts";
import { loadImages } from "../../../src/compress/pipeline/images.ts";
import { answersOf, type SlimImages } from "../../../src/compress/slim/images.ts";
import { weightsOf } from "../../../src/compress/slim/layers.ts";
import { prune } from "../../../src/compress/slim/prune.ts";
import { findSites, type Site } from "../../../src/compress/slim/sites.ts";
import { removeChannels, simplify } from "../../../src/compress/surgery/index.ts";
import { createPreprocessor, loadPreprocessing, openImages, splitImages } from "../../../src/data/index.ts";
import { type Model, readModel } from "../../../src/onnx/index.ts";
import { shuffledIndices } from "../../../src/shuffle.ts";
import { subset } from "../../../src/train/index.ts";

const data = process.env.TWINDNN_DATA ?? "";

/** Disjoint images to fit on and to judge by. */
async function images(fitting: number, held: number): Promise<[SlimImages, SlimImages]> {
  const preprocessing = loadPreprocessing("cifar10");
  const { normalisation } = createPreprocessor(preprocessing);
  const source = await openImages(join(data, "cifar10", "test.tar.gz"));
  const { both } = await splitImages(source, { both: fitting + held, unused: "rest" }, 1);
  const { data: loaded } = await loadImages(both, preprocessing);
  const order = shuffledIndices(fitting + held, 1);
  const part = (from: number, to?: number): SlimImages => ({
    data: subset(loaded, order.subarray(from, to)),
    normalisation,
  });
  return [part(0, fitting), part(fitting)];
}

/** The units whose weights in the reading layer are largest by the sum of magnitudes. */
function largestUnits(model: Model, { layer, units }: Site, count: number): number[] {
  const { data: values, columns } = weightsOf(model, layer);
  const norm = (unit: readonly number[]): number =>
    unit.reduce((sum, row) => {
      const weights = values.subarray(row * columns, (row + 1) * columns);
      return weights.reduce((total, value) => total + Math.abs(value), sum);
    }, 0);
  const order = units.map((unit, at) => ({ at, norm: norm(unit) })).sort((a, b) => b.norm - a.norm);
  return order
    .slice(0, count)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
}

const width = ({ group }: Site): number => 0.75 * group.size;

describe.skipIf(data === "")("ResNet-20 on CIFAR-10 (TWINDNN_DATA)", () => {
  test("a quarter of the inner channels goes at far less harm than by the norm of weights", async () => {
    const original = await simplify(readModel(join(data, "models", "resnet20-jpeg.onnx")));
    const [fitting, held] = await images(160, 500);
    const { sites } = findSites(original);
    const choices = sites.map((site) => ({ site, width: width(site) }));
    const refitted = await prune(original, choices, fitting, { seed: 1, threads: 1, most: 160 });
    const cut = removeChannels(
      original,
      sites.map((site) => ({ group: site.group, keep: largestUnits(original, site, width(site)) })),
    );
    const reference = await answersOf(original, held, 1);
    const agreement = async (model: Model): Promise<number> => agreementOf(reference, await answersOf(model, held, 1));
    const [ours, plain] = [await agreement(refitted), await agreement(cut)];
    expect(ours).toBeGreaterThan(plain + 0.1);
    expect(ours).toBeGreaterThan(0.85);
  }, 120_000);
});
