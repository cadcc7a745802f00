import { createPreprocessor, type Preprocessing } from "../data/index.ts";
import { ModelError, UsageError } from "../errors.ts";
import { toolVersion } from "../version.ts";
import { admitNetwork, type PairNote } from "./admit.ts";
import { createTwin, hashed, refuseExisting, type TwinFile } from "./folder.ts";
import { type Manifest, type ManifestNetwork, manifestVersion } from "./manifest.ts";
import { fingerprintFile, partOf } from "./parts.ts";

export interface PairOptions {
  /** Paths of the two ONNX classifiers. */
  readonly original: string;
  readonly compressed: string;
  /** Path of the original in int8, if it is to be the second stage, or a system of the bench. */
  readonly originalInt8?: string | undefined;
  /** The compressed network in integers alone, for hardware: the JSON that describes it, and its weights. */
  readonly integerForm?: Readonly<Record<"description" | "weights", TwinFile>> | undefined;
  readonly preprocessing: Preprocessing;
  /** Class names in the order of the outputs; numbered when absent. */
  readonly labels?: readonly string[] | undefined;
  /** Folder to make. */
  readonly output: string;
  /** Replace an existing twin. */
  readonly replace?: boolean | undefined;
  /** How the compressed network was made, for the manifest. */
  readonly compression?: CompressionOrigin | undefined;
}

type ManifestCompression = NonNullable<Manifest["compression"]>;

/** What the user calls images, and their fingerprints. */
export interface UsedImages {
  readonly source: string;
  readonly fingerprints: readonly string[];
}

/** How a compressed network was made. */
export interface CompressionOrigin extends Omit<ManifestCompression, "training" | "selection"> {
  /** Images that trained it. */
  readonly training?: UsedImages;
  /** Images that chose it among others. */
  readonly selection?: UsedImages;
}

/**
 * Makes an uncalibrated twin of two ONNX classifiers: it escalates every input until it is calibrated.
 * Throws ModelError when the two do not answer the same question.
 */
export async function pairTwin(options: PairOptions): Promise<PairNote[]> {
  refuseExisting(options.output, options.replace ?? false);
  const original = await admitNetwork(options.original, "original.onnx");
  const compressed = await admitNetwork(options.compressed, "compressed.onnx");
  refuseMismatch(options, original.entry, compressed.entry);
  checkUse(options.original, original.entry, options);
  const int8 =
    options.originalInt8 === undefined ? undefined : await admitNetwork(options.originalInt8, "original-int8.onnx");
  if (int8 !== undefined) refuseMismatch(options, original.entry, int8.entry);
  const { integerForm } = options;
  const origin = options.compression && recorded(options.compression);
  const manifest: Manifest = {
    schemaVersion: manifestVersion,
    tool: { name: "twindnn", version: toolVersion },
    networks: {
      original: original.entry,
      compressed: compressed.entry,
      ...(int8 === undefined ? {} : { "original-int8": int8.entry }),
    },
    ...(integerForm === undefined
      ? {}
      : { integerForm: { description: hashed(integerForm.description), weights: hashed(integerForm.weights) } }),
    labels: [...(options.labels ?? numbered(original.entry.output.classes))],
    preprocessing: options.preprocessing,
    confidence: { measure: "margin", temperature: 1 },
    secondStage: "original",
    ladder: [],
    ...(origin === undefined ? {} : { compression: origin.entry }),
  };
  const networks = [original, compressed, int8].filter((network) => network !== undefined);
  const files = new Map(networks.map(({ entry, bytes }) => [entry.file, bytes]));
  for (const { file, bytes } of [...Object.values(integerForm ?? {}), ...(origin?.files ?? [])]) files.set(file, bytes);
  await createTwin(options.output, manifest, files, { replace: options.replace ?? false });
  return networks.flatMap(({ notes }) => notes);
}

/** The manifest's entry, and the files that it names. */
function recorded({ training, selection, ...rest }: CompressionOrigin): {
  entry: ManifestCompression;
  files: TwinFile[];
} {
  const files: TwinFile[] = [];
  const part = (name: "training" | "selection", images: UsedImages | undefined): Partial<ManifestCompression> => {
    if (images === undefined) return {};
    const file = fingerprintFile(`${name}.txt`, images.fingerprints);
    files.push(file);
    return { [name]: { ...partOf(images.fingerprints, images.source), fingerprints: hashed(file) } };
  };
  return { entry: { ...rest, ...part("training", training), ...part("selection", selection) }, files };
}

function refuseMismatch(options: PairOptions, original: ManifestNetwork, compressed: ManifestNetwork): void {
  const names = `${options.original} and ${options.compressed}`;
  if (original.output.classes !== compressed.output.classes) {
    throw new ModelError(
      `${names} tell ${original.output.classes} and ${compressed.output.classes} classes apart; pair networks trained for the same classes`,
    );
  }
  const [a, b] = [original.input.shape, compressed.input.shape].map((shape) => shape.join(" x "));
  if (a !== b) throw new ModelError(`${names} read images of ${a} and ${b}; export both at one size`);
}

/** @throws UsageError for a preprocessing or labels that do not fit the network of a file */
export function checkUse(
  file: string,
  { input, output }: ManifestNetwork,
  { preprocessing, labels }: Pick<PairOptions, "preprocessing" | "labels">,
): void {
  const [read, prepared] = [input.shape, createPreprocessor(preprocessing).shape].map((shape) => shape.join(" x "));
  if (read !== prepared) {
    throw new UsageError(
      `${file} reads images of ${read}, the preprocessing makes ${prepared}; choose another --preprocess`,
    );
  }
  if (labels !== undefined && labels.length !== output.classes) {
    throw new UsageError(
      `${file} tells ${output.classes} classes apart, received ${labels.length} labels; give --labels one name a class, in the order of the outputs`,
    );
  }
}

const numbered = (classes: number): string[] => Array.from({ length: classes }, (_, index) => `class ${index}`);
