import { copyModel, producers, type Rewrite, readsOf } from "../edit.ts";
import type { Node } from "../graph.ts";

/** Removes nodes and constants that no output of the graph depends on. */
export const removeDeadNodes: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const makers = producers(graph);
  const live = new Set<Node>();
  const read = new Set<string>();
  const pending = graph.outputs.map((output) => output.name);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    read.add(name);
    const node = makers.get(name);
    if (node === undefined || live.has(node)) continue;
    live.add(node);
    pending.push(...readsOf(node));
  }
  graph.nodes = graph.nodes.filter((node) => live.has(node));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  graph.constants = new Map([...graph.constants].filter(([name]) => read.has(name)));
  graph.values = new Map([...graph.values].filter(([name]) => made.has(name)));
  return result;
};
