import { z } from "zod";

/** Version of the layout below; another major version is refused. */
export const formVersion = "1.1";

const count = z.int().min(0);
const positive = z.int().min(1);
const pair = z.tuple([positive, positive]);
const named = { name: z.string(), output: z.string() };

const valueSchema = z.strictObject({
  shape: z.array(positive).min(1),
  scale: z.number().positive(),
  zeroPoint: z.int().min(0).max(255),
});

const windowSchema = z.strictObject({
  kernel: pair,
  strides: pair,
  dilations: pair,
  pads: z.tuple([count, count]),
});

/** Where parameters lie in the file of weights. */
const parametersSchema = z.strictObject({
  bits: z.union([z.literal(2), z.literal(8)]),
  dims: z.array(positive).min(2),
  scales: z.array(z.number().positive()),
  /** Byte at which the codes begin, and the biases: 32 bits each, the lowest byte first. */
  codesAt: count,
  biasesAt: count,
});

const layerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("convolution"),
    ...named,
    input: z.string(),
    window: windowSchema,
    groups: positive,
    parameters: parametersSchema,
  }),
  z.strictObject({ kind: z.literal("dense"), ...named, input: z.string(), parameters: parametersSchema }),
  z.strictObject({ kind: z.literal("logits"), ...named, input: z.string(), parameters: parametersSchema }),
  z.strictObject({ kind: z.literal("addition"), ...named, inputs: z.tuple([z.string(), z.string()]) }),
  z.strictObject({ kind: z.literal("mean"), ...named, input: z.string() }),
  z.strictObject({ kind: z.literal("maximum"), ...named, input: z.string(), window: windowSchema }),
  z.strictObject({
    kind: z.literal("average"),
    ...named,
    input: z.string(),
    window: windowSchema,
    overPadding: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal("concatenation"),
    ...named,
    inputs: z.array(z.string()).min(1),
    axis: count,
  }),
  z.strictObject({
    kind: z.literal("pick"),
    ...named,
    input: z.string(),
    starts: z.array(z.int()),
    steps: z.array(z.int()),
  }),
  z.strictObject({ kind: z.literal("transposition"), ...named, input: z.string(), order: z.array(count) }),
  z.strictObject({ kind: z.literal("reshape"), ...named, input: z.string() }),
]);

/** The JSON file of an integer form. */
export const formSchema = z.strictObject({
  schemaVersion: z.string().regex(/^\d+\.\d+$/),
  weights: z.strictObject({
    file: z.string().regex(/^[\w.-]+$/, "must be a plain file name beside the form"),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"),
    bytes: count,
  }),
  input: z.string(),
  output: z.string(),
  values: z.record(z.string(), valueSchema),
  layers: z.array(layerSchema).min(1),
});

export type StoredForm = z.infer<typeof formSchema>;
export type StoredLayer = z.infer<typeof layerSchema>;
export type StoredParameters = z.infer<typeof parametersSchema>;
