// Needs: ONNX Runtime and the built package.
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { type ImageItem, type ImageSource, openImages } from "../../src/data/index.ts";
import { calibrateTwin, pairTwin, verifyTwin } from "../../src/twin/index.ts";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";

vi.setConfig({ testTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const promise = { kind: "agreement", tolerance: 0.1, probability: 0.95 } as const;

/** A source each of whose images comes so many times. */
const repeated = (source: ImageSource, times: number): ImageSource => ({
  ...source,
  count: times * source.count!,
  async *[Symbol.asyncIterator](): AsyncGenerator<ImageItem> {
    for (let round = 0; round < times; round++) yield* source;
  },
});

async function pairedTwin(name: string) {
  const output = join(folder, name);
  await pairTwin({ ...writePair(folder), preprocessing, labels, output });
  return output;
}

test("images that repeat each other count once, and are told", async () => {
  const images = await openImages(await writeImages(join(folder, "images"), 500));
  const selection = await openImages(await writeImages(join(folder, "others"), 100, { seed: 77 }));
  const [once, thrice] = [await pairedTwin("once"), await pairedTwin("thrice")];
  const plain = await calibrateTwin(once, images, { promise, selection });
  const again = await calibrateTwin(thrice, repeated(images, 3), { promise, selection });
  expect([plain.repeated, again.repeated]).toEqual([0, 1000]);
  expect(again.calibration).toEqual(plain.calibration);
});

test("images that calibrated a twin do not verify it", async () => {
  const path = join(folder, "once");
  const images = await openImages(join(folder, "images"));
  expect(await verifyTwin(path, images)).toMatchObject({ holds: false, images: { known: 500, proven: false } });
});
