import { ModelError, UsageError, unknownValue } from "../errors.ts";
import {
  elementTypes,
  float32,
  type Graph,
  GraphBuilder,
  inferValues,
  int64,
  type Model,
  modelOf,
  type Shape,
  scalar,
} from "../onnx/index.ts";
import { blockConvolutions, findBlock } from "./blocked.ts";
import type { Device } from "./device.ts";
import { differentiate, type ValueShapes } from "./differentiate.ts";
import { emitForward, emitProgress, type Forward, inner, type NetworkSpec } from "./forward.ts";
import type { Loss, LossInputs } from "./losses.ts";
import type { Optimiser } from "./optimisers/index.ts";
import { emitJoin, type Parameter, totalSize } from "./parameters.ts";
import { withoutStraightThrough } from "./straight-through.ts";

/** A graph that computes something of a network whose parameters come in as one flat vector. */
export interface ParameterisedGraph {
  readonly model: Model;
  readonly parameters: readonly Parameter[];
}

/** What the gradients are taken of. */
export interface GradientSpec extends NetworkSpec {
  readonly loss: Loss;
  /** Whether each image has a second label, and the share of the first. */
  readonly mixedLabels?: boolean;
}

/** What a network is trained with. */
export interface TrainingSpec extends GradientSpec {
  readonly optimiser: Optimiser;
}

/**
 * One training step as a graph: forward pass, loss, gradients and update.
 *
 * Inputs: `images` uint8 [batch, C, H, W]; `labels` int64 [batch], and with mixed labels `other_labels` and `share` float32
 * [batch, 1]; `teacher` float32 [batch, classes] and `teacher/<value>` where the loss needs them; the flat vectors
 * `parameters`, `average`, `state0`...; the scalars `rate`, `step`, `progress` and `averaging`.
 * Outputs: scalars `loss` and `correct`; `new_parameters`, `new_average`, `new_state0`...
 */
export async function trainingGraph(network: Model, spec: TrainingSpec): Promise<ParameterisedGraph> {
  const { forward, gradient, shapes } = emitGradient(network, spec);
  const { b, parameters, opset } = forward;
  emitProgress(b);
  emitUpdate(b, spec.optimiser, parameters, gradient);
  return { model: await runnable(b.graph, opset, shapes, spec.device), parameters };
}

/**
 * The gradients of a part of a step's images: as {@link trainingGraph}, but instead of an update the output `gathered`, the
 * input `gradient` plus the gradient of this part divided by the number of `parts`.
 */
export async function gradientGraph(network: Model, spec: GradientSpec, parts: number): Promise<ParameterisedGraph> {
  const { forward, gradient, shapes } = emitGradient(network, spec);
  const { b, parameters, opset } = forward;
  const size = [totalSize(parameters)];
  const share = b.op("Mul", [gradient, b.constant(scalar(1 / parts))]);
  b.output(b.op("Add", [b.input("gradient", "float32", size), share]), "float32", size, "gathered");
  return { model: await runnable(b.graph, opset, shapes, spec.device), parameters };
}

/** The update alone: from the flat vectors `parameters` and `gradient`. */
export function updateGraph(parameters: readonly Parameter[], optimiser: Optimiser): Model {
  const b = new GraphBuilder("update");
  for (const vector of ["parameters", "gradient"]) b.input(vector, "float32", [totalSize(parameters)]);
  emitProgress(b);
  emitUpdate(b, optimiser, parameters, "gradient");
  return modelOf(b.graph, 20);
}

/**
 * The forward pass with the statistics of the batch.
 *
 * Inputs: `images` uint8 [batch, C, H, W] and the flat vector `parameters`.
 * Outputs: `mean<i>` and `variance<i>` for the i-th BatchNormalization, float32 [1, channels, 1, 1].
 */
export async function statisticsGraph(
  network: Model,
  spec: Pick<NetworkSpec, "batch" | "normalisation">,
): Promise<ParameterisedGraph> {
  const { b, parameters, statistics, opset } = emitForward(network, spec);
  statistics.forEach(({ mean, variance }, i) => {
    b.output(mean, "float32", undefined, `mean${i}`);
    b.output(variance, "float32", undefined, `variance${i}`);
  });
  return { model: await runnable(b.graph, opset, valueShapes(b.graph, opset)), parameters };
}

/** Forward pass, loss and the flat gradient; puts out `loss` and `correct`. */
function emitGradient(network: Model, spec: GradientSpec) {
  const forward = emitForward(network, spec);
  const { b, values, logits, opset } = forward;
  const loss = emitLoss(forward, spec);
  const shapes = valueShapes(b.graph, opset);
  const names = values.map((value) => value.name);
  const gradient = emitJoin(b, values, differentiate(b, shapes, loss, names));
  b.output(loss, "float32", [], "loss");
  b.output(emitCorrect(b, logits), "float32", [], "correct");
  return { forward, gradient, shapes };
}

