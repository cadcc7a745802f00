import { describe, expect, test } from "vitest";
import { createPreprocessor } from "../../src/data/preprocess.ts";
import { Preprocessing } from "../../src/data/preprocessing.ts";
import { loadPreprocessing, presets } from "../../src/data/presets.ts";
import { resample, resamplers } from "../../src/data/resample.ts";
import { cases, golden, goldenArrays } from "./golden.ts";

const planes = await goldenArrays("planes.npz");
const resampled = await goldenArrays("resampled.npz");

describe("prepared images are Pillow's, byte for byte", () => {
  test.each(cases)("$name", async ({ name, image, preprocessing }) => {
    const spec =
      typeof preprocessing === "string" ? loadPreprocessing(preprocessing) : Preprocessing.parse(preprocessing);
    const preprocessor = createPreprocessor(spec);
    expect(preprocessor.shape).toEqual(planes.get(name)!.shape);
    expect(Buffer.compare(await preprocessor.prepare(golden(image)), planes.get(name)!.data)).toBe(0);
  });
});

describe("resampled noise is Pillow's, byte for byte", () => {
  const { data, shape } = resampled.get("noise")!;
  const noise = { data, height: shape[0]!, width: shape[1]!, channels: 3 } as const;
  const targets = [...resampled].filter(([name]) => name !== "noise");

  test("with every filter", () => {
    expect(new Set(targets.map(([name]) => name.split(" ")[0]))).toEqual(new Set(resamplers));
  });

  test.each(targets)("%s", (name, expected) => {
    const [height, width] = expected.shape as [number, number, number];
    const resampler = resamplers.find((filter) => name.startsWith(filter))!;
    expect(Buffer.compare(resample(noise, width, height, resampler).data, expected.data)).toBe(0);
  });
});

test("normalised values are torchvision's within two units in the last place of a float32 near 2", () => {
  const { normalisation } = createPreprocessor(presets.imagenet);
  const { mean, std } = presets.imagenet;
  for (let channel = 0; channel < 3; channel++) {
    for (let byte = 0; byte < 256; byte++) {
      const scaled = Math.fround(byte / 255);
      const expected = Math.fround(Math.fround(scaled - Math.fround(mean[channel]!)) / Math.fround(std[channel]!));
      const value = Math.fround(byte * normalisation.scale[channel]! + normalisation.offset[channel]!);
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(2 ** -21);
    }
  }
});
