import {
  copyModel,
  FreshNames,
  float32,
  type Graph,
  type Model,
  makeNode,
  type Node,
  removeDeadNodes,
  type Tensor,
} from "../../onnx/index.ts";
import { type Affine, type QuantizedWeights, quantize } from "./affine.ts";
import { isLinear } from "./operators.ts";
import type { Unit } from "./units.ts";

/** Everything that the integer form of a model is made from. */
export interface QuantizationPlan {
  readonly units: readonly Unit[];
  /** The codes of every quantised value, by name. */
  readonly values: ReadonlyMap<string, Affine>;
  /** By node name. */
  readonly weights: ReadonlyMap<string, QuantizedWeights>;
  /** By node name; absent where a node has no bias. */
  readonly biases: ReadonlyMap<string, Float32Array>;
}

/**
 * Writes a model with QuantizeLinear and DequantizeLinear around its integer nodes (the QDQ form): u8 activations, s8
 * weights, s32 biases of scale input x weight. ONNX Runtime turns each such group into one integer kernel; any other
 * runtime that follows the standard computes the same in float32.
 */
export function insertQdq(model: Model, plan: QuantizationPlan): Model {
  const result = copyModel(model);
  const writer = new QdqWriter(result.graph, plan);
  writer.write();
  result.graph.values.clear();
  return removeDeadNodes(result);
}

class QdqWriter {
  readonly #graph: Graph;
  readonly #plan: QuantizationPlan;
  readonly #names: FreshNames;
  readonly #unitOf: Map<string, Unit>;
  readonly #activations: Set<string>;
  readonly #outputs: Set<string>;
  /** Names of the codes, and of the values read back from them. */
  readonly #codes = new Map<string, string>();
  readonly #dequantized = new Map<string, string>();
  readonly #constants = new Map<string, string>();
  readonly #written: Node[] = [];

  constructor(graph: Graph, plan: QuantizationPlan) {
    this.#graph = graph;
    this.#plan = plan;
    this.#names = new FreshNames(graph);
    this.#unitOf = new Map(plan.units.map((unit) => [unit.node.name, unit]));
    this.#activations = new Set(plan.units.flatMap((unit) => unit.activation?.name ?? []));
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
  }

  write(): void {
    const { inputs, constants, nodes } = this.#graph;
    for (const name of this.#plan.values.keys()) if (constants.has(name)) this.#quantizeConstant(name);
    for (const { name } of inputs) this.#quantizeValue(name, name);
    for (const node of nodes) this.#writeNode(node);
    this.#graph.nodes = this.#written;
  }

  #writeNode(node: Node): void {
    if (this.#activations.has(node.name)) return;
    const unit = this.#unitOf.get(node.name);
    if (unit?.role === "movement") this.#writeMovement(node, unit);
    else this.#writeComputation(node, unit);
  }

  #writeComputation(node: Node, unit: Unit | undefined): void {
    node.inputs = node.inputs.map((name) => this.#read(node, name));
    if (unit !== undefined && isLinear(node)) this.#quantizeParameters(node, unit);
    this.#written.push(node);
    if (unit === undefined) for (const output of node.outputs) this.#quantizeOutput(node, output, output);
    else this.#quantizeOutput(node, node.outputs[0]!, unit.output);
  }

  /** A movement handles codes directly: all runtimes move bytes as well as floats. */
  #writeMovement(node: Node, unit: Unit): void {
    const value = unit.output;
    const codes = this.#names.take(`${value}_quantized`);
    const others = node.inputs.slice(1);
    node.inputs = [this.#codes.get(node.inputs[0]!)!, ...others];
    if (node.op === "Pad") node.inputs[2] = this.#affineNames(value)[1]!;
    node.outputs = [codes];
    this.#written.push(node);
    this.#codes.set(value, codes);
    this.#dequantize(value, codes);
  }

  /** What a node reads in the place of a value. Its size may be read from the codes. */
  #read(node: Node, name: string): string {
    return (node.op === "Shape" ? this.#codes : this.#dequantized).get(name) ?? name;
  }

  /** Quantises what a node gives as `raw`. A graph output keeps its name: it is what is read back. */
  #quantizeOutput(node: Node, raw: string, value: string): void {
    if (!this.#plan.values.has(value)) return;
    const source = raw === value && this.#outputs.has(value) ? this.#names.take(`${value}_raw`) : raw;
    node.outputs = node.outputs.map((output) => (output === raw ? source : output));
    this.#quantizeValue(source, value);
  }

  #quantizeValue(source: string, value: string): void {
    if (!this.#plan.values.has(value)) return;
    const codes = this.#names.take(`${value}_quantized`);
    this.#written.push(makeNode("QuantizeLinear", [source, ...this.#affineNames(value)], [codes]));
    this.#codes.set(value, codes);
    this.#dequantize(value, codes);
  }

  #dequantize(value: string, codes: string): void {
    const name = this.#outputs.has(value) ? value : this.#names.take(`${value}_dequantized`);
    this.#written.push(makeNode("DequantizeLinear", [codes, ...this.#affineNames(value)], [name]));
    this.#dequantized.set(value, name);
  }

