import { ModelError } from "../errors.ts";
import { producers } from "./edit.ts";
import type { Dim, Graph, Model, ValueInfo } from "./graph.ts";
import { isKnown, shapeText } from "./operators/dims.ts";
import { inferValues } from "./shapes.ts";

/** The image input of a classifier. */
export interface ImageInput {
  readonly name: string;
  readonly layout: "NCHW" | "NHWC";
  readonly channels: 1 | 3;
  /** Undefined when the model takes any. */
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** A number when the batch is fixed. */
  readonly batch: Dim;
}

/** The output of a classifier. */
export interface ClassOutput {
  readonly name: string;
  readonly kind: "logits" | "probabilities";
  readonly classes: number;
}

/** What makes a model an image classifier. */
export interface Classifier {
  readonly input: ImageInput;
  readonly output: ClassOutput;
}

/**
 * Finds the image input and the class output of a classifier.
 *
 * @throws ModelError that names what is wrong and what to do, if the model is no image classifier
 */
export function classifierOf(model: Model): Classifier {
  const { graph } = model;
  const [input, ...otherInputs] = graph.inputs;
  if (input === undefined) throw new ModelError("has no input; export it with the image as its input");
  if (otherInputs.length > 0) {
    throw new ModelError(`has ${graph.inputs.length} inputs (${listed(graph.inputs)}), an image classifier has one`);
  }
  const [output, ...otherOutputs] = graph.outputs;
  if (output === undefined) throw new ModelError("has no output; export it with the logits as its output");
  if (otherOutputs.length > 0) {
    throw new ModelError(
      `has ${graph.outputs.length} outputs (${listed(graph.outputs)}); export it with the logits as its only output`,
    );
  }
  return { input: imageInput(input), output: classOutput(model, output) };
}

const listed = (values: readonly ValueInfo[]): string =>
  values.map(({ name, type, shape }) => `"${name}" ${type} ${shapeText(shape)}`).join(", ");

function imageInput({ name, type, shape }: ValueInfo): ImageInput {
  if (type !== "float32") {
    throw new ModelError(`input "${name}" is ${type}; export the model with a float32 image as its input`);
  }
  if (shape?.length !== 4) {
    throw new ModelError(
      `input "${name}" has shape ${shapeText(shape)}, an image has [batch, channels, height, width]`,
    );
  }
  const layout = isChannels(shape[1]) ? "NCHW" : "NHWC";
  const [channels, height, width] = layout === "NCHW" ? [shape[1], shape[2], shape[3]] : [shape[3], shape[1], shape[2]];
  if (!isChannels(channels)) {
    throw new ModelError(
      `input "${name}" has shape ${shapeText(shape)}: neither axis 1 nor axis 3 holds 1 or 3 channels`,
    );
  }
  return { name, layout, channels, height: sizeOrOpen(height), width: sizeOrOpen(width), batch: shape[0] };
}

const isChannels = (dim: Dim): dim is 1 | 3 => dim === 1 || dim === 3;
const sizeOrOpen = (dim: Dim): number | undefined => (isKnown(dim) ? dim : undefined);

function classOutput(model: Model, { name, type, shape: declared }: ValueInfo): ClassOutput {
  const shape = inferValues(model, { lenient: true }).get(name)?.shape ?? declared;
  const [, classes, ...tail] = shape ?? [];
  if (shape === undefined || shape.length < 2 || tail.some((dim) => isKnown(dim) && dim !== 1)) {
    throw new ModelError(`output "${name}" has shape ${shapeText(shape)}, a classifier gives [batch, classes]`);
  }
  if (!isKnown(classes) || tail.some((dim) => !isKnown(dim))) {
    throw new ModelError(
      `output "${name}" has shape ${shapeText(shape)}: its number of classes is not known; fix the image size`,
    );
  }
  if (classes < 2) throw new ModelError(`output "${name}" has ${classes} class, a classifier has at least 2`);
  if (type !== "float32") throw new ModelError(`output "${name}" is ${type}; export the model with float32 logits`);
  return { name, kind: outputKind(model.graph, name), classes };
}

/** Operators that change neither the values nor which of them belong to an image. */
const transparent = new Set([
  "Identity",
  "Flatten",
  "Reshape",
  "Squeeze",
  "Cast",
  "QuantizeLinear",
  "DequantizeLinear",
]);

function outputKind(graph: Graph, output: string): ClassOutput["kind"] {
  const makers = producers(graph);
  let maker = makers.get(output);
  while (maker !== undefined && transparent.has(maker.op)) maker = makers.get(maker.inputs[0]!);
  if (maker?.op === "Sigmoid") {
    throw new ModelError(
      `output "${output}" ends in Sigmoid (node "${maker.name}"): several classes may hold at once; export the logits before it`,
    );
  }
  return maker?.op === "Softmax" || maker?.op === "QLinearSoftmax" ? "probabilities" : "logits";
}
