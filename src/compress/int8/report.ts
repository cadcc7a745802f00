import { quantity } from "../../figures.ts";
import { heldOutEvery } from "./calibration.ts";
import type { MeasuredTime } from "./measure.ts";
import type { QuantizationPlan } from "./qdq.ts";
import type { Range, RangeMethod } from "./ranges.ts";
import type { FloatNode, Units } from "./units.ts";

/** What became of one node of the model. */
export interface NodeReport {
  readonly node: string;
  readonly op: string;
  readonly precision: "int8" | "float32";
  /** Bits of the weights, where it has some. */
  readonly weightBits?: number;
  /** The range that the codes of its output cover; absent where the output stays float32. */
  readonly range?: Range;
  /** Why it stays float32. */
  readonly reason?: string;
}

/** What quantisation did, and how well. */
export interface QuantizationReport {
  readonly nodes: readonly NodeReport[];
  /** How ranges of activations were chosen. */
  readonly method: RangeMethod;
  /** Bits of the weights of products that may saturate. */
  readonly weightBits: number;
  readonly biasCorrection: boolean;
  /** Images that ranges and biases were taken from, and others that the agreement was measured on. */
  readonly images: { readonly calibration: number; readonly heldOut: number };
  /** Share of the held-out images to which both networks give the same class. */
  readonly agreement: number;
  /** Nodes that `minAgreement` gave back to float32, the most harmful first. */
  readonly givenBack: readonly string[];
  readonly time: MeasuredTime;
  /** What the user should know, in sentences. */
  readonly notes: readonly string[];
}

/** A line for every node. */
export function nodeReports(
  { units, float }: Units,
  plan: QuantizationPlan,
  ranges: ReadonlyMap<string, Range>,
): NodeReport[] {
  const integer = units.flatMap(({ node, activation, output }): NodeReport[] => {
    const range = plan.values.has(output) ? ranges.get(output) : undefined;
    const bits = plan.weights.get(node.name)?.bits;
    const rest = range === undefined ? {} : { range };
    const own: NodeReport = {
      node: node.name,
      op: node.op,
      precision: "int8",
      ...(bits && { weightBits: bits }),
      ...rest,
    };
    return activation === undefined
      ? [own]
      : [own, { node: activation.name, op: activation.op, precision: "int8", ...rest }];
  });
  return [...integer, ...float.map(floatReport)];
}

const floatReport = ({ node, reason }: FloatNode): NodeReport => ({
  node: node.name,
  op: node.op,
  precision: "float32",
  reason,
});

const ms = (value: number): string => `${value.toPrecision(3)} ms`;

/** What the notes are about. */
interface Result extends Pick<QuantizationReport, "time" | "images" | "givenBack"> {
  readonly units: Units;
  readonly minAgreement: number | undefined;
}

/** Says plainly what did not turn out as hoped. */
export function notesOn({ time, images, givenBack, units, minAgreement }: Result): string[] {
  const notes: string[] = [];
  if (time.speedUp < 1.05) {
    notes.push(`int8 is not faster here: ${ms(time.int8Ms)} an image against ${ms(time.float32Ms)} in float32`);
  }
  if (givenBack.length > 0) {
    notes.push(`given back to float32 for the agreement asked for: ${givenBack.join(", ")}`);
    notes.push(...onFewImages(images.heldOut, minAgreement!));
  }
  if (units.units.length === 0) notes.push("every node stays float32");
  return notes;
}

/** A single image that differs may cost nodes where there are few. */
function onFewImages(heldOut: number, minAgreement: number): string[] {
  const needed = Math.ceil(1 / (1 - minAgreement) - 1e-9);
  if (minAgreement === 1 || heldOut >= needed) return [];
  return [
    `not one of the ${quantity(heldOut, "image")} held out may differ at that agreement; given ${heldOutEvery * needed} images in all, one may, and more nodes may stay in int8`,
  ];
}