  #affineNames(value: string): string[] {
    const affine = this.#plan.values.get(value)!;
    return [
      this.#constant(`${value}_scale`, float32([affine.scale], [])),
      this.#constant(`${value}_zero_point`, { type: "uint8", dims: [], data: Uint8Array.of(affine.zeroPoint) }),
    ];
  }

  #quantizeConstant(name: string): void {
    const tensor = this.#graph.constants.get(name)!;
    const affine = this.#plan.values.get(name)!;
    const data = Uint8Array.from(tensor.data as Float32Array, (value) => quantize(value, affine));
    const codes = this.#constant(`${name}_quantized`, { type: "uint8", dims: tensor.dims, data });
    this.#dequantize(name, codes);
  }

  #quantizeParameters(node: Node, unit: Unit): void {
    const weights = this.#plan.weights.get(node.name)!;
    const bias = this.#plan.biases.get(node.name);
    const input = this.#plan.values.get(unit.inputs[0]!)!;
    const from = unit.node.inputs[1]!;
    node.inputs[1] = this.#dequantizedConstant(from, weights.codes, weights.scales, weights.axis);
    if (bias === undefined) return;
    const scales = weights.scales.map((scale) => Math.fround(scale * input.scale));
    const codes = Int32Array.from(bias, (value, channel) => Math.round(value / scales[channel]!));
    const tensor: Tensor = { type: "int32", dims: [codes.length], data: codes };
    node.inputs[2] = this.#dequantizedConstant(`${node.outputs[0]}_bias`, tensor, scales, 0);
  }

  #dequantizedConstant(hint: string, codes: Tensor, scales: Float32Array, axis: number): string {
    const zeros: Tensor = {
      type: codes.type,
      dims: [scales.length],
      data: codes.type === "int8" ? new Int8Array(scales.length) : new Int32Array(scales.length),
    };
    const inputs = [
      this.#constant(`${hint}_quantized`, codes),
      this.#constant(`${hint}_scale`, float32(scales)),
      this.#constant(`${hint}_zero_point`, zeros),
    ];
    const output = this.#names.take(`${hint}_dequantized`);
    this.#written.push(makeNode("DequantizeLinear", inputs, [output], { axis }));
    return output;
  }

  /** Stores a constant; the same value's scale and zero point are asked for several times, and kept once. */
  #constant(hint: string, tensor: Tensor): string {
    const known = this.#constants.get(hint);
    if (known !== undefined) return known;
    const name = this.#names.take(hint);
    this.#graph.constants.set(name, tensor);
    this.#constants.set(hint, name);
    return name;
  }
}
