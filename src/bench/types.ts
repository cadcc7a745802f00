import * as z from "zod";
import { InputError } from "../errors.ts";
import { checked } from "../schema.ts";

/** What `bench` compares; each runs at its own best setting. */
export const systemNames = ["original-float32", "original-int8", "compressed", "twin"] as const;
export type SystemName = (typeof systemNames)[number];

/** Version of the layout below; another major version is refused. */
export const benchVersion = "1.0";

const fraction = z.number().min(0).max(1);
const count = z.number().int().nonnegative();
const positive = z.number().positive();
const networkName = z.enum(["compressed", "original-int8", "original"]);

/** A figure taken once a round: `samples` are in the order of the rounds. */
const measuredSchema = z.strictObject({
  median: positive,
  min: positive,
  max: positive,
  samples: z.array(positive).min(1),
});
export type Measured = z.infer<typeof measuredSchema>;

/** Milliseconds; percentiles over all rounds, `samples` a list for each round. */
const latencySchema = z.strictObject({
  p50: positive,
  p90: positive,
  p99: positive,
  samples: z.array(z.array(positive)).min(1),
});
export type Latency = z.infer<typeof latencySchema>;

const laneSchema = z.strictObject({ kind: z.string(), networks: z.array(networkName).readonly(), threads: count });

const planSchema = z.strictObject({
  lanes: z.array(laneSchema).readonly(),
  batch: z.partialRecord(networkName, count),
  idleTakesFresh: z.boolean(),
  isolation: z.enum(["thread", "process"]),
});

const serverSchema = z.strictObject({
  /** Arrival rate as a share of the system's own offline throughput. */
  load: fraction,
  arrivalsPerSecond: positive,
  /** From the scheduled arrival to the answer. */
  latencyMs: latencySchema,
});

const systemSchema = z.strictObject({
  /** With labels only. */
  accuracy: fraction.optional(),
  /** Share of images answered as the original in float32 answers them. */
  agreement: fraction,
  /** Offline, from tensors in memory. */
  imagesPerSecond: measuredSchema,
  /** Single stream: the next image is asked for when the last one is answered. */
  latencyMs: latencySchema.optional(),
  /** Of a process that does nothing but run this system. */
  peakMemoryMiB: positive.optional(),
  /** Multiply-adds for one image, escalations included. */
  macsPerImage: positive,
  fromFiles: z
    .strictObject({
      imagesPerSecond: measuredSchema,
      /** Time to read, decode and prepare the images alone, divided by the time from files to answers. */
      decodingShare: fraction,
    })
    .optional(),
  server: z.array(serverSchema),
  /** The setting measured. */
  plans: z.strictObject({ throughput: planSchema, latency: planSchema }),
});
export type SystemResult = z.infer<typeof systemSchema>;

const networkSchema = z.strictObject({ macs: count, parameters: count, bytes: count });

const pointSchema = z.strictObject({
  threshold: z.number(),
  escalationRate: fraction,
  agreement: fraction,
  accuracy: fraction.optional(),
  /** Estimated from the measured throughputs of the networks: 1 / (c + o e). */
  speedUp: positive,
});
export type CurvePoint = z.infer<typeof pointSchema>;

const rungSchema = pointSchema.extend({
  /** Upper bound that calibration proved for the loss. */
  bound: z.number(),
});
export type Rung = z.infer<typeof rungSchema>;

const classSchema = z.strictObject({
  label: z.string(),
  images: count,
  agreement: fraction,
  escalationRate: fraction,
  accuracy: z.strictObject({ original: fraction, compressed: fraction, twin: fraction }).optional(),
});
export type ClassResult = z.infer<typeof classSchema>;

const answerSchema = z.strictObject({ label: z.string(), probability: fraction });

const escalatedSchema = z.strictObject({
  name: z.string(),
  /** What the networks saw, as a PNG. */
  picture: z.string().regex(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/, "must be a PNG in a data: address"),
  confidence: z.number(),
  label: z.string().optional(),
  compressed: answerSchema,
  original: answerSchema,
});
export type EscalatedImage = z.infer<typeof escalatedSchema>;

const binSchema = z.strictObject({
  low: fraction,
  high: fraction,
  images: count,
  /** Means over the images of the bin. */
  probability: fraction,
  right: fraction,
});

