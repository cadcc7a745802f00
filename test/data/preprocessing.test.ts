import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError, UsageError } from "../../src/errors.ts";
import { folderOf } from "./files.ts";
import {
  createPreprocessor,
  loadPreprocessing,
  Preprocessing,
  presets,
  readLabels,
  resample,
  resamplers,
} from "./subject.ts";

const size = fc.integer({ min: 1, max: 24 });
const image = fc
  .tuple(size, size, fc.constantFrom(1 as const, 3 as const))
  .chain(([width, height, channels]) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((data) => ({ data, width, height, channels })),
  );

const load = async (config: object) =>
  loadPreprocessing(await folderOf({ "preprocessor_config.json": JSON.stringify(config) }));
const mean = [0.5, 0.4, 0.3];
const statistics = { image_mean: mean, image_std: mean };

test("of a ViT resizes to a square", async () => {
  expect(
    await load({ image_processor_type: "ViTImageProcessor", size: { height: 224, width: 224 }, ...statistics }),
  ).toEqual(Preprocessing.parse({ resize: { mode: "exact", size: [224, 224] }, mean, std: mean }));
});

describe("resampling", () => {
  test("to the same size changes nothing", () => {
    fc.assert(
      fc.property(image, fc.constantFrom(...resamplers), (pixels, resampler) => {
        expect(resample(pixels, pixels.width, pixels.height, resampler).data).toEqual(pixels.data);
      }),
    );
  });

  test("keeps a constant image constant", () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.nat(255),
        fc.constantFrom(...resamplers),
        (width, height, w, h, value, resampler) => {
          const pixels = { data: new Uint8Array(width * height).fill(value), width, height, channels: 1 as const };
          expect(new Set(resample(pixels, w, h, resampler).data)).toEqual(new Set([value]));
        },
      ),
    );
  });

  test("of a window gives that part of the whole", () => {
    const windowed = fc.record({
      image,
      width: size,
      height: size,
      a: fc.nat(23),
      b: fc.nat(23),
      resampler: fc.constantFrom(...resamplers),
    });
    fc.assert(
      fc.property(windowed, ({ image: pixels, width, height, a, b, resampler }) => {
        const window = { left: a % width, top: b % height, width: width - (a % width), height: height - (b % height) };
        const whole = resample(pixels, width, height, resampler);
        const part = resample(pixels, width, height, resampler, window);
        for (let y = 0; y < part.height; y++) {
          const from = ((window.top + y) * width + window.left) * whole.channels;
          const row = part.width * part.channels;
          expect(part.data.subarray(y * row, (y + 1) * row)).toEqual(whole.data.subarray(from, from + row));
        }
      }),
    );
  });
});

describe("a preprocessing", () => {
  test("survives JSON", () => {
    for (const preset of Object.values(presets))
      expect(Preprocessing.parse(JSON.parse(JSON.stringify(preset)))).toEqual(preset);
  });

  test.each([
    [{ resize: { mode: "shorter", size: 256 } }, 'resize "shorter" leaves images of any size'],
    [{ resize: { mode: "exact", size: 32 }, color: "grey", mean: [0.1, 0.2, 0.3] }, "3 values for 1 channels"],
    [{ resize: { mode: "exact", size: 32 }, std: [0] }, "must be above 0"],
    [{ resize: { mode: "exact", size: 32 }, range: [1, 0] }, "must be [low, high]"],
    [{ resize: { mode: "exact", size: 32 }, resampler: "area" }, "resampler"],
    [{ resize: { mode: "exact", size: 32 }, colour: "rgb" }, "colour"],
  ])("%j is refused", async (json, message) => {
    const folder = await folderOf({ "wrong.json": JSON.stringify(json) });
    expect(() => loadPreprocessing(join(folder, "wrong.json"))).toThrow(InputError);
    expect(() => loadPreprocessing(join(folder, "wrong.json"))).toThrow(message);
  });

  test("that is unknown is refused with the list of the known", () => {
    expect(() => loadPreprocessing("imagnet")).toThrow(UsageError);
    expect(() => loadPreprocessing("imagnet")).toThrow(
      /known: imagenet, imagenet-tensorflow, cifar10, fashion-mnist\. Did you mean "imagenet"\?/,
    );
  });

  test("maps bytes onto its range", () => {
    const { normalisation } = createPreprocessor(presets["imagenet-tensorflow"]);
    for (const channel of [0, 1, 2]) {
      expect(normalisation.offset[channel]).toBe(-1);
      expect(255 * normalisation.scale[channel]! + normalisation.offset[channel]!).toBe(1);
    }
  });

  test("of one channel order is the other's, planes swapped", async () => {
    const pixels = { data: new Uint8Array([1, 2, 3, 4, 5, 6]), width: 2, height: 1, channels: 3 as const };
    const prepare = (color: "rgb" | "bgr") =>
      createPreprocessor(Preprocessing.parse({ resize: { mode: "exact", size: [1, 2] }, color })).prepare(pixels);
    expect([...(await prepare("rgb"))]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...(await prepare("bgr"))]).toEqual([3, 6, 2, 5, 1, 4]);
  });
});

