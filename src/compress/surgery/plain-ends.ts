import {
  consumers,
  copyModel,
  intsAttribute,
  type Model,
  type Node,
  producers,
  type Rewrite,
  redirect,
  removeDeadNodes,
} from "../../onnx/index.ts";

/**
 * The network from planes of an image to logits. Networks by TensorFlow read channels last and turn them at once: the turn
 * goes. Logarithms of probabilities are logits that are shifted for each image: what shifts them goes.
 */
export const plainEnds: Rewrite = (model) => toLogits(fromPlanes(model));

const fromPlanes: Rewrite = (model) => {
  const [image] = model.graph.inputs;
  const readers = consumers(model.graph).get(image?.name ?? "") ?? [];
  if (image?.shape?.length !== 4 || readers.length === 0 || !readers.every(turnsToPlanes)) return model;
  const [batch, height, width, channels] = image.shape;
  if (channels !== 1 && channels !== 3) return model;
  const result = copyModel(model);
  const { graph } = result;
  const turned = readers.map(({ outputs }) => outputs[0]!);
  for (const name of turned) redirect(graph, name, image.name);
  graph.inputs = graph.inputs.map((input) => ({ ...input, shape: [batch, channels, height, width] }));
  graph.nodes = graph.nodes.filter(({ outputs }) => !turned.includes(outputs[0]!));
  return result;
};

const turnsToPlanes = (node: Node): boolean =>
  node.op === "Transpose" && node.domain === "" && intsAttribute(node, "perm", []).join() === "0,3,1,2";

const toLogits: Rewrite = (model) => {
  const logits = logitsOf(model);
  if (logits === undefined) return model;
  const result = copyModel(model);
  result.graph.outputs = result.graph.outputs.map((output) => ({ ...output, name: logits }));
  return removeDeadNodes(result);
};

/** What the logarithms of probabilities are computed from, where the answers are such. */
function logitsOf({ graph }: Model): string | undefined {
  const [output] = graph.outputs;
  if (output?.shape?.length !== 2) return undefined;
  const makers = producers(graph);
  const answer = makers.get(output.name);
  if (answer?.op === "LogSoftmax") return answer.inputs[0];
  if (answer?.op !== "Log") return undefined;
  const inner = makers.get(answer.inputs[0]!);
  const probabilities = inner?.op === "Max" ? makers.get(inner.inputs[0]!) : inner;
  return probabilities?.op === "Softmax" ? probabilities.inputs[0] : undefined;
}
