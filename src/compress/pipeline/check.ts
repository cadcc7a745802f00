import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { checked } from "../../schema.ts";
import { canaryKinds, checkPromise } from "../../twin/index.ts";
import { checkWeightBits } from "../int8/options.ts";
import type { CompressOptions } from "./options.ts";
import { recipeNames } from "./recipes.ts";

const positive = z.number().positive("must be above 0");

/** Checked elsewhere, or by the compiler alone. */
const other = z.unknown().optional();

const schema = z.strictObject({
  original: other,
  preprocessing: other,
  images: other,
  calibration: other,
  labels: other,
  output: other,
  replace: other,
  promise: other,
  weightBits: other,
  work: other,
  keepWork: other,
  signal: other,
  onProgress: other,
  onNote: other,
  recipe: z.enum(["auto", ...recipeNames]),
  budget: positive,
  seed: z.number().int("must be a whole number"),
  flip: z.boolean(),
  canaries: z.enum(canaryKinds).optional(),
  target: z
    .strictObject({
      speedUp: positive.optional(),
      macs: positive.max(1, "must be a share of 1 at most").optional(),
      size: positive.optional(),
    })
    .optional(),
} satisfies Record<keyof CompressOptions, z.ZodType>);

/** Refuses options that make no sense, before anything is read. Throws UsageError. */
export function checkCompressOptions(options: CompressOptions): void {
  checked(schema, options, (problem) => new UsageError(`options of compress: ${problem}`));
  checkPromise(options.promise);
  checkWeightBits(options.weightBits);
}
