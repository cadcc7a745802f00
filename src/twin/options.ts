import { fileURLToPath } from "node:url";
import { z } from "zod";
import { UsageError } from "../errors.ts";
import { checked } from "../schema.ts";
import { PlanSchema } from "./plan/schema.ts";
import type { TwinOptions } from "./twin.ts";

const isolations = ["thread", "process"] as const;
const mismatches = ["refuse", "original-only"] as const;

const functionSchema = z.custom<(...values: never) => void>(
  (value) => typeof value === "function",
  "must be a function",
);

const optionsSchema = z.strictObject({
  plan: PlanSchema.optional(),
  isolation: z.enum(isolations).optional(),
  deterministic: z.boolean().optional(),
  onMismatch: z.enum(mismatches).optional(),
  signal: z.instanceof(AbortSignal, { error: "must be an AbortSignal" }).optional(),
  onBatch: functionSchema.optional(),
});

/** @throws UsageError for an unknown option of `Twin.load`, or a value that it does not know; it lists those known */
export function checkTwinOptions(options: TwinOptions): void {
  checked(optionsSchema, options, (problem) => new UsageError(`options of Twin.load: ${problem}`));
}

const classifySchema = z.strictObject({
  signal: z.instanceof(AbortSignal, { error: "must be an AbortSignal" }).optional(),
});

/** @throws UsageError for an unknown option of `classify` and `classifyAll`, or a value that it does not know */
export function checkClassifyOptions(options: unknown): void {
  checked(classifySchema, options, (problem) => new UsageError(`options of classify: ${problem}`));
}

/** The path of a twin's folder. @throws UsageError for what is neither a path nor a `file:` URL */
export function folderPath(folder: unknown): string {
  if (typeof folder === "string") return folder;
  if (folder instanceof URL && folder.protocol === "file:") return fileURLToPath(folder);
  throw new UsageError(`the folder of a twin is ${shown(folder)}; give a path or a file: URL`);
}

/** @throws UsageError for what holds no image, whatever files there are */
export function checkImage(input: unknown): void {
  if (typeof input === "string" || isImageObject(input)) return;
  throw new UsageError(
    `an image is ${shown(input)}; known: a path, a URL, bytes (Buffer, Uint8Array, ArrayBuffer), a Blob, pixels ({ data, width, height, channels }), or an item of an image source`,
  );
}

function isImageObject(input: unknown): boolean {
  if (typeof input !== "object" || input === null) return false;
  const isBytes = input instanceof Uint8Array || input instanceof ArrayBuffer;
  return isBytes || input instanceof URL || input instanceof Blob || "data" in input || isReadable(input);
}

/** An item of a source, and no stream of bytes, which has a `read` as well. */
const isReadable = (input: object): boolean => "read" in input && !("pipe" in input);

function shown(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value)
    ? `a list of ${value.length}`
    : `an object of ${Object.keys(value).join(", ") || "no keys"}`;
}

/** @throws UsageError for what cannot be gone through image by image */
export function checkImages(inputs: unknown): void {
  const iterable =
    typeof inputs === "object" && inputs !== null && (Symbol.iterator in inputs || Symbol.asyncIterator in inputs);
  if (iterable) return;
  throw new UsageError(
    `classifyAll takes a list or a stream of images, received ${shown(inputs)}; give one image to classify`,
  );
}
