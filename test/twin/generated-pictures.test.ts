// Needs: ONNX Runtime and the built package.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { fingerprint, openImages } from "../../src/data/index.ts";
import { decodeCanaries } from "../../src/twin/canaries.ts";
import { generatedPictures } from "../../src/twin/generated-pictures.ts";
import { calibrateTwin, pairTwin, verifyTwin } from "../../src/twin/index.ts";
import { labels, preprocessing, scratch, side, writeImages, writePair } from "../support/twins.ts";

vi.setConfig({ testTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

async function planesOf(count: number, shape: readonly [number, number, number], seed: number): Promise<Uint8Array[]> {
  const planes: Uint8Array[] = [];
  for await (const image of generatedPictures(count, shape, seed)) if ("planes" in image) planes.push(image.planes);
  return planes;
}

test("generated pictures are of the size asked for, all different, of all brightnesses, and the same for a seed", async () => {
  const pictures = await planesOf(64, [3, 12, 20], 1);
  expect(pictures.map(({ length }) => length)).toEqual(Array(64).fill(3 * 12 * 20));
  expect(new Set(pictures.map(fingerprint)).size).toBe(64);
  const sixteenths = new Set(pictures.flatMap((picture) => Array.from(picture, (byte) => byte >> 4)));
  expect(sixteenths.size).toBe(16);
  expect(await planesOf(64, [3, 12, 20], 1)).toEqual(pictures);
  expect(await planesOf(64, [3, 12, 20], 2)).not.toEqual(pictures);
});

test("a twin with generated canaries carries none of the user's images, says so, and is verified by them", async () => {
  const path = join(folder, "twin");
  await pairTwin({ ...writePair(folder), preprocessing, labels, output: path });
  const images = await openImages(await writeImages(join(folder, "images"), 500));
  const promise = { kind: "agreement", tolerance: 0.1, probability: 0.95 } as const;
  const { manifest } = await calibrateTwin(path, images, { promise, canaries: "generated" });
  expect(manifest.canaries).toMatchObject({ kind: "generated", images: 64 });
  const carried = decodeCanaries(readFileSync(join(path, "canaries.bin")), 64, 3 * side * side, labels.length)!;
  const size = 3 * side * side;
  const prints = Array.from({ length: 64 }, (_, i) => fingerprint(carried.planes.subarray(i * size, (i + 1) * size)));
  const known = readFileSync(join(path, "fingerprints.txt"), "utf8").split("\n");
  expect(prints.filter((print) => known.includes(print))).toEqual([]);
  expect(await verifyTwin(path)).toMatchObject({ holds: true, canaries: { passed: true } });
});
