import { z } from "zod";
import { resamplers } from "./resample.ts";

const length = z.int().min(1).max(8192);
const size = z.union([length, z.tuple([length, length])]);
const perChannel = z.array(z.number()).min(1).max(3);

/**
 * How an image becomes the network's input, in this order: decode, convert the colour, resize, crop, map bytes 0..255
 * onto `range`, subtract `mean`, divide by `std`. Sizes are a side in pixels, or [height, width].
 */
export const Preprocessing = z
  .strictObject({
    resize: z
      .discriminatedUnion("mode", [
        z.strictObject({ mode: z.literal("shorter"), size: length }),
        z.strictObject({ mode: z.literal("exact"), size }),
        z.strictObject({ mode: z.literal("none") }),
      ])
      .describe("shorter: the shorter side gets `size`, the longer keeps the aspect; exact: both sides are given"),
    resampler: z.enum(resamplers).default("bilinear"),
    crop: z
      .discriminatedUnion("mode", [
        z.strictObject({ mode: z.literal("center"), size }),
        z.strictObject({ mode: z.literal("none") }),
      ])
      .default({ mode: "none" })
      .describe("center: cut out of the middle; what is smaller is padded with black"),
    color: z.enum(["rgb", "bgr", "grey"]).default("rgb"),
    range: z.tuple([z.number(), z.number()]).default([0, 1]).describe("what bytes 0 and 255 become"),
    mean: perChannel.default([0]).describe("one for each channel, or one for all, on the scale of `range`"),
    std: perChannel.default([1]).describe("one for each channel, or one for all, on the scale of `range`"),
  })
  .superRefine((spec, context) => {
    const channels = spec.color === "grey" ? 1 : 3;
    const fail = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (spec.crop.mode === "none" && spec.resize.mode !== "exact") {
      fail("crop", `resize "${spec.resize.mode}" leaves images of any size: add a crop, or resize "exact"`);
    }
    for (const key of ["mean", "std"] as const) {
      if (![1, channels].includes(spec[key].length)) fail(key, `${spec[key].length} values for ${channels} channels`);
    }
    if (spec.std.some((value) => !(value > 0))) fail("std", "must be above 0");
    if (!(spec.range[0] < spec.range[1])) fail("range", "must be [low, high] with low < high");
  });

export type Preprocessing = z.infer<typeof Preprocessing>;
/** A preprocessing as a user may write it, defaults left out. */
export type PreprocessingInput = z.input<typeof Preprocessing>;