const runSchema = z.strictObject({
  lane: z.string(),
  network: networkName,
  images: count,
  /** Milliseconds since the beginning of the excerpt. */
  started: z.number().nonnegative(),
  finished: z.number().nonnegative(),
});
export type LaneRun = z.infer<typeof runSchema>;

const guaranteeSchema = z.strictObject({
  kind: z.enum(["drop", "agreement"]),
  /** The drop, or the disagreement, that is not exceeded. */
  tolerance: fraction,
  probability: fraction,
  /** How many images calibrated it. */
  images: count,
  batch: count,
  provider: z.string(),
  cpuClass: z.string(),
  /** Whether it holds for each class on its own. */
  worstClass: z.boolean().default(false),
});

export const benchResultSchema = z.strictObject({
  schemaVersion: z.string().regex(/^\d+\.\d+$/),
  twin: z.strictObject({
    name: z.string(),
    networks: z.strictObject({
      original: networkSchema,
      compressed: networkSchema,
      "original-int8": networkSchema.optional(),
    }),
    confidence: z.string(),
    /** Absent while the twin is not calibrated: every image is escalated. */
    threshold: z.number().optional(),
    recipe: z.string().optional(),
  }),
  machine: z.strictObject({
    cpu: z.string(),
    cpuClass: z.string(),
    cores: positive,
    memoryMiB: positive,
    system: z.string(),
    node: z.string(),
    onnxRuntime: z.string(),
    twindnn: z.string(),
  }),
  command: z.string(),
  started: z.iso.datetime(),
  finished: z.iso.datetime(),
  /** How many were answered. */
  images: count,
  /** Those that could not be read. */
  failures: z.array(z.strictObject({ name: z.string(), problem: z.string() })),
  split: z.strictObject({ source: z.string(), sha256: z.string().optional() }),
  /** Which system came when in each round. */
  rounds: z.array(z.array(z.enum(systemNames))),
  systems: z
    .partialRecord(z.enum(systemNames), systemSchema)
    .refine(
      (systems) => systems["original-float32"] !== undefined && systems.twin !== undefined,
      "must hold original-float32 and twin",
    ),
  escalationRate: fraction,
  /** (accuracy twin - accuracy compressed) / (accuracy original - accuracy compressed); with labels, and a difference. */
  recovery: z.number().optional(),
  /** Accuracy of the original minus the twin's, with its interval; with labels. */
  drop: z.strictObject({ value: z.number(), low: z.number(), high: z.number(), probability: fraction }).optional(),
  speedUp: z.strictObject({
    versusFloat32: measuredSchema,
    versusInt8: measuredSchema.optional(),
    /** Multiply-adds of the original divided by the twin's. */
    byOperations: positive,
  }),
  guarantee: guaranteeSchema.optional(),
  curve: z.array(pointSchema),
  ladder: z.array(rungSchema),
  reliability: z
    .strictObject({
      /** What counts as right: the label, or the original's answer when there are no labels. */
      against: z.enum(["label", "original"]),
      expectedCalibrationError: fraction,
      bins: z.array(binSchema),
    })
    .optional(),
  answeredBy: z.array(
    z.strictObject({ network: networkName, images: count, agreement: fraction, accuracy: fraction.optional() }),
  ),
  /** Images by what became of them and whether compressed network and original agree. */
  outcomes: z.strictObject({
    kept: z.strictObject({ same: count, different: count }),
    escalated: z.strictObject({ same: count, different: count }),
  }),
  classes: z.array(classSchema),
  escalatedImages: z.array(escalatedSchema),
  /** An excerpt of the twin's offline run. */
  timeline: z.array(runSchema),
});

/** The contents of `bench --json`. Fractions are 0..1, times milliseconds. */
export type BenchResult = z.infer<typeof benchResultSchema>;

/** Checks the parsed JSON of a stored result; `file` names it in messages. Throws InputError. */
export function parseBenchResult(json: unknown, file: string): BenchResult {
  const version = z.looseObject({ schemaVersion: z.string() }).safeParse(json).data?.schemaVersion;
  if (version === undefined)
    throw new InputError(file, 'has no schemaVersion; is it what "twindnn bench --json" wrote?');
  if (version.split(".")[0] !== benchVersion.split(".")[0]) {
    throw new InputError(
      file,
      `has schema version ${version}, this twindnn reads ${benchVersion}; run the bench again`,
    );
  }
  const refuse = (problem: string) => new InputError(file, `is no result of a bench: ${problem}; run the bench again`);
  return checked(benchResultSchema, json, refuse);
}
