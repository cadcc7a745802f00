import * as z from "zod";
import { Preprocessing } from "../data/index.ts";
import { ManifestError } from "../errors.ts";
import type { NetworkName } from "../lanes/types.ts";
import { checked, withoutUnknownFields } from "../schema.ts";
import { canaryKinds } from "./canaries.ts";
import { refuseInconsistency } from "./consistency.ts";
import { type Cascade, confidenceMeasures } from "./types.ts";

/** Version of the layout below; another major version is refused, and the unknown fields of a later minor version are ignored. */
export const manifestVersion = "1.0";

const fraction = z.number().min(0).max(1);
const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");
const fileName = z.string().regex(/^[\w.-]+$/, "must be a plain file name beside twin.json");

const fileSchema = z.strictObject({ file: fileName, sha256 });
export type ManifestFile = z.infer<typeof fileSchema>;

const networkSchema = z.strictObject({
  file: fileName,
  sha256,
  bytes: count,
  /** Multiply-adds and parameters of one forward pass of one image. */
  macs: count,
  parameters: count,
  input: z.strictObject({
    name: z.string(),
    layout: z.enum(["NCHW", "NHWC"]),
    shape: z.tuple([count, count, count]),
  }),
  output: z.strictObject({ name: z.string(), classes: z.number().int().min(2) }),
  fixedBatch: z.number().int().positive().optional(),
});
export type ManifestNetwork = z.infer<typeof networkSchema>;

const rungSchema = z.strictObject({
  threshold: z.number(),
  /** Upper bound proven for the loss (drop or disagreement), at the guarantee's probability. */
  bound: z.number(),
  /** What the calibration images showed; `drop` only with labels. */
  escalationRate: fraction,
  originalRate: fraction,
  agreement: fraction,
  drop: z.number().optional(),
  /** Estimated throughput relative to the original, by the networks' times on the calibration images. */
  speedUp: z.number().positive().optional(),
});
export type ManifestRung = z.infer<typeof rungSchema>;

const partSchema = z.strictObject({
  /** What the user called the images, without the machine's folders. */
  source: z.string(),
  images: count,
  sha256,
});

const guaranteeSchema = z.strictObject({
  kind: z.enum(["drop", "agreement"]),
  /** The drop, or the disagreement, that is not exceeded. */
  tolerance: fraction,
  probability: fraction,
  /** Whether it holds for each class on its own. */
  worstClass: z.boolean(),
  images: count,
  /** Batch size of the compressed network, provider and class of CPU at which the promise was measured. */
  batch: z.number().int().positive(),
  provider: z.string(),
  cpuClass: z.string(),
  parts: z.strictObject({ selection: partSchema, calibration: partSchema }),
  /** Fingerprints of both parts, one a line, so that an evaluation on the same images is noticed. */
  fingerprints: fileSchema,
  /** Decides the parts. */
  seed: z.number().int(),
});
export type Guarantee = z.infer<typeof guaranteeSchema>;

const canariesSchema = z.strictObject({
  file: fileName,
  sha256,
  images: count,
  /** What they show; absent: images that calibrated the twin. */
  kind: z.enum(canaryKinds).optional(),
  /** Change of the compressed network's confidence that the threshold has allowed for. */
  allowance: z.number().nonnegative(),
});

