import sharp from "sharp";
import type { Planes } from "../data/types.ts";

/** Longest side of a picture in a result, in pixels. */
const longestSide = 96;

/** What the networks saw (C x H x W planes, one or three channels), as a PNG in a `data:` address. */
export async function pictureOf(
  planes: Planes,
  [channels, height, width]: readonly [channels: number, height: number, width: number],
): Promise<string> {
  const raw = { width, height, channels: channels === 1 ? (1 as const) : (3 as const) };
  const image = sharp(interleave(planes, raw.channels, height * width), { raw });
  const size = { width: longestSide, height: longestSide, fit: "inside", withoutEnlargement: true } as const;
  const png = await image.resize(size).png({ compressionLevel: 9 }).toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

/** Pixels from planes; channels beyond those wanted are left out. */
function interleave(planes: Planes, channels: number, size: number): Uint8Array {
  const pixels = new Uint8Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < size; i++) pixels[i * channels + channel] = planes[channel * size + i]!;
  }
  return pixels;
}
