import type { Attribute, Graph, Model, Node } from "./graph.ts";

/** A rewrite: does one thing to a model and returns the new one; the given one stays as it is. */
export type Rewrite = (model: Model) => Model;

/** A copy whose lists, maps and nodes may be changed freely; tensors and shapes are shared. */
export function copyModel(model: Model): Model {
  return {
    ...model,
    graph: copyGraph(model.graph),
    otherOpsets: new Map(model.otherOpsets),
    metadata: new Map(model.metadata),
  };
}

function copyGraph(graph: Graph): Graph {
  return {
    name: graph.name,
    inputs: graph.inputs.map((input) => ({ ...input })),
    outputs: graph.outputs.map((output) => ({ ...output })),
    nodes: graph.nodes.map(copyNode),
    constants: new Map(graph.constants),
    values: new Map(graph.values),
  };
}

function copyNode(node: Node): Node {
  const attributes = [...node.attributes].map(([name, attribute]) => [name, copyAttribute(attribute)] as const);
  return { ...node, inputs: [...node.inputs], outputs: [...node.outputs], attributes: new Map(attributes) };
}

const copyAttribute = (attribute: Attribute): Attribute =>
  attribute.kind === "graph" ? { kind: "graph", value: copyGraph(attribute.value) } : attribute;

/** The node that makes each value. */
export function producers(graph: Graph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

/** The nodes that read each value, also from within their subgraphs. */
export function consumers(graph: Graph): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const value of readsOf(node)) readers.set(value, [...(readers.get(value) ?? []), node]);
  }
  return readers;
}

/** The values that a node reads, those that its subgraphs take from outside included; each once. */
export function readsOf(node: Node): Set<string> {
  const reads = new Set(node.inputs.filter((input) => input !== ""));
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === "graph") for (const value of outerReads(attribute.value)) reads.add(value);
  }
  return reads;
}

function outerReads(graph: Graph): string[] {
  const own = new Set([...graph.inputs.map((input) => input.name), ...graph.constants.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) own.add(output);
  const reads = [...graph.nodes.flatMap((node) => [...readsOf(node)]), ...graph.outputs.map((output) => output.name)];
  return reads.filter((value) => !own.has(value));
}

/** The nodes whose outputs never change, because they read nothing but constants. */
export function constantNodes(graph: Graph): Set<Node> {
  const fixed = new Set<Node>();
  const known = new Set(graph.constants.keys());
  for (const node of graph.nodes) {
    if (randomOperators.has(node.op) || ![...readsOf(node)].every((name) => known.has(name))) continue;
    fixed.add(node);
    for (const output of node.outputs) known.add(output);
  }
  return fixed;
}

const randomOperators = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/** Makes every reader of `from` read `to` instead; the graph's own outputs keep their names. Changes the graph. */
export function redirect(graph: Graph, from: string, to: string): void {
  for (const node of graph.nodes) {
    node.inputs = node.inputs.map((input) => (input === from ? to : input));
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === "graph") redirectInner(attribute.value, from, to);
    }
  }
}

function redirectInner(graph: Graph, from: string, to: string): void {
  redirect(graph, from, to);
  for (const output of graph.outputs) if (output.name === from) output.name = to;
}

/** Gives a value another name wherever it stands, inputs and outputs included. Changes the graph. */
export function renameValue(graph: Graph, from: string, to: string): void {
  redirect(graph, from, to);
  for (const info of [...graph.inputs, ...graph.outputs]) if (info.name === from) info.name = to;
  for (const node of graph.nodes) node.outputs = node.outputs.map((output) => (output === from ? to : output));
  moveKey(graph.constants, from, to);
  const info = graph.values.get(from);
  moveKey(graph.values, from, to);
  if (info !== undefined) graph.values.set(to, { ...info, name: to });
}

function moveKey<T>(map: Map<string, T>, from: string, to: string): void {
  const value = map.get(from);
  if (value === undefined) return;
  map.delete(from);
  map.set(to, value);
}

/** Makes names in a graph that no value or node has yet. */
export class FreshNames {
  readonly #taken: Set<string>;

  constructor(graph: Graph) {
    this.#taken = new Set(valueNames(graph));
    for (const node of graph.nodes) this.#taken.add(node.name);
  }

  /** `hint`, or `hint_1`, `hint_2`, ... */
  take(hint: string): string {
    let name = hint;
    for (let i = 1; this.#taken.has(name); i++) name = `${hint}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

/** Every name that a value of the graph has, those in subgraphs included. */
function valueNames(graph: Graph): string[] {
  const inner = graph.nodes.flatMap((node) =>
    [...node.attributes.values()].flatMap((attribute) =>
      attribute.kind === "graph" ? valueNames(attribute.value) : [],
    ),
  );
  const own = [...graph.inputs, ...graph.outputs].map((info) => info.name);
  return [...own, ...graph.constants.keys(), ...graph.nodes.flatMap((node) => node.outputs), ...inner];
}
