import { consumers, copyModel, producers, type Rewrite, redirect } from "../edit.ts";
import type { Graph, Node } from "../graph.ts";
import { toNumbers } from "../tensor.ts";

/** Removes Identity nodes, and Dropout nodes that drop nothing. One that joins two outputs of the graph stays. */
export const removeIdentity: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  graph.nodes = graph.nodes.filter((node) => !(isIdentity(graph, node) && bypass(graph, node)));
  return result;
};

function isIdentity(graph: Graph, node: Node): boolean {
  if (node.domain !== "") return false;
  if (node.op === "Identity") return true;
  if (node.op !== "Dropout" || isTraining(graph, node.inputs[2])) return false;
  const mask = node.outputs[1] ?? "";
  return mask === "" || (!consumers(graph).has(mask) && !isOutput(graph, mask));
}

/** A mode that is computed counts as training. */
function isTraining(graph: Graph, mode: string | undefined): boolean {
  if (mode === undefined || mode === "") return false;
  const tensor = graph.constants.get(mode);
  return tensor === undefined || toNumbers(tensor)[0] !== 0;
}

const isOutput = (graph: Graph, name: string): boolean => graph.outputs.some((output) => output.name === name);

/** Makes the node's readers read its input. An output of the graph keeps its name: its maker takes that name over. */
function bypass(graph: Graph, node: Node): boolean {
  const [from, to] = [node.inputs[0]!, node.outputs[0]!];
  if (!isOutput(graph, to)) {
    redirect(graph, to, from);
    graph.values.delete(to);
    return true;
  }
  const maker = producers(graph).get(from);
  if (maker === undefined || isOutput(graph, from)) return false;
  redirect(graph, from, to);
  maker.outputs = maker.outputs.map((output) => (output === from ? to : output));
  graph.values.delete(from);
  return true;
}
