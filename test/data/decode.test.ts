import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { decodeSmallJpeg } from "../../src/data/jpeg/decode.ts";
import type { Pixels } from "../../src/data/types.ts";
import { InputError, UsageError } from "../../src/errors.ts";
import { folderOf, jpeg, png } from "./files.ts";
import { golden } from "./golden.ts";
import { decodeImage } from "./subject.ts";

/** A few bytes that claim 32,639 x 32,639 pixels. */
async function bomb(): Promise<Uint8Array> {
  const bytes = Buffer.from(jpeg);
  bytes.fill(0x7f, bytes.indexOf("ffc0", "hex") + 5, bytes.indexOf("ffc0", "hex") + 9);
  return bytes;
}

async function byLibvips(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const options = { failOn: "truncated", ignoreIcc: true } as const;
  return sharp(bytes, options)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer()
    .catch(() => undefined);
}

function asRgb(image: { data: Uint8Array; channels: number }): Uint8Array {
  return image.channels === 3
    ? image.data
    : Uint8Array.from({ length: 3 * image.data.length }, (_, i) => image.data[Math.floor(i / 3)]!);
}

describe("an image is decoded alike", () => {
  const expected = { width: 60, height: 45, channels: 3 };

  test("from a path, URL, Blob, ArrayBuffer and Buffer", async () => {
    const path = golden("translucent.png");
    const inputs = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      new Blob([png]),
      new Uint8Array(png).buffer,
      png,
    ];
    const images = await Promise.all(inputs.map((input) => decodeImage(input)));
    expect(images[0]).toMatchObject(expected);
    for (const image of images) expect(image).toEqual(images[0]);
  });

  test("from a data: URL and over HTTP", async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/image.png" ? 200 : 404;
      response.end(request.url === "/image.png" ? png : "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const fetched = await decodeImage(`http://127.0.0.1:${port}/image.png`);
    expect(await decodeImage(`data:image/png;base64,${png.toString("base64")}`)).toEqual(fetched);
    await expect(decodeImage(`http://127.0.0.1:${port}/gone.png`)).rejects.toThrow("gone.png: the server answers 404");
  });

  test("as AVIF, within its loss", async () => {
    const pixels = await decodeImage(png);
    const avif = await sharp(pixels.data, { raw: { width: 60, height: 45, channels: 3 } })
      .avif({ lossless: true })
      .toBuffer();
    expect(await decodeImage(avif)).toMatchObject(expected);
  });

  test("pixels pass through, and are checked", async () => {
    const pixels = { data: new Uint8Array(6), width: 2, height: 1, channels: 3 as const };
    expect(await decodeImage(pixels)).toBe(pixels);
    await expect(decodeImage({ ...pixels, width: 3 })).rejects.toThrow("6 bytes for 3 x 1 x 3");
    await expect(decodeImage({ ...pixels, width: 0.5, height: 4 })).rejects.toThrow("0.5 x 4; give whole sizes");
    for (const data of [
      new Float32Array(6),
      new Uint16Array(6),
      [0, 0, 0, 0, 0, 0],
      "abcdef",
      undefined,
    ] as unknown[]) {
      const answer = decodeImage({ ...pixels, data: data as Uint8Array });
      await expect(answer).rejects.toThrow(UsageError);
      await expect(answer).rejects.toThrow(/^pixels: its data are .*; give bytes from 0 to 255 in a Uint8Array$/);
    }
    const { channels: _, ...without } = pixels;
    await expect(decodeImage(without as Pixels)).rejects.toThrow("undefined channels; give 1, 3 or 4");
  });
});

describe("a bad image is an InputError with its name", () => {
  test.each([
    ["missing", async () => "gone.jpg", "gone.jpg: cannot be read"],
    ["empty", async () => new Uint8Array(), "bad: is empty"],
    ["no image", async () => Buffer.from("hello, world"), "bad: is not a JPEG, PNG, WebP, GIF or AVIF image"],
    ["a truncated JPEG", async () => jpeg.subarray(0, jpeg.length / 2), "bad: is truncated"],
    ["a truncated PNG", async () => png.subarray(0, png.length / 2), /bad: is (truncated|corrupt)/],
    ["a corrupt PNG", async () => Buffer.from(png).fill(0, 60, 400), /bad: is (truncated|corrupt)/],
    ["a pixel bomb", bomb, "bad: has more than 67108864 pixels; shrink it first"],
  ])("%s", async (_, make, message) => {
    const input = await make();
    const error: unknown = await decodeImage(input, typeof input === "string" ? input : "bad").catch(
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(message);
  });

  test("a folder in place of a file", async () => {
    await expect(decodeImage(await folderOf({}))).rejects.toThrow("cannot be read");
  });
});

describe("small JPEGs", () => {
  const names = [
    "tiny.jpg",
    "photo-422.jpg",
    "photo-444.jpg",
    "grey.jpg",
    "restart.jpg",
    "optimised.jpg",
    "exif-rotated.jpg",
  ];

  test.each(names)("%s gives libvips' bytes", async (name) => {
    const bytes = await readFile(golden(name));
    const image = decodeSmallJpeg(bytes, 1e6)!;
    expect(Buffer.compare(asRgb(image), (await byLibvips(bytes))!)).toBe(0);
  });

  test("any size, subsampling and quality gives libvips' bytes", async () => {
    const size = fc.integer({ min: 5, max: 40 });
    const shape = fc.record({
      width: size,
      height: size,
      quality: fc.integer({ min: 1, max: 100 }),
      chroma: fc.constantFrom("4:2:0", "4:4:4"),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ width, height, quality, chroma, seed }) => {
        const data = Uint8Array.from(
          { length: width * height * 3 },
          (_, i) => 128 + 100 * Math.sin(seed + i / 7) + (Math.imul(i, 2654435761) >>> 28),
        );
        const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
          .jpeg({ quality, chromaSubsampling: chroma })
          .toBuffer();
        const image = decodeSmallJpeg(bytes, 1e6);
        if (image !== undefined) expect(Buffer.compare(asRgb(image), (await byLibvips(bytes))!)).toBe(0);
        return true;
      }),
      { numRuns: 60 },
    );
  });

  test("damaged ones are left to libvips, or give its bytes", async () => {
    const damage = fc.record({
      at: fc.nat(jpeg.length - 1),
      value: fc.nat(255),
      end: fc.integer({ min: 1, max: jpeg.length }),
      cut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, value, end, cut }) => {
        const bytes = Buffer.from(jpeg);
        bytes[at] = value;
        const damaged = cut ? bytes.subarray(0, end) : bytes;
        const image = decodeSmallJpeg(damaged, 1e6);
        if (image === undefined) return;
        const expected = await byLibvips(damaged);
        if (expected !== undefined) expect(Buffer.compare(asRgb(image), expected)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("without their end are declined at every length", () => {
    for (let length = 0; length < jpeg.length; length++)
      expect(decodeSmallJpeg(jpeg.subarray(0, length), 1e6)).toBeUndefined();
  });

  test("too large or progressive are declined", async () => {
    expect(decodeSmallJpeg(jpeg, 32 * 32 - 1)).toBeUndefined();
    expect(decodeSmallJpeg(await readFile(golden("progressive.jpg")), 1e6)).toBeUndefined();
  });
});
