import { z } from "zod";
import { InputError } from "../errors.ts";
import { checked } from "../schema.ts";
import { Preprocessing, type PreprocessingInput } from "./preprocessing.ts";
import type { Resampler } from "./resample.ts";

const Sides = z.union([z.int(), z.object({ shortest_edge: z.int() }), z.object({ height: z.int(), width: z.int() })]);

/** The fields of `preprocessor_config.json` that shape an image; the rest of the file is of no concern here. */
const Config = z.object({
  do_resize: z.boolean().default(true),
  size: Sides.optional(),
  crop_pct: z.number().positive().nullish(),
  resample: z.int().default(2),
  do_center_crop: z.boolean().default(false),
  crop_size: Sides.optional(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  rescale_offset: z.boolean().default(false),
  do_normalize: z.boolean().default(true),
  image_mean: z.array(z.number()).optional(),
  image_std: z.array(z.number()).optional(),
});
const wayOut = "write the preprocessing as docs/data.md shows, or give a preset";

type Config = z.infer<typeof Config>;

/** Whether a JSON value looks like a Hugging Face image processor. */
export function isHuggingFace(json: unknown): boolean {
  const marks = ["image_processor_type", "feature_extractor_type", "image_mean", "do_resize", "do_normalize"];
  return typeof json === "object" && json !== null && marks.some((key) => key in json);
}

/**
 * The preprocessing that a Hugging Face `preprocessor_config.json` describes. Its crops round down where torchvision's, and
 * so ours, round to even: one pixel at most.
 *
 * @throws InputError when a field is missing or asks for what is not supported
 */
export function fromHuggingFace(json: unknown, file: string): Preprocessing {
  const refuse = (problem: string) =>
    new InputError(file, `cannot be used as an image processor: ${problem}; ${wayOut}`);
  const config = checked(Config, json, refuse);
  return checked(Preprocessing, translate(config, file), refuse);
}

function translate(config: Config, file: string): PreprocessingInput {
  return {
    ...geometry(config, file),
    resampler: resamplerOf(config.resample, file),
    range: rangeOf(config),
    ...(config.do_normalize && { mean: config.image_mean ?? [0.5], std: config.image_std ?? [0.5] }),
  };
}

function geometry(config: Config, file: string): Pick<PreprocessingInput, "resize" | "crop"> {
  const crop = config.do_center_crop
    ? ({ mode: "center", size: exact(config.crop_size ?? config.size, file) } as const)
    : ({ mode: "none" } as const);
  if (!config.do_resize) return { resize: { mode: "none" }, crop };
  const { size, crop_pct: share } = config;
  if (size === undefined) throw new InputError(file, 'has "do_resize" but no "size"');
  const side = shortestEdge(size, config.do_center_crop);
  if (side === undefined) return { resize: { mode: "exact", size: exact(size, file) }, crop };
  if (config.do_center_crop || share == null) return { resize: { mode: "shorter", size: side }, crop };
  return convNext(side, share);
}

/** ConvNeXt's rule: below 384 pixels a centre crop of a `1 / share` times larger image, else a plain resize. */
function convNext(side: number, share: number): Pick<PreprocessingInput, "resize" | "crop"> {
  if (side >= 384) return { resize: { mode: "exact", size: side }, crop: { mode: "none" } };
  return { resize: { mode: "shorter", size: Math.trunc(side / share) }, crop: { mode: "center", size: side } };
}

/** A bare number means the shorter side where a crop follows, and a square otherwise. */
function shortestEdge(size: z.infer<typeof Sides>, cropped: boolean): number | undefined {
  if (typeof size === "number") return cropped ? size : undefined;
  return "shortest_edge" in size ? size.shortest_edge : undefined;
}

function exact(size: z.infer<typeof Sides> | undefined, file: string): number | [number, number] {
  if (size === undefined) throw new InputError(file, 'has "do_center_crop" but no "crop_size"');
  if (typeof size === "number") return size;
  return "shortest_edge" in size ? size.shortest_edge : [size.height, size.width];
}

/** Pillow's numbers for its filters. */
const resamplerNumbers: readonly (Resampler | undefined)[] = ["nearest", "lanczos", "bilinear", "bicubic"];

function resamplerOf(number: number, file: string): Resampler {
  const resampler = resamplerNumbers[number];
  if (resampler !== undefined) return resampler;
  const known = resamplerNumbers.map((name, index) => `${index} (${name})`).join(", ");
  throw new InputError(file, `"resample" is ${number}; known: ${known}`);
}

function rangeOf(config: Config): [number, number] {
  if (!config.do_rescale) return [0, 255];
  const low = config.rescale_offset ? -1 : 0;
  return [low, low + 255 * config.rescale_factor];
}
