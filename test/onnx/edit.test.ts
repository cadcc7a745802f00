import { expect, test } from "vitest";
import {
  type Attribute,
  consumers,
  FreshNames,
  GraphBuilder,
  type Model,
  makeNode,
  outputDifference,
  producers,
  randomInputs,
  readsOf,
  redirect,
  renameValue,
  runModel,
} from "../../src/onnx/index.ts";
import { residualNetwork } from "./networks.ts";

test("a renamed value keeps its place: input, constant, inner value or output", async () => {
  const model = residualNetwork();
  const renamed = residualNetwork();
  for (const name of ["image", "weight", "Conv", "logits"]) renameValue(renamed.graph, name, `new ${name}`);
  expect(renamed.graph.inputs[0]?.name).toBe("new image");
  expect(renamed.graph.outputs[0]?.name).toBe("new logits");
  const inputs = randomInputs(model);
  const same = new Map([["new image", inputs.get("image")!]]);
  expect(outputDifference(await runModel(model, inputs), await runModel(renamed, same))).toBe(0);
});

test("producers and consumers say who makes and who reads a value", () => {
  const { graph } = residualNetwork();
  const stem = graph.nodes.find((node) => node.op === "Relu")!.outputs[0]!;
  expect(producers(graph).get(stem)?.op).toBe("Relu");
  expect(
    consumers(graph)
      .get(stem)
      ?.map((node) => node.op),
  ).toEqual(["Conv", "Add"]);
});

test("a node reads what its subgraphs take from outside, and a redirection reaches them", () => {
  const node = branching().graph.nodes[0]!;
  expect([...readsOf(node)].sort()).toEqual(["condition", "x"]);
  const model = branching();
  redirect(model.graph, "x", "y");
  expect([...readsOf(model.graph.nodes[0]!)].sort()).toEqual(["condition", "y"]);
});

test("fresh names avoid every name in use, also within subgraphs", () => {
  const names = new FreshNames(branching().graph);
  expect([names.take("inner"), names.take("inner"), names.take("free")]).toEqual(["inner_1", "inner_2", "free"]);
});

/** A model whose only node chooses between x and its Relu. */
function branching(): Model {
  const model = residualNetwork();
  const choice = makeNode("If", ["condition"], ["chosen"]);
  choice.attributes.set("then_branch", branch("Relu")).set("else_branch", branch("Identity"));
  model.graph.nodes = [choice];
  return model;
}

/** A subgraph that applies an operator to the outer value x. */
function branch(op: string): Attribute {
  const b = new GraphBuilder(op);
  b.output(b.op(op, ["x"], {}, "inner"), "float32", undefined);
  return { kind: "graph", value: b.graph };
}
