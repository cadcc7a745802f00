import type { ElementType, Tensor } from "./tensor.ts";

/** One size of a shape: known, symbolic (a name shared by equal sizes), or unknown. */
export type Dim = number | string | undefined;
/** A shape; undefined when not even the rank is known. */
export type Shape = readonly Dim[] | undefined;

/** An attribute, with the kind that ONNX stores beside it. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] };

/** One operator applied to named values. An input `""` is an omitted optional one. */
export interface Node {
  name: string;
  op: string;
  /** `""` is the ONNX standard's own domain. */
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Attribute>;
}

/** The type and shape of a named value. */
export interface ValueInfo {
  name: string;
  type: ElementType;
  shape: Shape;
}

/** Nodes in topological order, over named values in static single assignment. */
export interface Graph {
  name: string;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  nodes: Node[];
  /** Constants (ONNX initializers) by name. */
  constants: Map<string, Tensor>;
  /** What the file or shape inference says about inner values, by name. */
  values: Map<string, ValueInfo>;
}

/** A graph with the operator set it is written in. */
export interface Model {
  graph: Graph;
  /** Version of the standard's own operator set. */
  opset: number;
  /** Versions of further operator sets, by domain. */
  otherOpsets: Map<string, number>;
  irVersion: number;
  producer: string;
  /** Free key-value pairs. */
  metadata: Map<string, string>;
}

/** An empty graph. */
export function emptyGraph(name: string): Graph {
  return { name, inputs: [], outputs: [], nodes: [], constants: new Map(), values: new Map() };
}

/** A model around a graph, at an operator set and format version that every supported ONNX Runtime takes. */
export function modelOf(graph: Graph, opset = 17): Model {
  return { graph, opset, otherOpsets: new Map(), irVersion: 8, producer: "twindnn", metadata: new Map() };
}

/** Attribute makers: `attr.ints([1, 1])`. */
export const attr = {
  int: (value: number): Attribute => ({ kind: "int", value }),
  /** Rounded to the float32 that ONNX stores. */
  float: (value: number): Attribute => ({ kind: "float", value: Math.fround(value) }),
  string: (value: string): Attribute => ({ kind: "string", value }),
  tensor: (value: Tensor): Attribute => ({ kind: "tensor", value }),
  ints: (value: readonly number[]): Attribute => ({ kind: "ints", value }),
  floats: (value: readonly number[]): Attribute => ({ kind: "floats", value: value.map(Math.fround) }),
} as const;

/** The integer attribute `name`, or `fallback` when absent. */
export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "int" ? attribute.value : fallback;
}

/** The float attribute `name`, or `fallback` when absent. */
export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "float" ? attribute.value : fallback;
}

/** The integer-list attribute `name`, or `fallback` when absent. */
export function intsAttribute(node: Node, name: string, fallback: readonly number[]): readonly number[] {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "ints" ? attribute.value : fallback;
}

/** The string attribute `name`, or `fallback` when absent. */
export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "string" ? attribute.value : fallback;
}
