import { ModelError } from "../errors.ts";
import { readsOf } from "./edit.ts";
import type { Attribute, Graph, Model } from "./graph.ts";

/** Operator sets that are read, edited and run: up to the newest that ONNX Runtime 1.30 takes. */
export const supportedOpsets = { oldest: 11, newest: 26 } as const;
/** The newest version of the file format that ONNX Runtime 1.30 takes. */
export const newestIrVersion = 13;

/** A rule that a model keeps; `problems` says each way in which it does not. */
interface Rule {
  readonly name: string;
  readonly problems: (model: Model) => Iterable<string>;
}

/** What is wrong with a model. */
export interface Problem {
  readonly rule: string;
  readonly problem: string;
}

/** Everything that is wrong with a model; empty when it keeps every rule. */
export function problemsOf(model: Model): Problem[] {
  return rules.flatMap(({ name, problems }) => [...problems(model)].map((problem) => ({ rule: name, problem })));
}

/** Throws a ModelError that lists what is wrong with a model. */
export function checkModel(model: Model): void {
  const problems = problemsOf(model).map(({ problem }) => problem);
  if (problems.length === 0) return;
  const more = problems.length > 3 ? `; and ${problems.length - 3} more` : "";
  throw new ModelError(`breaks the ONNX standard: ${problems.slice(0, 3).join("; ")}${more}. Export it again`);
}

const rules: readonly Rule[] = [
  { name: "versions", problems: versions },
  { name: "domains", problems: domains },
  { name: "single assignment", problems: ({ graph }) => assignedTwice(graph) },
  { name: "topological order", problems: ({ graph }) => readTooEarly(graph, new Set()) },
  { name: "outputs", problems: ({ graph }) => outputsUnmade(graph) },
  { name: "attribute kinds", problems: ({ graph }) => wrongKinds(graph) },
];

function* versions({ opset, irVersion }: Model): Iterable<string> {
  const { oldest, newest } = supportedOpsets;
  if (opset < oldest || opset > newest) yield `operator set ${opset} is outside the supported ${oldest} to ${newest}`;
  if (irVersion > newestIrVersion) yield `format version ${irVersion} is newer than the supported ${newestIrVersion}`;
}

function* domains({ graph, otherOpsets }: Model): Iterable<string> {
  for (const node of graph.nodes) {
    if (node.domain !== "" && !otherOpsets.has(node.domain)) {
      yield `node "${node.name}" uses the domain "${node.domain}", of which the model names no version`;
    }
  }
}

/** Graph inputs, constants and node outputs: all that gives a value its name. */
const definitions = (graph: Graph): string[] => [
  ...graph.inputs.map((input) => input.name),
  ...graph.constants.keys(),
  ...graph.nodes.flatMap((node) => node.outputs.filter((output) => output !== "")),
];

function* assignedTwice(graph: Graph): Iterable<string> {
  const seen = new Set<string>();
  for (const name of definitions(graph)) {
    if (seen.has(name)) yield `value "${name}" is made more than once`;
    seen.add(name);
  }
}

function* readTooEarly(graph: Graph, outer: ReadonlySet<string>): Iterable<string> {
  const known = new Set([...outer, ...graph.inputs.map((input) => input.name), ...graph.constants.keys()]);
  const made = new Set(definitions(graph));
  for (const node of graph.nodes) {
    for (const name of readsOf(node)) {
      if (known.has(name)) continue;
      yield made.has(name)
        ? `node "${node.name}" (${node.op}) reads "${name}" before it is made`
        : `node "${node.name}" (${node.op}) reads "${name}", which nothing makes`;
    }
    for (const output of node.outputs) known.add(output);
  }
}

function* outputsUnmade(graph: Graph): Iterable<string> {
  const made = new Set(definitions(graph));
  const seen = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!made.has(name)) yield `output "${name}" is made by no node`;
    if (seen.has(name)) yield `output "${name}" is listed twice`;
    seen.add(name);
  }
}

/** Kinds of the attributes that mean the same in every operator of the standard. */
const attributeKinds: Readonly<Record<string, Attribute["kind"]>> = {
  ...kindOf("int", "group", "ceil_mode", "keepdims", "transA", "transB", "allowzero", "to", "count_include_pad"),
  ...kindOf("int", "axis", "blocksize", "hidden_size", "num_outputs", "storage_order", "training_mode", "batch_dims"),
  ...kindOf("float", "epsilon", "momentum", "gamma", "lambd", "bias", "cubic_coeff_a", "extrapolation_value"),
  ...kindOf("ints", "kernel_shape", "strides", "pads", "dilations", "output_padding", "perm", "split", "axes"),
  ...kindOf("string", "auto_pad", "mode", "coordinate_transformation_mode", "nearest_mode", "equation", "reduction"),
};

function kindOf(kind: Attribute["kind"], ...names: string[]): Record<string, Attribute["kind"]> {
  return Object.fromEntries(names.map((name) => [name, kind]));
}

function* wrongKinds(graph: Graph): Iterable<string> {
  for (const node of graph.nodes.filter((node) => node.domain === "")) {
    for (const [name, attribute] of node.attributes) {
      const kind = attributeKinds[name];
      if (kind === undefined || attribute.kind === kind) continue;
      yield `node "${node.name}" (${node.op}): attribute "${name}" is of kind ${attribute.kind}, it should be ${kind}`;
    }
  }
}