export const manifestSchema = z.strictObject({
  schemaVersion: z.string().regex(/^\d+\.\d+$/),
  tool: z.strictObject({ name: z.literal("twindnn"), version: z.string() }),
  networks: z.strictObject({
    original: networkSchema,
    compressed: networkSchema,
    "original-int8": networkSchema.optional(),
  }),
  /** The compressed network in integers alone, for hardware: the JSON that describes it, and its weights. */
  integerForm: z.strictObject({ description: fileSchema, weights: fileSchema }).optional(),
  labels: z.array(z.string()).min(2),
  preprocessing: Preprocessing,
  confidence: z.strictObject({ measure: z.enum(confidenceMeasures), temperature: z.number().positive() }),
  /** Absent until the twin is calibrated: every input is then escalated. */
  threshold: z.number().optional(),
  /** Where escalations go first. */
  secondStage: z.enum(["original", "original-int8"]),
  /** Of the int8 original: answers below it go on to the float32 original. Absent: all its answers stand. */
  secondThreshold: z.number().optional(),
  ladder: z.array(rungSchema),
  guarantee: guaranteeSchema.optional(),
  canaries: canariesSchema.optional(),
  /** How the compressed network was made. */
  compression: z
    .strictObject({
      recipe: z.string(),
      options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      seed: z.number().int().optional(),
      sourceSha256: sha256.optional(),
      /** Images that trained the compressed network, and their fingerprints: a promise on them would be worth nothing. */
      training: partSchema.extend({ fingerprints: fileSchema }).optional(),
      /** Images that chose it among others, and their fingerprints: it looks better on them than it is. */
      selection: partSchema.extend({ fingerprints: fileSchema }).optional(),
    })
    .optional(),
});

/** The contents of `twin.json`. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Checks the parsed JSON of a manifest; `where` names the file in messages. Throws ManifestError. */
export function parseManifest(json: unknown, where: string): Manifest {
  const version = versionOf(json, where);
  const manifest = checked(
    manifestSchema,
    isLater(version) ? withoutUnknownFields(manifestSchema, json) : json,
    (problem) => new ManifestError(`${where}: ${problem}; make the twin again`),
  );
  refuseInconsistency(manifest, where);
  return manifest;
}

/** Refuses to change a manifest of a later minor version: what is not understood of it would be lost. Throws ManifestError. */
export function refuseChange({ schemaVersion }: Manifest, where: string): void {
  if (!isLater(schemaVersion)) return;
  throw new ManifestError(
    `${where}: has schema version ${schemaVersion}, this twindnn changes twins up to ${manifestVersion}; update twindnn`,
  );
}

/** All files beside `twin.json`. */
export const filesOf = ({ networks, integerForm, canaries, guarantee, compression }: Manifest): ManifestFile[] =>
  [
    ...Object.values(networks),
    integerForm?.description,
    integerForm?.weights,
    canaries,
    guarantee?.fingerprints,
    compression?.training?.fingerprints,
    compression?.selection?.fingerprints,
  ].filter((entry) => entry !== undefined);

function versionOf(json: unknown, where: string): string {
  const version = z.looseObject({ schemaVersion: z.string() }).safeParse(json).data?.schemaVersion;
  if (version === undefined) throw new ManifestError(`${where}: has no schemaVersion; is it a twin's manifest?`);
  if (version.split(".")[0] === manifestVersion.split(".")[0]) return version;
  throw new ManifestError(
    `${where}: has schema version ${version}, this twindnn reads ${manifestVersion}; make the twin again or update twindnn`,
  );
}

/** Whether a version of the same major number has a greater minor one than ours. */
const isLater = (version: string): boolean => Number(version.split(".")[1]) > Number(manifestVersion.split(".")[1]);

/**
 * The stages that answer. Uncalibrated twins escalate everything: the threshold is infinite.
 */
export function cascadeOf(manifest: Manifest): Cascade {
  const first = { network: "compressed" as const, threshold: manifest.threshold ?? Number.POSITIVE_INFINITY };
  if (manifest.secondStage === "original") return [first, { network: "original" }];
  if (manifest.secondThreshold === undefined) return [first, { network: "original-int8" }];
  return [first, { network: "original-int8", threshold: manifest.secondThreshold }, { network: "original" }];
}

/** The networks of a twin with this second stage; that of the second stage comes last. */
export const networksWith = (secondStage: Manifest["secondStage"]): NetworkName[] =>
  secondStage === "original" ? ["compressed", "original"] : ["compressed", "original", secondStage];

/** The networks that a cascade needs, without repetition. */
export const networkNames = (cascade: Cascade): NetworkName[] => [...new Set(cascade.map((stage) => stage.network))];