function emitLoss({ b, logits, classes, opset }: Forward, { batch, loss, mixedLabels }: GradientSpec): string {
  b.input("labels", "int64", [batch]);
  if (loss.needsTeacher) b.input("teacher", "float32", [batch, classes]);
  const target = mixedLabels ? emitMixedTarget(b, batch, classes) : emitOneHot(b, "labels", classes);
  const inputs: LossInputs = {
    b,
    logits,
    labels: "labels",
    target,
    classes,
    teacher: "teacher",
    feature: (pair) => {
      const shapes = valueShapes(b.graph, opset);
      const student = inner(pair.student);
      const shape = shapes.get(student);
      if (shape === undefined)
        throw new UsageError(unknownValue("value of the network", pair.student, innerNames(shapes)));
      const teacher = `teacher/${pair.teacher}`;
      if (!shapes.has(teacher)) b.input(teacher, "float32", shape);
      return { student, teacher };
    },
  };
  return loss.emit(inputs);
}

/** The network's own values, under their own names. */
function innerNames(shapes: ValueShapes): string[] {
  const prefix = inner("x").slice(0, -1);
  return [...shapes.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

function emitOneHot(b: GraphBuilder, labels: string, classes: number): string {
  const off = { type: "float32", dims: [2], data: Float32Array.of(0, 1) } as const;
  return b.op("OneHot", [labels, b.constant(int64([classes]), "classes"), b.constant(off)], { axis: -1 });
}

/** `share` of the first label, the rest of the second. */
function emitMixedTarget(b: GraphBuilder, batch: number, classes: number): string {
  const first = emitOneHot(b, "labels", classes);
  const second = emitOneHot(b, b.input("other_labels", "int64", [batch]), classes);
  const share = b.input("share", "float32", [batch, 1]);
  return b.op("Add", [second, b.op("Mul", [b.op("Sub", [first, second]), share])]);
}

/** Reads the value `progress`, and declares the other scalars and the vectors. */
function emitUpdate(b: GraphBuilder, optimiser: Optimiser, parameters: readonly Parameter[], gradient: string): void {
  const size = totalSize(parameters);
  const vector = (name: string): string => b.input(name, "float32", [size]);
  const output = (value: string, name: string): void => b.output(value, "float32", [size], name);
  const [rate, step, averaging] = ["rate", "step", "averaging"].map((name) => b.input(name, "float32", []));
  const state = Array.from({ length: optimiser.stateCount }, (_, i) => vector(`state${i}`));
  const update = optimiser.emit({
    b,
    parameters: "parameters",
    gradient,
    rate: rate!,
    step: step!,
    progress: "progress",
    state,
    decays: b.constant(decayMask(parameters), "decays"),
    layout: parameters,
  });
  output(update.parameters, "new_parameters");
  update.state.forEach((value, i) => {
    output(value, `new_state${i}`);
  });
  output(emitAverage(b, vector("average"), update.parameters, averaging!), "new_average");
}

/** `average + (1 - averaging) (value - average)` */
function emitAverage(b: GraphBuilder, average: string, value: string, averaging: string): string {
  const share = b.op("Sub", [b.constant(scalar(1)), averaging]);
  return b.op("Add", [average, b.op("Mul", [b.op("Sub", [value, average]), share])]);
}

function decayMask(parameters: readonly Parameter[]) {
  const mask = new Float32Array(totalSize(parameters));
  for (const { offset, size, decays } of parameters) mask.fill(decays ? 1 : 0, offset, offset + size);
  return float32(mask);
}

/** How many images of the batch are classified as labelled. */
function emitCorrect(b: GraphBuilder, logits: string): string {
  const answers = b.op("ArgMax", [logits], { axis: 1, keepdims: 0 });
  const right = b.op("Cast", [b.op("Equal", [answers, "labels"])], { to: elementTypes.float32.code });
  return b.op("ReduceSum", [right], { keepdims: 0 });
}

/** As the runtime takes it, and takes it fastest. */
async function runnable(graph: Graph, opset: number, shapes: ValueShapes, device: Device = "cpu"): Promise<Model> {
  const model = modelOf(withoutStraightThrough(graph), opset);
  const block = device === "cpu" ? await findBlock() : undefined;
  return block === undefined ? model : blockConvolutions(model, shapes, block);
}

/** The sizes of all values of a graph whose inputs have fixed sizes. */
function valueShapes(graph: Graph, opset: number): ValueShapes {
  const values = [...inferValues(modelOf(withoutStraightThrough(graph), opset))];
  return new Map(values.map(([name, { shape }]) => [name, fixedShape(name, shape)]));
}

function fixedShape(name: string, shape: Shape): readonly number[] {
  const sizes = shape?.filter((size) => typeof size === "number");
  if (sizes === undefined || sizes.length !== shape?.length) {
    throw new ModelError(`value "${name}" has no fixed shape; training needs one for every value`);
  }
  return sizes;
}