describe("Hugging Face's preprocessor_config.json", () => {
  test("of a MobileNet resizes the shorter side and crops", async () => {
    const config = {
      size: { shortest_edge: 256 },
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
      resample: 3,
      ...statistics,
    };
    expect(await load(config)).toEqual(
      Preprocessing.parse({
        resize: { mode: "shorter", size: 256 },
        crop: { mode: "center", size: [224, 224] },
        resampler: "bicubic",
        mean,
        std: mean,
      }),
    );
  });

  test("of a ConvNeXt enlarges by its crop share", async () => {
    expect(await load({ size: { shortest_edge: 224 }, crop_pct: 0.875, ...statistics })).toMatchObject({
      resize: { mode: "shorter", size: 256 },
      crop: { mode: "center", size: 224 },
    });
  });

  test("with offset or without rescaling sets the range", async () => {
    const square = { size: { height: 8, width: 8 }, ...statistics };
    expect((await load({ ...square, rescale_factor: 1 / 127.5, rescale_offset: true })).range).toEqual([-1, 1]);
    expect((await load({ ...square, do_rescale: false })).range).toEqual([0, 255]);
  });

  test("with an unknown filter is refused", async () => {
    await expect(load({ size: { height: 8, width: 8 }, resample: 5, ...statistics })).rejects.toThrow(
      '"resample" is 5; known: 0 (nearest)',
    );
  });
});

describe("a preprocessing with a wrong value", () => {
  test.each([
    [{ resize: { mode: "square" } }, '"resize.mode" is "square" (known: "shorter", "exact", "none")'],
    [{ resize: { mode: "exact", size: "big" } }, '"resize.size" is "big" (wanted: number, or wanted: tuple)'],
    [{ resize: { mode: "exact", size: 8 }, std: [0] }, '"std": must be above 0'],
    [{ resize: { mode: "exact", size: 8 }, colour: "rgb" }, 'unknown field "colour"; known: resize, resampler, crop'],
    [{}, '"resize" is missing'],
  ])("is refused in one line that says what is known: %j", async (json, problem) => {
    const file = join(await folderOf({ "p.json": JSON.stringify(json) }), "p.json");
    const message = loading(file);
    expect(message).toContain(`${file}: is no preprocessing: ${problem}`);
    expect(message).toMatch(/^[^\n]*give a preset: imagenet, [^\n]*$/);
  });
});

/** What `loadPreprocessing` complains of. */
function loading(file: string): string {
  try {
    return JSON.stringify(loadPreprocessing(file));
  } catch (error) {
    return error instanceof InputError ? error.message : String(error);
  }
}

describe("labels files", () => {
  test("are lines or JSON", async () => {
    const folder = await folderOf({ "l.txt": "cat\r\nbig dog\r\n", "l.json": '["cat", "big dog"]' });
    expect(await readLabels(join(folder, "l.txt"))).toEqual(["cat", "big dog"]);
    expect(await readLabels(join(folder, "l.json"))).toEqual(["cat", "big dog"]);
  });

  test.each(["", "cat\n\ndog", "[1, 2]", "[oops"])("%j is refused", async (text) => {
    const folder = await folderOf({ "l.txt": text });
    await expect(readLabels(join(folder, "l.txt"))).rejects.toThrow(InputError);
  });
});
