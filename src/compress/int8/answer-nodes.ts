import { type Graph, type Node, producers } from "../../onnx/index.ts";
import { isProduct, movementOperators } from "./operators.ts";

/** Functions of the answers that keep their order. */
const finalFunctions = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);

/**
 * The nodes that give the graph's outputs and have to stay float32: 8-bit answers would tie, and margins between them
 * would tell nothing. Movements and final functions hand on what one node computes; a matrix product gives float32
 * from integer codes and is none of these.
 */
export function answerNodes(graph: Graph): Node[] {
  const makers = producers(graph);
  const trace = (value: string): Node[] => {
    const node = makers.get(value);
    if (node === undefined || isProduct(node)) return [];
    const handsOn = movementOperators.has(node.op) || finalFunctions.has(node.op);
    return handsOn ? [node, ...trace(node.inputs[0]!)] : [node];
  };
  return graph.outputs.flatMap(({ name }) => trace(name));
}
